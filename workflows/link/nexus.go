package link

import (
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/workflow"

	"github.com/migrationlink/migrationlink"
	"github.com/migrationlink/migrationlink/internal/payload"
)

// OperationMemo is in the memo of a workflow that a Nexus operation has started under the
// business key: the operation's request id. What the workflow returns is told to its caller.
const OperationMemo = "nexusOperation"

// Cancelling is the payload with which an operation cancels the workflow that it started. It is
// also a migrationlink.CancelRequest.
type Cancelling struct {
	ByOperation bool `json:"byOperation,omitempty"`
}

func isByOperation(input converter.RawValue) bool {
	var cancelling Cancelling
	return payload.Decode(input, &cancelling) == nil && cancelling.ByOperation
}

// forOperation returns the result for whoever started the workflow. To the caller of a Nexus
// operation, a cancellation by somebody else is a failure. Lists show it as cancelled.
func (o *operation) forOperation(ctx workflow.Context) migrationlink.LinkResult {
	_, byOperation := workflow.GetInfo(ctx).Memo.GetFields()[OperationMemo]
	if !byOperation || o.result.Outcome != migrationlink.OutcomeCancelled {
		return o.result
	}
	var input converter.RawValue
	for !o.desk.byOperation && o.desk.cancels.ReceiveAsync(&input) {
		o.desk.byOperation = isByOperation(input)
		input = converter.RawValue{}
	}
	if o.desk.byOperation {
		return o.result
	}
	o.remember(ctx, map[string]any{migrationlink.PhaseMemo: string(migrationlink.OutcomeCancelled)})
	return o.cancelledByOther(o.result)
}
