package link_test

import (
	"time"

	"github.com/migrationlink/migrationlink"
	"github.com/migrationlink/migrationlink/activities"
)

func (a *attempt) deleteLink(in activities.DeleteLinkInput) (activities.DeleteLinkResult, error) {
	return a.newRemoval(in).run()
}

// undoes reports whether a removal removes what this request has made.
func undoes(in activities.DeleteLinkInput) bool { return in.Made || !in.DoubtUntil.IsZero() }

// removal is one attempt to remove a link, and to see that it is gone.
type removal struct {
	waiting
	in    activities.DeleteLinkInput
	known bool
	lost  bool // by an earlier attempt
	trace activities.Removal
}

func (a *attempt) newRemoval(in activities.DeleteLinkInput) *removal {
	r := &removal{waiting: waiting{attempt: a, since: in.Since, deadline: in.Deadline}, in: in, trace: in.Removal}
	if earlier, ok := a.beat.(activities.Removal); ok {
		r.trace = earlier
	}
	r.known, r.lost = in.Known || r.trace.Seen != "", r.trace.Lost
	a.stopsWith = r.trace
	return r
}

func (r *removal) showsLink(status string) bool {
	return r.attempt.showsLink(status) || r.in.TellsNone && status != migrationlink.LinkNone
}

func (r *removal) keep() {
	r.record(r.trace)
	r.stopsWith = r.trace
}

func (r *removal) run() (activities.DeleteLinkResult, error) {
	before := r.read(r.fate.Read, noLimit, r.known)
	switch untouched := !r.trace.MayHaveRemoved(); {
	case before.problem != "":
		return r.later(before)
	case before.status == migrationlink.LinkNone && r.in.Made && !r.trace.Acknowledged:
	case before.status == migrationlink.LinkNone && untouched && r.before(r.in.DoubtUntil):
		return r.later(answer{problem: migrationlink.ErrReplyLost})
	case before.status == migrationlink.LinkNone:
		r.trace.Found = r.trace.Found || !untouched && r.trace.Seen != ""
		return r.gone(before.status)
	case !r.showsLink(before.status) && !r.trace.GoneAt.IsZero():
		return r.gone(before.status)
	}
	r.trace.GoneAt = time.Time{}
	if r.trace.Seen != migrationlink.LinkSynced {
		r.trace.Seen = before.status
	}
	return r.removeNow()
}

func (r *removal) removeNow() (activities.DeleteLinkResult, error) {
	sent := r.trace
	sent.Lost = true
	if r.fate.Unmarked || !r.attempt.mark(sent) {
		return r.later(answer{problem: migrationlink.ErrManagerUnavailable})
	}
	if r.fate.loses() {
		r.scene.met("lost removal")
	}
	r.stopsWith = sent
	got := r.remove(undoes(r.in), r.known)
	if got.lost {
		r.scene.met("lost removal")
		return r.finish(got, sent)
	}
	missing := got.code == 404
	r.trace.Acknowledged = r.trace.Acknowledged || got.code == 204
	r.keep()
	if got.problem != "" {
		return r.later(got)
	}
	after := r.read(r.fate.After, noLimit, r.known)
	switch {
	case after.problem != "":
		return r.finish(after, r.trace)
	case r.showsLink(after.status):
		return r.finish(answer{problem: migrationlink.ErrNotSynced}, r.trace)
	}
	r.trace.Found = r.trace.Found || r.trace.Acknowledged || missing && r.trace.Lost && (r.in.Made || r.trace.Seen == migrationlink.LinkSynced)
	return r.gone(after.status)
}

func (r *removal) gone(status string) (activities.DeleteLinkResult, error) {
	if r.trace.GoneAt.IsZero() {
		r.trace.GoneAt = r.now()
	}
	quiet := r.until(r.trace.GoneAt.Add(r.in.QuietTime))
	if !r.lost || quiet <= 0 {
		return activities.DeleteLinkResult{Found: r.trace.Found, LinkStatus: status}, nil
	}
	return r.finish(answer{problem: migrationlink.ErrNotSynced, retryAfter: quiet}, r.trace)
}

// finish leaves it to the workflow to repeat a removal that has begun.
func (r *removal) finish(got answer, trace activities.Removal) (activities.DeleteLinkResult, error) {
	return activities.DeleteLinkResult{}, failure(got.problem, true, max(r.delay(got.retryAfter), got.retryAfter), trace)
}

// later ends an attempt that has removed nothing.
func (r *removal) later(got answer) (activities.DeleteLinkResult, error) {
	r.keep()
	if got.problem == migrationlink.ErrMigrationRunning && r.in.AwaitMigration {
		got.final = false
	}
	if r.before(r.in.DoubtUntil) {
		r.mark = r.in.DoubtUntil
	}
	return activities.DeleteLinkResult{}, failure(got.problem, got.final, r.delay(got.retryAfter), r.trace)
}
