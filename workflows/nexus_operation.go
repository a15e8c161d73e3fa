package workflows

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"strings"

	"github.com/nexus-rpc/sdk-go/nexus"
	commonpb "go.temporal.io/api/common/v1"
	"go.temporal.io/api/serviceerror"
	workflowpb "go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/temporalnexus"

	"github.com/migrationlink/migrationlink"
	"github.com/migrationlink/migrationlink/internal/payload"
	"github.com/migrationlink/migrationlink/workflows/link"
)

// guestPrefix starts the id of the workflow of an operation that joins. It is not the
// prefix of a business key, and each operation has a workflow of its own, so that each
// can be cancelled alone.
const guestPrefix = "nexus."

// operation starts a workflow under its business key. If one is running there, the
// operation starts a guest, which joins it or is refused as different.
type operation[R migrationlink.Request] struct {
	nexus.UnimplementedOperation[converter.RawValue, migrationlink.LinkResult]
	name, workflowType string
}

func newOperation[R migrationlink.Request](reference nexus.OperationReference[R, migrationlink.LinkResult], workflowType string) *operation[R] {
	return &operation[R]{name: reference.Name(), workflowType: workflowType}
}

// Name is that of the contract.
func (o *operation[R]) Name() string { return o.name }

// Start takes the input as it arrived, because the SDK would decode input of any size.
func (o *operation[R]) Start(ctx context.Context, input converter.RawValue, options nexus.StartOperationOptions) (nexus.HandlerStartOperationResult[migrationlink.LinkResult], error) {
	var run workflowRun
	started, err := o.withHandler(func(ctx context.Context, input converter.RawValue, options nexus.StartOperationOptions) (_ workflowRun, err error) {
		run, err = o.start(ctx, input, options)
		return run, err
	}).Start(ctx, input, options)
	if err != nil || strings.HasPrefix(run.ID(), guestPrefix) {
		return started, err
	}
	token, err := newToken(temporalnexus.GetOperationInfo(ctx).Namespace, run)
	return &nexus.HandlerStartOperationResultAsync{OperationToken: token}, err
}

type workflowRun = temporalnexus.WorkflowHandle[migrationlink.LinkResult]

// withHandler returns the operation of the SDK. Its callbacks, links and request ids are used.
func (o *operation[R]) withHandler(start func(context.Context, converter.RawValue, nexus.StartOperationOptions) (workflowRun, error)) nexus.Operation[converter.RawValue, migrationlink.LinkResult] {
	return temporalnexus.MustNewWorkflowRunOperationWithOptions(
		temporalnexus.WorkflowRunOperationOptions[converter.RawValue, migrationlink.LinkResult]{Name: o.name, Handler: start})
}

// start starts the workflow under the business key, or a guest if one is running there. A
// repeated call finds what the first one started: Temporal knows its request id. An operation
// that has a guest keeps it, even if the business key is free by now.
func (o *operation[R]) start(ctx context.Context, input converter.RawValue, options nexus.StartOperationOptions) (workflowRun, error) {
	var request R
	if err := payload.Request(input, &request); err != nil {
		return nil, badRequest(err)
	}
	asked := migrationlink.NewStartRequest(request)
	if err := asked.Validate(); err != nil {
		return nil, badRequest(err)
	}
	id := shortID(options.RequestID)
	guestID := guestPrefix + asked.WorkflowID() + "." + id
	execute := func(workflowID string, memo map[string]any) (workflowRun, error) {
		memo[migrationlink.StartedByMemo] = callerOf(options.Links)
		return temporalnexus.ExecuteUntypedWorkflow[migrationlink.LinkResult](ctx, options, client.StartWorkflowOptions{
			ID:            workflowID,
			TaskQueue:     migrationlink.TaskQueue,
			StaticSummary: asked.Summary(),
			StaticDetails: asked.Details(),
			Memo:          memo,
		}, o.workflowType, request)
	}
	_, err := describe(ctx, guestID)
	if isNotFound(err) {
		run, err := execute(asked.WorkflowID(), map[string]any{link.OperationMemo: id})
		if _, running := errors.AsType[*serviceerror.WorkflowExecutionAlreadyStarted](err); !running {
			return run, err
		}
	} else if err != nil {
		return nil, err
	}
	return execute(guestID, map[string]any{})
}

// Cancel cancels the workflow that the operation has started. The signal says that it is the
// caller who cancels: a cancellation by anybody else is a failure to the caller. A workflow
// that accepts no more signals is cancelled nevertheless.
func (o *operation[R]) Cancel(ctx context.Context, token string, options nexus.CancelOperationOptions) error {
	own, direct := readToken(token)
	if !direct {
		return o.withHandler(o.start).Cancel(ctx, token, options)
	}
	temporal := temporalnexus.GetClient(ctx)
	info, err := describe(ctx, own.WorkflowID)
	if err != nil {
		return err
	}
	if info.GetFirstRunId() != own.RunID { // a reset keeps it
		return nexus.NewHandlerErrorf(nexus.HandlerErrorTypeNotFound, "the workflow %s that this operation started has ended", own.WorkflowID)
	}
	runID := info.GetExecution().GetRunId()
	err = temporal.SignalWorkflow(ctx, own.WorkflowID, runID, migrationlink.CancelSignal, link.Cancelling{ByOperation: true})
	if _, full := errors.AsType[*serviceerror.InvalidArgument](err); full {
		return temporal.CancelWorkflow(ctx, own.WorkflowID, runID)
	}
	return err
}

// token is that of an operation that has started the workflow under the business key: the
// token of the SDK with the run. Others run under the same id later. A worker of an
// earlier version cancels by the id.
type token struct {
	Type       int    `json:"t"` // 1: a run of a workflow
	Namespace  string `json:"ns"`
	WorkflowID string `json:"wid"`
	RunID      string `json:"rid"`
}

func newToken(namespace string, run workflowRun) (string, error) {
	text, err := json.Marshal(token{Type: 1, Namespace: namespace, WorkflowID: run.ID(), RunID: run.RunID()})
	return base64.RawURLEncoding.EncodeToString(text), err
}

// readToken reports false for any other token.
func readToken(encoded string) (own token, direct bool) {
	text, err := base64.RawURLEncoding.DecodeString(encoded)
	if err != nil || json.Unmarshal(text, &own) != nil {
		return token{}, false
	}
	_, _, isKey := migrationlink.SplitWorkflowID(own.WorkflowID)
	return own, isKey && own.RunID != ""
}

// shortID returns the id that the caller's Temporal gave an operation, or a hash of one
// that is too long for the id of a workflow.
func shortID(requestID string) string {
	if len(requestID) <= 64 {
		return requestID
	}
	sum := sha256.Sum256([]byte(requestID))
	return hex.EncodeToString(sum[:16])
}

// describe returns what Temporal knows of the latest run under an id.
func describe(ctx context.Context, workflowID string) (*workflowpb.WorkflowExecutionInfo, error) {
	described, err := temporalnexus.GetClient(ctx).WorkflowService().DescribeWorkflowExecution(ctx, &workflowservice.DescribeWorkflowExecutionRequest{
		Namespace: temporalnexus.GetOperationInfo(ctx).Namespace,
		Execution: &commonpb.WorkflowExecution{WorkflowId: workflowID},
	})
	return described.GetWorkflowExecutionInfo(), err
}

func isNotFound(err error) bool {
	_, unknown := errors.AsType[*serviceerror.NotFound](err)
	return unknown
}
