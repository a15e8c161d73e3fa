package link

import (
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/workflow"

	"github.com/migrationlink/migrationlink"
	"github.com/migrationlink/migrationlink/activities"
	"github.com/migrationlink/migrationlink/internal/payload"
)

// UnlinkOrganization removes the link of one source organization, whoever made it, and
// sees that it is gone.
func (w Workflows) UnlinkOrganization(ctx workflow.Context, input converter.RawValue) (migrationlink.LinkResult, error) {
	var request migrationlink.UnlinkRequest
	invalid := payload.Valid(input, &request)
	o := newOperation(ctx, migrationlink.StartRequest{Unlink: &request},
		activities.Target{Manager: request.Manager, OrgID: request.OrgID},
		newDeadline(now(ctx), request.Limit(), migrationlink.MaxTimeout), migrationlink.PhaseRemoving)
	return o.serve(ctx, w.Stored, invalid, func(work workflow.Context) error {
		return o.orCancelled(ctx, o.unlink(work))
	})
}

func (o *operation) unlink(ctx workflow.Context) error {
	if err := o.checkManager(ctx); err != nil {
		return err
	}
	removal, err := o.remove(ctx, migrationlink.PhaseRemoving, activities.DeleteLinkInput{})
	// The runs before a reset may have removed it, too.
	o.result.Removed, o.result.InDoubt = removal.Found, !removal.Found && (removal.MayHaveRemoved() || wasReset(ctx))
	switch {
	case err == nil:
		o.saw(ctx, migrationlink.LinkNone)
	case isLate(err):
		return timedOut(err, "To continue, start it again. For a longer limit, set timeout (--timeout), or extend it while it runs (starter extend).",
			"the link was not removed within %s", o.deadline.at.Sub(o.result.StartedAt))
	}
	return err
}
