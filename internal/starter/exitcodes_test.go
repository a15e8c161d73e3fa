package starter

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/migrationlink/migrationlink/internal/console"
)

func TestTheHelpAndTheReferenceHaveTheSameExitCodes(t *testing.T) {
	t.Parallel()
	for i, code := range console.ExitCodes() {
		require.Equal(t, i, code.Code)
		require.Contains(t, rootHelp, fmt.Sprintf("\n  %-3d ", code.Code))
	}
	require.NotContains(t, rootHelp, fmt.Sprintf("\n  %-3d ", len(console.ExitCodes())))
	require.Equal(t, console.ExitWaiting, len(console.ExitCodes())-1)
}
