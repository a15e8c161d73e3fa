package activities

import (
	"context"
	"errors"
	"net/http"
	"time"

	"go.temporal.io/sdk/temporal"

	"github.com/migrationlink/migrationlink"
	"github.com/migrationlink/migrationlink/internal/seeded"
	"github.com/migrationlink/migrationlink/opsmanager"
)

// DeleteLinkInput asks to remove a link.
type DeleteLinkInput struct {
	Target
	// Since is when the first attempt began, Deadline when the attempts end.
	Since    time.Time `json:"since"`
	Deadline time.Time `json:"deadline"`
	// Known is true when the manager has answered for this organization before.
	Known bool `json:"known,omitempty"`
	// TellsNone is true when the manager has reported LinkNone before, so any other
	// status is that of a link.
	TellsNone bool `json:"tellsNone,omitempty"`
	// AwaitMigration retries while a migration blocks the removal.
	AwaitMigration bool `json:"awaitMigration,omitempty"`
	// Made is true when the link certainly exists. It is removed even if the manager
	// does not show it yet.
	Made bool `json:"made,omitempty"`
	// DoubtUntil, when set, is how long the link may still appear: the reply to its
	// creation was lost. There was no link before, so any link is that one.
	DoubtUntil time.Time `json:"doubtUntil,omitzero"`
	// QuietTime is how long no link may be created after a removal that had to be
	// repeated: the earlier DELETE may still take effect, and would remove it.
	QuietTime time.Duration `json:"quietTime,omitempty"`
	// Removal is the last entry of an earlier activity.
	Removal Removal `json:"removal,omitzero"`
}

// Removal is the journal entry of an attempt that sends a DELETE. It is also a detail of
// its errors, after the problem. After an attempt that vanished, the workflow repeats the
// removal, not Temporal.
type Removal struct {
	// Seen is the status before the first DELETE.
	Seen string `json:"seen,omitempty"`
	// Lost is true when a DELETE got no reply: it may have removed the link, or may
	// still take effect.
	Lost bool `json:"lost"`
	// Acknowledged is true when the manager has answered a DELETE with success. Only a
	// status without the link proves the removal.
	Acknowledged bool `json:"acknowledged,omitempty"`
	// Found is true when there was a link and it was removed.
	Found bool `json:"found,omitempty"`
	// GoneAt is when no link was left, After the status at that time.
	GoneAt time.Time `json:"goneAt,omitzero"`
	After  string    `json:"after,omitempty"`
}

// MayHaveRemoved reports whether a DELETE may have removed a link.
func (r Removal) MayHaveRemoved() bool { return r.Lost || r.Acknowledged || r.Found }

// DeleteLinkResult is the result of a removal. No link is left.
type DeleteLinkResult struct {
	// Found is true when there was a link to remove.
	Found bool `json:"found"`
	// LinkStatus is the status without the link.
	LinkStatus string `json:"linkStatus,omitempty"`
}

// DeleteLink removes a link. It reads the status before and after: without a link it
// sends nothing, and whatever the manager answers, only a status without the link
// confirms the removal. A missing link is no error. While one may still appear,
// Temporal retries.
func (a *Activities) DeleteLink(ctx context.Context, in DeleteLinkInput) (DeleteLinkResult, error) {
	attempt := startAttempt(ctx, a.record, in.Removal, in.Since, in.Deadline)
	earlier := attempt.last()
	manager, err := a.manager(in.Target, in.Known || earlier.Seen != "")
	if err != nil {
		return DeleteLinkResult{}, err
	}
	r := &removal{attempt: attempt, manager: manager, in: in, lost: earlier.Lost}
	ctx, stop := r.keep(ctx)
	defer stop()
	return r.run(ctx, earlier)
}

// removal is one attempt to remove a link and to confirm that it is gone.
type removal struct {
	attempt[Removal]
	manager manager
	in      DeleteLinkInput
	lost    bool // by an earlier attempt
}

func (r *removal) run(ctx context.Context, trace Removal) (DeleteLinkResult, error) {
	before, err := r.manager.status(ctx)
	if err != nil {
		return r.later(ctx, r.manager.classify(err))
	}
	switch untouched := !trace.MayHaveRemoved(); {
	case before == migrationlink.LinkNone && r.in.Made && !trace.Acknowledged:
		// The manager may show a new link late: only an answer to a DELETE counts.
	case before == migrationlink.LinkNone && untouched && r.before(r.in.DoubtUntil):
		return r.later(ctx, mayAppear(r.in.Target))
	case before == migrationlink.LinkNone:
		trace.Found = trace.Found || !untouched && trace.Seen != ""
		return r.gone(trace, before)
	case !r.showsLink(before) && !trace.GoneAt.IsZero():
		return r.gone(trace, before)
	}
	trace.GoneAt = time.Time{} // there is one again
	if trace.Seen != migrationlink.LinkSynced {
		trace.Seen = before
	}
	return r.remove(ctx, trace)
}

// showsLink reports whether status is certainly that of a link.
func (r *removal) showsLink(status string) bool {
	return r.manager.showsLink(status) || r.in.TellsNone && status != migrationlink.LinkNone
}

func (r *removal) remove(ctx context.Context, trace Removal) (DeleteLinkResult, error) {
	sent := trace
	sent.Lost = true // until there is an answer
	if err := r.write(ctx, sent); err != nil {
		r.correct(ctx, trace)
		return r.later(ctx, r.manager.isUnavailable(err))
	}
	sending, cancel := withoutCancel(ctx) // an abandoned DELETE could remove a link that is made later
	defer cancel()
	err := r.manager.DeleteLink(sending, r.in.OrgID)
	if seeded.On(seeded.AnySuccess) && isSuccess(err) || seeded.On(seeded.RemovedUnconfirmed) && err == nil {
		return DeleteLinkResult{Found: true, LinkStatus: migrationlink.LinkNone}, nil
	}
	if opsmanager.MayHaveTakenEffect(err) {
		return DeleteLinkResult{}, r.end(r.manager.classify(err), sent)
	}
	missing := opsmanager.NoLink(err)
	trace.Acknowledged = trace.Acknowledged || err == nil
	r.correct(ctx, trace)
	if err != nil && !missing {
		return r.later(ctx, r.manager.classify(err))
	}
	after, err := r.manager.status(ctx)
	switch {
	case err != nil && cancelled(ctx, err):
		return DeleteLinkResult{}, temporal.NewCanceledError(trace)
	case err != nil:
		return DeleteLinkResult{}, r.end(r.manager.classify(err), trace)
	case r.showsLink(after):
		return DeleteLinkResult{}, r.end(stillThere(r.in.Target, after), trace)
	}
	trace.Found = trace.Found || trace.Acknowledged || missing && trace.Lost && (r.in.Made || r.showsLink(trace.Seen))
	return r.gone(trace, after)
}

// isSuccess reports whether the manager answered with a 2xx status, whatever the reply
// holds. Only a seeded bug uses it.
func isSuccess(err error) bool {
	refused, replied := errors.AsType[*opsmanager.Error](err)
	return err == nil || replied && refused.StatusCode < http.StatusMultipleChoices
}

// gone ends the removal, unless an earlier DELETE may still take effect.
func (r *removal) gone(trace Removal, status string) (DeleteLinkResult, error) {
	if trace.GoneAt.IsZero() {
		trace.GoneAt = r.now()
	}
	quiet := r.until(trace.GoneAt.Add(r.in.QuietTime))
	if !r.lost || quiet <= 0 {
		return DeleteLinkResult{Found: trace.Found, LinkStatus: status}, nil
	}
	found := notQuiet(r.in.Target)
	found.retryAfter = quiet
	return DeleteLinkResult{}, r.end(found, trace)
}

// later ends an attempt that has removed nothing.
func (r *removal) later(ctx context.Context, found finding) (DeleteLinkResult, error) {
	if found.Type == migrationlink.ErrMigrationRunning && r.in.AwaitMigration {
		found.final, found.benign = false, true
	}
	if r.before(r.in.DoubtUntil) {
		r.alsoAt = r.in.DoubtUntil
	}
	return DeleteLinkResult{}, r.again(ctx, found, r.last())
}

func mayAppear(target Target) finding {
	return notYet(migrationlink.ErrReplyLost,
		"organization "+target.OrgID+" has no link yet, but the reply to its creation was lost: waiting in case it appears",
		"Nothing to do: the status is read until the settling time of the request is over.")
}

func stillThere(target Target, status string) finding {
	return notYet(migrationlink.ErrNotSynced, notSynced(target, status).Message+" after its link was removed",
		"Nothing to do: it is removed again until it is gone.")
}

func notQuiet(target Target) finding {
	return notYet(migrationlink.ErrNotSynced, notSynced(target, migrationlink.LinkNone).Message+
		" any more, but the reply to an earlier removal was lost: waiting until that removal can no longer hit a new link",
		"Nothing to do: it continues when the settling time of the request is over.")
}
