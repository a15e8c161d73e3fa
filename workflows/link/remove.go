package link

import (
	"go.temporal.io/sdk/workflow"

	"github.com/migrationlink/migrationlink"
	"github.com/migrationlink/migrationlink/activities"
)

// remove returns when there is no link, or with the reason why there may be one, and with
// what is known to have been removed.
func (o *operation) remove(ctx workflow.Context, phase migrationlink.Phase, in activities.DeleteLinkInput) (activities.Removal, error) {
	in.Target, in.Since = o.target, now(ctx)
	r := &removal{operation: o, in: in}
	err := o.drive(ctx, step{
		phase:     phase,
		try:       func(ctx workflow.Context) error { return r.start(ctx, false).result() },
		meanwhile: r.awaitMigration,
		pause:     "Before the next attempt to remove the link",
		tooLate:   func(last error) error { return deadlineReached{last} },
	})
	return r.in.Removal, err
}

// removal is the removal of one link.
type removal struct {
	*operation
	in activities.DeleteLinkInput // with what the attempts up to now have done
}

// start starts an attempt. Its result records what it has done.
func (r *removal) start(ctx workflow.Context, awaitMigration bool) *trial {
	in := r.in
	in.Deadline, in.AwaitMigration = r.deadline.at, awaitMigration
	summary := "Remove the link of organization " + r.target.OrgID
	if awaitMigration {
		summary += " when its migration has ended"
	}
	removing := workflow.ExecuteActivity(withTrackedRetries(ctx, r.target.Manager, summary, in.Deadline.Sub(now(ctx))), migrationlink.DeleteLinkActivity, in)
	return &trial{future: removing, result: func() error {
		var gone activities.DeleteLinkResult
		if err := removing.Get(ctx, &gone); err != nil {
			r.in.Removal = lastRemoval(err, r.in.Removal)
			return err
		}
		r.in.Removal.Found, r.in.Removal.After = gone.Found, gone.LinkStatus
		return nil
	}}
}

// awaitMigration looks for the end of a migration that keeps the link from being removed:
// nobody would report it.
func (r *removal) awaitMigration(ctx workflow.Context, cause error) *trial {
	if problemOf(cause).Type != migrationlink.ErrMigrationRunning {
		return nil
	}
	return r.start(ctx, true)
}
