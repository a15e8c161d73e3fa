package workflows

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/migrationlink/migrationlink"
	"github.com/migrationlink/migrationlink/activities"
)

// errCancelled stands for both ways to cancel a link.
var errCancelled = errors.New("cancelled")

// goOn is what to do about a reached limit when the link stays.
const goOn = "Start the link again to go on: what the manager has by then is found and kept."

// problemError is a problem that the workflow itself finds, with the fields that
// are wrong, if it is one of the request.
type problemError struct {
	migrationlink.Problem
	fields []migrationlink.FieldProblem
}

func (e problemError) Error() string { return e.Message }

// undoFailed is why something could not be removed, and what else could not.
type undoFailed struct {
	error
	left leftover
	also []undoFailed
}

func (e undoFailed) Unwrap() error { return e.error }

// end records how the operation ended and returns what the workflow returns.
func (o *operation) end(ctx workflow.Context, err error) (migrationlink.LinkResult, error) {
	o.result.EndedAt = now(ctx)
	o.result.Outcome, o.result.Problem = o.outcome(err)
	o.status.Phase, o.status.BlockedIn = migrationlink.PhaseEnded, ""
	o.status.PhaseSince, o.status.Deadline = o.result.EndedAt, time.Time{}
	o.status.Problem = o.result.Problem
	result := o.result
	o.status.Result = &result
	o.tell(ctx)
	o.measureEnd(ctx)
	if result.Outcome == migrationlink.OutcomeTimedOut {
		o.remember(ctx, string(result.Outcome))
	}
	if o.joins != nil {
		o.finish(ctx)
	}
	var fields []any
	if own, ok := errors.AsType[problemError](err); ok && len(own.fields) > 0 {
		fields = append(fields, own.fields)
	}
	return result, conclude(result, fields...)
}

// conclude returns the error that carries a result, nil for what was done.
func conclude(result migrationlink.LinkResult, details ...any) error {
	details = append([]any{result}, details...)
	switch {
	case result.Outcome.Done():
		return nil
	case result.Outcome == migrationlink.OutcomeCancelled:
		return temporal.NewCanceledError(details...)
	}
	message := result.Problem.Message + ". " + result.Problem.Remedy
	return temporal.NewApplicationErrorWithOptions(message, result.Problem.Type,
		temporal.ApplicationErrorOptions{NonRetryable: true, Details: details})
}

func (o *operation) outcome(err error) (migrationlink.Outcome, *migrationlink.Problem) {
	undone, undoHasFailed := errors.AsType[undoFailed](err)
	switch {
	case err == nil:
		return o.success(), nil
	case undoHasFailed:
		problem := o.left(undoProblem(err, undone))
		return migrationlink.OutcomeFailed, &problem
	case errors.Is(err, errCancelled):
		return migrationlink.OutcomeCancelled, nil
	}
	problem := problemOf(err)
	if migrationlink.Blockable(problem.Type) {
		problem.Remedy += " Then start it again."
	}
	problem = o.left(problem)
	if problem.Type == migrationlink.ErrTimedOut {
		return migrationlink.OutcomeTimedOut, &problem
	}
	return migrationlink.OutcomeFailed, &problem
}

func (o *operation) success() migrationlink.Outcome {
	unlinks := o.asked.Unlink != nil
	switch {
	case unlinks && o.result.Removed:
		return migrationlink.OutcomeUnlinked
	case unlinks:
		return migrationlink.OutcomeNotLinked
	case o.result.Created:
		return migrationlink.OutcomeLinked
	}
	return migrationlink.OutcomeAlreadyLinked
}

func undoProblem(err error, undone undoFailed) migrationlink.Problem {
	problem := problemOf(undone.error)
	before := "the link was cancelled"
	if !errors.Is(err, errCancelled) {
		before = problemOf(err).Message
	}
	problem.Type = migrationlink.ErrUndoFailed
	problem.Message = fmt.Sprintf("%s, and %s: %s", before, undone.left.what, problem.Message)
	problem.Remedy += " " + undone.left.remedy
	for _, also := range undone.also {
		next := problemOf(also.error)
		problem.Message += fmt.Sprintf(", and %s: %s", also.left.what, next.Message)
		problem.Remedy += " " + next.Remedy + " " + also.left.remedy
	}
	return problem
}

// linkLeft says so when a link that this request made stays behind, or one that
// was there is gone.
func (r *linkRun) linkLeft(problem migrationlink.Problem) migrationlink.Problem {
	switch {
	case r.result.Removed:
		problem.Message += "; the link was removed again"
		problem.Remedy = strings.Replace(problem.Remedy, goOn, "Start the link again to try once more.", 1)
	case r.inDoubt():
		problem.Message += "; whether the manager created the link is not known"
	case r.result.Created && r.result.InDoubt:
		problem.Message += "; there is a link at the manager, and it is not known whether this request made it"
	case r.result.Created:
		problem.Message += "; the link stays at the manager"
	case r.result.Replaced:
		problem.Message += "; the link that was there before was removed"
	case r.result.InDoubt:
		problem.Message += "; the link that was there before may have been removed"
	}
	problem.Message += r.tokensLeft()
	if problem.Type != migrationlink.ErrUndoFailed { // which says itself what to do about what it could not delete
		problem.Remedy = strings.TrimSpace(problem.Remedy + " " + r.tokensLeftRemedy())
	}
	return problem
}

// tokensLeft says so when there is a link-token in Atlas that serves no link.
func (r *linkRun) tokensLeft() (left string) {
	if r.result.Atlas == nil {
		return ""
	}
	switch n := r.result.Atlas.TokensLeft; n {
	case 0:
	case 1:
		left = "; the link-token that was made in Atlas is left there"
		if r.result.Created && !r.result.Removed {
			left = "; a link-token that was made in Atlas before is left there"
		}
	default:
		left = fmt.Sprintf("; %d link-tokens that were made in Atlas are left there", n)
	}
	if r.result.Atlas.TokenInDoubt {
		left += "; Atlas may have a link-token that nobody knows"
	}
	return left
}

// tokensLeftRemedy is what to do about them. What deletes a link-token takes no
// id, so that it may hit one that serves a link.
func (o *operation) tokensLeftRemedy() string {
	switch {
	case o.result.Atlas == nil || o.result.Atlas.TokensLeft == 0:
		return ""
	case o.result.Created && !o.result.Removed:
		return "Leave what is left in Atlas as long as the link is needed: the call that deletes a link-token takes no id, and may remove the link."
	}
	return "What is left in Atlas is deleted by 'atlas liveMigrations link delete' for the target organization: " +
		"only if that has no other link, as the call takes no id. With deleteTokenOnUndo (--delete-token-on-undo) an undo does it."
}

// timedOut is the one shape of a reached limit. last is what was met before.
func (r *linkRun) timedOut(last error, format string, args ...any) error {
	if r.warning != "" {
		format += " (the manager had accepted it with: " + strings.ReplaceAll(r.warning, "%", "%%") + ")"
	}
	limit := "createTimeout (--create-timeout)"
	switch r.status.Phase {
	case migrationlink.PhaseSyncing, migrationlink.PhaseVerifying:
		limit = "syncTimeout (--sync-timeout)"
	}
	return timedOut(last, goOn+" For a longer limit set "+limit+", or extend it while it lasts (starter extend).", format, args...)
}

func timedOut(last error, remedy, format string, args ...any) error {
	problem := migrationlink.Problem{
		Type:    migrationlink.ErrTimedOut,
		Message: fmt.Sprintf(format, args...),
		Remedy:  remedy,
	}
	if met := problemOf(last); met.Type != "" {
		problem.Message += ": " + met.Message
		problem.HTTPStatus, problem.Code = met.HTTPStatus, met.Code
		if met.Type != migrationlink.ErrTimedOut {
			problem.Remedy = met.Remedy + " " + problem.Remedy
		}
	}
	return problemError{Problem: problem}
}

func invalidRequest(err error) error {
	return problemError{
		Problem: migrationlink.Problem{
			Type:    migrationlink.ErrInvalidRequest,
			Message: err.Error(),
			Remedy:  "Correct the fields and start it again; nothing was changed.",
		},
		fields: fieldsOf(err),
	}
}

func fieldsOf(err error) []migrationlink.FieldProblem {
	if invalid, ok := errors.AsType[*migrationlink.ValidationError](err); ok {
		return invalid.Problems
	}
	return nil
}

func (r *linkRun) alreadyLinked() error {
	return problemError{Problem: migrationlink.Problem{
		Type:    migrationlink.ErrAlreadyLinked,
		Message: fmt.Sprintf("organization %s of manager %q is linked already (%s), and not by this request", r.request.OrgID, r.request.Manager, r.result.LinkStatus),
		Remedy:  "Find out who made the link. To keep it, set ifLinked (--if-linked) to \"keep\"; to replace it, to \"relink\".",
	}}
}

// refusal is the error of an update that changes nothing.
func refusal(problem migrationlink.Problem) error {
	return temporal.NewApplicationErrorWithOptions(problem.Message+". "+problem.Remedy, problem.Type,
		temporal.ApplicationErrorOptions{NonRetryable: true, Details: []any{problem}})
}

// invalidInput is the error of an update with wrong fields.
func invalidInput(errorType string, err error) error {
	return temporal.NewApplicationErrorWithOptions(err.Error(), errorType,
		temporal.ApplicationErrorOptions{NonRetryable: true, Details: []any{fieldsOf(err)}})
}

// differentRequest refuses a second start to the caller of an update.
func differentRequest(target activities.Target, different []migrationlink.FieldProblem) error {
	problem := differenceProblem(target, different)
	return temporal.NewApplicationErrorWithOptions(problem.Message+". "+problem.Remedy, problem.Type,
		temporal.ApplicationErrorOptions{NonRetryable: true, Details: []any{different}})
}

// refusedAsDifferent refuses it to a workflow.
func refusedAsDifferent(target activities.Target, different []migrationlink.FieldProblem) error {
	return problemError{Problem: differenceProblem(target, different), fields: different}
}

func differenceProblem(target activities.Target, different []migrationlink.FieldProblem) migrationlink.Problem {
	return migrationlink.Problem{
		Type: migrationlink.ErrDifferentRequest,
		Message: fmt.Sprintf("another request for organization %s of manager %q is under way: %v",
			target.OrgID, target.Manager, migrationlink.DescribeFields(different)),
		Remedy: "Wait for its end, or cancel it first; an equal request joins it.",
	}
}
