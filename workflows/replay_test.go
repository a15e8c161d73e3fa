package workflows_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"github.com/migrationlink/migrationlink"
	"github.com/migrationlink/migrationlink/workflows"
)

// A link that was started with an earlier version goes on with this one.
func TestHistoriesOfEarlierVersionsAreReplayed(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/histories/*.json")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, name := range files {
		t.Run(filepath.Base(name), func(t *testing.T) {
			t.Parallel()
			file, err := os.Open(name)
			require.NoError(t, err)
			t.Cleanup(func() { _ = file.Close() })
			history, err := client.HistoryFromJSON(file, client.HistoryJSONOptions{})
			require.NoError(t, err)
			replayer := worker.NewWorkflowReplayer()
			replayer.RegisterWorkflowWithOptions(workflows.LinkOrganization, workflow.RegisterOptions{Name: migrationlink.LinkWorkflow})
			replayer.RegisterWorkflowWithOptions(workflows.UnlinkOrganization, workflow.RegisterOptions{Name: migrationlink.UnlinkWorkflow})
			// Under another id the workflow does something else.
			id := history.Events[0].GetWorkflowExecutionStartedEventAttributes().GetWorkflowId()
			require.NoError(t, replayer.ReplayWorkflowHistoryWithOptions(nil, history,
				worker.ReplayWorkflowHistoryOptions{OriginalExecution: workflow.Execution{ID: id}}))
		})
	}
}
