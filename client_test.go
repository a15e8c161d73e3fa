package migrationlink_test

import (
	"cmp"
	"crypto/rand"
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"
	commonpb "go.temporal.io/api/common/v1"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	workflowpb "go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/mocks"
	"go.temporal.io/sdk/temporal"

	"github.com/migrationlink/migrationlink"
)

const (
	clientOrg = "5f1b2c3d4e5f6a7b8c9d0e1f"
	clientKey = "link.demo." + clientOrg
	clientRun = "0198c0de-0000-7000-8000-000000000001"
)

// fakeClient is a Temporal client that starts what it is asked for and answers the update
// with accepted. The end is that of its workflow.
type fakeClient struct {
	*mocks.Client
	memo *commonpb.Memo
	// workflow and startedBy are of the workflow that runs already; empty if there is none.
	workflow, startedBy string
	undescribed         error // Temporal does not describe it
	// answer is the error of the update once it was accepted; that of accepted by default.
	answer error
}

func newFakeClient(accepted error, end func(*migrationlink.LinkResult) error) *fakeClient {
	f := &fakeClient{Client: &mocks.Client{}}
	f.On("Close").Return()
	f.On("NewWithStartWorkflowOperation", mock.Anything, migrationlink.LinkWorkflow, mock.Anything).Run(func(args mock.Arguments) {
		options := args.Get(0).(client.StartWorkflowOptions)
		mark, _ := converter.GetDefaultDataConverter().ToPayload(options.Memo[migrationlink.StartedByMemo])
		f.memo = &commonpb.Memo{Fields: map[string]*commonpb.Payload{migrationlink.StartedByMemo: mark}}
	}).Return(nil)
	update := &mocks.WorkflowUpdateHandle{}
	update.On("RunID").Return(clientRun)
	update.On("Get", mock.Anything, nil).Return(accepted)
	answer := update.On("Get", mock.Anything, mock.Anything)
	answer.Run(func(mock.Arguments) { answer.ReturnArguments = mock.Arguments{cmp.Or(f.answer, accepted)} })
	f.On("UpdateWithStartWorkflow", mock.Anything, mock.Anything).Return(update, nil)
	run := &mocks.WorkflowRun{}
	f.On("GetWorkflow", mock.Anything, clientKey, clientRun).Return(run)
	get := run.On("Get", mock.Anything, mock.Anything)
	get.Run(func(args mock.Arguments) {
		get.ReturnArguments = mock.Arguments{end(args.Get(1).(*migrationlink.LinkResult))}
	})
	describe := f.On("DescribeWorkflowExecution", mock.Anything, clientKey, mock.Anything)
	describe.Run(func(mock.Arguments) {
		if f.startedBy != "" {
			memo, _ := converter.GetDefaultDataConverter().ToPayload(f.startedBy)
			f.memo.Fields[migrationlink.StartedByMemo] = memo
		}
		describe.ReturnArguments = mock.Arguments{&workflowservice.DescribeWorkflowExecutionResponse{WorkflowExecutionInfo: &workflowpb.WorkflowExecutionInfo{
			Execution: &commonpb.WorkflowExecution{WorkflowId: clientKey, RunId: clientRun},
			Type:      &commonpb.WorkflowType{Name: cmp.Or(f.workflow, migrationlink.LinkWorkflow)},
			Status:    enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING,
			Memo:      f.memo,
		}}, f.undescribed}
	})
	return f
}

// newLinkedTemporal is the Temporal of the example: a link that becomes SYNCED.
func newLinkedTemporal() *fakeClient {
	return newFakeClient(nil, func(result *migrationlink.LinkResult) error {
		*result = migrationlink.LinkResult{Outcome: migrationlink.OutcomeLinked, LinkStatus: migrationlink.LinkSynced}
		return nil
	})
}

func clientRequest() migrationlink.StartRequest {
	return migrationlink.NewStartRequest(migrationlink.LinkRequest{Manager: "demo", OrgID: clientOrg, Token: migrationlink.TokenSource{Ref: "env:LINK_TOKEN_DEMO"}})
}

func TestAnErrorOfWaitingIsNoOutcome(t *testing.T) {
	t.Parallel()
	away := errors.New("no such namespace")
	links := migrationlink.NewClient(newFakeClient(nil, func(*migrationlink.LinkResult) error { return away }), migrationlink.ClientOptions{StartedBy: "ana@ops1"})
	run, err := links.Start(t.Context(), clientRequest())
	require.NoError(t, err)
	require.Equal(t, "ana@ops1", run.StartedBy)
	require.False(t, run.Joined)
	require.NoError(t, run.Answered())
	_, err = run.Result(t.Context())
	require.ErrorIs(t, err, away)
}

func TestAClientSendsNothingForAnInvalidRequest(t *testing.T) {
	t.Parallel()
	links := migrationlink.NewClient(&mocks.Client{}, migrationlink.ClientOptions{}) // which panics when it is called
	_, err := links.Start(t.Context(), migrationlink.NewStartRequest(migrationlink.LinkRequest{Manager: "demo"}))
	invalid, ok := errors.AsType[*migrationlink.ValidationError](err)
	require.True(t, ok, "%v", err)
	require.NotEmpty(t, invalid.Problems)
}

func TestStartReportsWhyItCannotJoin(t *testing.T) {
	t.Parallel()
	fields := []migrationlink.FieldProblem{{Field: "undo", Problem: "running link: never; your request: on-cancel"}}
	for errorType, want := range map[string]any{
		migrationlink.ErrDifferentRequest: &migrationlink.DifferentRequestError{},
		migrationlink.ErrAlreadyEnded:     &migrationlink.EndingError{},
	} {
		refused := temporal.NewNonRetryableApplicationError("no", errorType, nil, fields)
		ended := func(*migrationlink.LinkResult) error { return serviceerror.NewNotFound("gone") }
		_, err := migrationlink.NewClient(newFakeClient(refused, ended), migrationlink.ClientOptions{}).Start(t.Context(), clientRequest())
		require.IsType(t, want, err)
	}
}

func TestARefusedStartNamesTheWorkflowThatRuns(t *testing.T) {
	t.Parallel()
	ended := func(*migrationlink.LinkResult) error { return serviceerror.NewNotFound("gone") }
	for _, errorType := range []string{migrationlink.ErrDifferentRequest, migrationlink.ErrAlreadyEnded} {
		for _, undescribed := range []error{nil, serviceerror.NewPermissionDenied("not yours", "")} {
			f := newFakeClient(temporal.NewNonRetryableApplicationError("no", errorType, nil), ended)
			f.workflow, f.startedBy, f.undescribed = migrationlink.UnlinkWorkflow, "ana@ops1", undescribed
			_, err := migrationlink.NewClient(f, migrationlink.ClientOptions{StartedBy: "bob@ops2"}).Start(t.Context(), clientRequest())
			var run *migrationlink.Run
			if different, ok := errors.AsType[*migrationlink.DifferentRequestError](err); ok {
				run = different.Run
			} else if ending, ok := errors.AsType[*migrationlink.EndingError](err); ok {
				run = ending.Run
			}
			require.NotNil(t, run, "%v", err)
			workflow, startedBy := migrationlink.UnlinkWorkflow, "ana@ops1"
			if undescribed != nil {
				workflow, startedBy = "", ""
			}
			require.Equal(t, []any{clientKey, clientRun, workflow, startedBy, true}, []any{run.WorkflowID, run.RunID, run.Workflow, run.StartedBy, run.Joined})
		}
	}
}

func TestAcceptedReturnsTheResultOnlyOfAWorkflowThatHasEnded(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		answer error
		ended  bool
	}{
		"permission": {serviceerror.NewPermissionDenied("not yours", ""), false},
		"codec":      {fmt.Errorf("%w: no key", converter.ErrUnableToDecode), false},
		"terminated": {temporal.NewNonRetryableApplicationError("workflow execution is terminated", "Terminated", nil), true},
		"gone":       {serviceerror.NewNotFound("workflow execution already completed"), true},
		"aborted":    {serviceerror.NewAborted("workflow update was aborted"), true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			waits := 0
			f := newFakeClient(nil, func(result *migrationlink.LinkResult) error {
				waits++
				result.Outcome = migrationlink.OutcomeLinked
				return nil
			})
			f.answer = test.answer
			run, err := migrationlink.NewClient(f, migrationlink.ClientOptions{}).Start(t.Context(), clientRequest())
			require.NoError(t, err)
			status, err := run.Accepted(t.Context())
			if !test.ended {
				require.ErrorIs(t, err, test.answer)
				require.Zero(t, waits, "the link may run for hours")
				return
			}
			require.NoError(t, err)
			require.Equal(t, migrationlink.PhaseEnded, status.Phase)
			require.Equal(t, migrationlink.OutcomeLinked, status.Result.Outcome)
		})
	}
}

func TestStartedByLeavesOutOnlyTheMarkOfStart(t *testing.T) {
	t.Parallel()
	for memo, want := range map[string]string{
		"ana@ops1 " + rand.Text(): "ana@ops1",
		"Jane Doe " + rand.Text(): "Jane Doe",
		" " + rand.Text():         "",
		"workflow parent-7 of namespace billing, through Nexus": "workflow parent-7 of namespace billing, through Nexus",
		"": "",
	} {
		require.Equal(t, want, migrationlink.StartedBy(memo))
	}
}
