package e2e_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"github.com/migrationlink/migrationlink"
	"github.com/migrationlink/migrationlink/opsmanager/opsmanagertest"
)

// errand is what a parent is to do, and how.
type errand struct {
	migrationlink.StartRequest
	Abroad bool          // through Nexus
	Within time.Duration // a limit of Temporal's on what does it; none is right
}

// parent is a workflow of a platform that returns what it is told.
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

// stepparent says in its own words what it is told.
func stepparent(ctx workflow.Context, todo errand) (migrationlink.LinkResult, error) {
	result, err := parent(ctx, todo)
	if err != nil {
		err = fmt.Errorf("the platform cannot go on: %w", err)
	}
	return result, err
}

// grandparent has a stepparent do it.
func grandparent(ctx workflow.Context, todo errand) (result migrationlink.LinkResult, _ error) {
	ctx = workflow.WithChildOptions(ctx, workflow.ChildWorkflowOptions{WaitForCancellation: true})
	err := workflow.ExecuteChildWorkflow(ctx, stepparent, todo).Get(ctx, &result)
	return result, err
}

// door is a way in for parents.
type door struct {
	*system
	namespace client.Client // of the parents
	abroad    bool
}

// doors are all of them, by their names.
func (s *system) doors() map[string]door {
	s.t.Helper()
	platform, err := client.NewClientFromExisting(s.temporal, client.Options{Namespace: "platform", Logger: silent{}})
	require.NoError(s.t, err)
	s.t.Cleanup(platform.Close)
	ways := map[string]door{"child": {s, s.temporal, false}, "Nexus": {s, platform, true}}
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

func (d door) in(t *testing.T) door {
	t.Helper()
	d.system = d.system.in(t)
	return d
}

func (d door) start(who any, todo errand) client.WorkflowRun {
	d.t.Helper()
	todo.Abroad = d.abroad
	run, err := d.namespace.ExecuteWorkflow(d.t.Context(), client.StartWorkflowOptions{TaskQueue: "parents"}, who, todo)
	require.NoError(d.t, err)
	return run
}

func (d door) link(request migrationlink.LinkRequest) client.WorkflowRun {
	d.t.Helper()
	return d.start(parent, errand{StartRequest: migrationlink.NewStartRequest(request)})
}

func (d door) cancel(run client.WorkflowRun) {
	d.t.Helper()
	require.NoError(d.t, d.namespace.CancelWorkflow(d.t.Context(), run.GetID(), run.GetRunID()))
}

// linkOf is the workflow that works on an organization, as an operator finds it.
func (s *system) linkOf(org string) client.WorkflowRun {
	s.t.Helper()
	return s.temporal.GetWorkflow(s.t.Context(), migrationlink.WorkflowID("demo", org), "")
}

// endless starts a link that does not become SYNCED, and returns when it is made.
func (d door) endless() (org string, owner, link client.WorkflowRun) {
	d.t.Helper()
	org = newOrg()
	d.shape(org, map[string]any{"sync": "never"})
	owner = d.link(linkRequest(org))
	d.eventually(func() bool { return d.evidence(org).EffectivePosts == 1 })
	return org, owner, d.linkOf(org)
}

// requireFailed is what all failures have in common for a parent, and for those above.
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

// requireType is what a parent reads without any help of the contract.
func requireType(t *testing.T, err error, errorType string) {
	t.Helper()
	var failed *temporal.ApplicationError
	require.ErrorAs(t, err, &failed)
	require.Equal(t, errorType, failed.Type())
	require.True(t, failed.NonRetryable())
}

// What docs/calling.md promises to a parent, through each door.
func TestAParentIsToldHowItsLinkEnded(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	s.worker("")
	promises := map[string]func(door){
		"joined": func(d door) {
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
		},
		"different": func(d door) {
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
		},
		"failed": func(d door) {
			org := newOrg()
			d.shape(org, map[string]any{"refusal": opsmanagertest.RefusedRole})
			requireType(d.t, requireFailed(d.t, d.link(linkRequest(org)), migrationlink.ErrRoleMissing), migrationlink.ErrRoleMissing)
			err := requireFailed(d.t, d.start(grandparent, errand{StartRequest: migrationlink.NewStartRequest(linkRequest(org))}), migrationlink.ErrRoleMissing)
			require.Contains(d.t, err.Error(), "the platform cannot go on")
			require.Nil(d.t, migrationlink.FieldsOf(err))
		},
		"timed out": func(d door) {
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
		},
		"cancelled by somebody else": func(d door) {
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
		},
		"terminated": func(d door) { // one that has joined learns it within minutes, see start_once_test.go
			_, owner, link := d.endless()
			require.NoError(d.t, d.temporal.TerminateWorkflow(d.t.Context(), link.GetID(), "", "enough"))
			requireType(d.t, requireFailed(d.t, owner, migrationlink.ErrTerminated), migrationlink.ErrTerminated)
		},
		"terminated while it is undone": func(d door) { // a cancellation that nobody has carried out is none
			org, owner, link := d.endless()
			d.waitForPhase(link, migrationlink.PhaseSyncing)
			d.fault(opsmanagertest.Fault{Kind: opsmanagertest.Unavailable, Operation: "DELETE", OrgID: org})
			require.NoError(d.t, d.namespace.CancelWorkflow(d.t.Context(), owner.GetID(), ""))
			d.waitForPhase(link, migrationlink.PhaseUndoing)
			require.NoError(d.t, d.temporal.TerminateWorkflow(d.t.Context(), link.GetID(), "", "enough"))
			result, _ := migrationlink.ResultOf(requireFailed(d.t, owner, migrationlink.ErrTerminated))
			require.True(d.t, result.InDoubt)
			require.True(d.t, strings.HasSuffix(result.Problem.Message, "; nothing was undone since"), result.Problem.Message)
		},
		"its door terminated": func(d door) {
			org, owner, link := d.endless()
			described, err := d.temporal.DescribeWorkflowExecution(d.t.Context(), link.GetID(), "")
			require.NoError(d.t, err)
			own := described.WorkflowExecutionInfo.ParentExecution
			require.NoError(d.t, d.temporal.TerminateWorkflow(d.t.Context(), own.WorkflowId, own.RunId, "enough"))
			err = owner.Get(d.t.Context(), nil)
			require.True(d.t, temporal.IsTerminatedError(err), "%v", err)
			_, told := migrationlink.ResultOf(err)
			require.False(d.t, told, "%v", err)
			d.shape(org, map[string]any{"syncDelay": "0s"})
			require.NoError(d.t, link.Get(d.t.Context(), nil), "the link goes on")
		},
		"invalid": func(d door) {
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
		},
	}
	for name, d := range s.doors() {
		for promise, keep := range promises {
			t.Run(name+" "+promise, func(t *testing.T) {
				t.Parallel()
				keep(d.in(t))
			})
		}
	}
}

// However far it has come, also for the one above the parent.
func TestAParentThatIsCancelledLeavesNoLink(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	s.worker("")
	moments := map[string]struct {
		fault opsmanagertest.Fault
		when  func(d door, org string) bool
		made  bool
	}{
		"creating, not accepted yet": {
			fault: opsmanagertest.Fault{Kind: opsmanagertest.TooManyRequests, Operation: "POST"},
			when:  func(d door, org string) bool { return d.evidence(org).Posts > 0 },
		},
		"creating, in the POST": {
			fault: opsmanagertest.Fault{Kind: opsmanagertest.StallAfter, Operation: "POST", Duration: opsmanagertest.Duration(2 * time.Second)},
			when:  func(d door, org string) bool { return d.evidence(org).EffectivePosts == 1 },
			made:  true,
		},
		"syncing": {
			fault: opsmanagertest.Fault{Kind: opsmanagertest.ChunkedBody}, // harmless
			when: func(d door, org string) bool {
				return d.evidence(org).EffectivePosts == 1 && d.status(d.linkOf(org)).Phase == migrationlink.PhaseSyncing
			},
			made: true,
		},
	}
	for name, d := range s.doors() {
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

// One that is started again goes on with what its former self has begun, also where
// the child was given the policy that other languages have by default.
func TestAParentThatIsTerminatedLeavesItsLinkGoingOn(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	s.worker("")
	asOthersDo := s.platform()
	ways := s.doors()
	starts := map[string]func(door, migrationlink.LinkRequest) client.WorkflowRun{
		"child": door.link, "Nexus": door.link,
		"child with Temporal's policy": func(_ door, request migrationlink.LinkRequest) client.WorkflowRun { return asOthersDo(request) },
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

func TestTwoNamespacesAndOneOrganizationMakeOneLink(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	s.worker("")
	ways := s.doors()
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

func TestAParentUnlinksThroughEachDoor(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	s.worker("")
	for name, d := range s.doors() {
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

// A limit of Temporal's ends the wait of the parent, and not the link.
func TestALimitOfTemporalsLeavesTheLinkGoingOn(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	s.worker("")
	for name, d := range s.doors() {
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

// Callers in other languages have no compiler that finds it.
func TestAFieldOfAnotherTypeIsNamed(t *testing.T) {
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
