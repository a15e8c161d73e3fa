package workflows

import (
	"errors"

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
	o.status.BlockedIn = stopped
	o.remember(ctx, string(migrationlink.PhaseBlocked))
	o.enter(ctx, migrationlink.PhaseBlocked, o.deadline)
	o.status.Problem = &problem
	o.tell(ctx)

	goesOn, err = o.untilRetry(ctx, meanwhile)
	o.status.BlockedIn = ""
	o.remember(ctx, "")
	if err == nil {
		o.status.Problem = nil
		o.enter(ctx, stopped, o.deadline)
	}
	return goesOn, err
}

func (o *operation) untilRetry(ctx workflow.Context, meanwhile workflow.Future) (bool, error) {
	retries := o.retries
	for {
		deadline := o.deadline
		ended, err := workflow.AwaitWithOptions(ctx, workflow.AwaitOptions{
			Timeout:      deadline.Sub(now(ctx)),
			TimerOptions: workflow.TimerOptions{Summary: "Blocked: until the deadline, or the signal " + migrationlink.RetrySignal},
		}, func() bool {
			return o.retries != retries || o.deadline.After(deadline) || meanwhile != nil && meanwhile.IsReady()
		})
		if err != nil || !ended {
			return false, err
		}
		if o.retries != retries || meanwhile != nil && meanwhile.IsReady() {
			return true, nil
		}
	}
}

// remember puts into the memo, which lists show, what Temporal's own status
// does not tell.
func (o *operation) remember(ctx workflow.Context, phase string) {
	if err := workflow.UpsertMemo(ctx, map[string]any{migrationlink.PhaseMemo: phase}); err != nil {
		workflow.GetLogger(ctx).Warn("the memo could not be written", "error", err)
	}
}
