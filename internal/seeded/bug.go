// Package seeded holds bugs that are put into the programs on purpose, to prove that
// the tests find them. They exist only in builds with the tag seeded, and only the one
// that the environment names; see docs/explanation/reliability.md.
package seeded

// Bug is a mistake that was made once, or that is easily made.
type Bug string

// The bugs. Each breaks one of the promises.
const (
	EarlyEnd           Bug = "early-end"           // a lost worker ends a wait before its deadline
	StaleCause         Bug = "stale-cause"         // the failure of an earlier attempt counts as the last one
	AnySuccess         Bug = "any-success"         // whatever is answered with 2xx counts as a removal
	OneRedirect        Bug = "one-redirect"        // a single odd answer is final
	WallClock          Bug = "wall-clock"          // deadlines are compared with the worker's clock
	ConflictRefused    Bug = "conflict-refused"    // a conflict after a lost reply counts as a refusal
	NoDoubt            Bug = "no-doubt"            // a lost reply is followed by another POST at once
	PostWithoutRead    Bug = "post-without-read"   // the status is not read before a creation
	UndoOnCancelled    Bug = "undo-on-cancelled"   // the undo runs on the context that was cancelled
	LostCancel         Bug = "lost-cancel"         // the cancel signal is received and dropped
	LocalTroubleFinal  Bug = "local-trouble-final" // a worker without free files fails the link
	ForgottenReset     Bug = "forgotten-reset"     // the run after a reset takes its own link for another's
	RemovedUnconfirmed Bug = "removed-unconfirmed" // nobody looks whether a removed link is gone
)

// Bugs returns all of them.
func Bugs() []Bug {
	return []Bug{
		EarlyEnd, StaleCause, AnySuccess, OneRedirect, WallClock, ConflictRefused, NoDoubt, PostWithoutRead,
		UndoOnCancelled, LostCancel, LocalTroubleFinal, ForgottenReset, RemovedUnconfirmed,
	}
}
