package workflows

import (
	"errors"
	"time"

	"go.temporal.io/sdk/workflow"

	"github.com/migrationlink/migrationlink"
	"github.com/migrationlink/migrationlink/activities"
)

// remove returns when there is no link, or why there may be one, with what is
// known to have been removed. The deadline of the operation holds.
func (o *operation) remove(ctx workflow.Context, phase migrationlink.Phase, in activities.DeleteLinkInput) (activities.Removal, error) {
	in.Target, in.Since = o.target, now(ctx)
	o.enter(ctx, phase, o.deadline)
	for {
		in.Deadline, o.handled = o.deadline, o.retries
		err := o.removed(ctx, o.startRemoval(ctx, "Remove the link of organization "+o.target.OrgID, in), &in)
		for err != nil && o.blocks(ctx, err) {
			err = o.removeBlocked(ctx, &in, err)
		}
		switch {
		case err == nil, ctx.Err() != nil:
			return in.Removal, err
		case errors.Is(err, errRetry):
			continue
		}
		o.met(ctx, err)
		if !mayRepeat(err) || !now(ctx).Before(o.deadline) {
			return in.Removal, err
		}
		if paused := o.pause(ctx, err, now(ctx), "Before the next attempt to remove the link"); paused != nil {
			return in.Removal, paused
		}
		if !now(ctx).Before(o.deadline) {
			return in.Removal, err
		}
	}
}

// errRetry says that somebody has asked to go on.
var errRetry = errors.New("asked to go on")

// removeBlocked waits until somebody has fixed what keeps the link from being
// removed. The end of a migration is nothing that anybody would tell: it is
// looked for meanwhile.
func (o *operation) removeBlocked(ctx workflow.Context, in *activities.DeleteLinkInput, cause error) error {
	in.Deadline = o.deadline
	looking, stop := workflow.WithCancel(ctx)
	defer stop()
	var meanwhile workflow.Future
	if problemOf(cause).Type == migrationlink.ErrMigrationRunning {
		waiting := *in
		waiting.AwaitMigration = true
		meanwhile = o.startRemoval(looking, "Remove the link of organization "+o.target.OrgID+" when its migration has ended", waiting)
	}
	goesOn, err := o.blocked(ctx, cause, meanwhile)
	if meanwhile != nil {
		looked := err == nil && meanwhile.IsReady()
		stop()
		last := o.removed(ctx, meanwhile, in)
		switch {
		case last == nil:
			return nil // perhaps at the last moment
		case looked && (o.deadline.After(in.Deadline) || problemOf(last).Type != migrationlink.ErrMigrationRunning):
			return last
		case looked:
			goesOn = false // it was the last look
		}
	}
	switch {
	case err != nil:
		return err
	case !goesOn:
		return deadlineReached{cause}
	}
	return errRetry
}

// deadlineReached is what was met last before a deadline.
type deadlineReached struct{ error }

func (e deadlineReached) Unwrap() error { return e.error }

func (o *operation) startRemoval(ctx workflow.Context, summary string, in activities.DeleteLinkInput) workflow.Future {
	limit := max(in.Deadline.Sub(now(ctx)), time.Second)
	return workflow.ExecuteActivity(traced(ctx, o.target.Manager, summary, limit), migrationlink.DeleteLinkActivity, in)
}

// removed waits for the end of a removal, and notes in in what it has done.
func (o *operation) removed(ctx workflow.Context, removal workflow.Future, in *activities.DeleteLinkInput) error {
	var gone activities.DeleteLinkResult
	err := removal.Get(ctx, &gone)
	if err != nil {
		in.Removal = lastRemoval(err, in.Removal)
		return err
	}
	in.Removal.Found, in.Removal.After = gone.Found, gone.LinkStatus
	return nil
}
