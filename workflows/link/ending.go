package link

import (
	"errors"
	"fmt"
	"strings"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/migrationlink/migrationlink"
	"github.com/migrationlink/migrationlink/activities"
	"github.com/migrationlink/migrationlink/internal/payload"
	"github.com/migrationlink/migrationlink/internal/words"
)

// errCancelled stands for both ways to cancel a link.
var errCancelled = errors.New("cancelled")

// goOn is what to do about a reached limit when the link stays.
const goOn = "To continue, start the link again: it keeps a link that is SYNCED."

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

// end ends the operation and returns what the workflow returns.
func (o *operation) end(ctx workflow.Context, err error) (migrationlink.LinkResult, error) {
	o.ended(ctx, err)
	o.measureEnd(ctx)
	o.rememberEnd(ctx)
	if o.guests.joins != nil {
		o.finish(ctx)
	}
	return o.result, conclude(o.forOperation(ctx), wrongFields(err)...)
}

// ended records how the operation ended.
func (o *operation) ended(ctx workflow.Context, err error) {
	o.result.EndedAt = now(ctx)
	o.result.Outcome, o.result.Problem = o.outcome(err)
	o.stage = stage{phase: migrationlink.PhaseEnded, since: o.result.EndedAt, problem: o.result.Problem, linkStatus: o.stage.linkStatus}
	o.tell(ctx)
}

// finish waits until everybody who has asked has got an answer.
func (o *operation) finish(ctx workflow.Context) {
	ctx, _ = workflow.NewDisconnectedContext(ctx)
	for {
		// Nothing cancels this context.
		_ = workflow.Await(ctx, func() bool { return workflow.AllHandlersFinished(ctx) })
		o.takeJoins(ctx)
		if !o.answerGuests(ctx) {
			return
		}
	}
}

func nothingLeft(problem migrationlink.Problem) migrationlink.Problem { return problem }

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
		problem := o.addLeftovers(undoProblem(err, undone))
		return migrationlink.OutcomeFailed, &problem
	case errors.Is(err, errCancelled):
		return migrationlink.OutcomeCancelled, nil
	}
	problem := problemOf(err)
	if migrationlink.Blockable(problem.Type) {
		problem.Remedy += " Then start it again."
	}
	problem = o.addLeftovers(problem)
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

// maxFailures bounds how many further failures of an undo are told.
const maxFailures = 5

func undoProblem(err error, undone undoFailed) migrationlink.Problem {
	problem := problemOf(undone.error)
	before := "the link was cancelled"
	if !errors.Is(err, errCancelled) {
		before = problemOf(err).Message
	}
	problem.Type = migrationlink.ErrUndoFailed
	problem.Message = fmt.Sprintf("%s, and %s: %s", before, undone.left.what, problem.Message)
	problem.Remedy += " " + undone.left.remedy
	for i, also := range undone.also {
		if i == maxFailures {
			problem.Message += fmt.Sprintf(", and so on: %d in all", len(undone.also)+1)
			break
		}
		next := problemOf(also.error)
		problem.Message += fmt.Sprintf(", and %s: %s", also.left.what, next.Message)
		problem.Remedy += " " + next.Remedy + " " + also.left.remedy
	}
	return problem
}

// linkLeft says so when a link that this request made stays behind, or one that
// was there is gone.
func (l *link) linkLeft(problem migrationlink.Problem) migrationlink.Problem {
	switch {
	case l.result.Removed:
		problem.Message += "; " + words.LinkRemoved
		problem.Remedy = strings.Replace(problem.Remedy, goOn, "To try again, start the link again.", 1)
	case l.result.Created && !l.stays():
		problem.Message += "; the link was gone already"
		problem.Remedy = strings.Replace(problem.Remedy, goOn, "To try again, start the link again.", 1)
	case l.mayBeGone:
		problem.Message += "; it is not known whether the link still exists"
	case l.doubt != nil, l.pastIsUnknown():
		problem.Message += "; it is not known whether the manager created the link"
	case l.result.Created && l.result.LinkStatus == migrationlink.LinkNone && l.owner != nobody:
		problem.Message += "; the manager does not show the link any more"
		if l.result.InDoubt {
			problem.Message += ", and it is not known whether this request made it"
		}
	case l.result.Created && l.result.InDoubt:
		problem.Message += "; there is a link at the manager, and it is not known whether this request made it"
	case l.result.Created:
		problem.Message += "; " + words.LinkStays
	case l.result.Replaced:
		problem.Message += "; the link that was there before was removed"
	case l.result.ReplacedInDoubt:
		problem.Message += "; the link that was there before may have been removed"
	}
	for _, left := range words.TokensLeft(l.result.Atlas, l.stays()) {
		problem.Message += "; " + left
	}
	if problem.Type != migrationlink.ErrUndoFailed { // which says itself what to do about what it could not delete
		problem.Remedy = strings.TrimSpace(problem.Remedy + " " + words.TokensLeftRemedy(l.result.Atlas, l.stays() || l.doubt != nil || l.pastIsUnknown()))
	}
	return problem
}

// stays reports whether this request leaves a link that it made.
func (o *operation) stays() bool { return o.result.Created && (o.owner == ours || o.owner == maybe) }

// timedOut is the one shape of a reached limit. last is what was met before.
func (l *link) timedOut(last error, format string, args ...any) error {
	if l.warning != "" {
		format += " (the manager had accepted it with: " + strings.ReplaceAll(l.warning, "%", "%%") + ")"
	}
	limit := "createTimeout (--create-timeout)"
	if phase := l.stage.phase; phase == migrationlink.PhaseSyncing || phase == migrationlink.PhaseVerifying {
		limit = "syncTimeout (--sync-timeout)"
	}
	return timedOut(last, goOn+" For a longer limit, set "+limit+", or extend it while it runs (starter extend).", format, args...)
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

func (o *operation) historyFull() error {
	next := goOn
	if o.asked.Unlink != nil {
		next = "To continue, start it again."
	}
	return problemError{Problem: migrationlink.Problem{
		Type:    migrationlink.ErrHistoryFull,
		Message: "the history of the workflow is almost full, because of what others sent to it",
		Remedy:  "Look into its history in Temporal for what was sent, and stop it at its source. " + next,
	}}
}

func invalidRequest(err error) error {
	return problemError{
		Problem: migrationlink.Problem{
			Type:    migrationlink.ErrInvalidRequest,
			Message: err.Error(),
			Remedy:  "Correct the fields and start it again; nothing was changed.",
		},
		fields: payload.Fields(err),
	}
}

// wrongFields returns the fields that an error names, as details of the workflow's error.
func wrongFields(err error) []any {
	if own, ok := errors.AsType[problemError](err); ok && len(own.fields) > 0 {
		return []any{own.fields}
	}
	return nil
}

func (l *link) alreadyLinked() error {
	return problemError{Problem: migrationlink.Problem{
		Type:    migrationlink.ErrAlreadyLinked,
		Message: fmt.Sprintf("organization %s of manager %q is already linked (%s), and not by this request", l.request.OrgID, l.request.Manager, l.result.LinkStatus),
		Remedy:  "Find out who made the link. To keep it, set ifLinked (--if-linked) to \"keep\"; to replace it, to \"relink\".",
	}}
}

// refusal is the error of an update that changes nothing.
func refusal(problem migrationlink.Problem) error {
	return temporal.NewApplicationErrorWithOptions(problem.Message+". "+problem.Remedy, problem.Type,
		temporal.ApplicationErrorOptions{NonRetryable: true, Details: []any{problem}})
}

// refusedUpdate is the error of an update that is refused for its fields.
func refusedUpdate(problem migrationlink.Problem, fields []migrationlink.FieldProblem) error {
	return temporal.NewApplicationErrorWithOptions(problem.Message+". "+problem.Remedy, problem.Type,
		temporal.ApplicationErrorOptions{NonRetryable: true, Details: []any{fields}})
}

// refusedAsDifferent refuses it to a workflow.
func refusedAsDifferent(target activities.Target, different []migrationlink.FieldProblem) error {
	return problemError{Problem: differenceProblem(target, different), fields: different}
}

func differenceProblem(target activities.Target, different []migrationlink.FieldProblem) migrationlink.Problem {
	return migrationlink.Problem{
		Type: migrationlink.ErrDifferentRequest,
		Message: fmt.Sprintf("a different request for organization %s of manager %q is running: %v",
			target.OrgID, target.Manager, migrationlink.DescribeFields(different)),
		Remedy: "Wait until it ends, or cancel it first. To join it, send an equal request.",
	}
}
