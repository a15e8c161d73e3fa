package starter

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"github.com/migrationlink/migrationlink"
	"github.com/migrationlink/migrationlink/internal/console"
	"github.com/migrationlink/migrationlink/internal/links"
	"github.com/migrationlink/migrationlink/internal/progress"
	"github.com/migrationlink/migrationlink/internal/words"
	"github.com/migrationlink/migrationlink/redact"
)

const cancelHelp = `Cancel ends a running link or unlink and waits for its end. The flag --undo of
'starter link' decides what happens to a link that was already created: by
default it is removed again.

Exit codes:
  0   the link was cancelled
  1   the link ended in another way before the cancellation reached it
  3   the link was cancelled, but could not be removed
  9   the removal is blocked
  10  nothing was running
  11  the cancellation was still running after --timeout

With a selector, such as --state or --problem, it works on all links that 'starter
list' shows with the same flags and that are running. It shows how many there are
and asks; --yes skips the question. Each link that failed has a line on stderr. The
exit code is 0 only if all were cancelled. After Ctrl-C or --timeout, the
cancellations continue. Repeat the command: it also chooses links that were blocked
when they were cancelled, waits for all, and sends the rest. It does not choose a
link that has ended since: 'starter list --problem UndoFailed' shows those that left
something.`

const cancelExample = `  starter cancel --manager demo --org 5f1b2c3d4e5f6a7b8c9d0e1f --reason "wrong target"

  # do not wait for the end
  starter cancel --manager demo --org 5f1b2c3d4e5f6a7b8c9d0e1f --reason "wrong target" --detach

  # all links that were started more than a day ago and wait for a person
  starter cancel --state blocked --older-than 24h --reason "not needed"`

type cancelFlags struct {
	words.Job
	reason string
	detach bool
	wait   bool
	limit  time.Duration
	many   chosen
}

func (a *app) cancelCommand() *cobra.Command {
	var given cancelFlags
	cmd := flagsOnly("cancel", "Cancel a running link", cancelHelp, cancelExample, func(cmd *cobra.Command) error {
		if err := given.validate(cmd, a.Env.Now()); err != nil {
			return err
		}
		if isSelecting(cmd) {
			return a.cancelAll(cmd.Context(), given.many, given.request(a), given.detach || !given.wait, given.limit)
		}
		return a.cancel(cmd.Context(), given)
	})
	targetFlags(cmd, &given.Manager, &given.OrgID)
	flags := cmd.Flags()
	flags.StringVar(&given.reason, "reason", "", "why, for people who look at the link later")
	flags.BoolVar(&given.wait, "wait", true, "wait for the end of the link")
	flags.BoolVar(&given.detach, "detach", false, "the same as --wait=false")
	given.limit = 20 * time.Minute // above the 15m for which a removal is tried
	flags.Var((*durationFlag)(&given.limit), "timeout", "how long to wait; after that the exit code is 11, and the cancellation continues")
	flags.Var((*durationFlag)(&given.limit), "wait-limit", "the same as --timeout")
	chosenFlags(cmd, &given.many)
	return cmd
}

func (f *cancelFlags) validate(cmd *cobra.Command, now time.Time) error {
	problems := reasonProblems(cmd, f.reason)
	if utf8.RuneCountInString(f.reason) > migrationlink.MaxReason {
		problems = append(problems, fmt.Sprintf("--reason: longer than %d characters", migrationlink.MaxReason))
	}
	for _, name := range []string{"timeout", "wait-limit"} {
		if given(cmd, name) && f.limit <= 0 {
			problems = append(problems, "--"+name+": must be above zero; to return at once, use --detach")
		}
	}
	if cmd.Flags().Changed("wait") && f.wait && f.detach {
		problems = append(problems, "--detach: contradicts --wait; leave one of them out")
	}
	if given(cmd, "timeout") && given(cmd, "wait-limit") {
		problems = append(problems, "--wait-limit: the same as --timeout; leave one of them out")
	}
	if isSelecting(cmd) {
		return cmp.Or(usageError(cmd, problems...), f.many.complete(cmd, f.Job, now))
	}
	return flagErrors(cmd, validate(f.Job), problems)
}

// reasonProblems returns what is wrong with --reason, which may be left out.
func reasonProblems(cmd *cobra.Command, reason string) []string {
	switch {
	case redact.MayHoldSecret(reason):
		return []string{"--reason: " + secretReason + revokeHint}
	case cmd.Flags().Changed("reason") && strings.TrimSpace(reason) == "":
		return []string{"--reason: the value is empty; say why in a few words, or leave the flag out"}
	}
	return nil
}

// secretReason is what is wrong with a reason that everybody would see, and that may be a secret.
var secretReason = fmt.Sprintf("a word of more than %d characters may be a secret, and a key is one; say why in a few words", redact.LongestWord)

func (f *cancelFlags) request(a *app) migrationlink.CancelRequest {
	return migrationlink.CancelRequest{Reason: f.reason, RequestedBy: a.Env.User()}
}

func cancelEffect(run links.Run) effect {
	return effect{
		clause:    fmt.Sprintf("the %s of organization %s was asked to cancel", run.Noun(), run.OrgID),
		repeating: "Repeating the command is safe: a second cancel changes nothing.",
	}
}

func (a *app) cancel(ctx context.Context, given cancelFlags) error {
	c, run, err := a.running(ctx, given.Job)
	if err != nil {
		return err
	}
	defer c.Close()
	if err := c.Cancel(ctx, run, given.request(a)); err != nil {
		return cancelEffect(run).explain(ctx, err)
	}
	const asked = "Asked workflow %s, run %s to cancel"
	if given.detach || !given.wait {
		a.Say(asked, run.WorkflowID(), run.RunID)
		a.Note("%s", run.Watch())
		return a.printReceipt(run, nil)
	}
	a.Note(asked, run.WorkflowID(), run.RunID)
	waiting, stop := console.WithLimit(ctx, given.limit)
	defer stop()
	result, err := progress.Watch(waiting, c, run, a.view(run, progress.Options{Cancels: true}), true)
	switch {
	case err != nil && waiting.Err() != nil:
		return errors.Join(stillCancelling(ctx, c, run), a.printReceipt(run, nil))
	case err != nil:
		return errors.Join(err, a.printReceipt(run, nil))
	}
	return errors.Join(cancelError(run, result), a.printCancelled(run, result))
}

// stillCancelling distinguishes a wait that took too long from one that was interrupted.
func stillCancelling(ctx context.Context, c *links.Client, run links.Run) error {
	if ctx.Err() != nil {
		return console.Fail(console.ExitOther, run.Watch(), "stopped watching; the %s is being cancelled", run.Noun())
	}
	if seen, err := c.Observe(run).Look(ctx); err == nil && seen.Blocked() {
		return console.Fail(console.ExitBlocked, "When it is fixed: "+run.RetryCommand(seen.Problem, seen.Token), "the %s has not ended yet: %s", run.Noun(), words.Blocked(seen.Status)).AboutProblem(seen.Problem)
	}
	return console.Fail(console.ExitWaiting, run.Watch(), "the %s has not ended yet; it ends as soon as a worker runs and the manager answers", run.Noun())
}

// cancelError is nil for what was cancelled as asked.
func cancelError(run links.Run, result migrationlink.LinkResult) error {
	switch {
	case result.Outcome == migrationlink.OutcomeCancelled:
		return nil
	case result.Problem != nil && result.Problem.Type == migrationlink.ErrUndoFailed:
		return outcomeError(run, result)
	}
	message, remedy := words.Outcome(run.Job, result)
	return console.Fail(console.ExitOther, remedy, "it ended before the cancellation reached it: %s", message).AboutProblem(result.Problem)
}

func (a *app) printCancelled(run links.Run, result migrationlink.LinkResult) error {
	if result.Outcome == migrationlink.OutcomeCancelled && !a.JSON() {
		a.Say("%s", words.Sentences(words.Outcome(run.Job, result)))
		return nil
	}
	return a.printResult(run, nil, result)
}
