package starter

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/migrationlink/migrationlink/internal/console"
	"github.com/migrationlink/migrationlink/internal/seal"
	"github.com/migrationlink/migrationlink/redact"
)

// recipientIn is the recipient of the only identity in a file.
func recipientIn(t *testing.T, text string) string {
	t.Helper()
	identities, err := seal.ParseIdentities(redact.NewSecret(text))
	require.NoError(t, err)
	require.Len(t, identities.Recipients(), 1)
	return identities.Recipients()[0].String()
}

func TestKeygenWritesAFileForItsOwnerOnlyAndPrintsTheRecipient(t *testing.T) {
	t.Parallel()
	for kind, flags := range map[string][]string{"AGE-SECRET-KEY-1": nil, "AGE-SECRET-KEY-PQ-1": {"--post-quantum"}} {
		file := filepath.Join(t.TempDir(), "identity.txt")
		command := append([]string{"keygen", "--output-file", file}, flags...)
		done := newCommand(nil).run(t.Context(), command...)
		require.Equal(t, console.ExitOK, done.code, done.stderr)
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		recipient := strings.TrimSpace(done.stdout)
		require.Equal(t, recipientIn(t, string(text)), recipient)
		require.Regexp(t, "^# created: 2026-03-01T12:00:12Z\n# public key: "+recipient+"\n"+kind+"[A-Z0-9]+\n$", string(text))
		info, err := os.Stat(file)
		require.NoError(t, err)
		require.Equal(t, os.FileMode(0o600), info.Mode())

		again := newCommand(nil).run(t.Context(), command...)
		require.Equal(t, console.ExitOther, again.code)
		require.Contains(t, again.stderr, file+" already exists; nothing was written\nName another file")
		after, err := os.ReadFile(file)
		require.NoError(t, err)
		require.Equal(t, text, after)

		var printed struct{ File, Recipient string }
		done = newCommand(nil).run(t.Context(), append([]string{"keygen", "-o", "json", "--output-file", file + "2"}, flags...)...)
		require.NoError(t, json.Unmarshal([]byte(done.stdout), &printed), done.stderr)
		require.Equal(t, file+"2", printed.File)
		require.NotContains(t, done.stdout, "SECRET")
	}
}

func TestKeygenPrintsTheFormatOfAgeKeygen(t *testing.T) {
	t.Parallel()
	done := newCommand(nil).run(t.Context(), "keygen")
	require.Equal(t, console.ExitOK, done.code)
	require.Equal(t, "Public key: "+recipientIn(t, done.stdout)+"\n", done.stderr)

	done = newCommand(nil).run(t.Context(), "keygen", "--output-file", filepath.Join(t.TempDir(), "none", "identity.txt"))
	require.Equal(t, console.ExitOther, done.code)
	require.Contains(t, done.stderr, "cannot be written: no such file or directory")
}
