package workflows

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/migrationlink/migrationlink"
)

// errCancelled stands for both ways to cancel a link.
var errCancelled = errors.New("cancelled")

// goOn is what to do about a reached limit when the link stays.
const goOn = "Start the link again to go on: what the manager has by then is found and kept."

// problemError is a problem that the workflow itself finds.
type problemError struct{ migrationlink.Problem }

func (e problemError) Error() string { return e.Message }

// undoFailed is why a link could not be removed.
type undoFailed struct{ error }

func (e undoFailed) Unwrap() error { return e.error }

// end records how the link ended and returns what the workflow returns.
func (r *linkRun) end(ctx workflow.Context, err error) (migrationlink.LinkResult, error) {
	r.result.EndedAt = now(ctx)
	r.result.Outcome, r.result.Problem = r.outcome(err)
	r.status.Phase, r.status.PhaseSince, r.status.Deadline = migrationlink.PhaseEnded, r.result.EndedAt, time.Time{}
	r.status.Problem = r.result.Problem
	result := r.result
	r.status.Result = &result
	r.tell(ctx)

	switch result.Outcome {
	case migrationlink.OutcomeLinked, migrationlink.OutcomeAlreadyLinked:
		return result, nil
	case migrationlink.OutcomeCancelled:
		return result, temporal.NewCanceledError(result)
	}
	details := []any{result}
	if invalid, ok := errors.AsType[*migrationlink.ValidationError](err); ok {
		details = append(details, invalid.Problems)
	}
	message := result.Problem.Message + ". " + result.Problem.Remedy
	return result, temporal.NewApplicationErrorWithOptions(message, result.Problem.Type,
		temporal.ApplicationErrorOptions{NonRetryable: true, Details: details})
}

func (r *linkRun) outcome(err error) (migrationlink.Outcome, *migrationlink.Problem) {
	undone, undoHasFailed := errors.AsType[undoFailed](err)
	switch {
	case err == nil && r.result.Created:
		return migrationlink.OutcomeLinked, nil
	case err == nil:
		return migrationlink.OutcomeAlreadyLinked, nil
	case undoHasFailed:
		return migrationlink.OutcomeFailed, undoProblem(err, undone)
	case errors.Is(err, errCancelled):
		return migrationlink.OutcomeCancelled, nil
	}
	problem := r.withLinkLeft(problemOf(err))
	if problem.Type == migrationlink.ErrTimedOut {
		return migrationlink.OutcomeTimedOut, &problem
	}
	return migrationlink.OutcomeFailed, &problem
}

func undoProblem(err error, undone undoFailed) *migrationlink.Problem {
	problem := problemOf(undone.error)
	before := "the link was cancelled"
	if !errors.Is(err, errCancelled) {
		before = problemOf(err).Message
	}
	problem.Type = migrationlink.ErrUndoFailed
	problem.Message = fmt.Sprintf("%s, and the link could not be removed: %s", before, problem.Message)
	return &problem
}

// withLinkLeft says so when a link that this request made stays behind.
func (r *linkRun) withLinkLeft(problem migrationlink.Problem) migrationlink.Problem {
	switch {
	case r.result.Removed:
		problem.Message += "; the link was removed again"
		problem.Remedy = strings.Replace(problem.Remedy, goOn, "Start the link again to try once more.", 1)
	case r.result.Created:
		problem.Message += "; the link stays at the manager"
	case r.inDoubt():
		problem.Message += "; whether the manager created the link is not known"
	}
	return problem
}

// timedOut is the one shape of a reached limit. last is what was met before.
func (r *linkRun) timedOut(last error, format string, args ...any) error {
	problem := migrationlink.Problem{
		Type:    migrationlink.ErrTimedOut,
		Message: fmt.Sprintf(format, args...),
		Remedy:  goOn + " For a longer limit set createTimeout (--create-timeout) or syncTimeout (--sync-timeout).",
	}
	if r.warning != "" {
		problem.Message += " (the manager had accepted it with: " + r.warning + ")"
	}
	if met := problemOf(last); met.Type != "" {
		problem.Message += ": " + met.Message
		problem.HTTPStatus, problem.Code = met.HTTPStatus, met.Code
		if met.Type != migrationlink.ErrTimedOut {
			problem.Remedy = met.Remedy + " " + problem.Remedy
		}
	}
	return problemError{problem}
}

func invalidRequest(err error) error {
	return errors.Join(err, problemError{migrationlink.Problem{
		Type:    migrationlink.ErrInvalidRequest,
		Message: err.Error(),
		Remedy:  "Correct the fields and start the link again; nothing was changed.",
	}})
}
