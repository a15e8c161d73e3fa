package secret_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/migrationlink/migrationlink"
	"github.com/migrationlink/migrationlink/internal/secret"
)

const canary = "c4n4ry-5ecret"

func TestAReferenceOfTheConfigurationIsResolvedOrRefusedWithTheRemedy(t *testing.T) {
	directory := t.TempDir()
	file := func(content string) string {
		return "file:" + write(t, directory, fmt.Sprintf("key-%d", len(content)), content)
	}
	t.Setenv("KEY", canary)
	t.Setenv("EMPTY", "")
	t.Setenv("MARK", "\ufeff"+canary)
	t.Setenv("ESCAPE", canary+"\x1b")
	t.Setenv("TWO_LINES", canary+"\nmore")
	require.NoError(t, syscall.Mkfifo(directory+"/pipe", 0o600))

	for name, test := range map[string]struct{ reference, want, problem string }{
		"variable":             {"env:KEY", canary, ""},
		"file":                 {file(canary), canary, ""},
		"line end of a file":   {file(canary + "\r\n"), canary, ""},
		"byte order mark":      {file("\ufeff" + canary + "\r\n"), canary, ""},
		"mark in a variable":   {"env:MARK", canary, ""},
		"UTF-16":               {file("c\x004\x00"), "", "cannot be used: it is UTF-16 (little-endian)"},
		"zero width":           {file(canary + "\u200b"), "", "cannot be used: line 1 has a character that is not printable (U+200B); remove it"},
		"escape in a variable": {"env:ESCAPE", "", "env:ESCAPE cannot be used: line 1 has a character that is not printable (U+001B)"},
		"unset variable":       {"env:UNSET_VARIABLE", "", "env:UNSET_VARIABLE is not set; set it in"},
		"empty variable":       {"env:EMPTY", "", "env:EMPTY is empty; put the key into it"},
		"empty file":           {file("\n"), "", "is empty; put the key into it"},
		"more than the key":    {"env:TWO_LINES", "", "put the key alone into it"},
		"missing file":         {"file:" + directory + "/none", "", "no such file or directory; check that"},
		"directory":            {"file:" + directory, "", "not a regular file"},
		"pipe":                 {"file:" + directory + "/pipe", "", "not a regular file"},
		"relative path":        {"file:key", "", "must be absolute"},
		"huge file":            {file(strings.Repeat("x", 64<<10+1)), "", "larger than 64 KiB"},
		"nothing":              {"", "", `is missing; set it to "env:NAME"`},
		"value itself":         {canary, "", "is not a reference; keep the key out of this file"},
		"value behind env":     {"env:" + canary, "", "is not a reference"},
		"value with its colon": {canary + ":x", "", "is not a reference"},
	} {
		t.Run(name, func(t *testing.T) {
			value, err := secret.Resolve(test.reference)
			requireOutcome(t, value.Reveal(), err, test.want, test.problem)
		})
	}
}

func TestALinkTokenIsResolvedOrRefusedWithTheRemedy(t *testing.T) {
	directory := t.TempDir()
	write(t, directory, "demo", "\n "+canary+"\t\n")
	write(t, directory, "empty", " \n")
	write(t, directory, "windows", "\ufeff"+canary+"\r\n")
	write(t, directory, "wide", "\xff\xfec\x004\x00")
	write(t, directory, "binary", canary+"\xe9")
	write(t, directory, "lines", canary+"\n"+canary)
	write(t, directory, "identity", "# created\nAGE-SECRET-KEY-1"+canary)
	write(t, directory, "huge", strings.Repeat("x", 64<<10+1))
	require.NoError(t, os.MkdirAll(filepath.Join(directory, "sub"), 0o700))
	write(t, directory, "sub/demo", canary)
	require.NoError(t, syscall.Mkfifo(directory+"/pipe", 0o600))
	t.Setenv("LINK_TOKEN_DEMO", canary+"\n")
	t.Setenv("LINK_TOKEN_MARK", "\ufeff"+canary+"\r\n")
	t.Setenv("LINK_TOKEN_PEM", "-----BEGIN PRIVATE KEY-----\n"+canary)
	t.Setenv("LINK_TOKEN_EMPTY", " ")
	t.Setenv("OTHER_SECRET", canary)

	for name, test := range map[string]struct{ directory, reference, want, problem string }{
		"variable":               {"", "env:LINK_TOKEN_DEMO", canary, ""},
		"file":                   {directory, "file:demo", canary, ""},
		"file below":             {directory, "file:sub/demo", canary, ""},
		"another variable":       {directory, "env:OTHER_SECRET", "", `must be "env:LINK_TOKEN_NAME"`},
		"prefix only":            {directory, "env:LINK_TOKEN_", "", `must be "env:LINK_TOKEN_NAME"`},
		"unset variable":         {directory, "env:LINK_TOKEN_NONE", "", "env:LINK_TOKEN_NONE is not set; set it in the environment of every worker"},
		"empty variable":         {directory, "env:LINK_TOKEN_EMPTY", "", "is empty; put the link-token into it, alone and as Atlas has shown it"},
		"empty file":             {directory, "file:empty", "", "is empty; put the link-token into it, alone and as Atlas has shown it"},
		"missing file":           {directory, "file:none", "", "file:none cannot be read: no such file or directory; check"},
		"huge file":              {directory, "file:huge", "", "larger than 64 KiB"},
		"pipe":                   {directory, "file:pipe", "", "not a regular file"},
		"byte order mark, CRLF":  {directory, "file:windows", canary, ""},
		"mark in a variable":     {"", "env:LINK_TOKEN_MARK", canary, ""},
		"UTF-16":                 {directory, "file:wide", "", "file:wide cannot be used: it is UTF-16 (little-endian)"},
		"no text":                {directory, "file:binary", "", "file:binary cannot be used: line 1 is not UTF-8 text"},
		"two lines":              {directory, "file:lines", "", "file:lines holds more than one word; put the link-token into it, alone"},
		"an identity":            {directory, "file:identity", "", "file:identity holds an identity, the secret key of the workers"},
		"a private key":          {"", "env:LINK_TOKEN_PEM", "", "env:LINK_TOKEN_PEM holds a key or a certificate in PEM form"},
		"no directory":           {"", "file:demo", "", "set tokens.directory"},
		"directory is not there": {directory + "/none", "file:demo", "", "check tokens.directory"},
		"token itself":           {directory, canary, "", `must be "env:LINK_TOKEN_NAME"`},
		"nothing":                {directory, "", "", `must be "env:LINK_TOKEN_NAME"`},
	} {
		t.Run(name, func(t *testing.T) {
			token, err := secret.NewTokens(test.directory).Resolve(migrationlink.TokenSource{Ref: test.reference})
			requireOutcome(t, token.Reveal(), err, test.want, test.problem)
		})
	}
}

func TestNoReferenceEscapesTheDirectoryOfTokens(t *testing.T) {
	t.Parallel()
	above := t.TempDir()
	directory := filepath.Join(above, "tokens")
	require.NoError(t, os.Mkdir(directory, 0o700))
	outside := write(t, above, "outside", canary)
	for link, target := range map[string]string{
		"absolute":  outside,
		"relative":  "../outside",
		"directory": "..",
		"home":      "loop", "loop": "home",
	} {
		require.NoError(t, os.Symlink(target, filepath.Join(directory, link)))
	}
	for _, name := range []string{
		"../outside", "..", ".", "", "/etc/passwd", outside, "x/../../outside",
		"absolute", "relative", "directory", "directory/outside", "home", "../tokens/../outside", "outside\x00",
	} {
		token, err := secret.NewTokens(directory).Resolve(migrationlink.TokenSource{Ref: "file:" + name})
		require.Error(t, err, name)
		require.Empty(t, token.Reveal(), name)
		require.NotContains(t, err.Error(), canary, name)
	}
}

// Kubernetes replaces a mounted secret by renaming one such link.
func TestAMountedSecretIsReadThroughItsLinksAndSeenWhenReplaced(t *testing.T) {
	t.Parallel()
	directory := t.TempDir()
	for _, version := range []string{"..1", "..2"} {
		require.NoError(t, os.Mkdir(filepath.Join(directory, version), 0o700))
		write(t, directory, version+"/demo", "token"+version)
	}
	require.NoError(t, os.Symlink("..data/demo", filepath.Join(directory, "demo")))
	tokens := secret.NewTokens(directory)
	for _, version := range []string{"..1", "..2"} {
		require.NoError(t, os.Symlink(version, filepath.Join(directory, "..new")))
		require.NoError(t, os.Rename(filepath.Join(directory, "..new"), filepath.Join(directory, "..data")))
		token, err := tokens.Resolve(migrationlink.TokenSource{Ref: "file:demo"})
		require.NoError(t, err)
		require.Equal(t, "token"+version, token.Reveal())
	}
}

func requireOutcome(t *testing.T, got string, err error, want, problem string) {
	t.Helper()
	if problem == "" {
		require.NoError(t, err)
		require.Equal(t, want, got)
		return
	}
	require.ErrorContains(t, err, problem)
	require.NotContains(t, err.Error(), canary)
	require.Empty(t, got)
}

func write(t *testing.T, directory, name, content string) string {
	t.Helper()
	path := filepath.Join(directory, name)
	require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
	return path
}
