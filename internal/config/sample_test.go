package config_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/migrationlink/migrationlink/internal/config"
)

// setting is a line of the sample, in use or not.
var setting = regexp.MustCompile(`(?m)^#?(\[[a-z.]+\]|([a-z0-9_]+) *= .*)$`)

func TestTheSampleIsAcceptedAndHasEveryKey(t *testing.T) {
	t.Parallel()
	directory := t.TempDir()
	certificate, key := certify(t, time.Now().Add(time.Hour))
	identity, _ := generate(t)
	for name, content := range map[string]string{
		"keys/prod_public_key": "public", "keys/prod_private_key": canary, "keys/identity": identity,
		"keys/atlas_public_key": "public", "keys/atlas_private_key": canary, "keys/atlas_client_id": "id", "keys/atlas_client_secret": canary,
		"keys/client.key": read(t, key), "client.pem": read(t, certificate), "ca.pem": read(t, certificate), "tokens/none": "",
	} {
		path := filepath.Join(directory, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o700))
		require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
	}
	sample := strings.ReplaceAll(read(t, "../../examples/worker.toml"), "/etc/migrationlink", directory)
	path := filepath.Join(directory, "worker.toml")
	accepted := func(content string) config.Config {
		require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
		c, err := config.Load(path)
		require.NoError(t, err)
		require.Empty(t, c.Warnings)
		return c
	}
	require.Equal(t, "prod", accepted(sample).Managers[0].Name)

	// Each key that is shown as a comment, with one of the two kinds of credentials.
	var lines []string
	for _, line := range setting.FindAllStringSubmatch(sample, -1) {
		lines = append(lines, line[1])
	}
	all := strings.Join(lines, "\n")
	for _, unused := range []string{"public_key  = \"file:" + directory + "/keys/atlas", "private_key = \"file:" + directory + "/keys/atlas", "client_id", "client_secret"} {
		require.Contains(t, all, "\n"+unused)
	}
	c := accepted(regexp.MustCompile(`(?m)^client_(id|secret).*$`).ReplaceAllString(all, ""))
	require.Len(t, c.Atlas, 1)
	require.NotEmpty(t, c.Atlas[0].TLS.Certificate)
	accepted(regexp.MustCompile(`(?m)^(public|private)_key .*atlas.*$`).ReplaceAllString(all, ""))

	_, err := load(t, all+"\nunknown = 1\n[log]")
	require.Error(t, err)
	for key := range strings.SplitSeq(knownKeys(t), ", ") {
		require.Regexp(t, `(?m)^`+key+` *=`, all, "the sample lacks a key")
	}
}

// knownKeys are those that the worker names for unknown ones.
func knownKeys(t *testing.T) string {
	t.Helper()
	_, err := load(t, "[log]\nx=1\n[http]\nx=1\n[worker]\nx=1\n[tokens]\nx=1\n[assessment]\nx=1\n[managers.a]\nx=1\n[atlas.a]\nx=1\n")
	var keys []string
	for _, problem := range requireProblems(t, err) {
		if _, known, found := strings.Cut(problem, "x: unknown key; known here are "); found {
			keys = append(keys, known)
		}
	}
	require.Len(t, keys, 7)
	return strings.Join(keys, ", ")
}
