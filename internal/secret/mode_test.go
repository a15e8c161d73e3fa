package secret_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/migrationlink/migrationlink"
	"github.com/migrationlink/migrationlink/internal/secret"
)

func TestAFileThatOthersMayReadOrChangeIsRefusedWithItsModeAndTheRemedy(t *testing.T) {
	t.Parallel()
	directory := t.TempDir()
	for mode, problem := range map[os.FileMode]string{
		0o400: "",
		0o600: "",
		0o440: "",
		0o640: "",
		0o644: "mode 0644 lets every user of the machine read it; chmod 600 it",
		0o604: "mode 0604 lets every user of the machine read it",
		0o602: "mode 0602 lets every user of the machine change it",
		0o601: "mode 0601 gives every user of the machine a right to it",
		0o660: "mode 0660 lets its group change it",
		0o777: "mode 0777 lets every user of the machine read it",
	} {
		t.Run(mode.String(), func(t *testing.T) {
			t.Parallel()
			path := write(t, directory, "key-"+mode.String(), canary)
			require.NoError(t, os.Chmod(path, mode))
			link := path + ".link" // has a mode of 0777 of its own
			require.NoError(t, os.Symlink(filepath.Base(path), link))
			request := migrationlink.TokenSource{Ref: "file:" + filepath.Base(link)}

			for _, named := range []string{path, link} {
				key, err := secret.Resolve("file:" + named)
				requireOutcome(t, key.Reveal(), err, canary, problem)
				key, err = secret.Reader{}.ResolveText("file:" + named)
				requireOutcome(t, key.Reveal(), err, canary, problem)
			}
			token, err := secret.NewTokens(directory).Resolve(request)
			requireOutcome(t, token.Reveal(), err, canary, problem)

			key, err := secret.Reader{AllowReadable: true}.Resolve("file:" + link)
			requireOutcome(t, key.Reveal(), err, canary, "")
			token, err = secret.NewTokens(directory).AllowReadable().Resolve(request)
			requireOutcome(t, token.Reveal(), err, canary, "")
		})
	}
}

func TestATextOfSeveralLinesIsKeptAsItIs(t *testing.T) {
	t.Parallel()
	path := write(t, t.TempDir(), "identities", "# comment\n"+canary+"\n")
	text, err := secret.Reader{}.ResolveText("file:" + path)
	require.NoError(t, err)
	require.Equal(t, "# comment\n"+canary+"\n", text.Reveal())
}
