package e2e_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestDemoLinksAndLeavesNothingBehind(t *testing.T) {
	t.Parallel()
	temporary := t.TempDir()
	done := runProgram(t, []string{"TMPDIR=" + temporary}, devProgram, "demo")
	require.Zero(t, done.code, "%s%s", done.stdout, done.stderr)
	require.Less(t, done.took, 30*time.Second)
	require.Contains(t, done.stderr, "syncing") // the creation may be over before anybody looks
	require.Contains(t, done.stdout, "linked: organization")
	left, err := filepath.Glob(filepath.Join(temporary, "*"))
	require.NoError(t, err)
	require.Empty(t, left)
	_, err = os.Stat(".dev")
	require.ErrorIs(t, err, os.ErrNotExist)
}
