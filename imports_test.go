package migrationlink_test

import (
	"bytes"
	"os/exec"
	"slices"
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
	has[itself+"/internal/temporalerr"] = true // what it imports is listed as well
	for _, imported := range deps(t, itself) {
		require.True(t, has[imported], "the root package imports %s, directly or not", imported)
	}
}

// The examples show what a caller needs: nothing else of this module.
func TestTheExamplesImportOnlyTheContract(t *testing.T) {
	t.Parallel()
	contract := deps(t, "github.com/migrationlink/migrationlink")
	for _, imported := range deps(t, "./examples/child", "./examples/nexus") {
		if below, ours := strings.CutPrefix(imported, "github.com/migrationlink/migrationlink/"); ours {
			require.True(t, strings.HasPrefix(below, "examples/") || slices.Contains(contract, imported), "an example imports %s, directly or not", imported)
		}
	}
}

// A worker in a program of its own needs the one public package for that.
func TestTheExampleOfAWorkerImportsNothingInternalItself(t *testing.T) {
	t.Parallel()
	listed, err := exec.Command("go", "list", "-f", `{{join .Imports "\n"}}`, "./examples/codec").Output()
	require.NoError(t, err)
	require.Contains(t, string(listed), "github.com/migrationlink/migrationlink/worker/library")
	require.NotContains(t, string(listed), "/internal/")
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
