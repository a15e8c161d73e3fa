package words

import (
	"fmt"
	"strings"

	"github.com/migrationlink/migrationlink"
)

const seeHistory = "Check the workflow's history in Temporal."

// Outcome describes how a job ended, and what to do then.
func Outcome(job Job, result migrationlink.LinkResult) (message, remedy string) {
	organization := fmt.Sprintf("organization %s of manager %s", result.OrgID, result.Manager)
	switch result.Outcome {
	case migrationlink.OutcomeLinked:
		message = fmt.Sprintf("linked: %s is %s%s", organization, migrationlink.LinkSynced, effort(result)) + replacing(result) + inAtlas(result) + notVerified(job, result)
		if result.InDoubt {
			message += "; it is not known whether this request or somebody else made the link"
		}
		return message, targetRemedy(result)
	case migrationlink.OutcomeAlreadyLinked:
		return fmt.Sprintf("already linked: %s is %s, and this request did not make the link", organization, migrationlink.LinkSynced) +
			inAtlas(result) + notVerified(job, result), targetRemedy(result)
	case migrationlink.OutcomeUnlinked:
		return "unlinked: " + organization + " no longer has a link", ""
	case migrationlink.OutcomeNotLinked:
		message = "not linked: " + organization + " had no link to remove"
		if result.InDoubt {
			message = "not linked: " + organization + " has no link, and it is not known whether this request removed one"
		}
		return message, ""
	case migrationlink.OutcomeCancelled:
		message = "cancelled"
		if result.CancelReason != "" {
			message += " (" + OneLine(result.CancelReason) + ")"
		}
		return message + ": " + Left(job, result) + replacing(result) + inAtlas(result), TokensLeftRemedy(result.Atlas, linkStays(result) || result.InDoubt)
	case migrationlink.OutcomeFailed, migrationlink.OutcomeTimedOut:
	}
	message = strings.ReplaceAll(string(result.Outcome), "-", " ")
	if result.Problem == nil {
		return message, seeHistory
	}
	return message + ": " + strings.TrimSuffix(OneLine(result.Problem.Message), ".") + replacing(result) + inAtlas(result), OneLine(result.Problem.Remedy)
}

func effort(result migrationlink.LinkResult) string {
	if result.EndedAt.IsZero() {
		return ""
	}
	return fmt.Sprintf(" after %s, %s", Duration(result.EndedAt.Sub(result.StartedAt)), Count(result.Polls, "poll"))
}

// replacing mentions somebody else's link that was removed, or may have been.
func replacing(result migrationlink.LinkResult) string {
	switch {
	case result.ReplacedInDoubt:
		return "; a link that somebody else had made may have been removed"
	case !result.Replaced:
		return ""
	case result.Outcome.Done():
		return "; it replaces a link that somebody else had made"
	}
	return "; a link that somebody else had made was removed"
}

// Left describes what a cancelled job leaves at the manager.
func Left(job Job, result migrationlink.LinkResult) string {
	switch {
	case job.Unlinks() && (result.Removed || result.LinkStatus == migrationlink.LinkNone):
		return "the organization has no link"
	case job.Unlinks() && result.InDoubt:
		return "it is not known whether the link was removed; run 'starter unlink' to make sure"
	case job.Unlinks():
		return "the link was not removed"
	case result.InDoubt:
		return "it is not known whether this request made a link; if it did, the link stays until 'starter unlink' removes it"
	case result.Removed:
		return LinkRemoved
	case result.Created:
		return LinkStays
	case result.LinkStatus != "" && result.LinkStatus != migrationlink.LinkNone:
		return "the organization stays linked, because this request did not make that link; 'starter unlink' removes it"
	}
	return "this request leaves no link behind"
}
