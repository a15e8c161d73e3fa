package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/migrationlink/migrationlink/dev/stack"
	"github.com/migrationlink/migrationlink/internal/config"
)

// Not parallel: the files set the environment of this process.
func TestTheFilesOfTheStackConfigureAWorker(t *testing.T) {
	for _, v := range environment(stack.Options{}, identity{}) {
		t.Setenv(v.name, "") // to have it restored
	}
	dir := filepath.Join(t.TempDir(), "files")
	file, err := writeFiles(dir, "shown", stack.Options{SimulatorPort: 8123})
	require.NoError(t, err)
	written := read(t, file)
	require.Contains(t, written, "#   . shown/env\n#   go run ./worker --config shown/worker.toml\n")
	require.NotContains(t, written, "dev/worker.toml")
	require.Equal(t, 2, strings.Count(written, `"http://127.0.0.1:8123"`))
	for name, content := range map[string]string{"as written": written, "in the repository": workerConfig} {
		path := filepath.Join(t.TempDir(), "worker.toml")
		require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
		cfg, err := config.Load(path)
		require.NoError(t, err, name)
		require.Equal(t, os.Getenv("MIGRATIONLINK_RECIPIENT"), cfg.Tokens.Identities.Recipients()[0].String(), name)
		require.Equal(t, "demo", cfg.Atlas[0].Name)
	}

	before := read(t, filepath.Join(dir, "identity"))
	require.Regexp(t, `^# created: \S+\n# public key: age1\S+\nAGE-SECRET-KEY-1\S+\n$`, before)
	require.NoError(t, os.Chmod(filepath.Join(dir, "env"), 0o644)) //nolint:gosec // mended below
	_, err = writeFiles(dir, "shown", stack.Options{SimulatorPort: 8123})
	require.NoError(t, err)
	require.Equal(t, before, read(t, filepath.Join(dir, "identity")), "links that wait can still be opened")
	for name, mode := range map[string]os.FileMode{"": 0o700, "env": 0o600, "identity": 0o600, "worker.toml": 0o600} {
		info, err := os.Stat(filepath.Join(dir, name))
		require.NoError(t, err)
		require.Equal(t, mode, info.Mode().Perm(), name)
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	content, err := os.ReadFile(path)
	require.NoError(t, err)
	return string(content)
}
