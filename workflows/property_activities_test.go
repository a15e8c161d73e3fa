package workflows_test

import (
	"fmt"
	"time"

	"go.temporal.io/sdk/temporal"

	"github.com/migrationlink/migrationlink"
	"github.com/migrationlink/migrationlink/activities"
)

// The activities as they are, step by step, with the simulated manager in place
// of HTTP and virtual time in place of the clock. What each step may meet is a
// mishap.

// mishap is what goes wrong with a call of the manager.
type mishap string

const (
	fine         mishap = ""
	slow         mishap = "slow"
	unavailable  mishap = "503"           // of a gateway: the manager has not got it
	rateLimited  mishap = "429"           //
	brokenBefore mishap = "lost before"   // no reply, and the manager has not got the call
	brokenAfter  mishap = "lost after"    // no reply, but the call has taken effect
	brokenLate   mishap = "lost, late"    // no reply, and the call takes effect later
	errorBefore  mishap = "500 before"    // of the manager itself, without effect
	errorAfter   mishap = "500 after"     // of the manager itself, after the effect
	vanishBefore mishap = "vanish before" // the worker, before it has sent the call
	vanishAfter  mishap = "vanish after"
	vanishLate   mishap = "vanish, late"
)

// loses tells whether the mishap may hide from the workflow what the call did.
func (m mishap) loses() bool { return m != fine && m != slow && m != rateLimited }

// fate is what becomes of one attempt of an activity.
type fate struct {
	Queued             time.Duration // until a worker takes it
	Read, Write, After mishap        // its calls, in their order
	Unmarked           bool          // the server does not acknowledge the mark before a POST
	Paused             bool          // by an operator, when the worker vanishes
}

// loses tells whether a POST of the attempt may have taken effect unseen.
func (f fate) loses() bool { return f.Write.loses() || f.After.loses() }

func (f fate) String() string {
	text := ""
	for name, m := range map[string]mishap{"read": f.Read, "write": f.Write, "read afterwards": f.After} {
		if m != fine {
			text += fmt.Sprintf("%s %s; ", name, m)
		}
	}
	if f.Queued > 0 {
		text += fmt.Sprintf("queued for %v; ", f.Queued)
	}
	if f.Unmarked {
		text += "mark not acknowledged; "
	}
	if f.Paused {
		text += "paused; "
	}
	return text
}

// answer is what comes of a call.
type answer struct {
	status     string // of a GET
	code       int    // of a DELETE
	conflict   bool   // of a POST
	problem    string // the error type, "" when there is none
	final      bool
	retryAfter time.Duration
	lost       bool // it may have taken effect
	slow       bool // and may yet
}

const (
	halfCall   = 50 * time.Millisecond // to the manager, and back
	slowCall   = 15 * time.Second      // each half of a slow one
	afterLimit = 5 * time.Second       // for the read after a POST
)

// call makes a call of the manager. limit is when the worker gives it up.
func (a *attempt) call(what string, met mishap, half, limit time.Duration, effect func() answer) answer {
	if met == vanishBefore {
		a.scene.tell("  %s: the worker vanishes before it", what)
		panic(workerVanishes{})
	}
	got, arrives := answer{problem: migrationlink.ErrManagerUnavailable, lost: true, slow: true}, true
	switch met {
	case unavailable, brokenBefore:
		arrives = false
	case rateLimited:
		got, arrives = answer{problem: migrationlink.ErrManagerUnavailable, retryAfter: 20 * time.Second}, false
	case errorBefore:
		got.slow, arrives = false, false
	case brokenLate, vanishLate:
		if what == get { // to read late is not to read
			arrives = false
			break
		}
		a.scene.manager.later(a.scene.late, func() { a.scene.tell("  late, the %s:", what); effect() })
		arrives = false
	}
	if 2*half > limit {
		a.pass(max(limit, 0))
		return got
	}
	a.pass(half)
	if arrives {
		real := effect()
		switch met {
		case brokenAfter:
		case errorAfter:
			got.slow = false
		default:
			got = real
		}
	}
	if met == vanishAfter || met == vanishLate {
		a.scene.tell("  %s: the worker vanishes after it", what)
		panic(workerVanishes{})
	}
	a.pass(half)
	if met != fine {
		a.scene.tell("  %s: %s", what, met)
	}
	return got
}

// refusal is the manager's answer to every call for as long as it refuses.
func (a *attempt) refused() (answer, bool) {
	refused := a.scene.manager.refuses()
	return answer{problem: refused, final: true}, refused != ""
}

func halfOf(met mishap) time.Duration {
	if met == slow {
		return slowCall
	}
	return halfCall
}

const (
	get     = "GET"
	noLimit = time.Hour
)

// read is GET status. It is given up when nobody waits for the attempt any more.
func (a *attempt) read(met mishap, limit time.Duration) answer {
	got := a.call(get, met, halfOf(met), limit, func() answer {
		if refusal, ok := a.refused(); ok {
			return refusal
		}
		status := a.scene.manager.status()
		a.scene.tell("  %s: GET %s", a.name, status)
		return answer{status: status}
	})
	if a.heard {
		panic(attemptStops{})
	}
	return got
}

// remove is DELETE. Only an undo gives it up when nobody waits for it any more,
// and nobody ever does not.
func (a *attempt) remove(undo bool) answer {
	// The effect of a DELETE that nobody waits for any more comes before the
	// settling time is over: a later one is left out, as documented.
	half := min(halfOf(a.fate.Write), a.scene.late)
	return a.call("DELETE", a.fate.Write, half, noLimit, func() answer {
		if refusal, ok := a.refused(); ok {
			return refusal
		}
		code := a.scene.manager.remove(undo)
		a.scene.tell("  %s: DELETE %d", a.name, code)
		if code == 409 {
			return answer{problem: migrationlink.ErrMigrationRunning, final: true}
		}
		return answer{code: code}
	})
}

// failure is what an activity returns for a finding.
func failure(errorType string, final bool, delay time.Duration, details ...any) error {
	problem := migrationlink.Problem{Type: errorType, Message: "the manager said " + errorType, Remedy: "Do something about it."}
	return temporal.NewApplicationErrorWithOptions(problem.Message, errorType, temporal.ApplicationErrorOptions{
		NonRetryable: final, NextRetryDelay: delay, Details: append([]any{problem}, details...),
	})
}

// growing is the delay before the next call.
func (a *attempt) growing(since time.Time) time.Duration {
	return min(max(time.Duration(float64(a.scene.now().Sub(since))*0.15), time.Second), 45*time.Second)
}

// untilNext fits it into the time left, so that the last call is on the deadline.
func untilNext(delay, left time.Duration) (_ time.Duration, again bool) {
	if left < 500*time.Millisecond {
		return 0, false
	}
	return min(delay, left), true
}

func (a *attempt) createLink(in activities.CreateLinkInput) (activities.CreateLinkResult, error) {
	if posting, ok := a.beat.(activities.Posting); ok {
		posting.Slow = true
		return activities.CreateLinkResult{}, failure(migrationlink.ErrReplyLost, false, 0, posting)
	}
	switch bad := a.scene.tokenIs(in.Token); bad {
	case migrationlink.ErrTokenUnavailable, migrationlink.ErrTokenNotOpened:
		return activities.CreateLinkResult{}, failure(bad, true, 0)
	}
	a.scene.manager.unseen = a.fate.loses() && !in.NoToken
	got := a.read(a.fate.Read, in.Deadline.Sub(a.scene.now()))
	if got.problem != "" {
		return activities.CreateLinkResult{}, failure(got.problem, got.final, max(a.growing(in.Since), got.retryAfter))
	}
	inDoubt := !in.DoubtUntil.IsZero()
	appeared := inDoubt && in.Before == migrationlink.LinkNone && got.status != migrationlink.LinkNone
	toBeReplaced := in.Replace && !inDoubt && got.status != migrationlink.LinkNone
	if got.status == migrationlink.LinkSynced || appeared || toBeReplaced {
		return activities.CreateLinkResult{Created: inDoubt, LinkStatus: got.status, Polls: 1}, nil
	}
	if a.scene.now().Before(in.DoubtUntil) {
		return activities.CreateLinkResult{}, failure(migrationlink.ErrNotSynced, false, in.DoubtUntil.Sub(a.scene.now()))
	}
	if in.NoToken {
		return activities.CreateLinkResult{NeedsToken: true, LinkStatus: got.status}, nil
	}
	return a.postLink(in, activities.Posting{Before: got.status})
}

func (a *attempt) postLink(in activities.CreateLinkInput, posting activities.Posting) (activities.CreateLinkResult, error) {
	if !a.scene.now().Before(in.Deadline) || a.fate.Unmarked || !a.mark(posting) {
		return activities.CreateLinkResult{}, failure(migrationlink.ErrManagerUnavailable, false, a.growing(in.Since), posting)
	}
	a.scene.posts()
	got := a.post(in.Token)
	switch {
	case got.lost:
		posting.Slow = got.slow
		return activities.CreateLinkResult{}, failure(migrationlink.ErrReplyLost, false, a.growing(in.Since), posting)
	case got.conflict:
		if result := a.afterwards(); result.LinkStatus != migrationlink.LinkNone {
			result.Created = !in.DoubtUntil.IsZero()
			return result, nil
		}
		got = answer{problem: migrationlink.ErrRequestRefused, final: true}
	case got.problem == "":
		result := a.afterwards()
		result.Created = true
		return result, nil
	}
	a.scene.refusedPost(posting)
	return activities.CreateLinkResult{}, failure(got.problem, got.final, max(a.growing(in.Since), got.retryAfter), posting)
}

func (a *attempt) post(token migrationlink.TokenSource) answer {
	return a.call("POST", a.fate.Write, halfOf(a.fate.Write), noLimit, func() answer {
		if refusal, ok := a.refused(); ok {
			return refusal
		}
		if a.scene.tokenIs(token) != "" {
			return answer{problem: migrationlink.ErrTokenRejected, final: true}
		}
		conflicts := a.scene.manager.post()
		a.scene.tell("  %s: POST, conflict: %v", a.name, conflicts)
		return answer{conflict: conflicts}
	})
}

func (a *attempt) afterwards() (result activities.CreateLinkResult) {
	if a.heard {
		return result
	}
	got := a.call(get, a.fate.After, halfOf(a.fate.After), afterLimit, func() answer {
		if refusal, ok := a.refused(); ok {
			return refusal
		}
		status := a.scene.manager.status()
		a.scene.tell("  %s: GET afterwards %s", a.name, status)
		return answer{status: status}
	})
	if a.heard || got.problem != "" {
		return result
	}
	return activities.CreateLinkResult{LinkStatus: got.status, Polls: 1}
}

func (a *attempt) awaitSynced(in activities.AwaitSyncedInput) (activities.AwaitSyncedResult, error) {
	progress, _ := a.beat.(migrationlink.Progress)
	got := a.read(a.fate.Read, noLimit)
	progress.Polls++
	now := a.scene.now()
	over := got.status == migrationlink.LinkSynced || in.AnyLink
	if got.status == migrationlink.LinkNone {
		over = !in.NoLinkAfter.IsZero() && !now.Before(in.NoLinkAfter)
	}
	if got.problem == "" && over {
		return activities.AwaitSyncedResult{LinkStatus: got.status, Polls: progress.Polls}, nil
	}
	if got.problem == "" {
		got.problem, progress.LinkStatus, progress.SeenAt = migrationlink.ErrNotSynced, got.status, now
	}
	delay, again := untilNext(max(a.growing(in.Since), got.retryAfter), in.Deadline.Sub(now))
	if !in.NoLinkAfter.IsZero() && now.Before(in.NoLinkAfter) {
		delay = min(delay, max(in.NoLinkAfter.Sub(now), time.Second))
	}
	a.record(progress)
	return activities.AwaitSyncedResult{}, failure(got.problem, got.final || !again, delay, progress)
}

func (a *attempt) linkStatus() (string, error) {
	got := a.read(a.fate.Read, noLimit)
	if got.problem != "" {
		return "", failure(got.problem, got.final, time.Second)
	}
	return got.status, nil
}

func (a *attempt) deleteLink(in activities.DeleteLinkInput) (activities.DeleteLinkResult, error) {
	if in.Confirm {
		return a.newRemoval(in).run()
	}
	got, there := a.mayBeThere(in)
	if got.problem == "" && there {
		got = a.remove(true)
		there = got.code != 404
	}
	if got.problem != "" {
		return activities.DeleteLinkResult{}, a.removeLater(in, got)
	}
	if !there && a.scene.now().Before(in.DoubtUntil) {
		return activities.DeleteLinkResult{}, a.removeLater(in, answer{problem: migrationlink.ErrReplyLost})
	}
	return activities.DeleteLinkResult{Found: there}, nil
}

func (a *attempt) mayBeThere(in activities.DeleteLinkInput) (answer, bool) {
	if in.DoubtUntil.IsZero() {
		return answer{}, true
	}
	got := a.read(a.fate.Read, noLimit)
	return got, got.status != migrationlink.LinkNone
}

func (a *attempt) removeLater(in activities.DeleteLinkInput, got answer, details ...any) error {
	if got.problem == migrationlink.ErrMigrationRunning && in.AwaitMigration {
		got.final = false
	}
	now := a.scene.now()
	delay, again := untilNext(max(a.growing(in.Since), got.retryAfter), in.Deadline.Sub(now))
	return failure(got.problem, got.final || !again, delay, details...)
}

type removal struct {
	*attempt
	in    activities.DeleteLinkInput
	lost  bool // by an earlier attempt
	trace activities.Removal
}

func (a *attempt) newRemoval(in activities.DeleteLinkInput) *removal {
	r := &removal{attempt: a, in: in, trace: in.Removal}
	if earlier, ok := a.beat.(activities.Removal); ok {
		r.trace = earlier
	}
	r.lost = r.trace.Lost
	a.stopsWith = r.trace
	return r
}

func (r *removal) keep() {
	r.record(r.trace)
	r.stopsWith = r.trace
}

func (r *removal) run() (activities.DeleteLinkResult, error) {
	before := r.read(r.fate.Read, noLimit)
	switch {
	case before.problem != "":
		return r.later(before)
	case before.status == migrationlink.LinkNone:
		r.trace.Found = r.trace.Found || r.trace.Lost && r.trace.Seen != ""
		return r.gone(before.status)
	case before.status != migrationlink.LinkSynced && !r.trace.GoneAt.IsZero():
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
	if r.fate.Unmarked || !r.mark(sent) {
		return r.later(answer{problem: migrationlink.ErrManagerUnavailable})
	}
	if r.fate.loses() {
		r.scene.met("lost removal")
	}
	r.stopsWith = sent
	got := r.remove(false)
	if got.lost {
		return r.finish(got, sent)
	}
	r.trace.Found = r.trace.Found || got.code == 204 || r.trace.Lost && got.code == 404 && r.trace.Seen == migrationlink.LinkSynced
	r.keep()
	if got.problem != "" {
		return r.later(got)
	}
	after := r.read(r.fate.After, noLimit)
	switch {
	case after.problem != "":
		return r.finish(after, r.trace)
	case after.status == migrationlink.LinkSynced:
		return r.finish(answer{problem: migrationlink.ErrNotSynced}, r.trace)
	}
	return r.gone(after.status)
}

func (r *removal) gone(status string) (activities.DeleteLinkResult, error) {
	now := r.scene.now()
	if r.trace.GoneAt.IsZero() {
		r.trace.GoneAt = now
	}
	quiet := r.trace.GoneAt.Add(r.in.QuietTime).Sub(now)
	if !r.lost || quiet <= 0 {
		return activities.DeleteLinkResult{Found: r.trace.Found, LinkStatus: status}, nil
	}
	return r.finish(answer{problem: migrationlink.ErrNotSynced, retryAfter: quiet}, r.trace)
}

// finish leaves it to the workflow to repeat a removal that has begun.
func (r *removal) finish(got answer, trace activities.Removal) (activities.DeleteLinkResult, error) {
	return activities.DeleteLinkResult{}, failure(got.problem, true, max(r.growing(r.in.Since), got.retryAfter), trace)
}

// later ends an attempt that has removed nothing.
func (r *removal) later(got answer) (activities.DeleteLinkResult, error) {
	r.keep()
	return activities.DeleteLinkResult{}, r.removeLater(r.in, got, r.trace)
}
