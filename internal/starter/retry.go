package starter

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"
	"go.temporal.io/sdk/temporal"

	"github.com/migrationlink/migrationlink"
	"github.com/migrationlink/migrationlink/internal/console"
	"github.com/migrationlink/migrationlink/internal/links"
	"github.com/migrationlink/migrationlink/internal/words"
)

const retryHelp = `Retry resumes a blocked link or unlink. First fix the problem that 'starter
status' shows. If the link is waiting for its next attempt to create the link
or to ask Atlas, retry makes that attempt now. Otherwise it does not disturb a
link that continues by itself.

With one of --token-ref, --token-stdin, --token-file, --sealed-token-file and
--atlas, the link uses a different link-token: see 'starter link --help'. With
-o json, retry prints what the link is doing a moment later, like 'starter
status'. Exit code 9 means that the link is blocked again, 10 that no link is
running.

With a selector, such as --state or --problem, it works on all links that 'starter
list' shows with the same flags and that are running. It shows how many there are
and asks; --yes skips the question. Each link that failed has a line on stderr. The
exit code is 0 only if all succeeded. After an interruption, repeat the command: it
resumes what is still blocked, and does not disturb the rest.

With --dry-run it prints what it would send, and sends nothing.`

const retryExample = `  starter retry --manager demo --org 5f1b2c3d4e5f6a7b8c9d0e1f

  # the link-token was rejected: use a new one
  starter retry --manager demo --org 5f1b2c3d4e5f6a7b8c9d0e1f --token-ref file:demo-2

  # the same, typed without echo
  starter retry --manager demo --org 5f1b2c3d4e5f6a7b8c9d0e1f --token-stdin

  # one cause is fixed: resume all links that it blocked
  starter retry --state blocked --problem AccessListRefused --manager demo`

func (a *app) retryCommand() *cobra.Command {
	var (
		job   words.Job
		token tokenFlags
		limit time.Duration
		many  chosen
	)
	cmd := flagsOnly("retry", "Resume a blocked link", retryHelp, retryExample, func(cmd *cobra.Command) error {
		if isSelecting(cmd) {
			if err := cmp.Or(many.complete(cmd, job, a.Env.Now(), append(token.given(cmd), tokenDetails...)...), usageError(cmd, waitProblem(cmd, "timeout", limit)...)); err != nil {
				return err
			}
			return a.retryAll(cmd.Context(), many, limit)
		}
		wrong := joinInvalid(validate(job), token.withoutSource(cmd, token.named(cmd).Validate()))
		if err := flagErrors(cmd, wrong, append(token.check(a, cmd, false), waitProblem(cmd, "timeout", limit)...)); err != nil {
			return err
		}
		request := migrationlink.RetryRequest{RequestedBy: a.Env.User()}
		if len(token.given(cmd)) > 0 {
			source, err := a.tokenSource(cmd.Context(), cmd, token, job)
			if err != nil {
				return err
			}
			request.Token = &source
		}
		return a.retry(cmd.Context(), job, request, limit)
	})
	targetFlags(cmd, &job.Manager, &job.OrgID)
	token.register(cmd)
	waitFlag(cmd, "timeout", &limit)
	chosenFlags(cmd, &many)
	a.dryRunFlag(cmd)
	return cmd
}

// joinInvalid joins what two validations have found.
func joinInvalid(errs ...error) error {
	var all migrationlink.ValidationError
	for _, err := range errs {
		if invalid, ok := errors.AsType[*migrationlink.ValidationError](err); ok {
			all.Problems = append(all.Problems, invalid.Problems...)
		}
	}
	if len(all.Problems) == 0 {
		return nil
	}
	return &all
}

func (a *app) retry(ctx context.Context, job words.Job, request migrationlink.RetryRequest, limit time.Duration) error {
	c, run, err := a.running(ctx, job)
	if err != nil {
		return err
	}
	defer c.Close()
	ctx, stop := console.WithLimit(ctx, limit)
	defer stop()
	seen, err := c.Observe(run).Look(ctx)
	if err != nil {
		return c.Explain(ctx, err)
	}
	if request.Token != nil && run.Unlinks() {
		return console.Fail(console.ExitOther, "Leave out the flags of the link-token.", "organization %s is being unlinked, which takes no link-token; nothing was sent", run.OrgID)
	}
	after, err := sendRetry(ctx, c, seen, request)
	if kept := c.Kept(); len(kept) > 0 {
		return a.printDryRun(kept, "")
	}
	if err != nil {
		return notRetried(retryEffect(run).explain(ctx, err), run)
	}
	if a.JSON() {
		return errors.Join(blockedAgain(after), a.PrintJSON(statusOf(after)))
	}
	a.Say("%s", retryText(seen))
	if err := blockedAgain(after); err != nil {
		return err
	}
	a.Note("%s", run.Watch())
	return nil
}

// sendRetry returns what a run does after it was asked to continue.
func sendRetry(ctx context.Context, c *links.Client, seen links.Observation, request migrationlink.RetryRequest) (links.Observation, error) {
	after, err := c.Retry(ctx, seen.Run, request, seen.NoWorker == "")
	switch {
	case err != nil:
		return seen, err
	case after == nil:
		return unblocked(seen), nil
	case after.Result != nil:
		return c.Observe(seen.Run).Look(ctx)
	}
	seen.Status = *after
	return seen, nil
}

func retryEffect(run links.Run) effect {
	return effect{
		clause:    fmt.Sprintf("the %s of organization %s was asked to continue", run.Noun(), run.OrgID),
		repeating: "Repeating the command is safe: a link that continues by itself refuses the retry.",
	}
}

func notRetried(err error, run links.Run) error {
	if fields := refusedFields(err, migrationlink.ErrInvalidUpdate); fields != nil {
		return console.Failure{Code: console.ExitUsage, Message: "the link-token was refused", Problems: flagProblems(fields)}
	}
	refused, ok := errors.AsType[*temporal.ApplicationError](err)
	if ok && refused.Type() == migrationlink.ErrNotBlocked {
		return console.Fail(console.ExitOther, fmt.Sprintf("To read the status from the manager now, use '%s'.", run.Command("check")),
			"the %s of organization %s is not blocked: %s; nothing was changed", run.Noun(), run.OrgID, problemOf(refused).Message).About(refused.Type())
	}
	return refusedBy(err, run.Job, console.ExitOther)
}

// unblocked returns what is known of a link that was resumed.
func unblocked(o links.Observation) links.Observation {
	if o.Blocked() {
		o.Phase, o.BlockedIn, o.Problem = o.BlockedIn, "", nil
	}
	return o
}

func blockedAgain(o links.Observation) error {
	if !o.Blocked() {
		return nil
	}
	return console.Fail(console.ExitBlocked, "When it is fixed: "+o.Run.RetryCommand(o.Problem, o.Token), "it is blocked again: %s", words.Blocked(o.Status)).AboutProblem(o.Problem)
}

func retryText(o links.Observation) string {
	noun, text := o.Run.Noun(), ""
	switch {
	case o.Blocked():
		text = fmt.Sprintf("Asked the %s to continue with %s", noun, stepName(o.BlockedIn))
		if o.Problem != nil {
			text += ". It was blocked by: " + words.OneLine(o.Problem.Message)
		}
	case o.Phase == migrationlink.PhaseVerifying && o.Problem == nil:
		text = "Asked the link to read from Atlas now"
	case o.Problem != nil:
		text = fmt.Sprintf("Asked the %s to try now. It was not blocked: it is %s and retries by itself after: %s", noun, o.Phase, words.OneLine(o.Problem.Message))
	default:
		text = fmt.Sprintf("Asked the %s to continue if it is blocked", noun)
	}
	if o.NoWorker != "" {
		text += "\nBut " + words.OneLine(o.NoWorker) + ": it continues as soon as one runs."
	}
	return text
}

func stepName(phase migrationlink.Phase) string {
	if phase == "" {
		return "the step where it stopped"
	}
	return string(phase)
}
