package observability_test

import (
	"io/fs"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// logged finds the texts of log lines in the sources.
var logged = regexp.MustCompile(`(?:ogger|GetLogger\(ctx\))\.(?:Debug|Info|Warn|Error)\("([^"]+)"`)

func TestEveryLogLineIsExplained(t *testing.T) {
	t.Parallel()
	explained := read(t, "../../docs/reference/log.md")
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
		require.Contains(t, explained, "| `"+line, "docs/reference/log.md tells its fields")
	}
}
