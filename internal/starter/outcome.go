package starter

import (
	"errors"

	"github.com/migrationlink/migrationlink"
	"github.com/migrationlink/migrationlink/internal/console"
	"github.com/migrationlink/migrationlink/internal/links"
	"github.com/migrationlink/migrationlink/internal/words"
)

// outcomeCode is the exit code of a command that asked for a workflow.
func outcomeCode(outcome migrationlink.Outcome) int {
	if outcome.Done() {
		return console.ExitOK
	}
	switch outcome {
	case migrationlink.OutcomeFailed:
		return console.ExitFailed
	case migrationlink.OutcomeTimedOut:
		return console.ExitTimedOut
	case migrationlink.OutcomeCancelled:
		return console.ExitCancelled
	default:
		return console.ExitOther
	}
}

// outcomeError is nil for a workflow that did what it was asked for.
func outcomeError(run links.Run, result migrationlink.LinkResult) error {
	if result.Outcome.Done() {
		return nil
	}
	message, remedy := words.Outcome(run.Job, result)
	return console.Fail(outcomeCode(result.Outcome), remedy, "%s", message).AboutProblem(result.Problem)
}

// printReceipt prints the one object of a command that ends before the link.
func (a *app) printReceipt(run links.Run, joined *bool) error {
	if !a.JSON() {
		return nil
	}
	return a.PrintJSON(receiptJSON{runJSON: nameOf(run), Joined: joined, targetJSON: targetOf(run), State: links.StateRunning})
}

// printResult leaves an outcome that is an error to the line on stderr.
func (a *app) printResult(run links.Run, joined *bool, result migrationlink.LinkResult) error {
	if a.JSON() {
		return a.PrintJSON(resultJSON{runJSON: nameOf(run), Joined: joined, LinkResult: result})
	}
	if result.Outcome.Done() {
		a.Say("%s", words.Sentences(words.Outcome(run.Job, result)))
	}
	return nil
}

// conclude ends a command that has seen the end.
func (a *app) conclude(run links.Run, joined *bool, result migrationlink.LinkResult) error {
	return errors.Join(outcomeError(run, result), a.printResult(run, joined, result))
}
