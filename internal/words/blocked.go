package words

import "github.com/migrationlink/migrationlink"

// Blocked describes what a person has to fix.
func Blocked(status migrationlink.Status) string {
	text := "BLOCKED"
	if status.BlockedIn != "" {
		text += " while " + string(status.BlockedIn)
	}
	if status.Problem == nil {
		return text + ": start a worker to see why"
	}
	return text + ": " + Sentences(status.Problem.Message, Remedy(status))
}

// Remedy is what to do about the problem of a status.
func Remedy(status migrationlink.Status) string {
	if status.Phase != migrationlink.PhaseBlocked {
		return status.Problem.Remedy
	}
	switch status.Problem.Type {
	case migrationlink.ErrMigrationRunning:
		return status.Problem.Remedy + " It also continues by itself when the migration has ended."
	case migrationlink.ErrWrongTarget:
		return status.Problem.Remedy + replaceBlocked
	default:
		return status.Problem.Remedy
	}
}

// replaceBlocked is for a blocked request, whose ifLinked cannot change.
const replaceBlocked = " A blocked request keeps its ifLinked: to replace the link, cancel the request and start another one. A retry reads the link again."

// IsAboutToken reports whether a problem may be solved by another link-token.
func IsAboutToken(problem *migrationlink.Problem) bool {
	return problem != nil && (problem.Type == migrationlink.ErrTokenRejected || problem.Type == migrationlink.ErrTokenNotOpened)
}

// NotOurs describes a link that an undo will not remove; empty if it removes the link, or if only the
// workflow itself knows.
func NotOurs(status migrationlink.Status) string {
	switch {
	case !Accepted(status), status.PhaseSince.IsZero():
		return ""
	case status.InDoubt:
		return "It is not known whether this request made the link: an undo does not remove it, 'starter unlink' does"
	case !status.Created:
		return "The organization was linked before this request: an undo does not remove that link, 'starter unlink' does"
	}
	return ""
}

// Accepted reports whether the manager has a link, and nothing but waiting is left.
func Accepted(status migrationlink.Status) bool {
	return status.Phase == migrationlink.PhaseSyncing || status.Phase == migrationlink.PhaseVerifying
}
