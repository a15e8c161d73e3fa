package links

import (
	"context"
	"encoding/json"
	"path"
	"regexp"
	"slices"
	"strings"
	"sync"

	commonpb "go.temporal.io/api/common/v1"
	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/migrationlink/migrationlink/internal/dataconv"
)

// reads are the calls to Temporal that change nothing.
var reads = regexp.MustCompile(`^(Get|Describe|List|Count|Query|Poll)[A-Za-z]*$`)

// Sending is a call to Temporal that a dry run has kept back.
type Sending struct {
	WorkflowID string `json:"workflowId"`
	RunID      string `json:"runId,omitempty"`
	Starts     string `json:"starts,omitempty"`  // a workflow type
	Updates    string `json:"updates,omitempty"` // the name of an update
	Signals    string `json:"signals,omitempty"` // the name of a signal
	Input      any    `json:"input,omitempty"`
}

// dryRun keeps back each call that is not known to change nothing. It sits below the SDK, so
// that what it sees is what would be sent.
type dryRun struct {
	stored dataconv.Converters

	mu   sync.Mutex
	kept []Sending
}

func (d *dryRun) intercept(ctx context.Context, method string, request, reply any, conn *grpc.ClientConn, invoke grpc.UnaryInvoker, options ...grpc.CallOption) error {
	if reads.MatchString(path.Base(method)) {
		return invoke(ctx, method, request, reply, conn, options...)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.kept = append(d.kept, d.sending(request))
	return status.Error(codes.FailedPrecondition, "a dry run: nothing was sent")
}

func (d *dryRun) sending(request any) Sending {
	switch r := request.(type) {
	case *workflowservice.ExecuteMultiOperationRequest:
		return d.sending(r.GetOperations()[0].GetStartWorkflow())
	case *workflowservice.StartWorkflowExecutionRequest:
		return Sending{WorkflowID: r.GetWorkflowId(), Starts: r.GetWorkflowType().GetName(), Input: d.input(r.GetInput())}
	case *workflowservice.UpdateWorkflowExecutionRequest:
		input := r.GetRequest().GetInput()
		return Sending{WorkflowID: r.GetWorkflowExecution().GetWorkflowId(), RunID: r.GetWorkflowExecution().GetRunId(), Updates: input.GetName(), Input: d.input(input.GetArgs())}
	case *workflowservice.SignalWorkflowExecutionRequest:
		return Sending{WorkflowID: r.GetWorkflowExecution().GetWorkflowId(), RunID: r.GetWorkflowExecution().GetRunId(), Signals: r.GetSignalName(), Input: d.input(r.GetInput())}
	}
	return Sending{}
}

// input decodes what a payload codec may have encoded.
func (d *dryRun) input(sent *commonpb.Payloads) any {
	var input json.RawMessage
	if d.stored.Data.FromPayloads(sent, &input) != nil {
		return nil
	}
	return input
}

// Kept returns what a dry run has kept back, by workflow, and nothing for any other client.
func (c *Client) Kept() []Sending {
	if c.dry == nil {
		return nil
	}
	c.dry.mu.Lock()
	defer c.dry.mu.Unlock()
	return slices.SortedFunc(slices.Values(c.dry.kept), func(x, y Sending) int { return strings.Compare(x.WorkflowID, y.WorkflowID) })
}
