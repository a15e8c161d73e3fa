package links

import (
	"fmt"
	"time"

	commonpb "go.temporal.io/api/common/v1"
	enumspb "go.temporal.io/api/enums/v1"
	workflowpb "go.temporal.io/api/workflow/v1"
	"go.temporal.io/sdk/converter"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/migrationlink/migrationlink"
)

var testStart = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func payloads(values ...any) *commonpb.Payloads {
	encoded, err := converter.GetDefaultDataConverter().ToPayloads(values...)
	if err != nil {
		panic(err)
	}
	return encoded
}

// org is the id of the nth organization of a test.
func org(n int) string { return fmt.Sprintf("%024x", n) }

// listedRun is a run of the nth organization that began so many minutes after
// testStart, and ended when it ends.
func listedRun(n, began int, change ...func(*workflowpb.WorkflowExecutionInfo)) *workflowpb.WorkflowExecutionInfo {
	info := &workflowpb.WorkflowExecutionInfo{
		Execution: &commonpb.WorkflowExecution{WorkflowId: migrationlink.WorkflowID("demo", org(n)), RunId: fmt.Sprintf("run-%d-%d", n, began)},
		Type:      &commonpb.WorkflowType{Name: migrationlink.LinkWorkflow},
		Status:    enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING,
		StartTime: timestamppb.New(testStart.Add(time.Duration(began) * time.Minute)),
	}
	for _, c := range change {
		c(info)
	}
	return info
}

func ended(at int, status enumspb.WorkflowExecutionStatus) func(*workflowpb.WorkflowExecutionInfo) {
	return func(info *workflowpb.WorkflowExecutionInfo) {
		info.Status, info.CloseTime = status, timestamppb.New(testStart.Add(time.Duration(at)*time.Minute))
	}
}

func noted(name, text string) func(*workflowpb.WorkflowExecutionInfo) {
	return func(info *workflowpb.WorkflowExecutionInfo) {
		if info.Memo == nil {
			info.Memo = &commonpb.Memo{Fields: map[string]*commonpb.Payload{}}
		}
		info.Memo.Fields[name] = payloads(text).GetPayloads()[0]
	}
}

func unlinking(info *workflowpb.WorkflowExecutionInfo) {
	info.Type.Name = migrationlink.UnlinkWorkflow
}

const (
	completed = enumspb.WORKFLOW_EXECUTION_STATUS_COMPLETED
	broke     = enumspb.WORKFLOW_EXECUTION_STATUS_FAILED
)

// everyState has one organization in each state; the last one's link was made
// after it had failed.
func everyState() []*workflowpb.WorkflowExecutionInfo {
	return []*workflowpb.WorkflowExecutionInfo{
		listedRun(1, 110, noted(migrationlink.StartedByMemo, "ann@host")),
		listedRun(2, 30, noted(migrationlink.PhaseMemo, "blocked")),
		listedRun(3, 50, ended(55, completed), unlinking),
		listedRun(4, 10, ended(50, broke), noted(migrationlink.PhaseMemo, "timed-out")),
		listedRun(5, 0, ended(41, enumspb.WORKFLOW_EXECUTION_STATUS_TIMED_OUT)),
		listedRun(6, 0, ended(31, broke), noted(migrationlink.PhaseMemo, "blocked")),
		listedRun(7, 0, ended(21, enumspb.WORKFLOW_EXECUTION_STATUS_CANCELED)),
		listedRun(8, 0, ended(11, enumspb.WORKFLOW_EXECUTION_STATUS_TERMINATED)),
		listedRun(9, 5, ended(6, completed)),
		listedRun(9, 0, ended(1, broke)),
	}
}
