package config_test

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/migrationlink/migrationlink/internal/config"
)

// A worker that follows its file reads whatever is there.
func TestAFileThatWouldKillTheParserIsRefusedAtOnce(t *testing.T) {
	setKeys(t)
	const many = 100_000
	for name, content := range map[string]string{
		"lists":        "a = " + strings.Repeat("[", many),
		"lines":        "a = [\n" + strings.Repeat("[ ']', \"]\", # ]\n", many/2),
		"tables":       "a = " + strings.Repeat("{a = ", many),
		"dotted":       strings.Repeat("a.", many) + "a = 1",
		"quoted":       strings.Repeat("\"]\".", many) + "a = 1",
		"header":       "[" + strings.Repeat("a . ", many) + "a]",
		"after a text": "a = \"\"\"x\\\"\"\"\"\"\nb = " + strings.Repeat("[", many) + "\"",
	} {
		_, err := load(t, content)
		require.Contains(t, strings.Join(requireProblems(t, err), ""), "nests more than 4 levels of brackets or dotted keys; check that it is the worker's configuration", name)
	}
	_, err := load(t, strings.Repeat("#", 1<<20)+"\n")
	require.Contains(t, strings.Join(requireProblems(t, err), ""), "it is larger than 1024 KiB")
}

func TestBracketsAndDotsInTextsAndCommentsAreNoNesting(t *testing.T) {
	setKeys(t)
	const noise = "[[[[[ {{{{{ a.b.c.d.e.f"
	_, err := load(t, "# "+noise+"\n"+strings.ReplaceAll(smallest, "[managers.demo]", `[ "managers" . 'demo' ] # it's `+noise)+
		"base_path = \"/a.b.c.d.e.f.g\\u005b[[[[\"\n")
	require.NoError(t, err)
	for _, text := range []string{`"""` + "\n" + noise + ` \""" ""` + noise + `"""""`, `'''` + "\n" + noise + ` " '' '''`, `'\` + noise + `'`} {
		_, err := load(t, smallest+"[log]\nlevel = "+text+"\n")
		require.Equal(t, []string{"log.level: must be one of debug, info, warn, error"}, requireProblems(t, err))
	}
}

func TestWhatIsNoRegularFileIsRefusedWithoutWaitingForIt(t *testing.T) {
	setKeys(t)
	_, key := certify(t, time.Now().Add(time.Hour))
	pipe := filepath.Join(t.TempDir(), "pipe")
	require.NoError(t, syscall.Mkfifo(pipe, 0o600))
	for setting, want := range map[string]string{
		"ca_file = '" + pipe + "'": "managers.demo.ca_file: the CA file cannot be read: open " + pipe + ": it is not a regular file; check its path, or",
		"ca_file = '/dev/zero'":    "open /dev/zero: it is not a regular file",
		"client_cert_file = '" + pipe + "'\nclient_key_file = '" + key + "'": "managers.demo.client_cert_file: the client's certificate cannot be read: open " + pipe + ": it is not a regular file; check its path",
		"client_cert_file = '" + key + "'\nclient_key_file = '" + pipe + "'": "managers.demo.client_key_file: file:" + pipe + " cannot be read: it is not a regular file",
	} {
		_, err := load(t, smallest+setting)
		require.Contains(t, requireProblems(t, err)[0], want)
	}
	link := filepath.Join(t.TempDir(), "worker.toml")
	for _, target := range []string{pipe, "/dev/zero", t.TempDir()} {
		_ = os.Remove(link)
		require.NoError(t, os.Symlink(target, link))
		_, err := config.Load(link)
		require.Equal(t, []string{"cannot be read: open " + link + ": it is not a regular file; check the path"}, requireProblems(t, err))
	}
}
