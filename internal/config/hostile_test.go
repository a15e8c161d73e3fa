package config_test

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/migrationlink/migrationlink/internal/config"
)

// A worker that follows its file reads whatever is there.
func TestAFileThatWouldOverloadTheParserIsRejectedAtOnce(t *testing.T) {
	setKeys(t)
	const size = 64 << 10
	fill := func(text string) string { return strings.Repeat(text, (size-1000)/len(text)) }
	const deep = "it has more than 100 braces, or a line with more than 100 dots; check that it is the right file"
	for name, test := range map[string]struct{ content, problem string }{
		"tables":                 {"a = " + fill("{a = "), deep},
		"tables on many lines":   {"a = " + fill("{\na = "), deep},
		"tables of lists":        {"a = " + fill("[{a="), deep},
		"dotted":                 {fill("a.") + "a = 1", deep},
		"dotted, with space":     {fill("a . ") + "a = 1", deep},
		"quoted":                 {fill("\"]\".") + "a = 1", deep},
		"header":                 {"[" + fill("a.") + "a]", deep},
		"list of tables":         {"[[" + fill("a.") + "a]]", deep},
		"after a text":           {"a = \"\"\"x\\\"\"\"\"\"\nb = " + fill("{a="), deep},
		"lists":                  {"a = " + fill("["), "is not valid TOML"},
		"lists that end":         {"a = " + strings.Repeat("[", size/2-8) + strings.Repeat("]", size/2-8), "a: unknown key"},
		"lists on many lines":    {"a = [\n" + fill("[ ']', \"]\", # ]\n"), "is not valid TOML"},
		"as deep as is accepted": {fill(strings.Repeat("a.", 100) + "a = {}\n"), deep},
		"just below that":        {"a = " + strings.Repeat("{a=", 99) + "1" + strings.Repeat("}", 99) + "\n" + fill("["+strings.Repeat("b.", 100)+"b]\n"), "is not valid TOML"},
		"too large":              {strings.Repeat("#", size) + "\n", "it is larger than 64 KiB"},
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := load(t, test.content)
		runtime.ReadMemStats(&after)
		require.Contains(t, strings.Join(requireProblems(t, err), ""), test.problem, name)
		require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(64<<20), name)
	}
}

func TestAFileThatIsNotRegularIsRejectedWithoutWaiting(t *testing.T) {
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
