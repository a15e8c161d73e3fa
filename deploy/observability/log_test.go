package observability_test

import (
	"io/fs"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// logged are the words of a line, where the programs write it.
var logged = regexp.MustCompile(`(?:ogger|GetLogger\(ctx\))\.(?:Debug|Info|Warn|Error)\("([^"]+)"`)

func TestEveryLineOfOursInTheLogIsExplained(t *testing.T) {
	t.Parallel()
	_, explained, found := strings.Cut(read(t, runbookFile), "\n## Log\n")
	require.True(t, found)
	lines := map[string]bool{}
	sources := os.DirFS("../..")
	for _, directory := range []string{"activities", "internal", "worker", "workflows"} {
		require.NoError(t, fs.WalkDir(sources, directory, func(path string, _ fs.DirEntry, err error) error {
			if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return err
			}
			source, err := fs.ReadFile(sources, path)
			for _, line := range logged.FindAllStringSubmatch(string(source), -1) {
				lines[line[1]] = true
			}
			return err
		}))
	}
	require.Greater(t, len(lines), 10)
	for line := range lines {
		require.Contains(t, explained, "| `"+line, "docs/operations.md tells its fields")
	}
}
