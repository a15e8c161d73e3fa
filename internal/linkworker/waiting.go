package linkworker

import (
	"context"
	"fmt"
	"slices"

	workflowpb "go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/converter"

	"github.com/migrationlink/migrationlink"
	"github.com/migrationlink/migrationlink/internal/temporalconn"
)

// underWay finds what this application runs in the namespace.
const underWay = "ExecutionStatus = 'Running' AND WorkflowId STARTS_WITH '" + migrationlink.WorkflowIDPrefix + "'"

// Links counts the links and removals that are under way in the namespace.
func (w *Worker) Links(ctx context.Context) (int64, error) {
	counted, err := w.temporal.CountWorkflow(ctx, &workflowservice.CountWorkflowExecutionsRequest{Query: underWay})
	return counted.GetCount(), err
}

// Waiting is what links and removals under way are counted by.
type Waiting struct {
	Manager string // empty for one that this worker does not know
	Blocked bool   // waits for a person
	Version string // of the worker, where it is pinned to one, such as migrationlink:v1
}

// Waiting counts them: it asks for all, as Temporal does not know who is blocked.
// Each of the worker's managers is there, also with none.
func (w *Worker) Waiting(ctx context.Context) (map[Waiting]int64, error) {
	counted := map[Waiting]int64{}
	for _, manager := range w.managers {
		for _, blocked := range []bool{false, true} {
			counted[Waiting{manager, blocked, w.version}] = 0
		}
	}
	request := &workflowservice.ListWorkflowExecutionsRequest{
		Query: fmt.Sprintf("%s AND WorkflowType IN (%q, %q)", underWay, migrationlink.LinkWorkflow, migrationlink.UnlinkWorkflow),
	}
	for {
		page, err := w.temporal.ListWorkflow(ctx, request)
		if err != nil {
			return nil, err
		}
		for _, info := range page.GetExecutions() {
			if waiting, ok := w.waiting(info); ok {
				counted[waiting]++
			}
		}
		if request.NextPageToken = page.GetNextPageToken(); len(request.NextPageToken) == 0 {
			return counted, nil
		}
	}
}

func (w *Worker) waiting(info *workflowpb.WorkflowExecutionInfo) (_ Waiting, ok bool) {
	manager, _, ok := migrationlink.SplitWorkflowID(info.GetExecution().GetWorkflowId())
	if !slices.Contains(w.managers, manager) {
		manager = ""
	}
	var phase migrationlink.Phase
	_ = converter.GetDefaultDataConverter().FromPayload(info.GetMemo().GetFields()[migrationlink.PhaseMemo], &phase) // there may be none
	var version string
	_ = converter.GetDefaultDataConverter().FromPayload(info.GetSearchAttributes().GetIndexedFields()[temporalconn.VersionAttribute], &version) // or none
	return Waiting{manager, phase == migrationlink.PhaseBlocked, version}, ok
}
