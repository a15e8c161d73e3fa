package starter

import (
	"context"
	"errors"
	"fmt"

	"go.temporal.io/sdk/temporal"

	"github.com/migrationlink/migrationlink"
	"github.com/migrationlink/migrationlink/internal/console"
	"github.com/migrationlink/migrationlink/internal/links"
	"github.com/migrationlink/migrationlink/internal/temporalerr"
	"github.com/migrationlink/migrationlink/internal/words"
)

// failureOf puts an error into the words of the command line.
func failureOf(err error) console.Failure {
	if missing, ok := errors.AsType[*links.NotFound](err); ok {
		return console.Fail(console.ExitNotFound, "Check --org, --manager and the namespace; Temporal forgets ended links after the namespace's retention time.", "%v", missing)
	}
	if ended, ok := errors.AsType[*links.NotRunning](err); ok {
		return console.Fail(console.ExitNotFound, fmt.Sprintf("See how it ended with '%s'.", ended.Run.Command("status")),
			"nothing is running for organization %s of manager %s; its latest %s is %s", ended.Run.OrgID, ended.Run.Manager, ended.Run.Noun(), ended.State)
	}
	if full, ok := errors.AsType[*links.SignalsFull](err); ok {
		return console.Fail(console.ExitOther, fmt.Sprintf("Cancelling still works: use '%s', then start it again.", full.Run.CancelCommand()),
			"Temporal accepts no more signals for the %s of organization %s: it has reached the limit, 10000 by default", full.Run.Noun(), full.Run.OrgID)
	}
	if old, ok := errors.AsType[*links.NoUpdates](err); ok {
		return console.Fail(console.ExitOther, console.UseUpdates,
			"this command needs workflow updates, which Temporal at %s does not offer (%s); nothing was sent", old.Address, old.Reason)
	}
	if interrupted, ok := errors.AsType[*links.Interrupted](err); ok {
		code, interruption := console.InterruptionBy(interrupted.Cause)
		return console.Fail(code, "Repeating the command is safe. 'starter list' shows what is running.", "%s before Temporal answered", interruption)
	}
	return console.FailureOf(err)
}

// limitShared is why a worker may be there and not answer.
const limitShared = "Temporal limits the rate of requests, including those of the workers"

// effect describes a request that changes something in a run.
type effect struct {
	// clause names the effect, such as "the deadline was moved". repeating is a sentence about
	// what repeating the command does.
	clause, repeating string
}

// explain puts the errors of a request that may have been carried out into words.
func (c effect) explain(ctx context.Context, err error) error {
	code, interruption := console.Interruption(ctx)
	unknown, isUnknown := errors.AsType[*links.Unknown](err)
	silent, isSilent := errors.AsType[*links.NoWorker](err)
	switch {
	case isUnknown && unknown.Accepted:
		return console.Fail(code, unknown.Run.See(), "%s before the answer came; the request may still be carried out", interruption)
	case isUnknown && unknown.Interrupted:
		return console.Fail(console.ExitUnknown, unknown.Run.See()+" "+c.repeating, interruption+"; it is not known whether %s", c.clause)
	case isUnknown:
		return console.Fail(console.ExitUnknown, unknown.Run.See()+" "+c.repeating, "it is not known whether %s: the request was sent, and %s", c.clause, unknown.Reason)
	case isSilent && silent.Limited:
		return console.Fail(console.ExitOther, silent.Run.See()+" "+c.repeating, "no answer in time: %s; the request may still be carried out", limitShared)
	case isSilent:
		return console.Fail(console.ExitOther, fmt.Sprintf("Start a worker, or check its log. Then see '%s'.", silent.Run.Command("status")),
			"no worker is answering on task queue %s; the request may still be carried out when one runs", migrationlink.TaskQueue)
	}
	return err
}

// refusedBy puts the refusal of a workflow into words, and leaves any other error as it is.
func refusedBy(err error, job words.Job, code int) error {
	refused, ok := errors.AsType[*temporal.ApplicationError](err)
	if !ok {
		return err
	}
	problem := problemOf(refused)
	switch {
	case refused.Type() == migrationlink.ErrAlreadyEnded:
		return console.Fail(console.ExitNotFound, problem.Remedy, "nothing was done for the %s of organization %s of manager %s: %s", job.Noun(), job.OrgID, job.Manager, problem.Message).About(refused.Type())
	case temporalerr.UnknownUpdate(refused):
		return console.Fail(console.ExitOther, "Update the workers.", "the worker runs an older version, which does not know this request")
	}
	return console.Fail(code, problem.Remedy, "%s", problem.Message).About(refused.Type())
}

// problemOf returns the problem that a refusal carries, or makes one of its message.
func problemOf(refused *temporal.ApplicationError) (problem migrationlink.Problem) {
	if !refused.HasDetails() || refused.Details(&problem) != nil || problem.Message == "" {
		return migrationlink.Problem{Message: refused.Message()}
	}
	return problem
}

// refusedFields are the fields for which a workflow refuses something with an error type.
func refusedFields(err error, errorType string) []migrationlink.FieldProblem {
	refused, ok := errors.AsType[*temporal.ApplicationError](err)
	if !ok || refused.Type() != errorType {
		return nil
	}
	if fields := migrationlink.FieldsOf(refused); fields != nil {
		return fields
	}
	return []migrationlink.FieldProblem{{Field: "request", Problem: refused.Message()}}
}
