package workflows

import (
	"go.temporal.io/sdk/workflow"

	"github.com/migrationlink/migrationlink"
	"github.com/migrationlink/migrationlink/activities"
)

// UnlinkOrganization removes the link of one source organization, whoever made
// it, and sees that it is gone.
func UnlinkOrganization(ctx workflow.Context, request migrationlink.UnlinkRequest) (migrationlink.LinkResult, error) {
	return unlinkOrganization(ctx, request, request.Validate())
}

func unlinkOrganization(ctx workflow.Context, request migrationlink.UnlinkRequest, invalid error) (migrationlink.LinkResult, error) {
	run := newOperation(ctx, migrationlink.StartRequest{Unlink: &request}, migrationlink.UnlinkWorkflow,
		activities.Target{Manager: request.Manager, OrgID: request.OrgID}, request.OnBlocked)
	run.status.Phase = migrationlink.PhaseRemoving
	return run.run(ctx, invalid, func(work workflow.Context) error {
		return orCancelled(work, run.unlink(work, request))
	})
}

func (o *operation) unlink(ctx workflow.Context, request migrationlink.UnlinkRequest) error {
	o.deadline, o.latest = o.status.StartedAt.Add(request.Limit()), o.status.StartedAt.Add(migrationlink.MaxTimeout)
	// Nobody polls the task queue of an unknown manager.
	if err := workflow.ExecuteLocalActivity(here(ctx), migrationlink.CheckManagerActivity, o.target.Manager).Get(ctx, nil); err != nil {
		return err
	}
	o.served = true
	removal, err := o.remove(ctx, migrationlink.PhaseRemoving, activities.DeleteLinkInput{Confirm: true})
	o.result.Removed, o.result.InDoubt = removal.Found, removal.Lost && !removal.Found
	switch {
	case err == nil:
		o.saw(ctx, migrationlink.LinkNone)
		return nil
	case ctx.Err() == nil && outOfTime(err):
		return timedOut(err, "Start it again to go on. For a longer limit set timeout (--timeout), or extend it while it lasts (starter extend).",
			"the link was not removed within %s", o.deadline.Sub(o.status.StartedAt))
	}
	return err
}
