package link_test

import (
	"fmt"
	"time"

	"github.com/migrationlink/migrationlink"
	"github.com/migrationlink/migrationlink/activities"
)

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

	redirect        mishap = "302"            // of a server in between
	loginPage       mishap = "login page"     // with 200, of a server in between
	keyRefused      mishap = "401"            // of a node that does not know the nonce
	truncatedBefore mishap = "200, truncated" // or empty, without effect
	truncatedAfter  mishap = "200, truncated after the effect"
	fakeSuccess     mishap = "200 {}" // without effect: only a DELETE reads it as a success
	otherConflict   mishap = "409"    // of the manager itself, without effect; a POST gets one only for a link
)

// surely are the mishaps after which nobody can be in doubt what a call did.
var surely = map[mishap]bool{
	fine: true, slow: true, rateLimited: true, redirect: true, keyRefused: true, fakeSuccess: true, otherConflict: true,
}

// loses reports whether the mishap may hide from the workflow what the call did.
func (m mishap) loses() bool { return !surely[m] }

// kind is what the tally counts the mishap as.
func (m mishap) kind() string {
	switch m {
	case redirect, loginPage, keyRefused:
		return "odd answer"
	case truncatedBefore, truncatedAfter, fakeSuccess:
		return "unreadable success"
	}
	return ""
}

// answer is what comes of a call.
type answer struct {
	status     string // of a GET
	code       int    // of a DELETE
	conflict   bool   // of a POST
	problem    string // the error type, "" when there is none
	final      bool
	doubtful   bool // it may be a passing one, or that of a server in between
	own        bool // of the API itself
	retryAfter time.Duration
	lost       bool // it may have taken effect
}

const (
	halfCall   = 50 * time.Millisecond // to the manager, and back
	slowCall   = 15 * time.Second      // each half of a slow one
	afterLimit = 5 * time.Second       // for the read after a POST
)

func halfOf(met mishap) time.Duration {
	if met == slow {
		return slowCall
	}
	return halfCall
}

const (
	get     = "GET"
	post    = "POST"
	remove  = "DELETE"
	noLimit = time.Hour
)

// without is the answer of a call that meets a mishap and takes no effect.
func (m mishap) without() (got answer, known bool) {
	lost := answer{problem: migrationlink.ErrManagerUnavailable, lost: true}
	switch m {
	case unavailable, brokenBefore, errorBefore, truncatedBefore:
		return lost, true
	case loginPage:
		lost.doubtful = true
		return lost, true
	case rateLimited:
		return answer{problem: migrationlink.ErrManagerUnavailable, retryAfter: 20 * time.Second}, true
	case redirect:
		return answer{problem: migrationlink.ErrWrongAPI, final: true, doubtful: true}, true
	case keyRefused:
		return answer{problem: migrationlink.ErrKeyRejected, final: true, doubtful: true}, true
	}
	return lost, false
}

// withoutOf is without for the mishaps that differ between calls.
func (m mishap) withoutOf(what string) (answer, bool) {
	switch {
	case m == fakeSuccess && what == remove:
		return answer{code: 204, own: true}, true
	case m == fakeSuccess:
		return truncatedBefore.without()
	case m == otherConflict && what == remove:
		return answer{problem: migrationlink.ErrMigrationRunning, final: true, own: true}, true
	case m == otherConflict && what == get:
		return answer{problem: migrationlink.ErrRequestRefused, final: true, own: true}, true
	case what == get && (m == brokenLate || m == vanishLate): // to read late is not to read
		return brokenBefore.without()
	}
	return m.without()
}

// call makes a call. limit is when the worker gives it up.
func (a *attempt) call(what string, met mishap, half, limit time.Duration, effect func() answer) answer {
	if met == vanishBefore {
		a.scene.tell("  %s: the worker vanishes before it", what)
		panic(workerVanishes{})
	}
	got, apart := met.withoutOf(what)
	late := !apart && (met == brokenLate || met == vanishLate)
	if late {
		a.scene.manager.later(a.scene.late, func() { a.scene.tell("  late, the %s:", what); effect() })
	}
	arrives := !apart && !late
	if 2*half > limit {
		a.pass(max(limit, 0))
		return answer{problem: migrationlink.ErrManagerUnavailable, lost: true}
	}
	if !a.survives(half) {
		if arrives && what != get { // it is on its way
			a.scene.manager.later(min(half, a.scene.late), func() { a.scene.tell("  of a dead worker, the %s:", what); effect() })
		}
		panic(workerVanishes{})
	}
	if arrives {
		real := effect()
		switch met {
		case brokenAfter, errorAfter, truncatedAfter:
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
		a.scene.met(met.kind())
	}
	return got
}

// managerCall makes a call of the manager. known says that it has answered before.
func (a *attempt) managerCall(what string, met mishap, half, limit time.Duration, known bool, effect func() answer) answer {
	m := a.scene.manager
	removal, _ := a.in.(activities.DeleteLinkInput)
	if met == fakeSuccess && (m.Stale > 0 || !m.Tells && !removal.TellsNone && !m.synced()) {
		met = truncatedBefore // left out: no status proves that the link is still there
	}
	got := a.call(what, met, half, limit, func() answer {
		if refused, ok := m.refuses(m.Refusals); ok {
			return refused
		}
		got := effect()
		got.own = true
		return got
	})
	return a.believed(got, &a.scene.workers[a.worker].manager, known)
}

// readStatus is GET status.
func (a *attempt) readStatus(met mishap, limit time.Duration, known bool) answer {
	return a.managerCall(get, met, halfOf(met), limit, known, func() answer {
		status := a.scene.manager.status()
		a.scene.tell("  %s: GET %s", a.name, status)
		return answer{status: status}
	})
}

// read is GET status, given up when nobody waits for the attempt any more.
func (a *attempt) read(met mishap, limit time.Duration, known bool) answer {
	got := a.readStatus(met, limit, known)
	if a.heard {
		panic(attemptStops{})
	}
	return got
}

// remove is DELETE. It is not given up.
func (a *attempt) remove(undo, known bool) answer {
	// The effect of a DELETE that nobody waits for any more comes before the
	// settling time is over: a later one is left out, as documented.
	half := min(halfOf(a.fate.Write), a.scene.late)
	return a.managerCall(remove, a.fate.Write, half, noLimit, known, func() answer {
		code := a.scene.manager.remove(undo)
		a.scene.tell("  %s: DELETE %d", a.name, code)
		if code == 409 {
			return answer{problem: migrationlink.ErrMigrationRunning, final: true}
		}
		return answer{code: code}
	})
}

// post is POST. It is not given up.
func (a *attempt) post(token migrationlink.TokenSource, known bool) answer {
	return a.managerCall(post, a.fate.Write, halfOf(a.fate.Write), noLimit, known, func() answer {
		if a.scene.tokenIs(token) != "" {
			return answer{problem: migrationlink.ErrTokenRejected, final: true}
		}
		conflicts := a.scene.manager.post()
		a.scene.tell("  %s: POST, conflict: %v", a.name, conflicts)
		return answer{conflict: conflicts}
	})
}

// fate is what becomes of one attempt of an activity.
type fate struct {
	Queued             time.Duration // until a worker takes it
	Read, Write, After mishap        // its calls, in their order
	Unmarked           bool          // the server does not acknowledge the mark before a POST
	Paused             bool          // by an operator, when the worker vanishes
	Worker             int           // which one takes it
	Dies               time.Duration // after so long, the worker; 0 is never
	Untold             bool          // the worker dies before it has told the server how the attempt has ended
	Unheard            time.Duration // before a worker vanished, since its last heartbeat
}

// loses reports whether a POST of the attempt may have taken effect unseen.
func (f fate) loses() bool { return f.Write.loses() || f.After.loses() || f.Dies > 0 || f.Untold }

func (f fate) String() string {
	text := ""
	for name, m := range map[string]mishap{"read": f.Read, "write": f.Write, "read afterwards": f.After} {
		if m != fine {
			text += fmt.Sprintf("%s %s; ", name, m)
		}
	}
	for name, d := range map[string]time.Duration{"queued for": f.Queued, "worker dies after": f.Dies, "unheard for": f.Unheard} {
		if d != 0 {
			text += fmt.Sprintf("%s %v; ", name, d)
		}
	}
	for name, is := range map[string]bool{"mark not acknowledged": f.Unmarked, "paused": f.Paused, "worker dies at the end": f.Untold} {
		if is {
			text += name + "; "
		}
	}
	return text + fmt.Sprintf("worker %d", f.Worker)
}
