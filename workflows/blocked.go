package workflows

import (
	"errors"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/migrationlink/migrationlink"
)

// blocks tells whether err is something that a person can fix, and the request
// says to wait for that.
func (o *operation) blocks(ctx workflow.Context, err error) bool {
	if _, over := errors.AsType[deadlineReached](err); over {
		return false
	}
	return ctx.Err() == nil && o.onBlocked == migrationlink.WaitWhenBlocked && migrationlink.Blockable(problemOf(err).Type)
}

// blocked waits for somebody to fix what err says and to send the signal retry,
// or for meanwhile, which may be nil. It goes on in the phase where it stopped;
// goesOn is false at the deadline.
func (o *operation) blocked(ctx workflow.Context, err error, meanwhile workflow.Future) (goesOn bool, _ error) {
	stopped := o.status.Phase
	problem := problemOf(err)
	o.remember(ctx, string(migrationlink.PhaseBlocked))
	o.status.Problem = &problem
	o.enter(ctx, migrationlink.PhaseBlocked, o.deadline)
	o.status.BlockedIn = stopped
	o.measureBlocked(ctx, problem.Type)
	o.tell(ctx)

	goesOn, err = o.untilRetry(ctx, meanwhile)
	o.remember(ctx, "")
	if err == nil {
		o.status.Problem = nil
		o.enter(ctx, stopped, o.deadline)
	}
	return goesOn, err
}

func (o *operation) untilRetry(ctx workflow.Context, meanwhile workflow.Future) (bool, error) {
	goesOn := func() bool { return o.retries != o.handled || meanwhile != nil && meanwhile.IsReady() }
	for {
		deadline := o.deadline
		_, err := await(ctx, deadline.Sub(now(ctx)), "Blocked: until the deadline, or the signal "+migrationlink.RetrySignal,
			func() bool { return goesOn() || o.deadline.After(deadline) })
		if err != nil || goesOn() || !o.deadline.After(deadline) {
			return goesOn(), err
		}
	}
}

// unlessRetried waits for activities that are repeated by themselves, where the
// delay between two may be long. The signal retry ends them: retried says that they
// have done nothing, and are to be started anew.
func (o *operation) unlessRetried(ctx workflow.Context, execute func(workflow.Context) workflow.Future, result any) (retried bool, _ error) {
	o.handled = o.retries
	attempts, stop := workflow.WithCancel(ctx)
	defer stop()
	executing := execute(attempts)
	waited := workflow.Await(ctx, func() bool { return executing.IsReady() || o.retries != o.handled })
	if waited == nil && !executing.IsReady() {
		stop() // what was sent is waited for, if the options of the activity say so
	}
	err := executing.Get(ctx, result)
	return temporal.IsCanceledError(err) && ctx.Err() == nil, err
}

// pause waits before the next attempt for as long as the last one's error says,
// counted from since, but leaves time for a last one before the deadline. The
// signal retry ends it.
func (o *operation) pause(ctx workflow.Context, err error, since time.Time, summary string) error {
	left := o.deadline.Sub(now(ctx))
	delay := since.Add(retryDelay(err)).Sub(now(ctx))
	if delay <= 0 {
		return nil
	}
	if delay = min(delay, left-defaultDelay); delay <= 0 {
		delay = left // not enough for another attempt
	}
	o.nextAttempt = now(ctx).Add(delay)
	o.tell(ctx)
	_, err = await(ctx, delay, summary, func() bool { return o.retries != o.handled })
	o.nextAttempt = time.Time{}
	return err
}

// await waits for a condition, and tells whether it came before the time was up.
// The SDK's own leaves its timer running.
func await(ctx workflow.Context, limit time.Duration, summary string, condition func() bool) (bool, error) {
	if condition() {
		return true, nil
	}
	timing, stop := workflow.WithCancel(ctx)
	defer stop()
	timer := workflow.NewTimerWithOptions(timing, limit, workflow.TimerOptions{Summary: summary})
	err := workflow.Await(ctx, func() bool { return condition() || timer.IsReady() })
	if err == nil && !condition() {
		err = ctx.Err() // a cancellation makes the timer ready, too
	}
	return condition(), err
}

// remember puts into the memo, which lists show, what Temporal's own status
// does not tell.
func (o *operation) remember(ctx workflow.Context, phase string) {
	if err := workflow.UpsertMemo(ctx, map[string]any{migrationlink.PhaseMemo: phase}); err != nil {
		workflow.GetLogger(ctx).Warn("the memo could not be written", "error", err)
	}
}
