package migrationlink_test

import (
	"bytes"
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Whoever calls inherits what the contract imports.
func TestTheContractImportsOnlyWhatACallerHasAnyway(t *testing.T) {
	t.Parallel()
	const itself = "github.com/migrationlink/migrationlink"
	has := map[string]bool{itself: true}
	for _, imported := range deps(t, "std", "go.temporal.io/sdk/workflow", "go.temporal.io/sdk/temporal", "go.temporal.io/sdk/client", "github.com/nexus-rpc/sdk-go/nexus") {
		has[imported] = true
	}
	for _, imported := range deps(t, itself) {
		require.True(t, has[imported], "the root package imports %s, directly or not", imported)
	}
}

// The examples show what a caller needs: nothing else of this module.
func TestTheExamplesImportOnlyTheContract(t *testing.T) {
	t.Parallel()
	for _, imported := range deps(t, "./examples/child", "./examples/nexus") {
		if below, ours := strings.CutPrefix(imported, "github.com/migrationlink/migrationlink/"); ours {
			require.True(t, strings.HasPrefix(below, "examples/"), "an example imports %s, directly or not", imported)
		}
	}
}

// deps are the packages and all that they import, directly or not.
func deps(t *testing.T, packages ...string) []string {
	t.Helper()
	command := exec.Command("go", append([]string{"list", "-deps"}, packages...)...)
	var problems bytes.Buffer
	command.Stderr = &problems
	listed, err := command.Output()
	require.NoError(t, err, "%s", &problems)
	return strings.Fields(string(listed))
}
