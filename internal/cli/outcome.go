package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"

	"github.com/migrationlink/migrationlink"
)

// awaitResult waits for the end of a run. A run that fails has a result as
// well: the error is of the asking, not of the link.
func awaitResult(ctx context.Context, c client.Client, run linkRun) (migrationlink.LinkResult, error) {
	var result migrationlink.LinkResult
	err := c.GetWorkflow(ctx, run.workflowID(), run.runID).Get(ctx, &result)
	ended, ok := errors.AsType[*temporal.WorkflowExecutionError](err)
	if err != nil && !ok {
		return result, err
	}
	if ok {
		result = resultOf(ended.Unwrap())
	}
	result.Manager, result.OrgID = run.manager, run.orgID
	return result, nil
}

// resultOf reads the result from the error that a workflow ended with, or makes
// one of what the error says, when Temporal itself or another version of the
// workflow ended it.
func resultOf(err error) migrationlink.LinkResult {
	var result migrationlink.LinkResult
	switch cause := err.(type) { //nolint:errorlint // the outermost says how it ended
	case *temporal.CanceledError:
		readResult(cause, &result)
		result.Outcome = migrationlink.OutcomeCancelled
	case *temporal.ApplicationError:
		readResult(cause, &result)
		result.Outcome = migrationlink.OutcomeFailed
		if cause.Type() == migrationlink.ErrTimedOut {
			result.Outcome = migrationlink.OutcomeTimedOut
		}
		if result.Problem == nil {
			result.Problem = &migrationlink.Problem{Type: cause.Type(), Message: cause.Message(), Remedy: seeHistory}
		}
	case *temporal.TimeoutError:
		result.Outcome = migrationlink.OutcomeTimedOut
		result.Problem = &migrationlink.Problem{
			Type:    migrationlink.ErrTimedOut,
			Message: "Temporal ended the workflow at its own time limit; nothing was undone",
			Remedy:  "Start the link again to go on: what the manager has by then is found and kept.",
		}
	case *temporal.TerminatedError:
		result.Outcome = migrationlink.OutcomeFailed
		result.Problem = &migrationlink.Problem{
			Type:    "Terminated",
			Message: "somebody terminated the workflow in Temporal; nothing was undone",
			Remedy:  "Start the link again to go on: what the manager has by then is found and kept. To end a link use 'starter cancel'.",
		}
	default:
		result.Outcome = migrationlink.OutcomeFailed
		result.Problem = &migrationlink.Problem{Type: "Unknown", Message: fmt.Sprint(err), Remedy: seeHistory}
	}
	return result
}

const seeHistory = "Look at the workflow's history in Temporal."

func readResult(from interface {
	HasDetails() bool
	Details(...any) error
}, result *migrationlink.LinkResult) {
	if !from.HasDetails() {
		return
	}
	if from.Details(result) != nil {
		*result = migrationlink.LinkResult{} // details of something else
	}
}

// outcomeText says how a workflow ended, and what to do then.
func outcomeText(run linkRun, result migrationlink.LinkResult) (message, remedy string) {
	switch result.Outcome {
	case migrationlink.OutcomeLinked:
		message = fmt.Sprintf("linked: organization %s of manager %s is %s%s%s", result.OrgID, result.Manager, migrationlink.LinkSynced, effort(result), replacing(result)+inAtlas(result)+notVerified(run, result))
		if result.InDoubt {
			message += "; the reply to its creation was lost, so it may be somebody else's link"
		}
		return message, ""
	case migrationlink.OutcomeAlreadyLinked:
		return fmt.Sprintf("already linked: organization %s of manager %s is %s, and this request did not make the link",
			result.OrgID, result.Manager, migrationlink.LinkSynced) + inAtlas(result) + notVerified(run, result), ""
	case migrationlink.OutcomeUnlinked:
		return fmt.Sprintf("unlinked: organization %s of manager %s has no link any more", result.OrgID, result.Manager), ""
	case migrationlink.OutcomeNotLinked:
		message = fmt.Sprintf("not linked: organization %s of manager %s had no link to remove", result.OrgID, result.Manager)
		if result.InDoubt {
			message += ", or it was removed by a call whose reply was lost"
		}
		return message, ""
	case migrationlink.OutcomeCancelled:
		message = "cancelled"
		if result.CancelReason != "" {
			message += " (" + oneLine(result.CancelReason) + ")"
		}
		return message + ": " + linkLeft(run, result) + replacing(result) + inAtlas(result), leftInAtlasRemedy(result)
	}
	message = strings.ReplaceAll(string(result.Outcome), "-", " ")
	if result.Problem == nil {
		return message, seeHistory
	}
	return message + ": " + strings.TrimSuffix(oneLine(result.Problem.Message), ".") + replacing(result) + inAtlas(result), oneLine(result.Problem.Remedy)
}

func effort(result migrationlink.LinkResult) string {
	if result.EndedAt.IsZero() {
		return ""
	}
	return fmt.Sprintf(" after %s, %s", length(result.EndedAt.Sub(result.StartedAt)), count(result.Polls, "poll"))
}

// replacing says so when a link of somebody else was removed, or may have been.
func replacing(result migrationlink.LinkResult) string {
	switch {
	case !result.Replaced:
		return ""
	case result.Outcome.Done():
		return "; it replaces a link that somebody else had made"
	}
	return "; a link that somebody else had made was removed, or may have been"
}

// linkLeft says what a cancelled request leaves behind.
func linkLeft(run linkRun, result migrationlink.LinkResult) string {
	switch {
	case run.unlinks() && (result.Removed || result.LinkStatus == migrationlink.LinkNone):
		return "the organization has no link"
	case run.unlinks() && result.InDoubt:
		return "it is not known whether the link was removed; 'starter unlink' makes sure"
	case run.unlinks():
		return "the link was not removed"
	case result.InDoubt:
		return "it is not known whether this request made a link, as a reply was lost; if there is one, it stays, and 'starter unlink' removes it"
	case result.Removed:
		return "the link was removed again"
	case result.Created:
		return "the link stays at the manager"
	case result.LinkStatus != "" && result.LinkStatus != migrationlink.LinkNone:
		return "the organization is still linked at the manager, as this request did not make that link; 'starter unlink' removes it"
	}
	return "this request leaves no link behind"
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// length shows a duration to the second, as clocks do: 9s, 1m05s, 2h00m.
func length(d time.Duration) string {
	d = max(d, 0).Round(time.Second)
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%ds", int(d.Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%dm%02ds", int(d.Minutes()), int(d.Seconds())%60)
	case d < 48*time.Hour:
		return fmt.Sprintf("%dh%02dm", int(d.Hours()), int(d.Minutes())%60)
	}
	return fmt.Sprintf("%dd%02dh", int(d.Hours())/24, int(d.Hours())%24)
}
