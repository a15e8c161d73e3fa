package words

import "github.com/migrationlink/migrationlink"

// whyUnknown completes "not verified in Atlas, because …".
var whyUnknown = map[migrationlink.TargetReason]string{
	migrationlink.TargetNoProjects:   "the organization has no project that Atlas could show",
	migrationlink.TargetNotShownYet:  "Atlas does not show its projects yet",
	migrationlink.TargetNotSynced:    "the link was no longer SYNCED",
	migrationlink.TargetNoPermission: "the workers have no permission to check",
	migrationlink.TargetUnreachable:  "Atlas, the manager or a worker did not answer",
	migrationlink.TargetRefused:      "the check was refused",
}

// Target describes whether the target organization shows the link; empty if nobody looked.
func Target(target migrationlink.Target, reason migrationlink.TargetReason, problem *migrationlink.Problem) string {
	switch target {
	case migrationlink.TargetVerified:
		return "verified, Atlas shows the projects there"
	case migrationlink.TargetNotShown:
		return "not shown, Atlas shows none of the projects there"
	case migrationlink.TargetUnknown:
		return "unknown, because " + because(reason, problem)
	}
	return OneLine(string(target)) // of another version
}

func because(reason migrationlink.TargetReason, problem *migrationlink.Problem) string {
	text := whyUnknown[reason]
	if text == "" {
		text = OneLine(string(reason)) // of another version
	}
	if problem != nil {
		text += ": " + OneLine(problem.Message)
	}
	return text
}

// notVerified mentions that a link was not seen in Atlas.
func notVerified(job Job, result migrationlink.LinkResult) string {
	switch {
	case result.Target == migrationlink.TargetUnknown:
		return "; not verified in Atlas, because " + because(result.TargetReason, result.TargetProblem)
	case result.Target != "", !job.Verifies, result.Atlas != nil && !result.Atlas.VerifiedAt.IsZero():
		return ""
	}
	return "; not verified in Atlas, because " + whyUnknown[migrationlink.TargetNoProjects] // of an older version
}

// targetRemedy is what to do about a link that is done and was not seen in Atlas. What may
// pass needs no more than another look.
func targetRemedy(result migrationlink.LinkResult) string {
	if result.TargetProblem == nil {
		return ""
	}
	switch result.TargetReason {
	case migrationlink.TargetNoPermission, migrationlink.TargetRefused:
		return OneLine(result.TargetProblem.Remedy) + " Then start the link again to repeat the check."
	default:
		return "To repeat the check, start the link again."
	}
}
