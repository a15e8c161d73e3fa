package secret_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/migrationlink/migrationlink"
	"github.com/migrationlink/migrationlink/internal/local/localtest"
	"github.com/migrationlink/migrationlink/internal/secret"
	"github.com/migrationlink/migrationlink/internal/textfile"
)

func TestAProblemOfTheMachineIsNotBlamedOnTheRequest(t *testing.T) {
	directory := t.TempDir()
	write(t, directory, "token", canary)
	require.NoError(t, os.Chmod(write(t, directory, "open", canary), 0o644)) //nolint:gosec // that is the point
	t.Setenv("LINK_TOKEN_EMPTY", "")

	resolve := func(directory, reference string) error {
		_, err := secret.NewTokens(directory).Resolve(migrationlink.TokenSource{Ref: reference})
		return err
	}
	var token, key, file error
	localtest.WithoutFiles(t, func() {
		token = resolve(directory, "file:token")
		_, key = secret.Resolve("file:" + directory + "/token")
		_, file = textfile.ReadFile(directory+"/token", 1)
	})
	require.NoError(t, resolve(directory, "file:token"), "later all is well")
	for what, test := range map[string]struct {
		err     error
		local   bool
		problem string
	}{
		"no free file for the directory": {token, true, "too many open files; raise the limit of open files"},
		"no free file for the key":       {key, true, "/token cannot be read: too many open files; this is a problem of the worker's machine: raise the limit of open files"},
		"no free file for a file":        {file, true, "too many open files"},
		"directory is not there":         {resolve(directory+"/none", "file:token"), true, "no such file or directory; mount or create it, or check tokens.directory"},
		"directory is a file":            {resolve(directory+"/token", "file:token"), true, "check tokens.directory"},
		"directory is not mounted":       {resolve(t.TempDir(), "file:token"), true, "file:token cannot be read: the worker's directory of link-tokens is empty"},
		"missing file":                   {resolve(directory, "file:none"), false, "no such file"},
		"wrong mode":                     {resolve(directory, "file:open"), false, "mode 0644"},
		"unset variable":                 {resolve(directory, "env:LINK_TOKEN_NOT_SET"), false, "is not set"},
		"empty variable":                 {resolve(directory, "env:LINK_TOKEN_EMPTY"), false, "is empty"},
		"no directory is configured":     {resolve("", "file:token"), false, "set tokens.directory"},
		"way out of the directory":       {resolve(directory, "file:../x"), false, "must be"},
	} {
		require.ErrorContains(t, test.err, test.problem, what)
		require.Equal(t, test.local, secret.IsLocal(test.err), what)
		require.NotContains(t, test.err.Error(), canary, what)
	}
	require.False(t, secret.IsLocal(nil))
}

// A device that cannot be read: the memory of this process at address 0.
func TestAnUnreadableFileIsAProblemOfTheMachine(t *testing.T) {
	t.Parallel()
	if _, err := os.Stat("/proc/self/mem"); err != nil {
		t.Skip("only Linux has a file that answers every read with EIO")
	}
	directory := t.TempDir()
	require.NoError(t, os.Symlink("/proc/self/mem", filepath.Join(directory, "token")))
	_, err := secret.Resolve("file:" + filepath.Join(directory, "token"))
	require.ErrorContains(t, err, "input/output error; this is a problem of the worker's machine: check the disk or the mount")
	require.True(t, secret.IsLocal(err))
}
