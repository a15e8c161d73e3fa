package starter

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"path"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	commonpb "go.temporal.io/api/common/v1"
	enumspb "go.temporal.io/api/enums/v1"
	historypb "go.temporal.io/api/history/v1"
	querypb "go.temporal.io/api/query/v1"
	"go.temporal.io/api/serviceerror"
	updatepb "go.temporal.io/api/update/v1"
	workflowpb "go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/temporal"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/migrationlink/migrationlink"
	"github.com/migrationlink/migrationlink/internal/console"
	"github.com/migrationlink/migrationlink/internal/links"
	"github.com/migrationlink/migrationlink/internal/words"
)

const testOrg = "5f1b2c3d4e5f6a7b8c9d0e1f"

const testRunID = "0198c0de-0000-7000-8000-000000000001"

var testStart = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

var testRun = links.Run{Job: words.Job{Manager: "demo", OrgID: testOrg, Workflow: migrationlink.LinkWorkflow}, RunID: testRunID}

var targets = []string{"--manager", "demo", "--org", testOrg}

// fakeTemporal is a Temporal that holds one link, behind the SDK's real client:
// so what the commands read is what Temporal's own encoding makes of it.
type fakeTemporal struct {
	workflowservice.UnimplementedWorkflowServiceServer

	address string
	stop    func()
	// onDescribe is called with every look at the link.
	onDescribe func()
	// refuseCall refuses calls before they do anything, by the name of the method;
	// holdReply keeps back the reply to what was done.
	refuseCall func(method string) error
	holdReply  func(method string) bool

	mu     sync.Mutex
	exists bool
	memo   *commonpb.Memo
	// asked is what the workflow under way was started with; a LinkRequest as
	// the commands of the tests make it, by default.
	asked any
	// refuse is what the workflow makes of the updates that it gets, by name;
	// answers is what it answers to them. What has neither waits for an answer
	// until the end.
	refuse  map[string]error
	answers map[string]any
	updates []*workflowservice.UpdateWorkflowExecutionRequest
	// refuseOnce is for the first update only; onUpdate is called before an
	// update is answered, and deaf lets the one that starts do nothing.
	refuseOnce error
	onUpdate   func()
	deaf       bool
	pending    []*workflowpb.PendingActivityInfo
	status     *migrationlink.Status // nil: no worker answers
	end        *historypb.HistoryEvent
	ended      chan struct{}
	listed     []*workflowpb.WorkflowExecutionInfo // nil: lists are not offered
	starts     []*workflowservice.StartWorkflowExecutionRequest
	reads      []*workflowservice.StartWorkflowExecutionRequest // of workflows that change nothing
	signals    []*workflowservice.SignalWorkflowExecutionRequest
	cancels    []*workflowservice.RequestCancelWorkflowExecutionRequest
	// assessment is what the workers make of the organization; nil: assessments are refused.
	assessment *migrationlink.Assessment
	// endOfReads is the last event of workflows that change nothing; they return the assessment by default.
	endOfReads *historypb.HistoryEvent
	// endOnSignal is how the link ends when it is asked to cancel.
	endOnSignal error
}

func newFakeTemporal(t *testing.T) *fakeTemporal {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	f := &fakeTemporal{address: listener.Addr().String(), ended: make(chan struct{}), refuse: map[string]error{}, answers: map[string]any{migrationlink.RetryUpdate: *syncing()}}
	server := grpc.NewServer(grpc.UnaryInterceptor(f.call))
	workflowservice.RegisterWorkflowServiceServer(server, f)
	go func() { _ = server.Serve(listener) }()
	f.stop = server.Stop
	t.Cleanup(server.Stop)
	return f
}

func (f *fakeTemporal) call(ctx context.Context, request any, info *grpc.UnaryServerInfo, handle grpc.UnaryHandler) (any, error) {
	method := path.Base(info.FullMethod)
	if f.refuseCall != nil {
		if err := f.refuseCall(method); err != nil {
			return nil, serviceerror.ToStatus(err).Err()
		}
	}
	reply, err := handle(ctx, request)
	if f.holdReply != nil && f.holdReply(method) {
		<-ctx.Done()
		return nil, serviceerror.ToStatus(ctx.Err()).Err() // the reply itself could come before the caller's deadline
	}
	return reply, err
}

// running makes a link of somebody else's be under way.
func (f *fakeTemporal) running() *fakeTemporal {
	f.exists = true
	f.memo = &commonpb.Memo{Fields: map[string]*commonpb.Payload{
		migrationlink.StartedByMemo: payloads("ana@ops1 ABCDEFGHIJKLMNOPQRSTUVWXYZ").GetPayloads()[0],
	}}
	return f
}

// ends makes the link end, with its result or with what the workflow returned.
func (f *fakeTemporal) ends(result migrationlink.LinkResult, err error) *fakeTemporal {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.exists, f.end = true, closeEvent(result, err)
	close(f.ended)
	return f
}

func (f *fakeTemporal) GetSystemInfo(context.Context, *workflowservice.GetSystemInfoRequest) (*workflowservice.GetSystemInfoResponse, error) {
	return &workflowservice.GetSystemInfoResponse{Capabilities: &workflowservice.GetSystemInfoResponse_Capabilities{}}, nil
}

// ExecuteMultiOperation starts or joins, and passes the update on.
func (f *fakeTemporal) ExecuteMultiOperation(ctx context.Context, r *workflowservice.ExecuteMultiOperationRequest) (*workflowservice.ExecuteMultiOperationResponse, error) {
	f.start(r.GetOperations()[0].GetStartWorkflow())
	updated, err := f.UpdateWorkflowExecution(ctx, r.GetOperations()[1].GetUpdateWorkflow())
	if err != nil {
		return nil, err
	}
	return &workflowservice.ExecuteMultiOperationResponse{Responses: []*workflowservice.ExecuteMultiOperationResponse_Response{
		{Response: &workflowservice.ExecuteMultiOperationResponse_Response_StartWorkflow{StartWorkflow: &workflowservice.StartWorkflowExecutionResponse{RunId: testRunID}}},
		{Response: &workflowservice.ExecuteMultiOperationResponse_Response_UpdateWorkflow{UpdateWorkflow: updated}},
	}}, nil
}

// StartWorkflowExecution starts or joins.
func (f *fakeTemporal) StartWorkflowExecution(_ context.Context, r *workflowservice.StartWorkflowExecutionRequest) (*workflowservice.StartWorkflowExecutionResponse, error) {
	name := r.GetWorkflowType().GetName()
	reads := name == migrationlink.AssessWorkflow || f.assessment != nil && name != migrationlink.LinkWorkflow && name != migrationlink.UnlinkWorkflow
	switch {
	case reads && f.assessment == nil:
		return nil, serviceerror.ToStatus(serviceerror.NewPermissionDenied("no assessments", "")).Err()
	case !reads:
		f.start(r)
	default:
		f.mu.Lock()
		defer f.mu.Unlock()
		f.reads = append(f.reads, r)
	}
	return &workflowservice.StartWorkflowExecutionResponse{RunId: testRunID}, nil
}

func (f *fakeTemporal) start(r *workflowservice.StartWorkflowExecutionRequest) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.deaf || f.exists && f.end == nil {
		return
	}
	f.starts = append(f.starts, r)
	f.exists, f.memo = true, r.GetMemo()
}

// errNoWorker is what Temporal says when no worker takes an update.
var errNoWorker = serviceerror.NewDeadlineExceeded("no worker")

func (f *fakeTemporal) UpdateWorkflowExecution(ctx context.Context, r *workflowservice.UpdateWorkflowExecutionRequest) (*workflowservice.UpdateWorkflowExecutionResponse, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.updates = append(f.updates, r)
	if f.onUpdate != nil {
		f.onUpdate()
		<-ctx.Done()
		return nil, serviceerror.ToStatus(ctx.Err()).Err()
	}
	name := r.GetRequest().GetInput().GetName()
	response := &workflowservice.UpdateWorkflowExecutionResponse{
		UpdateRef: &updatepb.UpdateRef{
			WorkflowExecution: &commonpb.WorkflowExecution{WorkflowId: testRun.WorkflowID(), RunId: testRunID},
			UpdateId:          name,
		},
		Stage: enumspb.UPDATE_WORKFLOW_EXECUTION_LIFECYCLE_STAGE_ACCEPTED,
	}
	refused := cmp.Or(f.refuseOnce, f.refuse[name])
	f.refuseOnce = nil
	if _, ok := errors.AsType[*temporal.ApplicationError](refused); ok {
		response.Stage = enumspb.UPDATE_WORKFLOW_EXECUTION_LIFECYCLE_STAGE_COMPLETED
		response.Outcome = &updatepb.Outcome{Value: &updatepb.Outcome_Failure{Failure: temporal.GetDefaultFailureConverter().ErrorToFailure(refused)}}
	} else if refused != nil {
		return nil, serviceerror.ToStatus(refused).Err()
	}
	return response, nil
}

func (f *fakeTemporal) PollWorkflowExecutionUpdate(ctx context.Context, r *workflowservice.PollWorkflowExecutionUpdateRequest) (*workflowservice.PollWorkflowExecutionUpdateResponse, error) {
	f.mu.Lock()
	answer, ok := f.answers[r.GetUpdateRef().GetUpdateId()]
	f.mu.Unlock()
	if !ok {
		<-ctx.Done()
		return nil, serviceerror.ToStatus(ctx.Err()).Err()
	}
	return &workflowservice.PollWorkflowExecutionUpdateResponse{
		Outcome: &updatepb.Outcome{Value: &updatepb.Outcome_Success{Success: payloads(answer)}},
	}, nil
}

func (f *fakeTemporal) DescribeWorkflowExecution(context.Context, *workflowservice.DescribeWorkflowExecutionRequest) (*workflowservice.DescribeWorkflowExecutionResponse, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.onDescribe != nil {
		f.onDescribe()
	}
	if !f.exists {
		return nil, serviceerror.ToStatus(serviceerror.NewNotFound("workflow not found")).Err()
	}
	info := &workflowpb.WorkflowExecutionInfo{
		Execution: &commonpb.WorkflowExecution{WorkflowId: testRun.WorkflowID(), RunId: testRunID},
		StartTime: timestamppb.New(testStart),
		Status:    enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING,
		Type:      &commonpb.WorkflowType{Name: f.workflowType()},
		Memo:      f.memo,
	}
	if f.end != nil {
		info.Status, info.CloseTime = closeStatus(f.end), timestamppb.New(testStart.Add(time.Minute))
	}
	return &workflowservice.DescribeWorkflowExecutionResponse{WorkflowExecutionInfo: info, PendingActivities: f.pending}, nil
}

func (f *fakeTemporal) ListWorkflowExecutions(ctx context.Context, r *workflowservice.ListWorkflowExecutionsRequest) (*workflowservice.ListWorkflowExecutionsResponse, error) {
	if f.listed == nil {
		return f.UnimplementedWorkflowServiceServer.ListWorkflowExecutions(ctx, r)
	}
	return &workflowservice.ListWorkflowExecutionsResponse{Executions: f.listed}, nil
}

func (f *fakeTemporal) QueryWorkflow(context.Context, *workflowservice.QueryWorkflowRequest) (*workflowservice.QueryWorkflowResponse, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.status == nil {
		return nil, serviceerror.ToStatus(serviceerror.NewFailedPrecondition("no poller seen for task queue recently, worker may be down")).Err()
	}
	return &workflowservice.QueryWorkflowResponse{QueryResult: payloads(*f.status), QueryRejected: (*querypb.QueryRejected)(nil)}, nil
}

func (f *fakeTemporal) SignalWorkflowExecution(_ context.Context, r *workflowservice.SignalWorkflowExecutionRequest) (*workflowservice.SignalWorkflowExecutionResponse, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.signals = append(f.signals, r)
	if f.endOnSignal != nil {
		f.end = closeEvent(migrationlink.LinkResult{}, f.endOnSignal)
		close(f.ended)
	}
	return &workflowservice.SignalWorkflowExecutionResponse{}, nil
}

func (f *fakeTemporal) RequestCancelWorkflowExecution(_ context.Context, r *workflowservice.RequestCancelWorkflowExecutionRequest) (*workflowservice.RequestCancelWorkflowExecutionResponse, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.cancels = append(f.cancels, r)
	return &workflowservice.RequestCancelWorkflowExecutionResponse{}, nil
}

func (f *fakeTemporal) workflowType() string {
	if _, ok := f.asked.(migrationlink.UnlinkRequest); ok {
		return migrationlink.UnlinkWorkflow
	}
	return migrationlink.LinkWorkflow
}

func (f *fakeTemporal) firstEvent() *historypb.HistoryEvent {
	asked := f.asked
	if asked == nil {
		asked = migrationlink.LinkRequest{Manager: "demo", OrgID: testOrg, Token: migrationlink.TokenSource{Ref: "env:LINK_TOKEN_DEMO"}}
	}
	return &historypb.HistoryEvent{
		EventType: enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_STARTED,
		Attributes: &historypb.HistoryEvent_WorkflowExecutionStartedEventAttributes{
			WorkflowExecutionStartedEventAttributes: &historypb.WorkflowExecutionStartedEventAttributes{Input: payloads(asked)},
		},
	}
}

func (f *fakeTemporal) events() []*historypb.HistoryEvent {
	f.mu.Lock()
	defer f.mu.Unlock()
	events := []*historypb.HistoryEvent{f.firstEvent()}
	for _, signal := range f.signals {
		events = append(events, &historypb.HistoryEvent{
			EventType: enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED,
			Attributes: &historypb.HistoryEvent_WorkflowExecutionSignaledEventAttributes{
				WorkflowExecutionSignaledEventAttributes: &historypb.WorkflowExecutionSignaledEventAttributes{SignalName: signal.GetSignalName(), Input: signal.GetInput()},
			},
		})
	}
	for _, update := range f.updates {
		events = append(events, &historypb.HistoryEvent{
			EventType: enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_ACCEPTED,
			Attributes: &historypb.HistoryEvent_WorkflowExecutionUpdateAcceptedEventAttributes{
				WorkflowExecutionUpdateAcceptedEventAttributes: &historypb.WorkflowExecutionUpdateAcceptedEventAttributes{AcceptedRequest: update.GetRequest()},
			},
		})
	}
	return events
}

func (f *fakeTemporal) GetWorkflowExecutionHistory(ctx context.Context, r *workflowservice.GetWorkflowExecutionHistoryRequest) (*workflowservice.GetWorkflowExecutionHistoryResponse, error) {
	if strings.HasPrefix(r.GetExecution().GetWorkflowId(), migrationlink.TaskQueue+".") {
		end := f.endOfReads
		if end == nil {
			end = completedWith(*f.assessment)
		}
		return &workflowservice.GetWorkflowExecutionHistoryResponse{History: &historypb.History{Events: []*historypb.HistoryEvent{end}}}, nil
	}
	if !r.GetWaitNewEvent() {
		return &workflowservice.GetWorkflowExecutionHistoryResponse{History: &historypb.History{Events: f.events()}}, nil
	}
	select {
	case <-f.ended:
	case <-ctx.Done():
		return nil, serviceerror.ToStatus(ctx.Err()).Err()
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	return &workflowservice.GetWorkflowExecutionHistoryResponse{History: &historypb.History{Events: []*historypb.HistoryEvent{f.end}}}, nil
}

func payloads(values ...any) *commonpb.Payloads {
	encoded, err := converter.GetDefaultDataConverter().ToPayloads(values...)
	if err != nil {
		panic(err)
	}
	return encoded
}

// errTerminated and errTimedOut stand for ends that Temporal makes itself.
var (
	errTerminated = &temporal.TerminatedError{}
	errTimedOut   = temporal.NewTimeoutError(enumspb.TIMEOUT_TYPE_START_TO_CLOSE, nil)
)

// closeEvent is the last event of a workflow that returned result and err.
func closeEvent(result migrationlink.LinkResult, err error) *historypb.HistoryEvent {
	switch cause := err.(type) { //nolint:errorlint // built by the tests
	case nil:
		return completedWith(result)
	case *temporal.CanceledError:
		attributes := &historypb.WorkflowExecutionCanceledEventAttributes{}
		if cause.HasDetails() {
			var details migrationlink.LinkResult
			_ = cause.Details(&details)
			attributes.Details = payloads(details)
		}
		return &historypb.HistoryEvent{
			EventType:  enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_CANCELED,
			Attributes: &historypb.HistoryEvent_WorkflowExecutionCanceledEventAttributes{WorkflowExecutionCanceledEventAttributes: attributes},
		}
	case *temporal.TerminatedError:
		return &historypb.HistoryEvent{
			EventType: enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_TERMINATED,
			Attributes: &historypb.HistoryEvent_WorkflowExecutionTerminatedEventAttributes{
				WorkflowExecutionTerminatedEventAttributes: &historypb.WorkflowExecutionTerminatedEventAttributes{Reason: "by hand"},
			},
		}
	case *temporal.TimeoutError:
		return &historypb.HistoryEvent{
			EventType: enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_TIMED_OUT,
			Attributes: &historypb.HistoryEvent_WorkflowExecutionTimedOutEventAttributes{
				WorkflowExecutionTimedOutEventAttributes: &historypb.WorkflowExecutionTimedOutEventAttributes{},
			},
		}
	}
	return &historypb.HistoryEvent{
		EventType: enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_FAILED,
		Attributes: &historypb.HistoryEvent_WorkflowExecutionFailedEventAttributes{
			WorkflowExecutionFailedEventAttributes: &historypb.WorkflowExecutionFailedEventAttributes{
				Failure: temporal.GetDefaultFailureConverter().ErrorToFailure(err),
			},
		},
	}
}

func completedWith(result any) *historypb.HistoryEvent {
	return &historypb.HistoryEvent{
		EventType: enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED,
		Attributes: &historypb.HistoryEvent_WorkflowExecutionCompletedEventAttributes{
			WorkflowExecutionCompletedEventAttributes: &historypb.WorkflowExecutionCompletedEventAttributes{Result: payloads(result)},
		},
	}
}

func closeStatus(event *historypb.HistoryEvent) enumspb.WorkflowExecutionStatus {
	switch event.GetEventType() {
	case enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED:
		return enumspb.WORKFLOW_EXECUTION_STATUS_COMPLETED
	case enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_CANCELED:
		return enumspb.WORKFLOW_EXECUTION_STATUS_CANCELED
	case enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_TERMINATED:
		return enumspb.WORKFLOW_EXECUTION_STATUS_TERMINATED
	case enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_TIMED_OUT:
		return enumspb.WORKFLOW_EXECUTION_STATUS_TIMED_OUT
	}
	return enumspb.WORKFLOW_EXECUTION_STATUS_FAILED
}

// finished is what a command leaves behind.
type finished struct {
	code   int
	stdout string
	stderr string
}

// command is one call of the command line in the process of the test.
type command struct {
	program string // "starter" by default
	env     map[string]string
	stdin   io.Reader // empty by default
	// hidden is what is typed into the terminal that stdin is; nil means that it
	// is none.
	hidden func(context.Context) ([]byte, error)
	stdout bytes.Buffer
	stderr bytes.Buffer
	// terminal is the stream that is one, 100 columns wide.
	terminal *bytes.Buffer
	// now is 12 s after the start by default.
	now func() time.Time
	// limit is of one call; the usual one by default.
	limit time.Duration
}

func newCommand(f *fakeTemporal) *command {
	// No configuration of the machine that runs the tests.
	c := &command{
		env: map[string]string{"TEMPORAL_CONFIG_FILE": "does-not-exist.toml"},
		now: func() time.Time { return testStart.Add(12 * time.Second) },
	}
	if f != nil {
		c.env["TEMPORAL_ADDRESS"] = f.address
	}
	return c
}

func (c *command) run(ctx context.Context, args ...string) finished {
	if c.stdin == nil {
		c.stdin = &bytes.Buffer{}
	}
	code := Run(ctx, console.Environment{
		Args:    args,
		Program: c.program,
		Stdin:   c.stdin,
		Stdout:  &c.stdout,
		Stderr:  &c.stderr,
		LookupEnv: func(name string) (string, bool) {
			value, found := c.env[name]
			return value, found
		},
		Now:           c.now,
		Location:      time.UTC,
		TerminalWidth: c.width,
		HiddenLine:    func(io.Reader) func(context.Context) ([]byte, error) { return c.hidden },
		CallTimeout:   c.limit,
	})
	return finished{code, c.stdout.String(), c.stderr.String()}
}

// failure is the error on stderr, without the progress before it.
func (f finished) failure() string {
	if at := strings.LastIndex("\n"+f.stderr, "\nstarter: "); at >= 0 {
		return f.stderr[at:]
	}
	return ""
}

func (c *command) width(w io.Writer) int {
	if buffer, ok := w.(*bytes.Buffer); ok && buffer == c.terminal && c.terminal != nil {
		return 100
	}
	return 0
}

func args(command string, more ...string) []string {
	return append(append([]string{command}, targets...), more...)
}

func linkArgs(more ...string) []string {
	return args("link", append([]string{"--token-ref", "env:LINK_TOKEN_DEMO"}, more...)...)
}

// after calls f the nth time that it is called.
func after(n int, f func()) func() {
	calls := 0
	return func() {
		if calls++; calls == n {
			f()
		}
	}
}

// inJSON is a text without the line that points to an explanation, which JSON does not have.
func inJSON(text string) string {
	text, _, _ = strings.Cut(text, "More: starter explain ")
	return text
}

// asText makes of an error of -o json what a person is told.
func asText(t *testing.T, stderr string) string {
	t.Helper()
	if stderr == "" {
		return ""
	}
	var printed struct{ Error console.Failure }
	require.NoError(t, json.Unmarshal([]byte(stderr), &printed), stderr)
	return printed.Error.Text(0)
}
