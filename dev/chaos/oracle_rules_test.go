package chaos_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	commonpb "go.temporal.io/api/common/v1"
	enumspb "go.temporal.io/api/enums/v1"
	failurepb "go.temporal.io/api/failure/v1"
	historypb "go.temporal.io/api/history/v1"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/migrationlink/migrationlink"
	"github.com/migrationlink/migrationlink/opsmanager/opsmanagertest"
)

var noon = time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)

func at(seconds float64) time.Time {
	return noon.Add(time.Duration(seconds * float64(time.Second)))
}

func made(seconds float64) opsmanagertest.Event {
	return opsmanagertest.Event{At: at(seconds), Kind: opsmanagertest.LinkMade, TokenSHA256: "ours"}
}

func removed(seconds float64) opsmanagertest.Event {
	return opsmanagertest.Event{At: at(seconds), Kind: opsmanagertest.LinkRemoved, TokenSHA256: "ours"}
}

var (
	foreignMade    = opsmanagertest.Event{At: at(-5), Kind: opsmanagertest.LinkMade, ByOthers: true}
	foreignRemoved = opsmanagertest.Event{At: at(1), Kind: opsmanagertest.LinkRemoved}
)

// told makes a history from what happened at which second.
type told struct{ events []*historypb.HistoryEvent }

func (h *told) add(seconds float64, event *historypb.HistoryEvent) {
	event.EventId, event.EventTime = int64(len(h.events)+1), timestamppb.New(at(seconds))
	h.events = append(h.events, event)
}

func (h *told) activity(seconds float64, name string) {
	h.add(seconds, &historypb.HistoryEvent{EventType: enumspb.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED, Attributes: &historypb.HistoryEvent_ActivityTaskScheduledEventAttributes{
		ActivityTaskScheduledEventAttributes: &historypb.ActivityTaskScheduledEventAttributes{ActivityType: &commonpb.ActivityType{Name: name}},
	}})
}

func (h *told) cancel(seconds float64) {
	h.add(seconds, &historypb.HistoryEvent{EventType: enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED, Attributes: &historypb.HistoryEvent_WorkflowExecutionSignaledEventAttributes{
		WorkflowExecutionSignaledEventAttributes: &historypb.WorkflowExecutionSignaledEventAttributes{SignalName: migrationlink.CancelSignal},
	}})
}

// step is one workflow task that has seen all events so far.
func (h *told) step(seconds float64) {
	h.add(seconds, &historypb.HistoryEvent{EventType: enumspb.EVENT_TYPE_WORKFLOW_TASK_STARTED})
	h.add(seconds, &historypb.HistoryEvent{EventType: enumspb.EVENT_TYPE_WORKFLOW_TASK_COMPLETED, Attributes: &historypb.HistoryEvent_WorkflowTaskCompletedEventAttributes{
		WorkflowTaskCompletedEventAttributes: &historypb.WorkflowTaskCompletedEventAttributes{StartedEventId: int64(len(h.events))},
	}})
}

func (h *told) failedTask() {
	h.add(1, &historypb.HistoryEvent{EventType: enumspb.EVENT_TYPE_WORKFLOW_TASK_FAILED, Attributes: &historypb.HistoryEvent_WorkflowTaskFailedEventAttributes{
		WorkflowTaskFailedEventAttributes: &historypb.WorkflowTaskFailedEventAttributes{
			Cause:   enumspb.WORKFLOW_TASK_FAILED_CAUSE_NON_DETERMINISTIC_ERROR,
			Failure: &failurepb.Failure{Message: "unknown command"},
		},
	}})
}

// linked returns an account that keeps every promise: created at 1 s, SYNCED at 11 s,
// ended at 12 s.
func linked() *account {
	a := &account{
		request: request{
			By: bySDK,
			Link: migrationlink.LinkRequest{
				Undo: migrationlink.UndoAlways, IfLinked: migrationlink.KeepLink, OnBlocked: migrationlink.FailWhenBlocked,
				CreateTimeout: "40s", SyncTimeout: "30s", SettleTime: "5s",
			},
			Shape: opsmanagertest.OrgSettings{SyncDelay: opsmanagertest.After(10 * time.Second), StatusWithoutLink: opsmanagertest.WithoutLinkNotFound},
		},
		events: []opsmanagertest.Event{made(1)},
		runs: []run{{workflow: migrationlink.LinkWorkflow, started: at(0), closed: at(12), result: &migrationlink.LinkResult{
			Outcome: migrationlink.OutcomeLinked, Created: true, CreatedAt: at(1.1), StartedAt: at(0), EndedAt: at(12),
		}}},
	}
	return a
}

// ends changes how the link of an account ended.
func (a *account) ends(seconds float64, outcome migrationlink.Outcome, problem string) *migrationlink.LinkResult {
	r := &a.runs[0]
	r.closed = at(seconds)
	r.result.Outcome, r.result.EndedAt = outcome, at(seconds)
	switch outcome {
	case migrationlink.OutcomeTimedOut:
		r.result.Problem = &migrationlink.Problem{Type: migrationlink.ErrTimedOut, Message: "the link was not SYNCED within 30s"}
	case migrationlink.OutcomeFailed:
		r.result.Problem = &migrationlink.Problem{Type: problem}
	}
	return r.result
}

// onlyDeleteTells makes the result claim to have replaced a link at a manager whose status does not
// tell a missing one.
func (a *account) onlyDeleteTells() {
	a.request.Link.IfLinked = migrationlink.Relink
	a.request.Shape.StatusWithoutLink, a.request.Shape.DeleteWithoutLink = opsmanagertest.WithoutLinkNotSynced, opsmanagertest.WithoutLinkNotFound
	a.runs[0].result.Replaced = true
}

// undoes adds an undo by an activity that is scheduled at that time.
func (a *account) undoes(seconds float64) {
	var h told
	h.activity(0.5, migrationlink.CreateLinkActivity)
	h.activity(1.2, migrationlink.AwaitSyncedActivity)
	h.activity(seconds, migrationlink.DeleteLinkActivity)
	a.runs[0].history = h.events
	a.runs[0].result.Removed = true
	a.events = append(a.events, removed(seconds+0.5))
}

// cancels adds a cancellation at 5 s.
func (a *account) cancels(steps int) {
	var h told
	h.activity(0.5, migrationlink.CreateLinkActivity)
	h.cancel(5)
	for range steps {
		h.step(6)
	}
	a.runs[0].history = h.events
}

// meetsAPage makes a proxy answer the first call of the link. answered is when its
// worker had the first proper reply.
func (a *account) meetsAPage(answered float64) {
	a.events, a.runs[0].history = nil, failedBy("w", 0.5, migrationlink.CreateLinkActivity)
	a.answers = firstAnswers{asking{identity: "w"}: at(answered)}
	a.ends(1, migrationlink.OutcomeFailed, migrationlink.ErrWrongAPI).Created = false
}

// failedBy returns a history of one activity that fails at a worker.
func failedBy(identity string, seconds float64, activity string) []*historypb.HistoryEvent {
	var h told
	h.activity(seconds, activity)
	h.add(seconds+0.1, &historypb.HistoryEvent{EventType: enumspb.EVENT_TYPE_ACTIVITY_TASK_FAILED, Attributes: &historypb.HistoryEvent_ActivityTaskFailedEventAttributes{
		ActivityTaskFailedEventAttributes: &historypb.ActivityTaskFailedEventAttributes{ScheduledEventId: 1, Identity: identity},
	}})
	return h.events
}

// unlinkMeetsAPage makes a proxy answer the first call of the unlink, as meetsAPage does
// for the link.
func (a *account) unlinkMeetsAPage(answered float64) {
	a.unlinks(func(r *migrationlink.LinkResult) {
		r.Outcome, r.Removed, r.Problem = migrationlink.OutcomeFailed, false, &migrationlink.Problem{Type: migrationlink.ErrWrongAPI}
	})
	a.runs[1].history = failedBy("w", 20.5, migrationlink.DeleteLinkActivity)
	a.answers = firstAnswers{asking{identity: "w"}: at(answered)}
}

func (a *account) unlinks(change func(*migrationlink.LinkResult)) {
	a.request.Unlink = &unlinking{Request: migrationlink.UnlinkRequest{Timeout: "20s", OnBlocked: migrationlink.FailWhenBlocked}}
	result := &migrationlink.LinkResult{Outcome: migrationlink.OutcomeUnlinked, Removed: true, StartedAt: at(20), EndedAt: at(22)}
	change(result)
	a.runs = append(a.runs, run{workflow: migrationlink.UnlinkWorkflow, started: at(20), closed: result.EndedAt, result: result})
}

// keptPromises change the account that linked returns. It still keeps every promise.
var keptPromises = map[string]func(*account){
	"linked": func(*account) {},
	"timed out on the deadline and undone": func(a *account) {
		a.ends(32, migrationlink.OutcomeTimedOut, "")
		a.undoes(31.1)
	},
	"cancelled and undone": func(a *account) {
		a.cancels(1)
		a.runs[0].result.Removed = true
		a.events = append(a.events, removed(6))
		a.ends(7, migrationlink.OutcomeCancelled, "")
	},
	"linked in the step that saw the cancellation": func(a *account) { a.cancels(1) },
	"kept what others made": func(a *account) {
		a.request.Shape.Linked = new(true)
		a.events = []opsmanagertest.Event{foreignMade}
		a.ends(2, migrationlink.OutcomeAlreadyLinked, "").Created = false
	},
	"perhaps replaced, by a removal whose reply was lost, where only DELETE tells that there is no link": func(a *account) {
		a.onlyDeleteTells()
		a.runs[0].result.Replaced, a.runs[0].result.ReplacedInDoubt = false, true
	},
	"replaced what others made": func(a *account) {
		a.request.Shape.Linked, a.request.Link.IfLinked = new(true), migrationlink.Relink
		a.events = []opsmanagertest.Event{foreignMade, foreignRemoved, made(1)}
		a.runs[0].result.Replaced = true
	},
	"in doubt, and says so": func(a *account) {
		a.request.Link.Undo = migrationlink.UndoNever
		a.ends(32, migrationlink.OutcomeTimedOut, "").InDoubt = true
		a.runs[0].result.Created = false
	},
	"made again, where nobody can tell, after the settling time": func(a *account) {
		a.request.Shape.StatusWithoutLink = opsmanagertest.WithoutLinkNotSynced
		a.events = append(a.events, made(7))
		a.ends(20, migrationlink.OutcomeLinked, "")
	},
	"out of time after a replacement": func(a *account) {
		a.request.Link.IfLinked = migrationlink.Relink
		a.undoes(25)
		a.events = []opsmanagertest.Event{foreignMade, foreignRemoved}
		r := a.ends(41, migrationlink.OutcomeTimedOut, "")
		r.Created, r.Removed, r.Replaced, r.Problem.Message = false, false, true, "no link was created within 40s"
	},
	"failed by the first reply that a worker ever got": func(a *account) { a.meetsAPage(5) },
	"failed by nonces that the other node does not know": func(a *account) {
		a.meetsAPage(5)
		a.request.Link.Manager, a.runs[0].result.Problem.Type = twoNodes, migrationlink.ErrKeyRejected
	},
	"made again over somebody else's link, after the settling time": func(a *account) {
		a.request.Shape.Linked = new(true)
		a.events = []opsmanagertest.Event{foreignMade, made(1), made(7)}
		a.ends(20, migrationlink.OutcomeLinked, "")
	},
	"an unlink that failed by the first reply that a worker ever got": func(a *account) { a.unlinkMeetsAPage(25) },
	"unlinked": func(a *account) {
		a.events = append(a.events, removed(21))
		a.unlinks(func(*migrationlink.LinkResult) {})
	},
	"an undo that a migration forbids": func(a *account) {
		a.undoes(31.1)
		a.events = a.events[:1]
		a.migrations = []span{{from: at(0)}}
		a.ends(32, migrationlink.OutcomeFailed, migrationlink.ErrUndoFailed).Removed = false
	},
}

func TestTheOracleAcceptsAccountsThatKeepThePromises(t *testing.T) {
	t.Parallel()
	for name, change := range keptPromises {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := linked()
			change(a)
			require.Empty(t, a.judge())
		})
	}
}

type brokenPromise struct {
	change func(*account)
	rule   string
}

// brokenPromises change the account that linked returns. It then breaks the rule.
var brokenPromises = map[string]brokenPromise{
	"accepted and gone":      {func(a *account) { a.runs = nil }, "nothing is lost"},
	"two workflows":          {func(a *account) { a.runs = append(a.runs, a.runs[0]) }, "one workflow for each request"},
	"still running":          {func(a *account) { a.runs[0].closed = time.Time{} }, "every request ends"},
	"ended without a result": {func(a *account) { a.runs[0].history = []*historypb.HistoryEvent{{}}; a.runs[0].result = nil }, "every request ends with a result"},
	"a task that failed":     {func(a *account) { var h told; h.failedTask(); a.runs[0].history = h.events }, "no workflow task fails"},
	"denied by the starter": {func(a *account) {
		a.calls = []call{{workflow: migrationlink.LinkWorkflow, code: exitUnreachable}}
	}, "no denial of what was accepted"},
	"another outcome by the starter": {func(a *account) {
		a.calls = []call{{workflow: migrationlink.LinkWorkflow, code: 5}}
	}, "the starter tells the outcome"},
	"made twice": {func(a *account) { a.events = append(a.events, made(2)) }, "nothing is done twice"},
	"made again too soon": {func(a *account) {
		a.request.Shape.StatusWithoutLink = opsmanagertest.WithoutLinkNotSynced
		a.events = append(a.events, made(5.5))
	}, "nothing is done twice"},
	"gave up a replacement early": {func(a *account) {
		a.request.Link.IfLinked = migrationlink.Relink
		a.events = nil
		r := a.ends(20, migrationlink.OutcomeTimedOut, "")
		r.Created, r.Problem.Message = false, "the link that was there could not be removed in time"
	}, "nothing ends before its deadline"},
	"somebody else's link removed": {func(a *account) {
		a.events = []opsmanagertest.Event{foreignMade, foreignRemoved, made(1)}
		a.runs[0].result.Replaced = true
	}, "links of others stay"},
	"replaced in doubt, where the status tells": {func(a *account) {
		a.request.Link.IfLinked = migrationlink.Relink
		a.runs[0].result.ReplacedInDoubt = true
	}, "the result agrees with the manager"},
	"replaced nothing, where only DELETE tells that there is no link": {(*account).onlyDeleteTells, "the result agrees with the manager"},
	"replaced in silence": {func(a *account) {
		a.request.Link.IfLinked = migrationlink.Relink
		a.events = []opsmanagertest.Event{foreignMade, foreignRemoved, made(1)}
	}, "the result agrees with the manager"},
	"created, and is not":      {func(a *account) { a.events = nil }, "the result agrees with the manager"},
	"made, and denied":         {func(a *account) { a.ends(32, migrationlink.OutcomeTimedOut, "").Created = false }, "the result agrees with the manager"},
	"linked before SYNCED":     {func(a *account) { a.ends(5, migrationlink.OutcomeLinked, "") }, "the result agrees with the manager"},
	"already linked by nobody": {func(a *account) { a.ends(2, migrationlink.OutcomeAlreadyLinked, "").Created = false; a.events = nil }, "the result agrees with the manager"},
	"removed, and is not": {func(a *account) {
		a.undoes(31.1)
		a.events = a.events[:1]
		a.ends(32, migrationlink.OutcomeTimedOut, "")
	}, "the result agrees with the manager"},
	"stays, and does not": {func(a *account) {
		a.undoes(31.1)
		a.ends(32, migrationlink.OutcomeFailed, migrationlink.ErrUndoFailed).Removed = false
	}, "the result agrees with the manager"},
	"left behind by an undo": {func(a *account) { a.ends(32, migrationlink.OutcomeTimedOut, "") }, "an undo removes the link or says why not"},
	"an undo that gives up": {func(a *account) {
		a.request.Link.OnBlocked = migrationlink.WaitWhenBlocked
		a.migrations = []span{{from: at(0)}}
		a.undoes(31.1)
		a.events = a.events[:1]
		a.ends(50, migrationlink.OutcomeFailed, migrationlink.ErrUndoFailed).Removed = false
	}, "an undo removes the link or says why not"},
	"removed unasked": {func(a *account) {
		a.request.Link.Undo = migrationlink.UndoNever
		a.undoes(31.1)
		a.ends(32, migrationlink.OutcomeTimedOut, "")
	}, "nothing is removed unasked"},
	"gave up early": {func(a *account) {
		a.undoes(25)
		a.ends(26, migrationlink.OutcomeTimedOut, "")
	}, "nothing ends before its deadline"},
	"undone before it was SYNCED": {func(a *account) {
		a.request.Shape.SyncDelay = opsmanagertest.After(27 * time.Second)
		a.undoes(25)
		a.ends(26, migrationlink.OutcomeTimedOut, "")
	}, "no undo of a link that can still become SYNCED"},
	"failed by a redirect": {func(a *account) { a.ends(5, migrationlink.OutcomeFailed, migrationlink.ErrWrongAPI) }, "nothing fails without a final answer"},
	"failed by one page":   {func(a *account) { a.meetsAPage(-10) }, "nothing fails without a final answer"},
	"failed by a refused key at one node": {func(a *account) {
		a.meetsAPage(5)
		a.runs[0].result.Problem.Type = migrationlink.ErrKeyRejected
	}, "nothing fails without a final answer"},
	"failed by a refused key that was accepted": {func(a *account) {
		a.meetsAPage(-10)
		a.request.Link.Manager, a.runs[0].result.Problem.Type = twoNodes, migrationlink.ErrKeyRejected
	}, "nothing fails without a final answer"},
	"cancelled by nobody":    {func(a *account) { a.ends(5, migrationlink.OutcomeCancelled, "") }, "a cancellation ends as one"},
	"a cancellation ignored": {func(a *account) { a.cancels(3) }, "a cancellation ends as one"},
	"unlinked, and is not":   {func(a *account) { a.unlinks(func(*migrationlink.LinkResult) {}) }, "the result agrees with the manager"},
	"unlink gave up early": {func(a *account) {
		a.unlinks(func(r *migrationlink.LinkResult) {
			r.Outcome, r.Removed, r.Problem = migrationlink.OutcomeTimedOut, false, &migrationlink.Problem{Type: migrationlink.ErrTimedOut}
		})
	}, "nothing ends before its deadline"},
	"unlink failed by one page": {func(a *account) { a.unlinkMeetsAPage(-10) }, "nothing fails without a final answer"},
	"unlink failed by one page after it had removed the link": {func(a *account) {
		a.unlinkMeetsAPage(25)
		a.events = append(a.events, removed(21))
		a.runs[1].result.InDoubt = true
	}, "nothing fails without a final answer"},
	"unlink failed by itself": {func(a *account) {
		a.unlinks(func(r *migrationlink.LinkResult) {
			r.Outcome, r.Removed, r.Problem = migrationlink.OutcomeFailed, false, &migrationlink.Problem{Type: migrationlink.ErrKeyRejected}
		})
	}, "nothing fails without a final answer"},
}

func TestTheOracleSeesEveryBrokenPromise(t *testing.T) {
	t.Parallel()
	for name, test := range brokenPromises {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := linked()
			test.change(a)
			var rules []string
			for _, v := range a.judge() {
				rules = append(rules, v.rule)
			}
			require.Contains(t, rules, test.rule)
		})
	}
}

func TestTheOracleFindsSecrets(t *testing.T) {
	t.Parallel()
	secrets := map[string]string{"token": "canary"}
	a := linked()
	require.Empty(t, a.secretsIn(secrets))
	var h told
	h.activity(1, "with a canary inside")
	a.runs[0].history = h.events
	a.calls = []call{{stderr: "a canary sings"}}
	require.Len(t, a.secretsIn(secrets), 2)
}
