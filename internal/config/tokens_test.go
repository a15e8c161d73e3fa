package config_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/migrationlink/migrationlink"
	"github.com/migrationlink/migrationlink/internal/config"
	"github.com/migrationlink/migrationlink/internal/seal"
)

func TestIdentitiesKeepTheirOrder(t *testing.T) {
	setKeys(t)
	first, one := generate(t)
	second, two := generate(t)
	third, three := generate(t)
	t.Setenv("IDENTITY", third)
	file := write(t, "identities", "# new\n"+first+"\n# old\n"+second+"\n")
	c, err := load(t, fmt.Sprintf("%s[tokens]\nidentities = [\"env:IDENTITY\", \"file:%s\"]", smallest, file))
	require.NoError(t, err)

	var names []string
	for _, recipient := range c.Tokens.Identities.Recipients() {
		names = append(names, recipient.String())
	}
	require.Equal(t, []string{three, one, two}, names)
	require.Contains(t, c.Files, file)
}

func TestInvalidIdentitiesAreReportedByIndexWithoutTheirContent(t *testing.T) {
	setKeys(t)
	identity, recipient := generate(t)
	t.Setenv("IDENTITY", identity)
	t.Setenv("NO_IDENTITY", canary)
	open := write(t, "open", identity)
	require.NoError(t, os.Chmod(open, 0o644)) //nolint:gosec // that is the point
	for list, want := range map[string]string{
		`["env:IDENTITY", "env:NO_IDENTITY"]`:           "tokens.identities[1]: env:NO_IDENTITY: line 1 is no age identity",
		`["` + identity + `"]`:                          "tokens.identities[0]: is not a reference; keep the key out of this file",
		`["file:` + write(t, "empty", "# none") + `"]`:  "holds no identity; put one into it",
		`["file:` + write(t, "wrong", recipient) + `"]`: "line 1 is no age identity",
		`["file:` + open + `"]`:                         "mode 0644 lets every user of the machine read it; chmod 600 it",
		`["file:/none"]`:                                "file:/none cannot be read",
		`[""]`:                                          "tokens.identities[0]: is missing",
		`[5]`:                                           `tokens.identities: must be a list of texts in double quotes, like ["file:/path"]`,
		`"env:IDENTITY"`:                                "tokens.identities: must be a list",
		`[]`:                                            "tokens.identities: is empty; leave it out",
	} {
		_, err := load(t, smallest+"[tokens]\nidentities = "+list)
		require.Contains(t, strings.Join(requireProblems(t, err), "\n"), want)
		require.NotContains(t, err.Error(), identity)
		require.Len(t, requireProblems(t, err), 1, list)
	}
}

func TestTheDirectoryOfLinkTokensMustBeAbsolute(t *testing.T) {
	setKeys(t)
	_, err := load(t, smallest+"[tokens]\ndirectory = \".\"")
	require.Equal(t, []string{"tokens.directory: must be an absolute path, so that it does not depend on where the worker is started"}, requireProblems(t, err))
}

func TestKeyFilesThatOthersMayReadAreRejectedUnlessAllowed(t *testing.T) {
	setKeys(t)
	directory := t.TempDir()
	key := filepath.Join(t.TempDir(), "key")
	for _, path := range []string{key, filepath.Join(directory, "key")} {
		require.NoError(t, os.WriteFile(path, []byte(canary), 0o600))
		require.NoError(t, os.Chmod(path, 0o644)) //nolint:gosec // that is the point
	}
	path := write(t, "worker.toml", strings.ReplaceAll(smallest, "env:DEMO_PRIVATE_KEY", "file:"+key)+
		fmt.Sprintf("[tokens]\ndirectory = %q", directory))

	_, err := config.Load(path)
	require.Equal(t, []string{"managers.demo.private_key: file:" + key + ": mode 0644 lets every user of the machine read it; " +
		"chmod 600 it, or 440 and give it to a group of the worker's user alone (in a mounted secret set the mode of its files)"}, requireProblems(t, err))

	c, err := config.Source{Path: path, AllowReadableKeys: true}.Load()
	require.NoError(t, err)
	require.Equal(t, canary, c.Managers[0].PrivateKey.Reveal())
	token, err := c.Tokens.Source().Resolve(migrationlink.TokenSource{Ref: "file:key"})
	require.NoError(t, err)
	require.Equal(t, canary, token.Reveal())
}

func generate(t *testing.T) (identity, recipient string) {
	t.Helper()
	key, public, err := seal.GenerateIdentity(false)
	require.NoError(t, err)
	return key.Reveal(), public.String()
}

func write(t *testing.T, name, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
	return path
}
