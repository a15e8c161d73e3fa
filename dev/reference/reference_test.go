package main

import (
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const (
	directory = "../../docs/reference"
	checkedIn = directory + "/cli.md"
)

var update = flag.Bool("update", false, "write the generated pages of docs/reference")

func TestTheCommittedPageMatchesTheHelp(t *testing.T) {
	t.Parallel()
	want, err := markdown(t.Context())
	require.NoError(t, err)
	if *update {
		require.NoError(t, os.WriteFile(checkedIn, []byte(want), 0o644))
	}
	have, err := os.ReadFile(checkedIn)
	require.NoError(t, err)
	require.Equal(t, want, string(have), "docs/reference/cli.md does not match the help: run %s", regenerate)
	require.Contains(t, want, "\n## starter link\n")
	require.NotRegexp(t, `\b20\d\d-`, want, "no example has a date, which would expire")
}

func TestTheCommittedPagesMatchTheCode(t *testing.T) {
	t.Parallel()
	request, err := requestPage(directory + "/schema.json")
	require.NoError(t, err)
	written, err := os.ReadFile(directory + "/simulator.md")
	require.NoError(t, err)
	simulator, err := simulatorPage(string(written))
	require.NoError(t, err)
	for name, want := range map[string]string{
		"simulator.md": simulator,
		"errors.md":    errorsPage(), "exit-codes.md": exitCodesPage(), "worker-toml.md": workerPage(), "request-and-result.md": request,
	} {
		file := filepath.Join(directory, name)
		if *update {
			require.NoError(t, os.WriteFile(file, []byte(want), 0o644))
		}
		have, err := os.ReadFile(file)
		require.NoError(t, err)
		require.Equal(t, want, string(have), "docs/reference/%s does not match the code: run %s", name, regenerate)
	}
}

func TestEveryCommandHasAManPageWithAllOfItsHelp(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	require.NoError(t, writeManPages(dir))
	for _, command := range commands() {
		text, err := os.ReadFile(filepath.Join(dir, strings.ReplaceAll(command, " ", "-")+".1"))
		require.NoError(t, err, command)
		for _, heading := range []string{".SH NAME", ".SH SYNOPSIS", ".SH DESCRIPTION", ".SH OPTIONS", ".SH EXAMPLE"} {
			require.Contains(t, string(text), heading, command)
		}
	}
	root, err := os.ReadFile(filepath.Join(dir, "starter.1"))
	require.NoError(t, err)
	require.Contains(t, string(root), "\n  11  the command stopped waiting after --timeout; the link continues\n", "lines of a table stay lines")
	require.Contains(t, string(root), "TEMPORAL_TLS_*")
	require.Regexp(t, regexp.MustCompile(`\\fBstarter-link\(1\)\\fP`), string(root))
}
