package workflows

import (
	"errors"
	"time"

	"go.temporal.io/sdk/workflow"

	"github.com/migrationlink/migrationlink"
	"github.com/migrationlink/migrationlink/activities"
)

// wantsUndo tells whether what this request made, or may have made, is to be
// removed.
func (r *linkRun) wantsUndo(err error) bool {
	if err == nil {
		return false
	}
	switch r.request.Undo {
	case migrationlink.UndoAlways:
		return true
	case migrationlink.UndoOnCancel:
		return errors.Is(err, errCancelled)
	}
	return false
}

// isOurs tells whether any link that there is must be this request's. It may be
// somebody else's when the reply to the creation was lost and the manager had
// not said before that there is none.
func (r *linkRun) isOurs() bool {
	if r.inDoubt() {
		return r.before() == migrationlink.LinkNone
	}
	return r.result.Created && !r.result.InDoubt
}

// undo removes the link, and then its link-token. It cannot be cancelled: it is
// what a cancellation asks for.
func (r *linkRun) undo(ctx workflow.Context) error {
	ctx, _ = workflow.NewDisconnectedContext(ctx)
	began := now(ctx)
	r.deadline = began.Add(max(undoLimit, r.request.SettleLimit()+undoReserve))
	r.latest = began.Add(migrationlink.MaxTimeout)
	if r.isOurs() {
		removal, err := r.remove(ctx, migrationlink.PhaseUndoing, activities.DeleteLinkInput{DoubtUntil: r.doubtUntil()})
		if err != nil {
			return undoFailed{error: err, left: leftLink}
		}
		r.doubt, r.result.Removed = nil, removal.Found || r.result.Created
		r.saw(ctx, migrationlink.LinkNone)
	}
	return r.undoTokens(ctx)
}

// undoTokens deletes what was made in Atlas. That call removes a link with its
// link-token, so it is made only where no link can be hit that is not this
// request's.
func (r *linkRun) undoTokens(ctx workflow.Context) error {
	if !r.request.DeleteTokenOnUndo || r.foreign || r.inDoubt() || r.result.InDoubt {
		return nil
	}
	var failed []undoFailed
	end := r.deadline
	for i := len(r.tokens.made) - 1; i >= 0 && !r.foreign; i-- {
		// Each organization gets its share of the time: one that nobody can help
		// does not keep the others.
		share := now(ctx).Add(end.Sub(now(ctx)) / time.Duration(i+1))
		r.deadline = share
		made := &r.tokens.made[i]
		if err := r.deleteTokens(ctx, made); err != nil {
			failed = append(failed, undoFailed{error: err, left: leftToken(made.atlas)})
		}
		end = end.Add(r.deadline.Sub(share)) // it was extended
	}
	if len(failed) == 0 {
		return nil
	}
	failed[0].also = failed[1:]
	return failed[0]
}

// leftLink and leftToken say what an undo has left, and the remedy.
var leftLink = leftover{
	what:   "the link could not be removed",
	remedy: "Then remove the link with " + migrationlink.UnlinkWorkflow + " (starter unlink).",
}

func leftToken(atlas migrationlink.AtlasToken) leftover {
	return leftover{
		what: "the link-token could not be deleted in Atlas",
		remedy: "Then delete it in Atlas: DELETE /orgs/" + atlas.OrgID + "/liveMigrations/linkTokens (atlas liveMigrations link delete), " +
			"which removes one link of that organization and its API key.",
	}
}

type leftover struct{ what, remedy string }
