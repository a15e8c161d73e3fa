package migrationlink

import (
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/workflow"
)

// ChildOptions are those with which a workflow executes LinkWorkflow or
// UnlinkWorkflow as its child:
//
//   - The workflow id is left to Temporal. A child with the business key of the
//     organization would fail where one is running; one with any other id joins it.
//   - A cancellation waits until the link is undone, so that no parent ends while
//     its link is still being removed.
//   - A parent that is terminated leaves the link running. Started again, the parent
//     joins it.
//   - No timeout: the limits are those of the request. A timeout of Temporal ends only the
//     wait of the parent: the link continues, and the parent does not learn its outcome.
func ChildOptions[R Request](request R) workflow.ChildWorkflowOptions {
	return workflow.ChildWorkflowOptions{
		TaskQueue:           TaskQueue,
		WaitForCancellation: true,
		ParentClosePolicy:   enumspb.PARENT_CLOSE_POLICY_ABANDON,
		StaticSummary:       NewStartRequest(request).Summary(),
	}
}
