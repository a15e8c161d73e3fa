package e2e_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"github.com/migrationlink/migrationlink"
	"github.com/migrationlink/migrationlink/opsmanager/opsmanagertest"
)

func linkRequest(orgID string) migrationlink.LinkRequest {
	return migrationlink.LinkRequest{Manager: "demo", OrgID: orgID, Token: migrationlink.TokenSource{Ref: "env:LINK_TOKEN_DEMO"}}
}

// startOrJoin starts with the accept update, as every client does.
func (s *system) startOrJoin(id, workflowType string, request any, asked migrationlink.StartRequest) (migrationlink.Status, client.WorkflowRun, error) {
	s.t.Helper()
	start := s.temporal.NewWithStartWorkflowOperation(client.StartWorkflowOptions{
		ID:                       id,
		TaskQueue:                migrationlink.TaskQueue,
		WorkflowIDConflictPolicy: enumspb.WORKFLOW_ID_CONFLICT_POLICY_USE_EXISTING,
	}, workflowType, request)
	var status migrationlink.Status
	handle, err := s.temporal.UpdateWithStartWorkflow(s.t.Context(), client.UpdateWithStartWorkflowOptions{
		StartWorkflowOperation: start,
		UpdateOptions: client.UpdateWorkflowOptions{
			UpdateName: migrationlink.AcceptUpdate, Args: []any{asked}, WaitForStage: client.WorkflowUpdateStageCompleted,
		},
	})
	if err == nil {
		err = handle.Get(s.t.Context(), &status)
	}
	run, startErr := start.Get(s.t.Context())
	require.NoError(s.t, startErr)
	return status, run, err
}

func (s *system) startOrJoinLink(request migrationlink.LinkRequest) (migrationlink.Status, client.WorkflowRun, error) {
	return s.startOrJoin(migrationlink.WorkflowID(request.Manager, request.OrgID), migrationlink.LinkWorkflow, request, migrationlink.StartRequest{Link: &request})
}

func TestAClientJoinsAnEqualRequestAndIsRefusedADifferentOne(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	s.worker("")
	org := newOrg()
	s.shape(org, map[string]any{"sync": "never"})
	first, run, err := s.startOrJoinLink(linkRequest(org))
	require.NoError(t, err)
	require.Equal(t, migrationlink.PhaseSyncing, first.Phase, "accepted by the manager")
	_, joined, err := s.startOrJoinLink(linkRequest(org).WithDefaults())
	require.NoError(t, err)
	require.Equal(t, run.GetRunID(), joined.GetRunID())

	other := linkRequest(org)
	other.SyncTimeout = "2h"
	unlink := migrationlink.UnlinkRequest{Manager: "demo", OrgID: org}
	for field, start := range map[string]func() error{
		"syncTimeout": func() error { _, _, err := s.startOrJoinLink(other); return err },
		"workflow": func() error {
			_, _, err := s.startOrJoin(run.GetID(), migrationlink.UnlinkWorkflow, unlink, migrationlink.StartRequest{Unlink: &unlink})
			return err
		},
	} {
		var refused *temporal.ApplicationError
		require.ErrorAs(t, start(), &refused)
		require.Equal(t, migrationlink.ErrDifferentRequest, refused.Type())
		var different []migrationlink.FieldProblem
		require.NoError(t, refused.Details(&different))
		require.Equal(t, field, different[0].Field)
	}
	require.Equal(t, 1, s.evidence(org).Posts)

	require.NoError(t, s.temporal.CancelWorkflow(t.Context(), run.GetID(), ""))
	require.Error(t, run.Get(t.Context(), nil))
	_, second, err := s.startOrJoinLink(other)
	require.NoError(t, err)
	require.NotEqual(t, run.GetRunID(), second.GetRunID())
	require.NoError(t, s.temporal.CancelWorkflow(t.Context(), second.GetID(), ""))
	require.Error(t, second.Get(t.Context(), nil))
}

func TestAcceptReportsWhyTheManagerDoesNotAccept(t *testing.T) {
	t.Parallel()
	s := newSystem(t, "--sync-delay", "0s")
	s.worker("")
	for name, test := range map[string]struct {
		shape   map[string]any
		change  func(*migrationlink.LinkRequest)
		phase   migrationlink.Phase
		problem string
	}{
		"rejected":        {map[string]any{"tokenRefusal": "INVALID_ATTRIBUTE"}, func(*migrationlink.LinkRequest) {}, migrationlink.PhaseEnded, migrationlink.ErrTokenRejected},
		"blocked":         {map[string]any{"refusal": opsmanagertest.RefusedRole}, whenBlocked, migrationlink.PhaseBlocked, migrationlink.ErrRoleMissing},
		"unknown manager": {nil, func(r *migrationlink.LinkRequest) { r.Manager = "nobody" }, migrationlink.PhaseEnded, migrationlink.ErrUnknownManager},
		"synced at once":  {nil, func(*migrationlink.LinkRequest) {}, migrationlink.PhaseEnded, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := s.in(t)
			org := newOrg()
			if test.shape != nil {
				s.shape(org, test.shape)
			}
			request := linkRequest(org)
			test.change(&request)
			status, _, err := s.startOrJoinLink(request)
			require.NoError(t, err)
			require.Equal(t, test.phase, status.Phase)
			if test.problem == "" {
				require.Equal(t, migrationlink.OutcomeLinked, status.Result.Outcome)
				return
			}
			require.Equal(t, test.problem, status.Problem.Type)
			require.NotEmpty(t, status.Problem.Remedy)
		})
	}
}

// platform is a workflow of another program that links an organization as a child. It
// chooses no id for the child, so the child joins.
func platform(ctx workflow.Context, request migrationlink.LinkRequest) (migrationlink.LinkResult, error) {
	ctx = workflow.WithChildOptions(ctx, workflow.ChildWorkflowOptions{TaskQueue: migrationlink.TaskQueue, WaitForCancellation: true})
	var result migrationlink.LinkResult
	err := workflow.ExecuteChildWorkflow(ctx, migrationlink.LinkWorkflow, request).Get(ctx, &result)
	return result, err
}

func (s *system) platform() func(migrationlink.LinkRequest) client.WorkflowRun {
	s.t.Helper()
	w := worker.New(s.temporal, "platform", worker.Options{})
	w.RegisterWorkflow(platform)
	require.NoError(s.t, w.Start())
	s.t.Cleanup(w.Stop)
	return func(request migrationlink.LinkRequest) client.WorkflowRun {
		run, err := s.temporal.ExecuteWorkflow(s.t.Context(), client.StartWorkflowOptions{TaskQueue: "platform"}, platform, request)
		require.NoError(s.t, err)
		return run
	}
}

func TestChildrenShareOneLinkAndGetItsResult(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	s.worker("")
	start := s.platform()
	org := newOrg()
	s.shape(org, map[string]any{"sync": "never"})
	runs := []client.WorkflowRun{start(linkRequest(org))}
	link := s.temporal.GetWorkflow(t.Context(), migrationlink.WorkflowID("demo", org), "")
	s.eventually(func() bool { return s.evidence(org).EffectivePosts == 1 })
	runs = append(runs, start(linkRequest(org)), start(linkRequest(org)))
	_, _, err := s.startOrJoinLink(linkRequest(org))
	require.NoError(t, err)

	other := linkRequest(org)
	other.Undo = migrationlink.UndoNever
	var refused *temporal.ApplicationError
	require.ErrorAs(t, start(other).Get(t.Context(), nil), &refused)
	require.Equal(t, migrationlink.ErrDifferentRequest, refused.Type())
	require.Contains(t, refused.Message(), "undo: running link: on-cancel; your request: never")

	s.shape(org, map[string]any{"syncDelay": "0s"})
	require.NoError(t, link.Get(t.Context(), nil))
	for _, run := range runs {
		var result migrationlink.LinkResult
		require.NoError(t, run.Get(t.Context(), &result))
		require.Equal(t, migrationlink.OutcomeLinked, result.Outcome)
	}
	require.Equal(t, 1, s.evidence(org).Posts)
}

func TestAFailureReachesEveryChildWithItsTypeAndResult(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	s.worker("")
	start := s.platform()
	org := newOrg()
	s.shape(org, map[string]any{"refusal": opsmanagertest.RefusedRole})
	request := linkRequest(org)
	request.OnBlocked, request.CreateTimeout = migrationlink.WaitWhenBlocked, "6s"
	for _, run := range []client.WorkflowRun{start(request), start(request)} {
		var failed *temporal.ApplicationError
		require.ErrorAs(t, run.Get(t.Context(), nil), &failed)
		require.Equal(t, migrationlink.ErrTimedOut, failed.Type())
		var result migrationlink.LinkResult
		require.NoError(t, failed.Details(&result))
		require.Equal(t, migrationlink.OutcomeTimedOut, result.Outcome)
	}
}

// The parent that started the link ends it. One that joined only leaves.
func TestACancelledParentUndoesTheLinkThatItStarted(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	s.worker("")
	start := s.platform()
	org := newOrg()
	s.shape(org, map[string]any{"sync": "never"})
	owner := start(linkRequest(org))
	s.eventually(func() bool { return s.evidence(org).EffectivePosts == 1 })
	guest := start(linkRequest(org))
	link := s.temporal.GetWorkflow(t.Context(), migrationlink.WorkflowID("demo", org), "")
	s.eventually(func() bool { return s.joins(link) == 1 })
	require.NoError(t, s.temporal.CancelWorkflow(t.Context(), guest.GetID(), ""))
	require.Error(t, guest.Get(t.Context(), nil))
	s.waitForPhase(link, migrationlink.PhaseSyncing)

	stranded := start(linkRequest(org))
	s.eventually(func() bool { return s.joins(link) == 2 })
	require.NoError(t, s.temporal.CancelWorkflow(t.Context(), owner.GetID(), ""))
	err := owner.Get(t.Context(), nil)
	require.True(t, temporal.IsCanceledError(err), "%v", err)
	require.Equal(t, opsmanagertest.StatusNone, s.evidence(org).LinkStatus)
	require.Equal(t, 1, s.evidence(org).EffectivePosts)
	var failed *temporal.ApplicationError
	require.ErrorAs(t, stranded.Get(t.Context(), nil), &failed, "its own parent has cancelled nothing")
	require.Equal(t, migrationlink.ErrCancelledByOther, failed.Type())
}

// If somebody terminates a link in Temporal, nothing else continues it.
func TestATerminatedLinkIsReportedToThoseWhoWaitForIt(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	s.worker("")
	start := s.platform()
	org := newOrg()
	s.shape(org, map[string]any{"sync": "never"})
	waiting := []client.WorkflowRun{start(linkRequest(org))}
	link := s.temporal.GetWorkflow(t.Context(), migrationlink.WorkflowID("demo", org), "")
	s.eventually(func() bool { return s.evidence(org).EffectivePosts == 1 })
	waiting = append(waiting, start(linkRequest(org)))
	s.eventually(func() bool { return s.joins(link) == 1 })
	require.NoError(t, s.temporal.TerminateWorkflow(t.Context(), link.GetID(), "", "enough"))
	for _, run := range waiting {
		var failed *temporal.ApplicationError
		require.ErrorAs(t, run.Get(t.Context(), nil), &failed)
		require.Equal(t, migrationlink.ErrTerminated, failed.Type())
	}
	require.Equal(t, 1, s.evidence(org).Posts)
}

// joins returns how many workflows wait for the outcome of a link. One whose signal is
// not processed yet may still be too late.
func (s *system) joins(link client.WorkflowRun) int {
	s.t.Helper()
	asked := map[string]bool{} // one that waits long sends the signal again
	taken := 0
	for _, event := range s.history(link.GetID(), "") {
		switch signal := event.GetWorkflowExecutionSignaledEventAttributes(); {
		case signal.GetSignalName() == migrationlink.JoinSignal:
			var who struct{ WorkflowID string }
			require.NoError(s.t, converter.GetDefaultDataConverter().FromPayloads(signal.GetInput(), &who))
			asked[who.WorkflowID] = true
		case event.GetEventType() == enumspb.EVENT_TYPE_WORKFLOW_TASK_COMPLETED:
			taken = len(asked)
		}
	}
	return taken
}

// eventually waits for a condition. It runs in the goroutine of the test, so the
// condition may use require.
func (s *system) eventually(condition func() bool) {
	s.t.Helper()
	s.within(2*time.Minute, condition)
}

func (s *system) within(limit time.Duration, condition func() bool) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), limit)
	defer cancel()
	for pause := 20 * time.Millisecond; !condition(); pause = min(pause*3/2, 200*time.Millisecond) {
		select {
		case <-time.After(pause): // each look costs the machine that the tests share
		case <-ctx.Done():
			require.FailNow(s.t, "condition never satisfied")
		}
	}
}
