package e2e_test

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nexus-rpc/sdk-go/nexus"
	"github.com/stretchr/testify/require"
	historypb "go.temporal.io/api/history/v1"
	nexuspb "go.temporal.io/api/nexus/v1"
	"go.temporal.io/api/operatorservice/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/interceptor"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"github.com/migrationlink/migrationlink"
	"github.com/migrationlink/migrationlink/opsmanager/opsmanagertest"
	"github.com/migrationlink/migrationlink/workflows"
)

func linksThroughNexus(ctx workflow.Context, request migrationlink.LinkRequest) (result migrationlink.LinkResult, _ error) {
	c := workflow.NewNexusClient(migrationlink.NexusEndpoint, migrationlink.NexusService)
	err := c.ExecuteOperation(ctx, migrationlink.LinkOperation, request, workflow.NexusOperationOptions{}).Get(ctx, &result)
	return result, err
}

// sendsThroughNexus sends a request that Go's types would not allow.
func sendsThroughNexus(ctx workflow.Context, request converter.RawValue) (result migrationlink.LinkResult, _ error) {
	c := workflow.NewNexusClient(migrationlink.NexusEndpoint, migrationlink.NexusService)
	err := c.ExecuteOperation(ctx, migrationlink.LinkOperation.Name(), request, workflow.NexusOperationOptions{}).Get(ctx, &result)
	return result, err
}

func unlinksThroughNexus(ctx workflow.Context, request migrationlink.UnlinkRequest) (result migrationlink.LinkResult, _ error) {
	c := workflow.NewNexusClient(migrationlink.NexusEndpoint, migrationlink.NexusService)
	err := c.ExecuteOperation(ctx, migrationlink.UnlinkOperation, request, workflow.NexusOperationOptions{}).Get(ctx, &result)
	return result, err
}

func asksThroughNexus(ctx workflow.Context, request migrationlink.StatusRequest) (status migrationlink.Status, _ error) {
	c := workflow.NewNexusClient(migrationlink.NexusEndpoint, migrationlink.NexusService)
	err := c.ExecuteOperation(ctx, migrationlink.StatusOperation, request, workflow.NexusOperationOptions{ScheduleToCloseTimeout: 20 * time.Second}).Get(ctx, &status)
	return status, err
}

// abroad is a caller in another namespace.
type abroad struct {
	*system
	namespace client.Client
}

func (s *system) abroad() *abroad {
	s.t.Helper()
	connection, err := client.NewClientFromExisting(s.temporal, client.Options{Namespace: "platform"})
	require.NoError(s.t, err)
	s.t.Cleanup(connection.Close)
	w := worker.New(connection, "platform", worker.Options{})
	for _, registered := range []any{throughLossy, linksThroughNexus, sendsThroughNexus, unlinksThroughNexus, asksThroughNexus} {
		w.RegisterWorkflow(registered)
	}
	require.NoError(s.t, w.Start())
	s.t.Cleanup(w.Stop)
	return &abroad{s, connection}
}

func (a *abroad) start(caller, request any) client.WorkflowRun {
	a.t.Helper()
	run, err := a.namespace.ExecuteWorkflow(a.t.Context(), client.StartWorkflowOptions{TaskQueue: "platform"}, caller, request)
	require.NoError(a.t, err)
	return run
}

func (a *abroad) link(request migrationlink.LinkRequest) client.WorkflowRun {
	a.t.Helper()
	return a.start(linksThroughNexus, request)
}

func TestALinkIsCreatedAndRemovedThroughNexus(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	s.worker("")
	a := s.abroad()
	org := newOrg()
	var result migrationlink.LinkResult
	require.NoError(t, a.link(linkRequest(org)).Get(t.Context(), &result))
	require.Equal(t, migrationlink.OutcomeLinked, result.Outcome)
	require.Contains(t, s.starter(target("status", org)...).stdout, "of namespace platform, through Nexus")
	require.Nil(t, s.startedEvent(org).GetParentWorkflowExecution(), "the operation itself has started the link")

	var status migrationlink.Status
	require.NoError(t, a.start(asksThroughNexus, migrationlink.StatusRequest{Manager: "demo", OrgID: org}).Get(t.Context(), &status))
	require.Equal(t, migrationlink.PhaseEnded, status.Phase)
	require.Equal(t, &result, status.Result)

	require.NoError(t, a.start(unlinksThroughNexus, migrationlink.UnlinkRequest{Manager: "demo", OrgID: org}).Get(t.Context(), &result))
	require.Equal(t, migrationlink.OutcomeUnlinked, result.Outcome)
	require.Equal(t, opsmanagertest.StatusNone, s.evidence(org).LinkStatus)
	require.Equal(t, 1, s.evidence(org).EffectivePosts)
}

func TestBadInputIsRefusedThroughNexusAndNotRetried(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	s.worker("")
	a := s.abroad()
	bad := linkRequest("nobody")
	bad.Undo = "perhaps"
	for name, run := range map[string]client.WorkflowRun{
		"link":   a.link(bad),
		"unlink": a.start(unlinksThroughNexus, migrationlink.UnlinkRequest{Manager: "demo", OrgID: "nobody"}),
		"status": a.start(asksThroughNexus, migrationlink.StatusRequest{Manager: "demo", OrgID: "nobody"}),
	} {
		err := run.Get(t.Context(), nil)
		t.Logf("%s: %v", name, err)
		var refused *nexus.HandlerError
		require.ErrorAs(t, err, &refused)
		require.Equal(t, nexus.HandlerErrorTypeBadRequest, refused.Type)
		require.Contains(t, err.Error(), "orgId: ")
		require.Equal(t, "orgId", migrationlink.FieldsOf(err)[0].Field)
	}
	err := a.start(asksThroughNexus, migrationlink.StatusRequest{Manager: "demo", OrgID: newOrg()}).Get(t.Context(), nil)
	var unknown *nexus.HandlerError
	require.ErrorAs(t, err, &unknown)
	require.Equal(t, nexus.HandlerErrorTypeNotFound, unknown.Type)
	require.Contains(t, err.Error(), "no link of organization ")
}

func TestCancellingAnOperationUndoesTheLink(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	s.worker("")
	a := s.abroad()
	org := newOrg()
	s.shape(org, map[string]any{"sync": "never"})
	run := a.link(linkRequest(org))
	s.eventually(func() bool { return s.evidence(org).EffectivePosts == 1 })
	require.NoError(t, a.namespace.CancelWorkflow(t.Context(), run.GetID(), ""))
	err := run.Get(t.Context(), nil)
	require.True(t, temporal.IsCanceledError(err), "%v", err)
	result, told := migrationlink.ResultOf(err)
	t.Logf("%v %+v", err, result)
	require.True(t, told)
	require.True(t, result.Removed)
	require.Equal(t, opsmanagertest.StatusNone, s.evidence(org).LinkStatus)
}

func TestAFailureReachesTheCallerThroughNexusWithItsTypeAndResult(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	s.worker("")
	a := s.abroad()
	org := newOrg()
	s.shape(org, map[string]any{"refusal": opsmanagertest.RefusedRole})
	err := a.link(linkRequest(org)).Get(t.Context(), nil)
	var failed *temporal.ApplicationError
	require.ErrorAs(t, err, &failed)
	require.Equal(t, migrationlink.ErrRoleMissing, failed.Type())
	result, told := migrationlink.ResultOf(err)
	require.True(t, told, "%v", err)
	require.Equal(t, migrationlink.OutcomeFailed, result.Outcome)
	require.Equal(t, migrationlink.ErrRoleMissing, result.Problem.Type)
}

func (s *system) runIDOf(org string) string {
	s.t.Helper()
	described, err := s.temporal.DescribeWorkflowExecution(s.t.Context(), migrationlink.WorkflowID("demo", org), "")
	require.NoError(s.t, err)
	return described.GetWorkflowExecutionInfo().GetExecution().GetRunId()
}

func (s *system) startedEvent(org string) *historypb.WorkflowExecutionStartedEventAttributes {
	s.t.Helper()
	return s.history(migrationlink.WorkflowID("demo", org), "")[0].GetWorkflowExecutionStartedEventAttributes()
}

// Another workflow between the operation and the link would cost 14 more.
func TestALinkThroughNexusCostsNoMoreEventsThanOneFromAClient(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	s.worker("")
	a := s.abroad()
	events := func(org string) int { return len(s.history(migrationlink.WorkflowID("demo", org), "")) }
	fromClient, throughNexus := newOrg(), newOrg()
	s.shape(fromClient, map[string]any{"syncDelay": "0s"})
	s.shape(throughNexus, map[string]any{"syncDelay": "0s"})
	started, err := s.temporal.ExecuteWorkflow(t.Context(), client.StartWorkflowOptions{
		ID: migrationlink.WorkflowID("demo", fromClient), TaskQueue: migrationlink.TaskQueue,
	}, migrationlink.LinkWorkflow, linkRequest(fromClient))
	require.NoError(t, err)
	require.NoError(t, started.Get(t.Context(), nil))
	run := a.link(linkRequest(throughNexus))
	require.NoError(t, run.Get(t.Context(), nil))
	require.Equal(t, 11, events(fromClient))
	require.Equal(t, 11, events(throughNexus))
	described, err := a.namespace.DescribeWorkflowExecution(t.Context(), run.GetID(), "")
	require.NoError(t, err)
	require.LessOrEqual(t, described.GetWorkflowExecutionInfo().GetHistoryLength(), int64(14))
	page := s.starter("list", "-o", "json")
	require.NotContains(t, page.stdout, "nexus.")
}

func TestACancellationByOthersIsShownAsOneToOperators(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	s.worker("")
	d := s.entryPoints()["Nexus"]
	org, owner, link := d.endless()
	cancelled := s.starter(target("cancel", org, "--reason", "wrong target")...)
	require.Zero(t, cancelled.code, cancelled.stderr)
	_ = requireFailed(t, owner, migrationlink.ErrCancelledByOther)
	require.Contains(t, s.starter("list", "--state", "cancelled").stdout, org)
	require.Contains(t, s.starter(target("status", org)...).stdout, "cancelled")
	require.Equal(t, migrationlink.OutcomeCancelled, s.status(link).Result.Outcome)
}

// Other operations have started an earlier run under the same id, or have joined this one.
func TestOnlyTheOperationThatStartedALinkCancelsIt(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	s.worker("")
	d := s.entryPoints()["Nexus"]
	org, owner, link := d.endless()
	first := s.runIDOf(org)
	require.NoError(t, s.temporal.TerminateWorkflow(t.Context(), link.GetID(), "", "enough"))
	requireNotTold(t, owner)
	again := d.link(linkRequest(org))
	s.eventually(func() bool { return s.runIDOf(org) != first })
	link = s.linkOf(org)
	s.waitForPhase(link, migrationlink.PhaseSyncing)
	guest := d.link(linkRequest(org))
	s.eventually(func() bool { return s.joins(link) == 1 })
	d.cancel(guest)
	require.True(t, temporal.IsCanceledError(guest.Get(t.Context(), nil)))
	require.Equal(t, migrationlink.PhaseSyncing, s.status(link).Phase, "a guest only leaves")
	d.cancel(again)
	require.True(t, temporal.IsCanceledError(again.Get(t.Context(), nil)))
	require.Equal(t, migrationlink.PhaseEnded, s.status(link).Phase, "the operation that started it cancels it")
}

// lossy is a worker whose reply to the start of an operation is lost. It calls lost first.
type lossy struct {
	interceptor.WorkerInterceptorBase
	once sync.Once
	lost func()
}

func (l *lossy) InterceptNexusOperation(_ context.Context, next interceptor.NexusOperationInboundInterceptor) interceptor.NexusOperationInboundInterceptor {
	return &lossyCall{lossy: l, NexusOperationInboundInterceptorBase: interceptor.NexusOperationInboundInterceptorBase{Next: next}}
}

type lossyCall struct {
	interceptor.NexusOperationInboundInterceptorBase
	lossy *lossy
}

func (c *lossyCall) StartOperation(ctx context.Context, in interceptor.NexusStartOperationInput) (nexus.HandlerStartOperationResult[any], error) {
	result, err := c.Next.StartOperation(ctx, in)
	c.lossy.once.Do(func() {
		c.lossy.lost()
		result, err = nil, nexus.NewHandlerErrorf(nexus.HandlerErrorTypeUnavailable, "the reply is lost")
	})
	return result, err
}

// throughLossy links through an endpoint of its own.
func throughLossy(ctx workflow.Context, endpoint string, request migrationlink.LinkRequest) (result migrationlink.LinkResult, _ error) {
	c := workflow.NewNexusClient(endpoint, migrationlink.NexusService)
	err := c.ExecuteOperation(ctx, migrationlink.LinkOperation, request, workflow.NexusOperationOptions{}).Get(ctx, &result)
	return result, err
}

// lossy starts a caller whose operation loses the reply to its start.
func (a *abroad) lossy(request migrationlink.LinkRequest, lost func()) client.WorkflowRun {
	a.t.Helper()
	name := "lossy-" + newOrg()
	_, err := a.temporal.OperatorService().CreateNexusEndpoint(a.t.Context(), &operatorservice.CreateNexusEndpointRequest{Spec: &nexuspb.EndpointSpec{
		Name: name,
		Target: &nexuspb.EndpointTarget{Variant: &nexuspb.EndpointTarget_Worker_{Worker: &nexuspb.EndpointTarget_Worker{
			Namespace: client.DefaultNamespace, TaskQueue: name,
		}}},
	}})
	require.NoError(a.t, err)
	w := worker.New(a.temporal, name, worker.Options{Interceptors: []interceptor.WorkerInterceptor{&lossy{lost: lost}}})
	w.RegisterNexusService(workflows.NexusService())
	require.NoError(a.t, w.Start())
	a.t.Cleanup(w.Stop)
	run, err := a.namespace.ExecuteWorkflow(a.t.Context(), client.StartWorkflowOptions{TaskQueue: "platform"}, throughLossy, name, request)
	require.NoError(a.t, err)
	return run
}

// runs returns how often a workflow ran for the organization under its key, and for guests.
func (s *system) runs(org string) (links, guests int) {
	s.t.Helper()
	listed, err := s.temporal.ListWorkflow(s.t.Context(), &workflowservice.ListWorkflowExecutionsRequest{Query: "WorkflowType = 'LinkOrganization'"})
	require.NoError(s.t, err)
	for _, info := range listed.GetExecutions() {
		switch id, key := info.GetExecution().GetWorkflowId(), migrationlink.WorkflowID("demo", org); {
		case id == key:
			links++
		case strings.Contains(id, key):
			guests++
		}
	}
	return links, guests
}

func TestAnOperationWhoseReplyIsLostStartsNothingTwice(t *testing.T) { //nolint:tparallel // one caller at a time loses its replies
	t.Parallel()
	s := newSystem(t)
	s.worker("")
	a := s.abroad()
	moments := map[string]struct {
		before, lost func(org string)
		guests       int
	}{
		"while its link runs": {},
		"after its link has ended": {lost: func(org string) {
			s.eventually(func() bool { return s.evidence(org).EffectivePosts == 1 })
			require.NoError(t, s.linkOf(org).Get(context.Background(), nil))
		}},
		"after the link that it joined has ended": {
			before: func(org string) {
				s.shape(org, map[string]any{"sync": "never"})
				_, code := s.linkJSON(org, "--detach")
				require.Zero(t, code)
			},
			lost: func(org string) {
				s.eventually(func() bool { return s.joins(s.linkOf(org)) == 1 })
				s.shape(org, map[string]any{"syncDelay": "0s"})
				require.NoError(t, s.linkOf(org).Get(context.Background(), nil))
			},
			guests: 1,
		},
	}
	for name, at := range moments {
		t.Run(name, func(t *testing.T) {
			org := newOrg()
			if at.before != nil {
				at.before(org)
			}
			run := a.lossy(linkRequest(org), func() {
				if at.lost != nil {
					at.lost(org)
				}
			})
			var result migrationlink.LinkResult
			require.NoError(t, run.Get(t.Context(), &result))
			require.Equal(t, migrationlink.OutcomeLinked, result.Outcome)
			s.eventually(func() bool {
				links, guests := s.runs(org)
				return links == 1 && guests == at.guests
			})
			require.Equal(t, 1, s.evidence(org).Posts)
		})
	}
}
