package link

import (
	"errors"
	"time"

	"go.temporal.io/sdk/workflow"

	"github.com/migrationlink/migrationlink"
	"github.com/migrationlink/migrationlink/activities"
	"github.com/migrationlink/migrationlink/internal/seeded"
)

// wantsUndo reports whether what this request made, or may have made, is to be
// removed.
func (l *link) wantsUndo(err error) bool {
	if err == nil {
		return false
	}
	switch l.request.Undo {
	case migrationlink.UndoAlways:
		return true
	case migrationlink.UndoOnCancel:
		return errors.Is(err, errCancelled)
	default:
		return false
	}
}

// undo removes the link, and then its link-token. It cannot be cancelled: a cancellation
// asks for it.
func (l *link) undo(ctx workflow.Context) error {
	if seeded.On(seeded.UndoOnCancelled) {
		ctx = l.work
	} else {
		ctx, _ = workflow.NewDisconnectedContext(ctx)
	}
	l.deadline = newDeadline(now(ctx), max(undoLimit, l.request.SettleLimit()+undoReserve), migrationlink.MaxTimeout)
	if l.owner.mayUndo() {
		removal, err := l.remove(ctx, migrationlink.PhaseUndoing, activities.DeleteLinkInput{
			Known: true, TellsNone: l.known.none, Made: l.result.Created, DoubtUntil: l.doubt.until(),
		})
		l.result.Removed = removal.Found
		l.result.Created = l.result.Created || removal.Found // in doubt until then
		if err != nil {
			l.mayBeGone = removal.MayHaveRemoved() && !removal.Found
			l.result.InDoubt = l.result.InDoubt || l.mayBeGone
			return undoFailed{error: err, left: leftLink}
		}
		l.doubt, l.owner = nil, nobody
		l.saw(ctx, migrationlink.LinkNone)
	}
	if !l.request.DeleteTokenOnUndo || !l.owner.mayDeleteToken() || l.doubt != nil {
		return nil
	}
	return l.undoTokens(ctx)
}

// undoTokens deletes what was made in Atlas.
func (l *link) undoTokens(ctx workflow.Context) error {
	var failed []undoFailed
	end := l.deadline.at
	for i := len(l.tokens.made) - 1; i >= 0 && l.owner != theirs; i-- {
		// Each organization gets its share of the time: one that nobody can help does not
		// keep the others waiting.
		share := now(ctx).Add(end.Sub(now(ctx)) / time.Duration(i+1))
		l.deadline.at = share
		made := &l.tokens.made[i]
		if err := l.deleteTokens(ctx, made); err != nil {
			failed = append(failed, undoFailed{error: err, left: leftToken(made.atlas)})
		}
		end = end.Add(l.deadline.at.Sub(share)) // it was extended
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
