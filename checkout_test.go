package migrationlink_test

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// With CRLF the scripts that compose mounts do not start in their containers.
func TestACheckoutOnWindowsKeepsItsLineEnds(t *testing.T) {
	t.Parallel()
	listed, err := exec.CommandContext(t.Context(), "git", "ls-files", "--eol").Output()
	if err != nil {
		t.Skip("this is not a git checkout")
	}
	for line := range strings.Lines(string(listed)) {
		require.NotContains(t, line, "i/crlf")
		require.NotContains(t, line, "i/mixed")
		if strings.HasPrefix(line, "i/lf") {
			require.Contains(t, line, "eol=lf")
		}
	}
}
