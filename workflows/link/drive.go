package link

import (
	"errors"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/migrationlink/migrationlink"
	"github.com/migrationlink/migrationlink/internal/seeded"
)

// step is something that is tried until it is done or its time is up.
type step struct {
	phase migrationlink.Phase
	// try makes one attempt. errAgain asks for another one at once.
	try func(workflow.Context) error
	// tooLate returns the error of a step whose time is up; last is what its last
	// attempt met.
	tooLate func(last error) error
	// until is when its time is up, if that is not the deadline of the operation.
	until func() time.Time
	// polls marks a step whose attempt waits until its time is up, and makes its last poll
	// then. It ends earlier only by mishap, as when its worker is lost.
	polls bool
	// meanwhile, if set, returns what is tried while a person is waited for, or nil.
	meanwhile func(ctx workflow.Context, cause error) *trial
	// pause describes the timer before the next attempt.
	pause string
}

// trial is an attempt in progress.
type trial struct {
	future workflow.Future
	result func() error // waits for its end
}

// drive takes a step: it makes attempts until one is done or final, or the time is up. It
// is the only place that decides what follows an attempt.
func (o *operation) drive(ctx workflow.Context, s step) error {
	began := now(ctx)
	for ctx.Err() == nil {
		end := o.endOf(s)
		o.enter(ctx, s.phase, s.ownEnd())
		o.wake.arm()
		err := s.try(ctx)
		o.met(ctx, err)
		last := err
		for o.judge(ctx, err) == person {
			last, err = err, o.awaitPerson(ctx, s, err)
			o.met(ctx, err)
		}
		verdict := o.judge(ctx, err)
		switch verdict {
		case done, cancelled, final:
			return err
		case later:
			last = err
		case again, person:
		}
		switch {
		case s.polls && !isLate(err) && o.endOf(s).After(end): // an operator has extended it
			continue
		case o.timeIsUp(ctx, s), s.polls && seeded.On(seeded.EarlyEnd):
			return s.tooLate(withoutAgain(last))
		case verdict == again:
			continue
		}
		if err := o.pause(ctx, s, err, began); err != nil {
			return err
		}
		if !s.polls && o.timeIsUp(ctx, s) {
			return s.tooLate(last)
		}
	}
	return ctx.Err()
}

func (s step) ownEnd() time.Time {
	if s.until == nil {
		return time.Time{}
	}
	return s.until()
}

func (o *operation) endOf(s step) time.Time { return o.phaseEnd(s.ownEnd()) }

func (o *operation) timeIsUp(ctx workflow.Context, s step) bool { return !now(ctx).Before(o.endOf(s)) }

// awaitPerson waits until somebody has fixed what blocks a step and requests a retry. It
// returns errAgain then, nil when the step was done meanwhile, and a deadlineReached when
// nobody came.
func (o *operation) awaitPerson(ctx workflow.Context, s step, cause error) error {
	trying, cancel := workflow.WithCancel(ctx)
	defer cancel()
	var meanwhile *trial
	if s.meanwhile != nil {
		meanwhile = s.meanwhile(trying, cause)
	}
	o.block(ctx, cause)
	err := o.untilGoesOn(ctx, meanwhile)
	o.forgetBlocked(ctx)
	isAlive := err == nil || errors.Is(err, errTimeIsUp)
	if isAlive {
		o.stage.problem = nil
		o.enter(ctx, s.phase, s.ownEnd())
	}
	if meanwhile != nil {
		looked := isAlive && meanwhile.future.IsReady()
		cancel()
		last := meanwhile.result()
		switch {
		case last == nil:
			return nil // perhaps at the last moment
		case looked && (!o.deadline.passed(now(ctx)) || problemOf(last).Type != problemOf(cause).Type):
			return last // extended, or an attempt was lost with its worker
		case looked:
			err = errTimeIsUp // it was the last look
		}
	}
	switch {
	case err == nil:
		return errAgain
	case errors.Is(err, errTimeIsUp):
		return deadlineReached{cause}
	}
	return err
}

// block shows that a person has to act.
func (o *operation) block(ctx workflow.Context, cause error) {
	problem := problemOf(cause)
	stopped := o.stage.phase
	o.rememberBlocked(ctx, problem.Type)
	o.stage.problem = &problem
	o.enter(ctx, migrationlink.PhaseBlocked, time.Time{})
	o.stage.blockedIn = stopped
	o.measureBlocked(ctx, problem.Type)
	o.tell(ctx)
}

// untilGoesOn waits for a request to continue, or for the end of meanwhile. It returns
// errTimeIsUp when neither came before the deadline.
func (o *operation) untilGoesOn(ctx workflow.Context, meanwhile *trial) error {
	defer o.wake.endsWait()()
	goesOn := func() bool { return o.wake.rang() || meanwhile != nil && meanwhile.future.IsReady() }
	summary := o.blockedSummary() // now: a problem of meanwhile may have any type, and Temporal refuses a long summary
	for {
		end := o.deadline.at
		err := await(ctx, end.Sub(now(ctx)), summary,
			func() bool { return goesOn() || o.deadline.at.After(end) })
		if err != nil || goesOn() {
			return err
		}
	}
}

// blockedSummary is the line of the timeline for the wait of a blocked link.
func (o *operation) blockedSummary() string {
	return "Blocked (" + o.stage.problem.Type + "): fix it, then send " + migrationlink.RetrySignal + "; waits until the deadline"
}

// untilWoken waits for an activity that Temporal retries, where the delay between two
// attempts may be long. A request to continue ends it; wasWoken then holds for its error.
func (o *operation) untilWoken(ctx workflow.Context, execute func(workflow.Context) workflow.Future, result any) error {
	attempts, stop := workflow.WithCancel(ctx)
	defer stop()
	defer o.wake.endsWait()()
	executing := execute(attempts)
	waited := workflow.Await(ctx, func() bool { return executing.IsReady() || o.wake.rang() })
	if waited == nil && !executing.IsReady() {
		stop() // what was sent is waited for, if the options of the activity say so
	}
	return executing.Get(ctx, result)
}

func wasWoken(ctx workflow.Context, err error) bool {
	return temporal.IsCanceledError(err) && ctx.Err() == nil
}

// pause waits before the next attempt, but leaves time for a last one. A request to continue
// ends it.
func (o *operation) pause(ctx workflow.Context, s step, err error, began time.Time) error {
	failed, delay := now(ctx), retryDelay(err)
	if earlier, ok := errors.AsType[metEarlier](err); ok {
		failed = earlier.at
	}
	if !s.polls {
		delay = rarely(delay, now(ctx).Sub(began))
	}
	delay = failed.Add(delay).Sub(now(ctx))
	left := o.endOf(s).Sub(now(ctx))
	if delay <= 0 || left <= 0 {
		return nil
	}
	if delay = min(delay, left-defaultDelay); delay <= 0 {
		delay = left // not enough for another attempt
	}
	o.stage.next = now(ctx).Add(delay)
	o.tell(ctx)
	defer o.wake.endsWait()()
	err = await(ctx, delay, s.pause, o.wake.rang)
	o.stage.next = time.Time{}
	return unlessTimeIsUp(err)
}

// rarely returns the delay before the workflow repeats an activity itself. That costs a
// dozen events, and Temporal ends a workflow with 51,200: the delay grows with the time
// already spent, as that of polls does, and further where somebody waits for days.
func rarely(delay, elapsed time.Duration) time.Duration {
	return max(delay, min(elapsed*15/100, 45*time.Second), min(elapsed/50, 15*time.Minute))
}

// errTimeIsUp is the error of a wait whose limit has passed.
var errTimeIsUp = errors.New("the time is up")

func unlessTimeIsUp(err error) error {
	if errors.Is(err, errTimeIsUp) {
		return nil
	}
	return err
}

// await waits until a condition is true, or returns errTimeIsUp. The SDK's own
// AwaitWithTimeout leaves its timer running.
func await(ctx workflow.Context, limit time.Duration, summary string, condition func() bool) error {
	if condition() {
		return nil
	}
	timing, stop := workflow.WithCancel(ctx)
	defer stop()
	timer := workflow.NewTimerWithOptions(timing, limit, workflow.TimerOptions{Summary: summary})
	err := workflow.Await(ctx, func() bool { return condition() || timer.IsReady() })
	switch {
	case err != nil:
		return err
	case condition():
		return nil
	case ctx.Err() != nil: // a cancellation makes the timer ready, too
		return ctx.Err()
	}
	return errTimeIsUp
}
