package workflows

import (
	"errors"
	"time"

	"go.temporal.io/sdk/workflow"

	"github.com/migrationlink/migrationlink"
	"github.com/migrationlink/migrationlink/activities"
)

// remove returns when there is no link, or why there may be one. The deadline of
// the operation holds.
func (o *operation) remove(ctx workflow.Context, phase migrationlink.Phase, in activities.DeleteLinkInput) (activities.DeleteLinkResult, error) {
	in.Target, in.Since = o.target, now(ctx)
	o.enter(ctx, phase, o.deadline)
	for {
		in.Deadline = o.deadline
		gone, err := removed(ctx, o.startRemoval(ctx, "Remove the link of organization "+o.target.OrgID, in))
		for err != nil && o.blocks(ctx, err) {
			gone, err = o.removeBlocked(ctx, in, err)
		}
		switch {
		case err == nil, ctx.Err() != nil:
			return gone, err
		case errors.Is(err, errRetry), mayRepeat(err) && o.deadline.After(in.Deadline):
			in.Repeated = true
			continue
		}
		o.met(ctx, err)
		return gone, err
	}
}

// errRetry says that somebody has asked to go on.
var errRetry = errors.New("asked to go on")

// removeBlocked waits until somebody has fixed what keeps the link from being
// removed. The end of a migration is nothing that anybody would tell: it is
// looked for meanwhile.
func (o *operation) removeBlocked(ctx workflow.Context, in activities.DeleteLinkInput, cause error) (activities.DeleteLinkResult, error) {
	waiting, stop := workflow.WithCancel(ctx)
	defer stop()
	in.Repeated, in.Deadline = true, o.deadline
	var meanwhile workflow.Future
	if problemOf(cause).Type == migrationlink.ErrMigrationRunning {
		in.AwaitMigration = true
		meanwhile = o.startRemoval(waiting, "Remove the link of organization "+o.target.OrgID+" when its migration has ended", in)
	}
	goesOn, err := o.blocked(ctx, cause, meanwhile)
	switch {
	case err != nil:
		return activities.DeleteLinkResult{}, err
	case !goesOn:
		return activities.DeleteLinkResult{}, deadlineReached{cause}
	case meanwhile == nil, !meanwhile.IsReady():
		return activities.DeleteLinkResult{}, errRetry
	}
	gone, err := removed(ctx, meanwhile)
	if err != nil && !o.deadline.After(in.Deadline) && problemOf(err).Type == migrationlink.ErrMigrationRunning {
		err = deadlineReached{err} // it was the last look
	}
	return gone, err
}

// deadlineReached is what was met last before a deadline.
type deadlineReached struct{ error }

func (e deadlineReached) Unwrap() error { return e.error }

func (o *operation) startRemoval(ctx workflow.Context, summary string, in activities.DeleteLinkInput) workflow.Future {
	limit := max(in.Deadline.Sub(now(ctx)), time.Second)
	return workflow.ExecuteActivity(again(ctx, o.target.Manager, summary, limit), migrationlink.DeleteLinkActivity, in)
}

func removed(ctx workflow.Context, removal workflow.Future) (gone activities.DeleteLinkResult, _ error) {
	err := removal.Get(ctx, &gone)
	return gone, err
}
