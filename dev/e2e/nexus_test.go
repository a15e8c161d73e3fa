package e2e_test

import (
	"testing"
	"time"

	"github.com/nexus-rpc/sdk-go/nexus"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"github.com/migrationlink/migrationlink"
	"github.com/migrationlink/migrationlink/opsmanager/opsmanagertest"
)

func linksThroughNexus(ctx workflow.Context, request migrationlink.LinkRequest) (result migrationlink.LinkResult, _ error) {
	c := workflow.NewNexusClient(migrationlink.NexusEndpoint, migrationlink.NexusService)
	err := c.ExecuteOperation(ctx, migrationlink.LinkOperation, request, workflow.NexusOperationOptions{}).Get(ctx, &result)
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
	for _, registered := range []any{linksThroughNexus, unlinksThroughNexus, asksThroughNexus} {
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

func TestALinkIsMadeAndRemovedThroughNexus(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	s.worker("")
	a := s.abroad()
	org := newOrg()
	var result migrationlink.LinkResult
	require.NoError(t, a.link(linkRequest(org)).Get(t.Context(), &result))
	require.Equal(t, migrationlink.OutcomeLinked, result.Outcome)
	require.Contains(t, s.starter(target("status", org)...).stdout, "of namespace platform, through Nexus")

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
	require.Contains(t, err.Error(), "nothing is known of a link")
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
