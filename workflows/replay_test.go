package workflows_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/nexus-rpc/sdk-go/nexus"
	"github.com/stretchr/testify/require"
	historypb "go.temporal.io/api/history/v1"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"github.com/migrationlink/migrationlink"
	"github.com/migrationlink/migrationlink/workflows"
)

// A link that was started with an earlier version goes on with this one.
func TestHistoriesOfEarlierVersionsAreReplayed(t *testing.T) {
	t.Parallel()
	for name, recorded := range histories(t, "*") {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			replayer := worker.NewWorkflowReplayer()
			workflows.Register(onlyWorkflows{replayer: replayer}, nil)
			// Under another id the workflow does something else.
			id := recorded.GetEvents()[0].GetWorkflowExecutionStartedEventAttributes().GetWorkflowId()
			require.NoError(t, replayer.ReplayWorkflowHistoryWithOptions(nil, recorded,
				worker.ReplayWorkflowHistoryOptions{OriginalExecution: workflow.Execution{ID: id}}))
		})
	}
}

// What was never recorded is never replayed.
func TestEveryOutcomeOfEveryWorkflowIsRecorded(t *testing.T) {
	t.Parallel()
	found := map[string]bool{}
	for _, recorded := range histories(t, "next") {
		started := recorded.GetEvents()[0].GetWorkflowExecutionStartedEventAttributes().GetWorkflowType().GetName()
		found[started+" "+string(recordedOutcome(recorded))] = true
	}
	link, unlink := migrationlink.LinkWorkflow+" ", migrationlink.UnlinkWorkflow+" "
	for _, outcome := range []migrationlink.Outcome{migrationlink.OutcomeFailed, migrationlink.OutcomeTimedOut, migrationlink.OutcomeCancelled} {
		require.Contains(t, found, link+string(outcome))
		require.Contains(t, found, unlink+string(outcome))
	}
	require.Contains(t, found, link+string(migrationlink.OutcomeLinked))
	require.Contains(t, found, link+string(migrationlink.OutcomeAlreadyLinked))
	require.Contains(t, found, unlink+string(migrationlink.OutcomeUnlinked))
	require.Contains(t, found, unlink+string(migrationlink.OutcomeNotLinked))
	for _, reads := range []string{migrationlink.InspectWorkflow, migrationlink.AssessWorkflow, migrationlink.OrganizationsWorkflow, migrationlink.ProjectsWorkflow} {
		require.Contains(t, found, reads+" ")
	}
}

// histories are those in the folders that fit, by folder and name. There is one at
// least.
func histories(t *testing.T, folder string) map[string]*historypb.History {
	t.Helper()
	const root = "testdata/histories"
	files, err := filepath.Glob(filepath.Join(root, folder, "*.json"))
	require.NoError(t, err)
	require.NotEmpty(t, files, "see %s/README.md", root)
	found := map[string]*historypb.History{}
	for _, name := range files {
		file, err := os.Open(name)
		require.NoError(t, err)
		recorded, err := client.HistoryFromJSON(file, client.HistoryJSONOptions{})
		require.NoError(t, err, name)
		require.NoError(t, file.Close())
		found[strings.TrimPrefix(name, root+"/")] = recorded
	}
	return found
}

// recordedOutcome is how the workflow of a history has ended; empty where it has no
// outcome.
func recordedOutcome(recorded *historypb.History) migrationlink.Outcome {
	last := recorded.GetEvents()[len(recorded.GetEvents())-1]
	ended := last.GetWorkflowExecutionCompletedEventAttributes().GetResult()
	if failure := last.GetWorkflowExecutionFailedEventAttributes().GetFailure(); failure != nil {
		ended = failure.GetApplicationFailureInfo().GetDetails()
	}
	if canceled := last.GetWorkflowExecutionCanceledEventAttributes(); canceled != nil {
		ended = canceled.GetDetails()
	}
	var result migrationlink.LinkResult
	_ = converter.GetDefaultDataConverter().FromPayloads(ended, &result) // none
	return result.Outcome
}

// onlyWorkflows registers with a replayer, which calls no activities.
type onlyWorkflows struct {
	worker.Registry // the rest is not called
	replayer        worker.WorkflowReplayer
}

func (o onlyWorkflows) RegisterWorkflowWithOptions(do any, options workflow.RegisterOptions) {
	o.replayer.RegisterWorkflowWithOptions(do, options)
}
func (onlyWorkflows) RegisterNexusService(*nexus.Service)                       {}
func (onlyWorkflows) RegisterActivityWithOptions(any, activity.RegisterOptions) {}
