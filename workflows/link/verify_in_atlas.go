package link

import (
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/migrationlink/migrationlink"
	"github.com/migrationlink/migrationlink/activities"
)

// Links that began before the workers looked at the target continue without that.
const (
	targetChange  = "look-at-target"
	targetVersion = 1
)

// notFound is what Atlas may answer for an organization without any link.
const notFound = 404

// foreignSlack is for calls that fail when TargetGrace has passed: they are tried again.
const foreignSlack = 10 * time.Second

// looksAtTarget reports whether to look for the link in the target organization. Only a
// request with a link-token of Atlas names one.
func (l *link) looksAtTarget(ctx workflow.Context) bool {
	switch {
	case l.tokenSource().Atlas == nil:
		return false
	case l.request.VerifyInAtlas:
		return true
	}
	return workflow.GetVersion(ctx, targetChange, workflow.DefaultVersion, targetVersion) != workflow.DefaultVersion
}

// lookAtTarget is done when Atlas shows a project of the source organization, or when that
// has none. If the request does not wait for Atlas, it is also done when nothing can be
// seen. A link of somebody else that Atlas does not show is the wrong one.
func (l *link) lookAtTarget(ctx workflow.Context) step {
	began := now(ctx)
	l.deadline = newDeadline(began, l.request.SyncLimit(), migrationlink.MaxTimeout)
	return step{
		phase: migrationlink.PhaseVerifying,
		polls: true,
		pause: "Before Atlas is asked again",
		try: func(ctx workflow.Context) error {
			if l.wrongTarget {
				return nil // a person requests a retry, and may have changed the link
			}
			return l.verifyInAtlas(ctx, began)
		},
		tooLate: func(last error) error {
			if last == nil && !l.request.VerifyInAtlas {
				l.sawTarget(migrationlink.TargetUnknown, migrationlink.TargetNotShownYet, nil)
				return nil
			}
			l.result.LinkStatus = l.stage.linkStatus // it may be lost since it was SYNCED
			return l.timedOut(last, "the link was not verified in Atlas within %s", l.deadline.at.Sub(began))
		},
	}
}

func (l *link) verifyInAtlas(ctx workflow.Context, began time.Time) error {
	atlas, named := l.linkedIn()
	if !named { // a retry brought a link-token that is not from Atlas
		l.sawTarget("", "", nil)
		return nil
	}
	in := activities.VerifyInAtlasInput{
		Target: l.target, Atlas: atlas, Since: began, Deadline: l.deadline.at, Known: l.known.atlas,
		NotShownAt: l.result.SyncedAt.Add(migrationlink.TargetGrace), Foreign: l.owner == theirs,
	}
	var seen activities.VerifyInAtlasResult
	err := l.untilWoken(ctx, func(ctx workflow.Context) workflow.Future { return l.look(ctx, in) }, &seen)
	switch {
	case wasWoken(ctx, err):
		return errAgain
	case ctx.Err() != nil:
		return err
	case err != nil:
		seen = lastSeenInAtlas(err)
	}
	if seen.LinkStatus != "" {
		l.stage.linkStatus, l.stage.seenAt = seen.LinkStatus, now(ctx)
	}
	problem := problemOf(err)
	l.wrongTarget = problem.Type == migrationlink.ErrWrongTarget
	l.known.atlas = l.known.atlas || l.wrongTarget || problem.Type == migrationlink.ErrNotInAtlas
	if seen.SourceProjects > 0 {
		atlas := l.inAtlas()
		atlas.SourceProjects, atlas.AvailableProjects, atlas.ProjectIDs = seen.SourceProjects, seen.AvailableProjects, seen.ProjectIDs
	}
	if seen.AvailableProjects > 0 {
		l.inAtlas().VerifiedAt = now(ctx)
	}
	l.sawTarget(targetOf(seen, problem))
	if l.wrongTarget || l.request.VerifyInAtlas {
		return err
	}
	return nil
}

// look starts to look. A link that this request made leads to the target organization, so
// one look is enough if the request does not wait for Atlas.
func (l *link) look(ctx workflow.Context, in activities.VerifyInAtlasInput) workflow.Future {
	const whether = "Check whether Atlas shows the projects of organization "
	switch {
	case l.request.VerifyInAtlas:
		ctx = withPolling(ctx, l.request.Manager, "Wait until Atlas shows the projects of organization "+l.request.OrgID, l.deadline.left(now(ctx)))
	case in.Foreign:
		if end := in.NotShownAt.Add(foreignSlack); end.Before(in.Deadline) {
			in.Deadline = end
		}
		ctx = withPolling(ctx, l.request.Manager, whether+l.request.OrgID, in.Deadline.Sub(now(ctx)))
	default:
		in.Deadline = now(ctx)
		ctx = withSingleRead(ctx, l.request.Manager, whether+l.request.OrgID)
	}
	return workflow.ExecuteActivity(ctx, migrationlink.VerifyInAtlasActivity, in)
}

// startOver forgets a link that a person may have removed or replaced.
func (l *link) startOver(ctx workflow.Context) {
	l.wrongTarget, l.owner, l.doubt, l.warning, l.desk.synced = false, unread, nil, "", false
	l.deadline = newDeadline(now(ctx), l.request.CreateLimit(), migrationlink.MaxCreateTimeout)
	l.stage.problem, l.stage.linkStatus = nil, ""
	l.result.LinkStatus, l.result.SyncedAt = "", time.Time{}
	l.sawTarget("", "", nil)
	if atlas := l.result.Atlas; atlas != nil {
		atlas.SourceProjects, atlas.AvailableProjects = 0, 0
	}
}

func (o *operation) sawTarget(target migrationlink.Target, reason migrationlink.TargetReason, problem *migrationlink.Problem) {
	o.result.Target, o.result.TargetReason, o.result.TargetProblem = target, reason, problem
}

// targetOf returns what a look proves. The problem is that of its error.
func targetOf(seen activities.VerifyInAtlasResult, problem migrationlink.Problem) (migrationlink.Target, migrationlink.TargetReason, *migrationlink.Problem) {
	refused := problem.HTTPStatus != 0 && problem.HTTPStatus != notFound
	switch {
	case seen.AvailableProjects > 0:
		return migrationlink.TargetVerified, "", nil
	case problem.Type == "":
		return migrationlink.TargetUnknown, migrationlink.TargetNoProjects, nil
	case problem.Type == migrationlink.ErrWrongTarget, problem.Type == migrationlink.ErrNotInAtlas && seen.LinkStatus == migrationlink.LinkSynced:
		return migrationlink.TargetNotShown, "", nil
	case problem.Type == migrationlink.ErrNotInAtlas && seen.LinkStatus != "":
		return migrationlink.TargetUnknown, migrationlink.TargetNotSynced, nil
	case problem.Type == migrationlink.ErrNotInAtlas && !refused:
		return migrationlink.TargetUnknown, migrationlink.TargetNotShownYet, nil
	}
	return migrationlink.TargetUnknown, whyNotSeen(problem.Type), &problem
}

func whyNotSeen(errorType string) migrationlink.TargetReason {
	switch errorType {
	case migrationlink.ErrKeyRejected, migrationlink.ErrRoleMissing, migrationlink.ErrAccessListRefused, migrationlink.ErrAccountSuspended, migrationlink.ErrForbidden:
		return migrationlink.TargetNoPermission
	case migrationlink.ErrAtlasUnavailable, migrationlink.ErrManagerUnavailable, migrationlink.ErrWorkerUnavailable:
		return migrationlink.TargetUnreachable
	}
	return migrationlink.TargetRefused
}

// linkedIn returns the organization of Atlas where the link should be, if the request names one.
// If this request has made the link, that is where its link-token was from: a retry may
// have named another source since. Under which name Atlas is called can change, as its
// configuration does.
func (l *link) linkedIn() (_ migrationlink.AtlasToken, named bool) {
	newest, posted := l.tokenSource().Atlas, l.tokens.posted.Atlas
	switch {
	case l.result.Created && posted != nil && (newest == nil || posted.OrgID != newest.OrgID):
		return *posted, true
	case newest == nil:
		return migrationlink.AtlasToken{}, false
	}
	return *newest, true
}

// lastSeenInAtlas finds what the last look saw, if its error tells.
func lastSeenInAtlas(err error) (seen activities.VerifyInAtlasResult) {
	if failed, ok := activities.LastFailure[*temporal.ApplicationError](err); ok && failed.HasDetails() {
		var problem migrationlink.Problem
		var progress migrationlink.Progress
		_ = failed.Details(&problem, &progress, &seen) // without one: unknown
	}
	return seen
}
