package link_test

import (
	"errors"
	"iter"
	"slices"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/interceptor"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/migrationlink/migrationlink"
	"github.com/migrationlink/migrationlink/activities"
)

// The test environment ends an activity at once when it is cancelled, whatever
// WaitForCancellation says, caps its attempts at ten and backs off a constant
// second. So an interceptor takes every activity out of its hands: here is what a
// server and its workers make of one, in virtual time and in one goroutine.

// fleet is the interceptor.
type fleet struct {
	interceptor.WorkerInterceptorBase
	scene *scene
}

func (f *fleet) InterceptWorkflow(_ workflow.Context, next interceptor.WorkflowInboundInterceptor) interceptor.WorkflowInboundInterceptor {
	return &inbound{WorkflowInboundInterceptorBase: interceptor.WorkflowInboundInterceptorBase{Next: next}, scene: f.scene}
}

type inbound struct {
	interceptor.WorkflowInboundInterceptorBase
	scene *scene
}

func (i *inbound) Init(next interceptor.WorkflowOutboundInterceptor) error {
	return i.Next.Init(&outbound{WorkflowOutboundInterceptorBase: interceptor.WorkflowOutboundInterceptorBase{Next: next}, scene: i.scene})
}

type outbound struct {
	interceptor.WorkflowOutboundInterceptorBase
	scene *scene
}

func (o *outbound) UpsertMemo(ctx workflow.Context, memo map[string]any) error {
	if memo[migrationlink.PhaseMemo] == string(migrationlink.PhaseBlocked) {
		o.scene.met("blocked")
	}
	return o.Next.UpsertMemo(ctx, memo)
}

// GetInfo says of a run whether it comes from a reset.
func (o *outbound) GetInfo(ctx workflow.Context) *workflow.Info {
	info := *o.Next.GetInfo(ctx)
	if o.scene.schedule.Manager.Earlier != "" {
		info.OriginalRunID = "the run before the reset"
	}
	return &info
}

func (o *outbound) ExecuteLocalActivity(ctx workflow.Context, name string, _ ...any) workflow.Future {
	future, settle := workflow.NewFuture(ctx)
	o.scene.tell("%s: the manager is known", name)
	settle.SetValue(nil)
	return future
}

func (o *outbound) ExecuteActivity(ctx workflow.Context, name string, args ...any) workflow.Future {
	future, settle := workflow.NewFuture(ctx)
	if ctx.Err() != nil {
		settle.SetError(temporal.NewCanceledError())
		return future
	}
	e := &execution{scene: o.scene, name: name, in: args[0], options: workflow.GetActivityOptions(ctx), settle: settle}
	e.schedule()
	watching, _ := workflow.NewDisconnectedContext(ctx)
	workflow.Go(watching, func(watching workflow.Context) {
		ctx.Done().Receive(watching, nil)
		e.cancel()
	})
	return future
}

// execution is one activity, as the server sees it.
type execution struct {
	scene   *scene
	name    string
	in      any
	options workflow.ActivityOptions
	settle  workflow.Settable

	settled         bool
	attempts        int
	running         *attempt
	beat            any // heartbeat details that the server has
	last            error
	cancelRequested bool
	expires         time.Time // zero when never
}

func (e *execution) schedule() {
	e.scene.started(e.name, e.in)
	if limit := e.options.ScheduleToCloseTimeout; limit > 0 {
		e.expires = e.scene.now().Add(limit)
		e.scene.after(limit, func() {
			e.end(nil, e.timeout(enumspb.TIMEOUT_TYPE_SCHEDULE_TO_CLOSE))
			if e.running != nil {
				if _, removes := e.in.(activities.DeleteLinkInput); removes {
					e.scene.met("lost removal")
				}
				e.running.hearOfTheEnd(seldom)
			}
		})
	}
	e.enqueue()
}

func (e *execution) beats() []any {
	if e.beat == nil {
		return nil
	}
	return []any{e.beat}
}

// timeout is the server's error: its cause is the failure of an earlier attempt.
func (e *execution) timeout(of enumspb.TimeoutType) error {
	return temporal.NewTimeoutError(of, e.last, e.beats()...)
}

// enqueue waits for a worker to take the next attempt.
func (e *execution) enqueue() {
	e.attempts++
	fate := e.scene.fate(e.name)
	queued := pickUp + fate.Queued
	if limit := e.options.ScheduleToStartTimeout; limit > 0 && queued > limit {
		e.scene.after(limit, func() { e.end(nil, e.timeout(enumspb.TIMEOUT_TYPE_SCHEDULE_TO_START)) })
		return
	}
	e.scene.after(queued, func() {
		if !e.settled {
			e.running = begin(e, fate)
		}
	})
}

// repeats reports whether the activity's policy has it tried again after err.
func (e *execution) repeats(err error) bool {
	policy := e.options.RetryPolicy
	return e.retryable(err) && (policy.MaximumAttempts == 0 || e.attempts < int(policy.MaximumAttempts))
}

// retryable reports whether an error is one that may be tried again.
func (e *execution) retryable(err error) bool {
	if late, ok := errors.AsType[*temporal.TimeoutError](err); ok {
		return !slices.Contains(e.options.RetryPolicy.NonRetryableErrorTypes, "TemporalTimeout:"+late.TimeoutType().String())
	}
	failed, ok := errors.AsType[*temporal.ApplicationError](err)
	return ok && !failed.NonRetryable()
}

// writes reports whether the activity changes something at the manager or in Atlas.
func (e *execution) writes() bool {
	switch e.in.(type) {
	case activities.CreateLinkInput, activities.DeleteLinkInput, activities.CreateLinkTokenInput, activities.DeleteLinkTokenInput:
		return true
	}
	return false
}

// cancel is the server's answer to a workflow that cancels the activity.
func (e *execution) cancel() {
	if e.settled {
		return
	}
	e.cancelRequested = true
	notice := seldom
	if e.options.WaitForCancellation {
		notice = soon
	}
	switch {
	case e.running == nil:
		e.end(nil, temporal.NewCanceledError("ACTIVITY_ID_NOT_STARTED")) // the server's words
	case e.options.WaitForCancellation:
		e.running.hearOfTheEnd(notice)
	default:
		if e.writes() {
			e.scene.manager.breaks("%s is left alone with its call at work", e.name)
		}
		e.running.hearOfTheEnd(notice)
		e.end(nil, temporal.NewCanceledError())
	}
}

// ended decides what follows an attempt.
func (e *execution) ended(result any, err error) {
	e.running = nil
	if err == nil || e.cancelRequested || !e.repeats(err) {
		e.end(result, err)
		return
	}
	delay := e.retryDelay(err)
	if !e.expires.IsZero() && e.scene.now().Add(delay).After(e.expires) {
		// The server does not wait for what would come too late, and says of an attempt
		// that was lost that the time is up.
		if _, lost := errors.AsType[*temporal.TimeoutError](err); lost {
			e.scene.met("ended early")
			err = e.timeout(enumspb.TIMEOUT_TYPE_SCHEDULE_TO_CLOSE)
		}
		e.end(nil, err)
		return
	}
	e.last = err
	e.scene.after(delay, func() {
		if !e.settled {
			e.enqueue()
		}
	})
}

// retryDelay is that of the policy, unless the error says another one.
func (e *execution) retryDelay(err error) time.Duration {
	policy := e.options.RetryPolicy
	if failed, ok := errors.AsType[*temporal.ApplicationError](err); ok && failed.NextRetryDelay() > 0 {
		return failed.NextRetryDelay()
	}
	delay := policy.InitialInterval
	for range e.attempts - 1 {
		delay = min(time.Duration(float64(delay)*policy.BackoffCoefficient), policy.MaximumInterval)
	}
	return delay
}

// end gives the workflow what it waits for, in the shape in which it arrives.
func (e *execution) end(result any, err error) {
	if e.settled {
		return
	}
	e.settled = true
	switch e.name {
	case migrationlink.CreateLinkActivity:
		e.scene.manager.unseen = false
	case migrationlink.LinkStatusActivity:
		e.scene.checking--
	case migrationlink.VerifyInAtlasActivity:
		e.scene.atlas.looks(result, err)
	}
	e.scene.tell("%s: %s", e.name, outcomeOf(result, err))
	e.scene.ended(result, err)
	e.scene.learns(result, err)
	if err == nil {
		e.settle.SetValue(result)
		return
	}
	if (e.name == migrationlink.FindLinkActivity || e.name == migrationlink.CreateLinkActivity) && e.lost(err) {
		e.scene.lost()
	}
	converter := temporal.GetDefaultFailureConverter()
	e.settle.SetError(converter.FailureToError(converter.ErrorToFailure(err)))
}

// lost reports whether err leaves it open what a POST has done.
func (e *execution) lost(err error) bool {
	if _, ok := errors.AsType[*temporal.TimeoutError](err); ok {
		return e.beat != nil
	}
	failed, ok := errors.AsType[*temporal.ApplicationError](err)
	return ok && failed.Type() == migrationlink.ErrReplyLost
}

const (
	pickUp = 10 * time.Millisecond // a worker that is there takes a task
	// soon and seldom are when an attempt hears that it is cancelled, as in the
	// real activities.
	soon   = 400 * time.Millisecond
	seldom = 3 * time.Second
)

// attempt is one attempt of an activity, as a worker runs it: straight-line code
// in virtual time.
type attempt struct {
	*execution
	fate     fate
	number   int
	survives func(time.Duration) bool // lets time pass, less when the attempt is cancelled; false when the worker dies
	turn     int                      // of what waits for time to pass
	resume   func(turn int)
	heard    bool // that nobody waits for it any more
	recorded bool // a heartbeat: the next are held back, and lost with the worker
	held     any  // such a one
	worker   int
	clock    clock
	finished bool   // whatever came of it
	dead     bool   // the worker
	tooLong  bool   // the attempt: its worker does not live to tell
	vanished bool   // the worker, before it had told how the attempt ended
	told     func() // of what follows when the server learns how the attempt ended
	// stopsWith is what the attempt leaves when it stops for a cancellation.
	stopsWith any
}

// An attempt ends in the middle by a panic with one of these.
type (
	workerVanishes struct{}
	attemptStops   struct{} // it has heard that nobody waits for it any more
	sceneEnds      struct{}
)

func begin(e *execution, fate fate) *attempt {
	a := &attempt{execution: e, fate: fate, number: e.attempts, worker: fate.Worker}
	if e.scene.schedule.Manager.Workers == 2 && e.attempts%2 == 0 {
		a.worker = 1
	}
	a.startClock()
	var result any
	var err error
	next, stop := iter.Pull(func(yield func(time.Duration) bool) {
		a.survives = func(d time.Duration) bool {
			if !yield(d) {
				panic(sceneEnds{})
			}
			return !a.dead
		}
		result, err = a.runToItsEnd()
	})
	e.scene.cleanups = append(e.scene.cleanups, stop)
	a.resume = func(turn int) {
		if turn != a.turn {
			return // it was woken before
		}
		a.turn++
		turn = a.turn
		if d, more := next(); more {
			e.scene.after(d, func() { a.resume(turn) })
			return
		}
		a.finished = true
		e.scene.running = slices.DeleteFunc(slices.Clone(e.scene.running), func(other *attempt) bool { return other == a })
		a.report(result, err)
	}
	e.scene.running = append(e.scene.running, a)
	if e.scene.killNext {
		e.scene.killNext, fate.Dies = false, halfCall+halfCall/2
	}
	if fate.Dies > 0 {
		e.scene.after(fate.Dies, a.die)
	}
	e.scene.after(e.options.StartToCloseTimeout, func() {
		if e.running == a && !a.vanished {
			a.tooLong = true
			a.die()
		}
	})
	a.resume(0)
	return a
}

// pass lets time pass.
func (a *attempt) pass(d time.Duration) {
	if !a.survives(d) {
		a.scene.tell("  %s: the worker dies", a.name)
		panic(workerVanishes{})
	}
}

// die ends the attempt where it is.
func (a *attempt) die() {
	if !a.finished {
		a.dead = true
		a.resume(a.turn)
	}
}

func (a *attempt) runToItsEnd() (result any, err error) {
	defer func() {
		switch ended := recover(); ended.(type) {
		case nil, sceneEnds:
		case workerVanishes:
			a.vanished = true
		case attemptStops:
			err = temporal.NewCanceledError()
			if a.stopsWith != nil {
				err = temporal.NewCanceledError(a.stopsWith)
			}
		default:
			panic(ended)
		}
	}()
	result, err = a.perform()
	if a.fate.Untold {
		a.scene.tell("  %s: the worker dies before it has told %s", a.name, outcomeOf(result, err))
		panic(workerVanishes{})
	}
	return result, err
}

// report is what the server learns of the attempt's end. A worker that has
// vanished is noticed by its silence.
func (a *attempt) report(result any, err error) {
	if !a.vanished {
		if a.told != nil {
			a.told()
		}
		if a.held != nil {
			a.beat = a.held
		}
		a.ended(result, err)
		return
	}
	a.scene.restart(a.worker)
	a.scene.met("worker died")
	switch a.name {
	case migrationlink.CreateLinkTokenActivity:
		a.scene.met("token lost")
	case migrationlink.DeleteLinkActivity:
		a.scene.met("lost removal")
	}
	if a.tooLong {
		a.ended(nil, a.timeout(enumspb.TIMEOUT_TYPE_START_TO_CLOSE))
		return
	}
	a.scene.after(a.options.HeartbeatTimeout-a.fate.Unheard, func() {
		lost := a.timeout(enumspb.TIMEOUT_TYPE_HEARTBEAT)
		switch {
		case a.settled:
		case a.fate.Paused && !a.cancelRequested && a.retryable(lost): // an operator has: the server then forgets the limit of one
			a.last = lost
			a.enqueue()
		default:
			a.ended(nil, lost)
		}
	})
}

func (a *attempt) hearOfTheEnd(notice time.Duration) {
	turn := a.turn
	a.scene.after(notice, func() {
		a.heard = true
		if turn == a.turn {
			a.resume(turn)
		}
	})
}

// record is activity.RecordHeartbeat: the first arrives, the next wait for the
// end of the attempt.
func (a *attempt) record(details any) {
	if !a.recorded {
		a.recorded, a.beat = true, details
	}
	a.held = details
}

// mark is a heartbeat that the server has acknowledged. It says when the activity
// is cancelled.
func (a *attempt) mark(details any) (acknowledged bool) {
	if a.cancelRequested {
		return false
	}
	a.recorded, a.beat, a.held = true, details, details
	return true
}
