package chaos_test

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	commonpb "go.temporal.io/api/common/v1"
	enumspb "go.temporal.io/api/enums/v1"
	historypb "go.temporal.io/api/history/v1"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/temporal"
	"google.golang.org/protobuf/proto"

	"github.com/migrationlink/migrationlink"
	"github.com/migrationlink/migrationlink/opsmanager/opsmanagertest"
)

// account is everything that is known of one request when all have ended.
type account struct {
	request request

	mu         sync.Mutex
	calls      []call
	migrations []span
	runs       []run                  // in the order of their start
	events     []opsmanagertest.Event // of the organization
	answers    firstAnswers           // of the whole campaign
}

// asking is a worker process and the task queue of a manager that it calls.
type asking struct{ identity, queue string }

// firstAnswers has the time at which a worker process first completed an activity of a
// manager. By then it had a proper reply.
type firstAnswers map[asking]time.Time

func (f firstAnswers) had(by asking, before time.Time) bool {
	first, ok := f[by]
	return ok && first.Before(before)
}

func (f firstAnswers) read(r run) {
	for _, event := range r.history {
		done := event.GetActivityTaskCompletedEventAttributes()
		if done == nil {
			continue
		}
		by, at := r.asked(done.GetScheduledEventId(), done.GetIdentity()), event.GetEventTime().AsTime()
		if first, ok := f[by]; !ok || at.Before(first) {
			f[by] = at
		}
	}
}

func (r run) asked(scheduled int64, identity string) asking {
	return asking{identity, r.history[scheduled-1].GetActivityTaskScheduledEventAttributes().GetTaskQueue().GetName()}
}

// lastFailure returns which worker met the last failure of an activity, and when.
func (r run) lastFailure() (by asking, at time.Time) {
	for _, event := range r.history {
		if failed := event.GetActivityTaskFailedEventAttributes(); failed != nil {
			by, at = r.asked(failed.GetScheduledEventId(), failed.GetIdentity()), event.GetEventTime().AsTime()
		}
	}
	return by, at
}

// call is an execution of the starter.
type call struct {
	workflow       string
	detached       bool
	code           int // negative if it was killed
	stdout, stderr string
}

type span struct{ from, to time.Time }

func (a *account) called(c call) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.calls = append(a.calls, c)
}

// migrates records that a migration has begun or ended.
func (a *account) migrates(now bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if last := len(a.migrations) - 1; !now && last >= 0 && a.migrations[last].to.IsZero() {
		a.migrations[last].to = time.Now()
	}
	if now {
		a.migrations = append(a.migrations, span{from: time.Now()})
	}
}

// migrating reports whether a migration ran at any time in a span.
func (a *account) migrating(during span) bool {
	return slices.ContainsFunc(a.migrations, func(m span) bool {
		return m.from.Before(during.to) && (m.to.IsZero() || m.to.After(during.from))
	})
}

// run is one workflow that has ended, or should have.
type run struct {
	workflow string
	history  []*historypb.HistoryEvent
	started  time.Time
	closed   time.Time // zero while it runs
	result   *migrationlink.LinkResult
}

// violation is a promise that was not kept.
type violation struct{ rule, text string }

// newRun reads a history.
func newRun(events []*historypb.HistoryEvent) run {
	first, last := events[0], events[len(events)-1]
	r := run{
		workflow: first.GetWorkflowExecutionStartedEventAttributes().GetWorkflowType().GetName(),
		history:  events, started: first.GetEventTime().AsTime(),
	}
	var result migrationlink.LinkResult
	var err error
	switch last.GetEventType() {
	case enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED:
		err = decode(last.GetWorkflowExecutionCompletedEventAttributes().GetResult(), &result)
	case enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_CANCELED:
		err = decode(last.GetWorkflowExecutionCanceledEventAttributes().GetDetails(), &result)
	case enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_FAILED:
		failure := temporal.GetDefaultFailureConverter().FailureToError(last.GetWorkflowExecutionFailedEventAttributes().GetFailure())
		if known, ok := failure.(*temporal.ApplicationError); ok { //nolint:errorlint // the converter returns it bare
			err = known.Details(&result)
		}
	case enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_TERMINATED, enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_TIMED_OUT:
	default:
		return r
	}
	r.closed = last.GetEventTime().AsTime()
	if err == nil && result.Outcome != "" {
		r.result = &result
	}
	return r
}

func decode(payloads *commonpb.Payloads, into any) error {
	return converter.GetDefaultDataConverter().FromPayloads(payloads, into)
}

// tolerance is for clocks that are not read at the same instant.
const tolerance = 500 * time.Millisecond

// judge returns the promises that were not kept.
func (a *account) judge() (found []violation) {
	broken := func(rule, format string, args ...any) {
		found = append(found, violation{rule, fmt.Sprintf(format, args...)})
	}
	count := map[string]int{}
	for _, r := range a.runs {
		count[r.workflow]++
	}
	for workflow, n := range count {
		if n > 1 {
			broken("one workflow for each request", "%d runs of %s", n, workflow)
		}
	}
	for _, c := range a.calls {
		if c.code == exitUnreachable && count[c.workflow] > 0 {
			broken("no denial of what was accepted", "the starter ended with %d, and %s had begun: %s", c.code, c.workflow, c.stderr)
		}
	}
	for _, c := range a.calls {
		if told, tells := exitCodes[c.code]; tells && !c.detached && !slices.ContainsFunc(a.runs, func(r run) bool {
			return r.workflow == c.workflow && r.result != nil && told(r.result.Outcome)
		}) {
			broken("the starter tells the outcome", "it ended with %d: %s", c.code, c.stderr)
		}
	}
	if a.request.By == bySDK && count[migrationlink.LinkWorkflow] == 0 {
		broken("nothing is lost", "Temporal had accepted the link and has no workflow")
	}
	for i, r := range a.runs {
		until := time.Now()
		if i+1 < len(a.runs) {
			until = a.runs[i+1].started
		}
		a.judgeRun(r, until, broken)
	}
	return found
}

// exitCodes are the exit codes of the starter, by outcome.
var exitCodes = map[int]func(migrationlink.Outcome) bool{
	0: migrationlink.Outcome.Done,
	3: func(o migrationlink.Outcome) bool { return o == migrationlink.OutcomeFailed },
	4: func(o migrationlink.Outcome) bool { return o == migrationlink.OutcomeTimedOut },
	5: func(o migrationlink.Outcome) bool { return o == migrationlink.OutcomeCancelled },
}

// exitUnreachable is the starter's exit code if nothing was sent to Temporal.
const exitUnreachable = 7

func (a *account) judgeRun(r run, until time.Time, broken func(rule, format string, args ...any)) {
	for _, failed := range failedTasks(r.history) {
		broken("no workflow task fails", "%s", failed)
	}
	switch {
	case r.closed.IsZero():
		broken("every request ends", "%s is still running", r.workflow)
		return
	case r.result == nil:
		broken("every request ends with a result", "%s ended as %s", r.workflow, r.history[len(r.history)-1].GetEventType())
		return
	}
	v := verdict{account: a, run: r, result: *r.result, broken: broken}
	for _, event := range a.events {
		switch {
		case event.ByOthers || event.At.Before(r.started) || !event.At.Before(until):
		case event.Kind == opsmanagertest.LinkMade:
			v.made = append(v.made, event)
		case event.TokenSHA256 == "":
			v.removedForeign = append(v.removedForeign, event)
		default:
			v.removed = append(v.removed, event)
		}
	}
	v.cancelHonoured()
	if r.workflow == migrationlink.UnlinkWorkflow {
		v.unlinkTold()
		return
	}
	v.nothingTwice()
	v.foreignLinksStay()
	v.resultAgrees()
	v.undone()
	v.inTime()
	v.finalAnswersOnly()
}

// verdict judges one run by the events that the run caused.
type verdict struct {
	*account
	run
	result                        migrationlink.LinkResult
	made, removed, removedForeign []opsmanagertest.Event
	broken                        func(rule, format string, args ...any)
}

// standing reports whether the request's own link existed at the end.
func (v verdict) standing() bool {
	if len(v.made) == 0 {
		return false
	}
	return len(v.removed) == 0 || v.removed[len(v.removed)-1].At.Before(v.made[len(v.made)-1].At)
}

// nothingTwice: if the manager does not distinguish a missing link from one that is not
// SYNCED, a request may create the link again after its settling time. The same holds
// if somebody else's link existed from the start: the worker has never seen the answer
// for a missing one (unlinked_is_404 is not set here).
func (v verdict) nothingTwice() {
	for i := 1; i < len(v.made); i++ {
		gap := v.made[i].At.Sub(v.made[i-1].At)
		if v.request.statusTellsNone() && !v.request.foreign() || gap < v.request.Link.SettleLimit() {
			v.broken("nothing is done twice", "the manager made %d links: %v", len(v.made), v.made)
			return
		}
	}
}

func (v verdict) foreignLinksStay() {
	replaced := len(v.removedForeign) > 0
	switch {
	case replaced && v.request.Link.IfLinked != migrationlink.Relink:
		v.broken("links of others stay", "removed at %s with ifLinked %s", v.removedForeign[0].At.Format(clock), v.request.Link.IfLinked)
	case replaced && !v.result.Replaced && !v.result.ReplacedInDoubt && !v.result.InDoubt:
		v.broken("the result agrees with the manager", "somebody else's link was removed, and the result does not say so")
	case v.result.Replaced && !replaced && v.request.tellsNone():
		v.broken("the result agrees with the manager", "replaced, but nobody else's link was removed")
	case v.result.ReplacedInDoubt && v.request.statusTellsNone() && v.result.Outcome.Done():
		v.broken("the result agrees with the manager", "replacedInDoubt, although the status shows whether there is a link")
	}
}

// resultAgrees: the result describes what the manager did.
func (v verdict) resultAgrees() {
	const rule = "the result agrees with the manager"
	if v.result.InDoubt {
		return
	}
	made, standing := len(v.made) > 0, v.standing()
	if v.result.Created != made {
		v.broken(rule, "created is %t, and the manager made %d links", v.result.Created, len(v.made))
	}
	if v.result.Removed && standing {
		v.broken(rule, "removed, and the link is there")
	}
	if made && !v.result.Removed && !standing {
		v.broken(rule, "not removed, and the link is gone since %s", v.removed[len(v.removed)-1].At.Format(clock))
	}
	switch v.result.Outcome {
	case migrationlink.OutcomeLinked:
		if made && v.made[len(v.made)-1].At.Add(v.request.delay()).After(v.result.EndedAt.Add(tolerance)) {
			v.broken(rule, "linked at %s, and the link was not SYNCED before %s", v.result.EndedAt.Format(clock), v.made[len(v.made)-1].At.Add(v.request.delay()).Format(clock))
		}
	case migrationlink.OutcomeAlreadyLinked:
		if !v.request.foreign() || v.request.Link.IfLinked != migrationlink.KeepLink {
			v.broken(rule, "already linked, and nobody else had linked it, or the request would not keep that")
		}
	}
}

// undone: an undo leaves no link behind, or says so.
func (v verdict) undone() {
	const rule = "an undo removes the link or says why not"
	wanted := v.request.Link.Undo == migrationlink.UndoAlways && !v.result.Outcome.Done() ||
		v.request.Link.Undo == migrationlink.UndoOnCancel && v.result.Outcome == migrationlink.OutcomeCancelled
	switch {
	case !wanted:
		if len(v.removed) > 0 {
			v.broken("nothing is removed unasked", "removed at %s, with outcome %s and undo %s", v.removed[0].At.Format(clock), v.result.Outcome, v.request.Link.Undo)
		}
	case v.undoFailed():
		undoing := span{v.waitEnded(), v.result.EndedAt}
		switch {
		case v.request.Link.OnBlocked == migrationlink.WaitWhenBlocked && undoing.to.Sub(undoing.from) < undoLimit:
			v.broken(rule, "gave up after %s: %s", undoing.to.Sub(undoing.from).Round(time.Second), v.result.Problem.Message)
		case !v.migrating(undoing):
			v.broken(rule, "failed without a migration: %s", v.result.Problem.Message)
		}
	case v.standing() && !v.result.InDoubt:
		v.broken(rule, "outcome %s, and the link made at %s is there", v.result.Outcome, v.made[len(v.made)-1].At.Format(clock))
	case v.result.InDoubt && !v.request.foreign() && v.request.statusTellsNone():
		v.broken(rule, "in doubt, though the manager tells a missing link and nobody else has linked")
	}
}

// undoLimit is how long an undo goes on when it may.
const undoLimit = 15*time.Minute - 10*time.Second

func (v verdict) undoFailed() bool {
	return v.result.Problem != nil && v.result.Problem.Type == migrationlink.ErrUndoFailed
}

// inTime: no request gives up before its deadline.
func (v verdict) inTime() {
	if v.result.Outcome != migrationlink.OutcomeTimedOut {
		return
	}
	deadline := v.started.Add(v.request.Link.CreateLimit())
	if strings.Contains(v.result.Problem.Message, "not SYNCED within") {
		from := v.result.CreatedAt
		if from.IsZero() {
			from = v.firstCompleted(migrationlink.FindLinkActivity, migrationlink.CreateLinkActivity)
		}
		deadline = from.Add(v.request.Link.SyncLimit())
	}
	gaveUp := v.result.EndedAt
	if v.result.Removed { // otherwise the removals were of somebody else's link, as Relink requests
		gaveUp = v.waitEnded()
	}
	if !gaveUp.Before(deadline.Add(-tolerance)) {
		return
	}
	v.broken("nothing ends before its deadline", "gave up at %s, %s early: %s", gaveUp.Format(clock), deadline.Sub(gaveUp).Round(100*time.Millisecond), v.result.Problem.Message)
	if last := len(v.made) - 1; last >= 0 && len(v.removed) > 0 {
		if synced := v.made[last].At.Add(v.request.delay()); synced.Before(deadline) {
			v.broken("no undo of a link that can still become SYNCED", "removed at %s, would have been SYNCED at %s, before the deadline at %s",
				v.removed[len(v.removed)-1].At.Format(clock), synced.Format(clock), deadline.Format(clock))
		}
	}
}

// missed reports whether a link was SYNCED at the manager when its request gave up.
// That is no violation: the faults may have prevented every read of the last seconds.
// Many of them show that the last read is not at the deadline.
func (a *account) missed(r run) bool {
	if r.result == nil || r.result.Outcome != migrationlink.OutcomeTimedOut || !r.result.Created {
		return false
	}
	for _, event := range a.events {
		if event.Kind == opsmanagertest.LinkMade && !event.ByOthers && event.At.Add(a.request.delay()).Before((verdict{run: r, result: *r.result}).waitEnded()) {
			return true
		}
	}
	return false
}

// finalAnswersOnly: a link fails only because of an answer of a working manager.
func (v verdict) finalAnswersOnly() {
	if v.result.Outcome != migrationlink.OutcomeFailed || v.undoFailed() { // undone judges the latter
		return
	}
	const rule = "nothing fails without a final answer"
	switch v.result.Problem.Type {
	case migrationlink.ErrWrongAPI, migrationlink.ErrKeyRejected:
		if v.firstReply(v.request.Link.Manager) {
			return
		}
	case migrationlink.ErrAlreadyLinked:
		if v.request.foreign() && v.request.Link.IfLinked == migrationlink.FailIfLinked {
			return
		}
	case migrationlink.ErrMigrationRunning:
		if v.request.Link.IfLinked == migrationlink.Relink && v.migrating(span{v.started, v.closed}) {
			if v.request.Link.OnBlocked == migrationlink.FailWhenBlocked {
				return
			}
		}
	}
	v.broken(rule, "%s: %s", v.result.Problem.Type, v.result.Problem.Message)
}

// unlinkTold judges a removal.
func (v verdict) unlinkTold() {
	const rule = "the result agrees with the manager"
	u := v.request.Unlink.Request
	gone := len(v.removed)+len(v.removedForeign) > 0
	if !v.result.InDoubt && v.result.Removed != gone && (gone || v.request.tellsNone()) {
		v.broken(rule, "unlink: removed is %t, and the manager removed %d links", v.result.Removed, len(v.removed)+len(v.removedForeign))
	}
	if len(v.made) > 0 {
		v.broken(rule, "unlink made a link: %v", v.made)
	}
	switch v.result.Outcome {
	case migrationlink.OutcomeUnlinked, migrationlink.OutcomeNotLinked:
		if v.linkAt(v.closed) {
			v.broken(rule, "%s, and there is a link", v.result.Outcome)
		}
	case migrationlink.OutcomeTimedOut:
		if deadline := v.started.Add(u.Limit()); v.result.EndedAt.Before(deadline.Add(-tolerance)) {
			v.broken("nothing ends before its deadline", "unlink gave up %s early: %s", deadline.Sub(v.result.EndedAt).Round(100*time.Millisecond), v.result.Problem.Message)
		}
	case migrationlink.OutcomeFailed:
		switch v.result.Problem.Type {
		case migrationlink.ErrWrongAPI, migrationlink.ErrKeyRejected:
			if v.firstReply(u.Manager) {
				return
			}
		case migrationlink.ErrMigrationRunning:
			if u.OnBlocked == migrationlink.FailWhenBlocked && v.migrating(span{v.started, v.closed}) {
				return
			}
		}
		v.broken("nothing fails without a final answer", "unlink: %s: %s", v.result.Problem.Type, v.result.Problem.Message)
	}
}

// firstReply reports whether the request failed by the first call whose reply a worker process
// ever got from its manager, with no sign of an earlier one. Such a reply is final. It can be a
// refused key only where two nodes do not know each other's nonces: with stale ones besides, they
// can use up all attempts of a call.
func (v verdict) firstReply(manager string) bool {
	if v.result.Problem.Type == migrationlink.ErrKeyRejected && manager != twoNodes {
		return false
	}
	from, at := v.lastFailure()
	untouched := len(v.made)+len(v.removed)+len(v.removedForeign) == 0
	return v.result.Polls == 0 && v.result.LinkStatus == "" && untouched && !v.answers.had(from, at)
}

// linkAt reports whether the organization had a link at a time, whoever made it.
func (a *account) linkAt(at time.Time) (linked bool) {
	for _, event := range a.events {
		if !event.At.After(at) {
			linked = event.Kind == opsmanagertest.LinkMade
		}
	}
	return linked
}

// cancelLimit is how long a cancelled link may take: calls under way, the loss of
// workers, and an undo that meets faults.
const cancelLimit = 4 * time.Minute

// cancelHonoured: the first workflow task after an accepted cancellation acts on it.
func (v verdict) cancelHonoured() {
	const rule = "a cancellation ends as one"
	var asked *historypb.HistoryEvent
	for _, event := range v.history {
		isSignal := event.GetWorkflowExecutionSignaledEventAttributes().GetSignalName() == migrationlink.CancelSignal
		if asked == nil && (isSignal || event.GetEventType() == enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_CANCEL_REQUESTED) {
			asked = event
		}
	}
	if asked == nil {
		if v.result.Outcome == migrationlink.OutcomeCancelled {
			v.broken(rule, "cancelled, and nobody had asked")
		}
		return
	}
	took := v.closed.Sub(asked.GetEventTime().AsTime())
	if took > cancelLimit && !v.migrating(span{v.started, v.closed}) {
		v.broken(rule, "took %s", took.Round(time.Second))
	}
	steps := stepsAfter(v.history, asked.GetEventId())
	if v.result.Outcome != migrationlink.OutcomeCancelled && !v.undoFailed() && steps > 1 && !v.undoingAt(asked) {
		v.broken(rule, "asked at %s, and ended %d steps later as %s", asked.GetEventTime().AsTime().Format(clock), steps, v.result.Outcome)
	}
}

// undoingAt reports whether an undo had begun before. An undo is not cancelled.
func (v verdict) undoingAt(asked *historypb.HistoryEvent) bool {
	began := v.waitEnded()
	return v.workflow == migrationlink.LinkWorkflow && began.Before(v.result.EndedAt) && !began.After(asked.GetEventTime().AsTime())
}

// stepsAfter counts the workflow tasks that began after an event and did not fail.
func stepsAfter(events []*historypb.HistoryEvent, id int64) (steps int) {
	for _, event := range events {
		if event.GetWorkflowTaskCompletedEventAttributes().GetStartedEventId() > id {
			steps++
		}
	}
	return steps
}

// waitEnded returns when an undo began or, without one, when the run ended.
func (v verdict) waitEnded() time.Time {
	ended := v.result.EndedAt
	for _, event := range slices.Backward(v.history) {
		switch event.GetActivityTaskScheduledEventAttributes().GetActivityType().GetName() {
		case migrationlink.DeleteLinkActivity:
			ended = event.GetEventTime().AsTime()
		case migrationlink.FindLinkActivity, migrationlink.CreateLinkActivity, migrationlink.AwaitSyncedActivity:
			return ended
		}
	}
	return ended
}

// firstCompleted returns when an activity of one of these types first succeeded.
func (v verdict) firstCompleted(types ...string) time.Time {
	for _, event := range v.history {
		id := event.GetActivityTaskCompletedEventAttributes().GetScheduledEventId()
		if id > 0 && slices.Contains(types, v.history[id-1].GetActivityTaskScheduledEventAttributes().GetActivityType().GetName()) {
			return event.GetEventTime().AsTime()
		}
	}
	return v.started
}

// failedTasks describes the workflow tasks that failed. The server repeats a task if a
// new event has made its commands outdated; that is no failure.
func failedTasks(events []*historypb.HistoryEvent) (failed []string) {
	for _, event := range events {
		a := event.GetWorkflowTaskFailedEventAttributes()
		if a != nil && a.GetCause() != enumspb.WORKFLOW_TASK_FAILED_CAUSE_UNHANDLED_COMMAND {
			failed = append(failed, fmt.Sprintf("event %d: %s: %s", event.GetEventId(), a.GetCause(), a.GetFailure().GetMessage()))
		}
	}
	return failed
}

// leaks returns the names of the secrets in a text or a message.
func leaks(content []byte, secrets map[string]string) (found []string) {
	for name, secret := range secrets {
		if bytes.Contains(content, []byte(secret)) {
			found = append(found, name)
		}
	}
	slices.Sort(found)
	return found
}

// secretsIn returns the secrets in the events of the account and in the output of its
// starters.
func (a *account) secretsIn(secrets map[string]string) (found []violation) {
	for _, r := range a.runs {
		for _, event := range r.history {
			content, _ := proto.Marshal(event)
			for _, name := range leaks(content, secrets) {
				found = append(found, violation{noSecret, fmt.Sprintf("%s in event %d of %s", name, event.GetEventId(), r.workflow)})
			}
		}
	}
	for _, c := range a.calls {
		for _, name := range leaks([]byte(c.stdout+c.stderr), secrets) {
			found = append(found, violation{noSecret, name + " in the output of the starter"})
		}
	}
	return found
}

const noSecret = "no secret is shown"

// outcome is a word for the table.
func (r run) outcome() string {
	if r.result == nil {
		return "none"
	}
	return cmp.Or(string(r.result.Outcome), "none")
}

const clock = "15:04:05.000"
