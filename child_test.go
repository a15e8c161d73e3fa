package migrationlink_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/workflow"

	"github.com/migrationlink/migrationlink"
)

// All of the options are compared: one more would be another promise.
func TestAChildHasNoIdAndNoTimeoutAndOutlivesATerminatedParent(t *testing.T) {
	t.Parallel()
	const org = "5f1b2c3d4e5f6a7b8c9d0e1f"
	for summary, options := range map[string]workflow.ChildWorkflowOptions{
		"Link organization " + org + " of manager demo":   migrationlink.ChildOptions(migrationlink.LinkRequest{Manager: "demo", OrgID: org}),
		"Unlink organization " + org + " of manager demo": migrationlink.ChildOptions(migrationlink.UnlinkRequest{Manager: "demo", OrgID: org}),
	} {
		require.Equal(t, workflow.ChildWorkflowOptions{
			TaskQueue:           migrationlink.TaskQueue,
			WaitForCancellation: true,
			ParentClosePolicy:   enumspb.PARENT_CLOSE_POLICY_ABANDON,
			StaticSummary:       summary,
		}, options)
	}
}
