package workflows

import (
	"errors"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/migrationlink/migrationlink"
	"github.com/migrationlink/migrationlink/activities"
)

// verifyInAtlas returns when Atlas shows a project of the source organization, or
// that has none.
func (r *linkRun) verifyInAtlas(ctx workflow.Context) error {
	return r.await(ctx, migrationlink.PhaseVerifying, "the link was not verified in Atlas within %s", func(since, deadline time.Time) error {
		var seen activities.VerifyInAtlasResult
		retried, err := true, error(nil)
		for retried {
			retried, err = r.unlessRetried(ctx, func(ctx workflow.Context) workflow.Future {
				return workflow.ExecuteActivity(again(ctx, r.request.Manager, "Wait until Atlas shows the projects of organization "+r.request.OrgID, deadline.Sub(now(ctx))),
					migrationlink.VerifyInAtlasActivity, activities.VerifyInAtlasInput{
						Target: r.target, Atlas: r.linkedIn(), Since: since, Deadline: deadline,
					})
			}, &seen)
		}
		if err != nil {
			seen = lastSeenInAtlas(err)
			r.met(ctx, err)
		}
		if seen.SourceProjects > 0 {
			r.inAtlas().SourceProjects, r.inAtlas().AvailableProjects = seen.SourceProjects, seen.AvailableProjects
		}
		if seen.AvailableProjects > 0 {
			r.inAtlas().VerifiedAt = now(ctx)
		}
		return err
	})
}

// linkedIn is the organization of Atlas where the link is, if this request has made
// it: a retry may have named another one since. Under which name Atlas is called
// can change, as its configuration does.
func (r *linkRun) linkedIn() migrationlink.AtlasToken {
	newest, posted := *r.tokenSource().Atlas, r.tokens.posted.Atlas
	if r.result.Created && posted != nil && posted.OrgID != newest.OrgID {
		return *posted
	}
	return newest
}

// lastSeenInAtlas finds what the last look saw, if its error tells.
func lastSeenInAtlas(err error) (seen activities.VerifyInAtlasResult) {
	if failed, ok := errors.AsType[*temporal.ApplicationError](err); ok && failed.HasDetails() {
		var problem migrationlink.Problem
		var progress migrationlink.Progress
		_ = failed.Details(&problem, &progress, &seen) // without one: unknown
	}
	return seen
}
