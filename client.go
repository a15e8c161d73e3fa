package migrationlink

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"strings"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	workflowpb "go.temporal.io/api/workflow/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/temporal"

	"github.com/migrationlink/migrationlink/internal/temporalerr"
)

// Client starts links, joins them and reads their outcomes, for a program with a Temporal
// client. It may be used by several goroutines at once.
type Client struct {
	temporal client.Client
	options  ClientOptions
}

// ClientOptions are all optional.
type ClientOptions struct {
	// DataConverter is that of the Temporal client. Nil means Temporal's default.
	DataConverter converter.DataConverter
	// StartedBy says who starts links, such as "user@host". Lists and statuses show it.
	StartedBy string
	// CallTimeout limits each call to Temporal. Zero means 8 s.
	CallTimeout time.Duration
}

// NewClient returns a Client that calls Temporal through temporal, which the caller closes.
func NewClient(temporal client.Client, options ClientOptions) *Client {
	if options.DataConverter == nil {
		options.DataConverter = converter.GetDefaultDataConverter()
	}
	options.CallTimeout = cmp.Or(options.CallTimeout, 8*time.Second)
	return &Client{temporal, options}
}

// start is one call of Start.
type start struct {
	*Client
	request StartRequest
	// mark is in the memo of a workflow that this call started: Temporal does not report whether
	// a call started or joined.
	mark string
}

// Start starts the workflow of a request, or joins the running one if that does exactly the
// same. It returns once Temporal has started it, whether or not a worker is running.
// Repeating the call is always safe. These errors report what became of the request:
//
//   - *ValidationError: nothing was sent.
//   - *DifferentRequestError: another request for the organization is running.
//   - *EndingError: the running workflow is being cancelled or undone.
//   - *UnknownError: the request was sent and may have been carried out.
//   - *NotStartedError: Temporal did not start the workflow in time, and nothing is running.
//   - *UnreadableError: a workflow is running whose request cannot be decoded, so it cannot be
//     compared.
//   - *InterruptedError: ctx ended; the error reports what was started. Finding that out
//     takes up to CallTimeout longer.
//   - *temporal.ApplicationError: a worker of another version refuses the request.
//
// After any other error nothing was started, or Temporal has refused to describe what was
// started, as to a caller without that permission.
func (c *Client) Start(ctx context.Context, request StartRequest) (*Run, error) {
	if err := request.Validate(); err != nil {
		return nil, err
	}
	s := start{c, request, c.options.StartedBy + " " + rand.Text()}
	run, err := s.try(ctx)
	if temporalerr.Ended(err) || c.hasEnded(ctx, err) {
		run, err = s.try(ctx)
	}
	_, known := errors.AsType[*UnknownError](err)
	switch {
	case err != nil && ctx.Err() != nil:
		return nil, s.interrupted(ctx)
	case known:
		return nil, err
	case temporalerr.Ended(err), temporalerr.Transient(err) && !temporalerr.Unsent(err):
		return nil, s.unknown("", err)
	case err != nil:
		return nil, err
	}
	return run, nil
}

func (s start) startOptions() client.StartWorkflowOptions {
	return client.StartWorkflowOptions{
		ID:                       s.request.WorkflowID(),
		TaskQueue:                TaskQueue,
		WorkflowIDConflictPolicy: enumspb.WORKFLOW_ID_CONFLICT_POLICY_USE_EXISTING,
		StaticSummary:            s.request.Summary(),
		StaticDetails:            s.request.Details(),
		Memo:                     map[string]any{StartedByMemo: s.mark},
	}
}

// try starts or joins with the update that has the workflow compare the request.
func (s start) try(ctx context.Context) (*Run, error) {
	call, cancel := context.WithTimeout(ctx, s.options.CallTimeout)
	defer cancel()
	update, err := s.temporal.UpdateWithStartWorkflow(call, client.UpdateWithStartWorkflowOptions{
		StartWorkflowOperation: s.temporal.NewWithStartWorkflowOperation(s.startOptions(), s.request.workflow(), s.request.input()),
		UpdateOptions: client.UpdateWorkflowOptions{
			UpdateName:   AcceptUpdate,
			Args:         []any{s.request},
			WaitForStage: client.WorkflowUpdateStageAccepted,
		},
	})
	switch {
	case ctx.Err() == nil && (temporalerr.UpdateTimedOut(err) || temporalerr.Transient(err)):
		return s.lookUp(ctx, err)
	case temporalerr.NotOffered(err):
		return s.tryWithoutUpdate(ctx, err)
	case err != nil:
		return nil, err
	}
	refused := refusalOf(ctx, update)
	if refused != nil && !temporalerr.UnknownUpdate(refused) {
		return nil, s.refusal(ctx, update.RunID(), refused)
	}
	if refused != nil { // by an older worker, which does not compare
		run, err := s.joinable(ctx, update.RunID())
		return run, s.afterStart(update.RunID(), err)
	}
	info, err := s.info(ctx, s.request.WorkflowID(), update.RunID())
	if err != nil {
		return nil, s.afterStart(update.RunID(), err)
	}
	run := s.runOf(info)
	run.Joined, run.accept = s.memo(info) != s.mark, update
	return run, nil
}

// tryWithoutUpdate is for a Temporal that does not offer a start with an update.
func (s start) tryWithoutUpdate(ctx context.Context, notOffered error) (*Run, error) {
	call, cancel := context.WithTimeout(ctx, s.options.CallTimeout)
	defer cancel()
	started, err := s.temporal.ExecuteWorkflow(call, s.startOptions(), s.request.workflow(), s.request.input())
	switch {
	case ctx.Err() == nil && temporalerr.Transient(err):
		return s.lookUp(ctx, err)
	case err != nil:
		return nil, err
	}
	run, err := s.joinable(ctx, started.GetRunID())
	if err == nil {
		run.noAnswer = notOffered
	}
	return run, s.afterStart(started.GetRunID(), err)
}

// afterStart is for a request that has reached a workflow: what becomes of it is not known if
// Temporal does not answer any more.
func (s start) afterStart(runID string, err error) error {
	if temporalerr.Transient(err) {
		return s.unknown(runID, err)
	}
	return err
}

// lookUp finds out what is running after a start that no worker has answered, or Temporal.
func (s start) lookUp(ctx context.Context, noAnswer error) (*Run, error) {
	run, err := s.joinable(ctx, "")
	switch {
	case err == nil:
		run.noAnswer = noAnswer
	case temporalerr.Transient(err) && !temporalerr.Unsent(noAnswer):
		return nil, s.unknown("", err)
	case temporalerr.Unsent(noAnswer) && (temporalerr.Transient(err) || temporalerr.NotFound(err)):
		return nil, noAnswer // and so nothing was started
	}
	return run, err
}

// joinable returns the workflow that this call has started, or the running one that it joins. It
// refuses one that was started by somebody else for another request. Without a run ID it may not
// have been started at all.
func (s start) joinable(ctx context.Context, runID string) (*Run, error) {
	info, err := s.info(ctx, s.request.WorkflowID(), runID)
	if err != nil {
		return nil, err
	}
	run := s.runOf(info)
	if run.Joined = s.memo(info) != s.mark; !run.Joined {
		return run, nil
	}
	if runID == "" && info.GetStatus() != enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING {
		return nil, &NotStartedError{}
	}
	running, err := s.requestOf(ctx, run)
	if err != nil {
		return nil, err
	}
	if different := running.Difference(s.request); len(different) > 0 {
		return nil, &DifferentRequestError{run, different}
	}
	return run, nil
}

func (c *Client) info(ctx context.Context, id, runID string) (*workflowpb.WorkflowExecutionInfo, error) {
	ctx, cancel := context.WithTimeout(ctx, c.options.CallTimeout)
	defer cancel()
	// DescribeWorkflow, which replaces this deprecated call, returns the memo from SDK 1.51 on.
	described, err := c.temporal.DescribeWorkflowExecution(ctx, id, runID) //nolint:staticcheck // see above
	return described.GetWorkflowExecutionInfo(), err
}

// requestOf reads from the history what a workflow was started with.
func (c *Client) requestOf(ctx context.Context, run *Run) (request StartRequest, _ error) {
	ctx, cancel := context.WithTimeout(ctx, c.options.CallTimeout)
	defer cancel()
	events := c.temporal.GetWorkflowHistory(ctx, run.WorkflowID, run.RunID, false, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	first, err := events.Next()
	if err != nil {
		return request, err
	}
	input := first.GetWorkflowExecutionStartedEventAttributes().GetInput()
	if run.Workflow == UnlinkWorkflow {
		request.Unlink = &UnlinkRequest{}
		err = c.options.DataConverter.FromPayloads(input, request.Unlink)
	} else {
		request.Link = &LinkRequest{}
		err = c.options.DataConverter.FromPayloads(input, request.Link)
	}
	if err != nil {
		return request, &UnreadableError{run, err}
	}
	return request, nil
}

// refusalOf returns at once why a workflow refuses an update, or nil.
func refusalOf(ctx context.Context, update client.WorkflowUpdateHandle) *temporal.ApplicationError {
	ctx, cancel := context.WithCancel(ctx)
	cancel() // what is not answered yet was accepted
	refused, _ := errors.AsType[*temporal.ApplicationError](update.Get(ctx, nil))
	return refused
}

// refusal is the error for a running workflow that does not take the request.
func (s start) refusal(ctx context.Context, runID string, refused *temporal.ApplicationError) error {
	run := &Run{WorkflowID: s.request.WorkflowID(), RunID: runID, Joined: true, client: s.Client}
	if info, err := s.info(ctx, run.WorkflowID, runID); err == nil {
		run = s.runOf(info)
		run.Joined = true
	}
	switch refused.Type() {
	case ErrDifferentRequest:
		fields := FieldsOf(refused)
		if fields == nil {
			fields = []FieldProblem{{"request", refused.Message()}}
		}
		return &DifferentRequestError{run, fields}
	case ErrAlreadyEnded:
		return &EndingError{run}
	}
	return refused
}

// endTimeout is what Temporal needs to close a workflow that has nothing more to do.
const endTimeout = time.Second

// hasEnded reports whether a run that was ending has ended. An undo takes longer, and is
// not waited for.
func (c *Client) hasEnded(ctx context.Context, err error) bool {
	ending, ok := errors.AsType[*EndingError](err)
	if !ok {
		return false
	}
	ctx, cancel := context.WithTimeout(ctx, endTimeout)
	defer cancel()
	_, err = ending.Run.Result(ctx)
	return err == nil
}

// interrupted finds out what a Start whose context has ended leaves behind.
func (s start) interrupted(ctx context.Context) error {
	interrupted := &InterruptedError{Err: ctx.Err()}
	info, err := s.info(context.WithoutCancel(ctx), s.request.WorkflowID(), "")
	switch {
	case err != nil && !temporalerr.NotFound(err):
		interrupted.Unknown = true
	case err == nil && s.memo(info) == s.mark:
		interrupted.Run = s.runOf(info)
	case info.GetStatus() == enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING:
		interrupted.Run = s.runOf(info)
		interrupted.Run.Joined = true
	}
	return interrupted
}

func (s start) unknown(runID string, err error) error { return &UnknownError{s.run(runID), err} }

func (s start) run(runID string) *Run {
	return &Run{WorkflowID: s.request.WorkflowID(), RunID: runID, Workflow: s.request.workflow(), client: s.Client}
}

func (c *Client) runOf(info *workflowpb.WorkflowExecutionInfo) *Run {
	return &Run{
		WorkflowID: info.GetExecution().GetWorkflowId(), RunID: info.GetExecution().GetRunId(),
		Workflow: info.GetType().GetName(), StartedBy: StartedBy(c.memo(info)), client: c,
	}
}

// memo is the StartedByMemo of a workflow.
func (c *Client) memo(info *workflowpb.WorkflowExecutionInfo) (text string) {
	if payload := info.GetMemo().GetFields()[StartedByMemo]; payload != nil {
		_ = c.options.DataConverter.FromPayload(payload, &text) // what cannot be read was written by somebody else
	}
	return text
}

// StartedBy returns who started a workflow, given its StartedByMemo. What Start adds to it, to
// recognize what it has started, is left out.
func StartedBy(memo string) string {
	const markLength = 26 // of crypto/rand.Text at least, which a workflow must not call
	i := strings.LastIndexByte(memo, ' ')
	if mark := memo[i+1:]; i >= 0 && len(mark) >= markLength && strings.Trim(mark, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567") == "" {
		return memo[:i]
	}
	return memo
}
