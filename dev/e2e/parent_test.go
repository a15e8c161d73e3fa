package e2e_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"github.com/migrationlink/migrationlink"
	"github.com/migrationlink/migrationlink/opsmanager/opsmanagertest"
)

// errand is what a parent does, and how.
type errand struct {
	migrationlink.StartRequest
	Abroad bool          // through Nexus
	Within time.Duration // a Temporal timeout for it; there should be none
}

// parent is a workflow of a platform that returns the result that it receives.
func parent(ctx workflow.Context, todo errand) (result migrationlink.LinkResult, _ error) {
	var told workflow.Future
	service := workflow.NewNexusClient(migrationlink.NexusEndpoint, migrationlink.NexusService)
	limited := workflow.NexusOperationOptions{ScheduleToCloseTimeout: todo.Within}
	switch link, unlink := todo.Link, todo.Unlink; {
	case todo.Abroad && link != nil:
		told = service.ExecuteOperation(ctx, migrationlink.LinkOperation, *link, limited)
	case todo.Abroad:
		told = service.ExecuteOperation(ctx, migrationlink.UnlinkOperation, *unlink, limited)
	case link != nil:
		options := migrationlink.ChildOptions(*link)
		options.WorkflowRunTimeout = todo.Within
		told = workflow.ExecuteChildWorkflow(workflow.WithChildOptions(ctx, options), migrationlink.LinkWorkflow, *link)
	default:
		told = workflow.ExecuteChildWorkflow(workflow.WithChildOptions(ctx, migrationlink.ChildOptions(*unlink)), migrationlink.UnlinkWorkflow, *unlink)
	}
	err := told.Get(ctx, &result)
	return result, err
}

// stepparent wraps the error that it receives.
func stepparent(ctx workflow.Context, todo errand) (migrationlink.LinkResult, error) {
	result, err := parent(ctx, todo)
	if err != nil {
		err = fmt.Errorf("the platform cannot go on: %w", err)
	}
	return result, err
}

// grandparent runs a stepparent as its child.
func grandparent(ctx workflow.Context, todo errand) (result migrationlink.LinkResult, _ error) {
	ctx = workflow.WithChildOptions(ctx, workflow.ChildWorkflowOptions{WaitForCancellation: true})
	err := workflow.ExecuteChildWorkflow(ctx, stepparent, todo).Get(ctx, &result)
	return result, err
}

// entryPoint is a way in for parents.
type entryPoint struct {
	*system
	namespace client.Client // of the parents
	abroad    bool
}

// entryPoints returns all of them by name.
func (s *system) entryPoints() map[string]entryPoint {
	s.t.Helper()
	platform, err := client.NewClientFromExisting(s.temporal, client.Options{Namespace: "platform", Logger: silent{}})
	require.NoError(s.t, err)
	s.t.Cleanup(platform.Close)
	ways := map[string]entryPoint{"child": {s, s.temporal, false}, "Nexus": {s, platform, true}}
	for _, way := range ways {
		w := worker.New(way.namespace, "parents", worker.Options{})
		for _, registered := range []any{parent, stepparent, grandparent} {
			w.RegisterWorkflow(registered)
		}
		require.NoError(s.t, w.Start())
		s.t.Cleanup(w.Stop)
	}
	return ways
}

func (d entryPoint) in(t *testing.T) entryPoint {
	t.Helper()
	d.system = d.system.in(t)
	return d
}

func (d entryPoint) start(who any, todo errand) client.WorkflowRun {
	d.t.Helper()
	todo.Abroad = d.abroad
	run, err := d.namespace.ExecuteWorkflow(d.t.Context(), client.StartWorkflowOptions{TaskQueue: "parents"}, who, todo)
	require.NoError(d.t, err)
	return run
}

func (d entryPoint) link(request migrationlink.LinkRequest) client.WorkflowRun {
	d.t.Helper()
	return d.start(parent, errand{StartRequest: migrationlink.NewStartRequest(request)})
}

func (d entryPoint) cancel(run client.WorkflowRun) {
	d.t.Helper()
	require.NoError(d.t, d.namespace.CancelWorkflow(d.t.Context(), run.GetID(), run.GetRunID()))
}

// linkOf returns the workflow that works on an organization, as an operator finds it.
func (s *system) linkOf(org string) client.WorkflowRun {
	s.t.Helper()
	return s.temporal.GetWorkflow(s.t.Context(), migrationlink.WorkflowID("demo", org), "")
}

// endless starts a link that never becomes SYNCED, and returns when it is created.
func (d entryPoint) endless() (org string, owner, link client.WorkflowRun) {
	d.t.Helper()
	org = newOrg()
	d.shape(org, map[string]any{"sync": "never"})
	owner = d.link(linkRequest(org))
	d.eventually(func() bool { return d.evidence(org).EffectivePosts == 1 })
	return org, owner, d.linkOf(org)
}

// requireFailed checks what all failures have in common for a parent, and for its
// callers.
func requireFailed(t *testing.T, run client.WorkflowRun, errorType string) error {
	t.Helper()
	err := run.Get(t.Context(), nil)
	result, told := migrationlink.ResultOf(err)
	require.True(t, told, "%v", err)
	require.Equal(t, migrationlink.OutcomeFailed, result.Outcome)
	require.Equal(t, errorType, result.Problem.Type)
	require.NotEmpty(t, result.Problem.Remedy)
	return err
}

// requireType checks what a parent can read without the contract.
func requireType(t *testing.T, err error, errorType string) {
	t.Helper()
	var failed *temporal.ApplicationError
	require.ErrorAs(t, err, &failed)
	require.Equal(t, errorType, failed.Type())
	require.True(t, failed.NonRetryable())
}

// The promises of docs/how-to/call-from-a-workflow.md to a parent, for each entry point.
func TestAParentLearnsHowItsLinkEnded(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	s.worker("")
	promises := map[string]func(entryPoint){
		"joined":                        guestsReceiveTheSameResult,
		"different":                     differentRequestsAreRefused,
		"failed":                        failuresHaveAType,
		"timed out":                     timeoutsCarryTheResult,
		"cancelled by somebody else":    cancellationByOthersIsAFailure,
		"cancelled by both":             aCallerThatCancelsTooIsCancelled,
		"terminated":                    terminationIsReported,
		"terminated while it is undone": terminationDuringTheUndoIsNoCancellation,
		"its entry point terminated":    linkOutlivesItsEntryPoint,
		"invalid":                       invalidFieldsAreReported,
	}
	for name, d := range s.entryPoints() {
		for promise, keep := range promises {
			t.Run(name+" "+promise, func(t *testing.T) {
				t.Parallel()
				keep(d.in(t))
			})
		}
	}
}

func guestsReceiveTheSameResult(d entryPoint) {
	d.t.Helper()
	org, owner, link := d.endless()
	guest := d.link(linkRequest(org))
	d.eventually(func() bool { return d.joins(link) == 1 })
	d.shape(org, map[string]any{"syncDelay": "0s"})
	var first, second migrationlink.LinkResult
	require.NoError(d.t, owner.Get(d.t.Context(), &first))
	require.NoError(d.t, guest.Get(d.t.Context(), &second))
	require.Equal(d.t, migrationlink.OutcomeLinked, first.Outcome)
	require.Equal(d.t, first, second)
	require.Equal(d.t, 1, d.evidence(org).Posts)
}

func differentRequestsAreRefused(d entryPoint) {
	d.t.Helper()
	org, owner, _ := d.endless()
	other := linkRequest(org)
	other.Undo, other.SyncTimeout = migrationlink.UndoNever, "2h"
	unlink := migrationlink.UnlinkRequest{Manager: "demo", OrgID: org}
	for _, who := range []any{parent, grandparent} {
		err := requireFailed(d.t, d.start(who, errand{StartRequest: migrationlink.NewStartRequest(other)}), migrationlink.ErrDifferentRequest)
		fields := migrationlink.FieldsOf(err)
		require.Len(d.t, fields, 2)
		require.Equal(d.t, "undo", fields[0].Field)
		require.Equal(d.t, "syncTimeout", fields[1].Field)
	}
	err := requireFailed(d.t, d.start(parent, errand{StartRequest: migrationlink.NewStartRequest(unlink)}), migrationlink.ErrDifferentRequest)
	requireType(d.t, err, migrationlink.ErrDifferentRequest)
	require.Equal(d.t, "workflow", migrationlink.FieldsOf(err)[0].Field)
	d.cancel(owner)
	require.True(d.t, temporal.IsCanceledError(owner.Get(d.t.Context(), nil)))
}

func failuresHaveAType(d entryPoint) {
	d.t.Helper()
	org := newOrg()
	d.shape(org, map[string]any{"refusal": opsmanagertest.RefusedRole})
	requireType(d.t, requireFailed(d.t, d.link(linkRequest(org)), migrationlink.ErrRoleMissing), migrationlink.ErrRoleMissing)
	err := requireFailed(d.t, d.start(grandparent, errand{StartRequest: migrationlink.NewStartRequest(linkRequest(org))}), migrationlink.ErrRoleMissing)
	require.Contains(d.t, err.Error(), "the platform cannot go on")
	require.Nil(d.t, migrationlink.FieldsOf(err))
}

func timeoutsCarryTheResult(d entryPoint) {
	d.t.Helper()
	org := newOrg()
	d.shape(org, map[string]any{"sync": "never"})
	request := linkRequest(org)
	request.SyncTimeout, request.Undo = "3s", migrationlink.UndoAlways
	err := d.start(grandparent, errand{StartRequest: migrationlink.NewStartRequest(request)}).Get(d.t.Context(), nil)
	result, told := migrationlink.ResultOf(err)
	require.True(d.t, told, "%v", err)
	require.Equal(d.t, migrationlink.OutcomeTimedOut, result.Outcome)
	require.True(d.t, result.Removed)
	require.Equal(d.t, opsmanagertest.StatusNone, d.evidence(org).LinkStatus)
}

func cancellationByOthersIsAFailure(d entryPoint) {
	d.t.Helper()
	org, owner, link := d.endless()
	guest := d.link(linkRequest(org))
	d.eventually(func() bool { return d.joins(link) == 1 })
	require.NoError(d.t, d.temporal.SignalWorkflow(d.t.Context(), link.GetID(), "", migrationlink.CancelSignal, migrationlink.CancelRequest{Reason: "wrong target"}))
	for _, run := range []client.WorkflowRun{owner, guest} {
		err := requireFailed(d.t, run, migrationlink.ErrCancelledByOther)
		requireType(d.t, err, migrationlink.ErrCancelledByOther)
		require.False(d.t, temporal.IsCanceledError(err), "nobody has cancelled this parent")
		result, _ := migrationlink.ResultOf(err)
		require.True(d.t, result.Removed)
		require.Equal(d.t, "wrong target", result.CancelReason)
	}
	require.Equal(d.t, opsmanagertest.StatusNone, d.evidence(org).LinkStatus)
}

func aCallerThatCancelsTooIsCancelled(d entryPoint) {
	d.t.Helper()
	org, owner, link := d.endless()
	d.waitForPhase(link, migrationlink.PhaseSyncing)
	d.fault(opsmanagertest.Fault{
		Kind: opsmanagertest.StallBefore, Operation: "DELETE", OrgID: org, Count: 1, Duration: opsmanagertest.Duration(10 * time.Second),
	})
	require.NoError(d.t, d.temporal.CancelWorkflow(d.t.Context(), link.GetID(), ""))
	d.waitForPhase(link, migrationlink.PhaseUndoing)
	d.cancel(owner)
	err := owner.Get(d.t.Context(), nil)
	require.True(d.t, temporal.IsCanceledError(err), "%v", err)
	result, _ := migrationlink.ResultOf(err)
	require.True(d.t, result.Removed)
}

// requireNotTold checks what an operation learns of its own workflow, of which only Temporal
// can say that it was terminated.
func requireNotTold(t *testing.T, run client.WorkflowRun) {
	t.Helper()
	err := run.Get(t.Context(), nil)
	require.True(t, temporal.IsTerminatedError(err), "%v", err)
	require.False(t, temporal.IsCanceledError(err))
	_, told := migrationlink.ResultOf(err)
	require.False(t, told, "%v", err)
}

// A guest learns it within minutes, see start_once_test.go.
func terminationIsReported(d entryPoint) {
	d.t.Helper()
	_, owner, link := d.endless()
	require.NoError(d.t, d.temporal.TerminateWorkflow(d.t.Context(), link.GetID(), "", "enough"))
	if d.abroad {
		requireNotTold(d.t, owner)
		return
	}
	requireType(d.t, requireFailed(d.t, owner, migrationlink.ErrTerminated), migrationlink.ErrTerminated)
}

// A cancellation without an undo is no cancellation.
func terminationDuringTheUndoIsNoCancellation(d entryPoint) {
	d.t.Helper()
	org, owner, link := d.endless()
	d.waitForPhase(link, migrationlink.PhaseSyncing)
	d.fault(opsmanagertest.Fault{Kind: opsmanagertest.Unavailable, Operation: "DELETE", OrgID: org})
	require.NoError(d.t, d.namespace.CancelWorkflow(d.t.Context(), owner.GetID(), ""))
	d.waitForPhase(link, migrationlink.PhaseUndoing)
	require.NoError(d.t, d.temporal.TerminateWorkflow(d.t.Context(), link.GetID(), "", "enough"))
	if d.abroad {
		requireNotTold(d.t, owner)
		return
	}
	result, _ := migrationlink.ResultOf(requireFailed(d.t, owner, migrationlink.ErrTerminated))
	require.True(d.t, result.InDoubt)
	require.True(d.t, strings.HasSuffix(result.Problem.Message, "; nothing was undone"), result.Problem.Message)
}

func linkOutlivesItsEntryPoint(d entryPoint) {
	d.t.Helper()
	org, _, link := d.endless()
	guest := d.link(linkRequest(org))
	d.eventually(func() bool { return d.joins(link) == 1 })
	require.NoError(d.t, d.temporal.TerminateWorkflow(d.t.Context(), d.behind(guest), "", "enough"))
	err := guest.Get(d.t.Context(), nil)
	require.True(d.t, temporal.IsTerminatedError(err), "%v", err)
	_, told := migrationlink.ResultOf(err)
	require.False(d.t, told, "%v", err)
	d.shape(org, map[string]any{"syncDelay": "0s"})
	require.NoError(d.t, link.Get(d.t.Context(), nil), "the link goes on")
}

// behind returns the id of the workflow that a parent waits for, as its history shows it.
func (d entryPoint) behind(parent client.WorkflowRun) string {
	d.t.Helper()
	events := d.namespace.GetWorkflowHistory(d.t.Context(), parent.GetID(), "", false, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	for events.HasNext() {
		event, err := events.Next()
		require.NoError(d.t, err)
		if child := event.GetChildWorkflowExecutionStartedEventAttributes(); child != nil {
			return child.GetWorkflowExecution().GetWorkflowId()
		}
		if event.GetNexusOperationStartedEventAttributes() != nil {
			return event.GetLinks()[0].GetWorkflowEvent().GetWorkflowId()
		}
	}
	require.Fail(d.t, "the parent waits for no workflow")
	return ""
}

func invalidFieldsAreReported(d entryPoint) {
	d.t.Helper()
	request := linkRequest("nobody")
	request.Undo = "perhaps"
	for _, who := range []any{parent, grandparent} {
		err := d.start(who, errand{StartRequest: migrationlink.NewStartRequest(request)}).Get(d.t.Context(), nil)
		fields := migrationlink.FieldsOf(err)
		require.Len(d.t, fields, 2, "%v", err)
		require.Equal(d.t, "orgId", fields[0].Field)
		require.Equal(d.t, "undo", fields[1].Field)
		if d.abroad {
			continue // nothing was started that could have a result
		}
		result, told := migrationlink.ResultOf(err)
		require.True(d.t, told)
		require.Equal(d.t, migrationlink.ErrInvalidRequest, result.Problem.Type)
	}
}

// At every stage, and also for the caller of the parent.
func TestACancelledParentLeavesNoLink(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	s.worker("")
	moments := map[string]struct {
		fault opsmanagertest.Fault
		when  func(d entryPoint, org string) bool
		made  bool
	}{
		"creating, not accepted yet": {
			fault: opsmanagertest.Fault{Kind: opsmanagertest.TooManyRequests, Operation: "POST"},
			when:  func(d entryPoint, org string) bool { return d.evidence(org).Posts > 0 },
		},
		"creating, in the POST": {
			fault: opsmanagertest.Fault{Kind: opsmanagertest.StallAfter, Operation: "POST", Duration: opsmanagertest.Duration(2 * time.Second)},
			when:  func(d entryPoint, org string) bool { return d.evidence(org).EffectivePosts == 1 },
			made:  true,
		},
		"syncing": {
			fault: opsmanagertest.Fault{Kind: opsmanagertest.ChunkedBody}, // harmless
			when: func(d entryPoint, org string) bool {
				return d.evidence(org).EffectivePosts == 1 && d.status(d.linkOf(org)).Phase == migrationlink.PhaseSyncing
			},
			made: true,
		},
	}
	for name, d := range s.entryPoints() {
		for moment, at := range moments {
			for above, who := range map[string]any{"parent": parent, "grandparent": grandparent} {
				t.Run(name+" "+moment+" "+above, func(t *testing.T) {
					t.Parallel()
					d := d.in(t)
					org := newOrg()
					d.shape(org, map[string]any{"sync": "never"})
					fault := at.fault
					fault.OrgID = org
					d.fault(fault)
					run := d.start(who, errand{StartRequest: migrationlink.NewStartRequest(linkRequest(org))})
					d.eventually(func() bool { return at.when(d, org) })
					d.cancel(run)
					err := run.Get(t.Context(), nil)
					require.True(t, temporal.IsCanceledError(err), "%v", err)
					require.Equal(t, opsmanagertest.StatusNone, d.evidence(org).LinkStatus, "gone when the parent ends, not some time later")
					result, told := migrationlink.ResultOf(err)
					require.True(t, told, "%v", err)
					require.Equal(t, migrationlink.OutcomeCancelled, result.Outcome)
					require.Equal(t, at.made, result.Created)
					require.Equal(t, at.made, result.Removed)
				})
			}
		}
	}
}

// A parent that is started again joins what it began before, also if the child has the
// policy that other languages use by default.
func TestATerminatedParentLeavesItsLinkRunning(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	s.worker("")
	asOthersDo := s.platform()
	ways := s.entryPoints()
	starts := map[string]func(entryPoint, migrationlink.LinkRequest) client.WorkflowRun{
		"child": entryPoint.link, "Nexus": entryPoint.link,
		"child with Temporal's policy": func(_ entryPoint, request migrationlink.LinkRequest) client.WorkflowRun { return asOthersDo(request) },
	}
	ways["child with Temporal's policy"] = ways["child"]
	for name, start := range starts {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := ways[name].in(t)
			org := newOrg()
			d.shape(org, map[string]any{"sync": "never"})
			run := start(d, linkRequest(org))
			d.eventually(func() bool { return d.evidence(org).EffectivePosts == 1 })
			link := d.linkOf(org)
			d.waitForPhase(link, migrationlink.PhaseSyncing)
			require.NoError(t, d.namespace.TerminateWorkflow(t.Context(), run.GetID(), run.GetRunID(), "killed"))
			require.True(t, temporal.IsTerminatedError(run.Get(t.Context(), nil)))

			again := start(d, linkRequest(org))
			d.eventually(func() bool { return d.joins(link) == 1 })
			require.Equal(t, migrationlink.PhaseSyncing, d.status(link).Phase)
			d.shape(org, map[string]any{"syncDelay": "0s"})
			var result migrationlink.LinkResult
			require.NoError(t, again.Get(t.Context(), &result))
			require.Equal(t, migrationlink.OutcomeLinked, result.Outcome)
			require.Equal(t, 1, d.evidence(org).Posts)

			var found migrationlink.LinkResult
			require.NoError(t, start(d, linkRequest(org)).Get(t.Context(), &found))
			require.Equal(t, migrationlink.OutcomeAlreadyLinked, found.Outcome, "when it is over")
		})
	}
}

func TestTwoNamespacesShareOneLinkOfAnOrganization(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	s.worker("")
	ways := s.entryPoints()
	for _, order := range [][]string{{"child", "Nexus"}, {"Nexus", "child"}} {
		t.Run(order[0]+" first", func(t *testing.T) {
			t.Parallel()
			first, second := ways[order[0]].in(t), ways[order[1]].in(t)
			org, owner, link := first.endless()
			guest := second.link(linkRequest(org))
			first.eventually(func() bool { return first.joins(link) == 1 })
			leaving := second.link(linkRequest(org))
			first.eventually(func() bool { return first.joins(link) == 2 })
			second.cancel(leaving)
			require.True(t, temporal.IsCanceledError(leaving.Get(t.Context(), nil)))
			first.shape(org, map[string]any{"syncDelay": "0s"})
			var one, other migrationlink.LinkResult
			require.NoError(t, owner.Get(t.Context(), &one))
			require.NoError(t, guest.Get(t.Context(), &other))
			require.Equal(t, one, other)
			require.Equal(t, migrationlink.OutcomeLinked, one.Outcome)
			require.Equal(t, 1, first.evidence(org).Posts)
		})
	}
}

func TestAParentUnlinksThroughEachEntryPoint(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	s.worker("")
	for name, d := range s.entryPoints() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := d.in(t)
			org := newOrg()
			d.shape(org, map[string]any{"linked": true})
			unlink := errand{StartRequest: migrationlink.NewStartRequest(migrationlink.UnlinkRequest{Manager: "demo", OrgID: org})}
			for _, outcome := range []migrationlink.Outcome{migrationlink.OutcomeUnlinked, migrationlink.OutcomeNotLinked} {
				var result migrationlink.LinkResult
				require.NoError(t, d.start(grandparent, unlink).Get(t.Context(), &result))
				require.Equal(t, outcome, result.Outcome)
				require.Equal(t, opsmanagertest.StatusNone, d.evidence(org).LinkStatus)
			}
			require.Equal(t, 1, d.evidence(org).EffectiveDeletes)
		})
	}
}

// A Temporal timeout ends the wait of the parent, not the link.
func TestATemporalTimeoutLeavesTheLinkRunning(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	s.worker("")
	for name, d := range s.entryPoints() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := d.in(t)
			org := newOrg()
			d.shape(org, map[string]any{"sync": "never"})
			run := d.start(parent, errand{StartRequest: migrationlink.NewStartRequest(linkRequest(org)), Within: 4 * time.Second})
			d.eventually(func() bool { return d.evidence(org).EffectivePosts == 1 })
			err := run.Get(t.Context(), nil)
			require.True(t, temporal.IsTimeoutError(err), "%v", err)
			_, told := migrationlink.ResultOf(err)
			require.False(t, told, "%v", err)
			link := d.linkOf(org)
			require.Equal(t, migrationlink.PhaseSyncing, d.status(link).Phase)
			again := d.link(linkRequest(org))
			d.eventually(func() bool { return d.joins(link) == 1 })
			d.shape(org, map[string]any{"syncDelay": "0s"})
			var result migrationlink.LinkResult
			require.NoError(t, again.Get(t.Context(), &result))
			require.Equal(t, migrationlink.OutcomeLinked, result.Outcome)
			require.Equal(t, 1, d.evidence(org).Posts)
		})
	}
}

// Callers in other languages have no compiler that finds such a mistake.
func TestAFieldOfTheWrongTypeIsNamed(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	s.worker("")
	for name, test := range map[string]struct {
		input  any
		field  string
		remedy string
	}{
		"a number for a text":    {map[string]any{"manager": "demo", "orgId": 5}, "orgId", "is a number; write a text"},
		"seconds for a duration": {map[string]any{"manager": "demo", "orgId": newOrg(), "syncTimeout": 30}, "syncTimeout", `is a number; write a text, such as "1h30m"`},
		"a text for an object":   {map[string]any{"manager": "demo", "token": "s3cr3t"}, "token", "is a text; write an object"},
		"deeper":                 {map[string]any{"manager": "demo", "token": map[string]any{"atlas": map[string]any{"accessListIps": "::1"}}}, "token.atlas.accessListIps", "is a text; write a list"},
		"a text":                 {"s3cr3t", "request", "is not a JSON object"},
		"a name that is none":    {map[string]any{"manager": "demo", "orgId": "s3cr3t", "token": map[string]any{"ref": "env:LINK_TOKEN_DEMO"}}, "orgId", "is not an organization's id"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			run, err := s.temporal.ExecuteWorkflow(t.Context(), client.StartWorkflowOptions{ID: "slip-" + newOrg(), TaskQueue: migrationlink.TaskQueue}, migrationlink.LinkWorkflow, test.input)
			require.NoError(t, err)
			err = requireFailed(t, run, migrationlink.ErrInvalidRequest)
			fields := migrationlink.FieldsOf(err)
			require.Len(t, fields, 1, "%v", err)
			require.Equal(t, test.field, fields[0].Field)
			require.Contains(t, fields[0].Problem, test.remedy)
			result, _ := migrationlink.ResultOf(err)
			require.NotContains(t, fmt.Sprintf("%+v", result), "s3cr3t", "what is no name is not repeated as one")
		})
	}
}
