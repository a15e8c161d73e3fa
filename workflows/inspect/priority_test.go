package inspect

import (
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/workflow"

	"github.com/migrationlink/migrationlink/activities"
)

// The test environment tells an activity no priority.
func TestInspectionsDoNotGoBeforePolls(t *testing.T) {
	t.Parallel()
	var suite testsuite.WorkflowTestSuite
	w := suite.NewTestWorkflowEnvironment()
	w.ExecuteWorkflow(func(ctx workflow.Context) error {
		require.Equal(t, activities.Background, workflow.GetActivityOptions(inspecting(ctx, "demo", "manager demo")).Priority)
		return nil
	})
	require.NoError(t, w.GetWorkflowError())
}
