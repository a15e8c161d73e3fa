package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/migrationlink/migrationlink"
)

const cancelHelp = `Cancel ends a link, or an unlinking, that is under way and waits for its end. What
becomes of a link that was made already is what --undo of 'starter link' said: by
default it is removed again.

Exit code 0 says that the link was cancelled; 3 that the link could not be
removed; 1 that nothing was under way, or that it ended otherwise before the
cancellation reached it.`

const cancelExample = `  starter cancel --manager demo --org 5f1b2c3d4e5f6a7b8c9d0e1f --reason "wrong target"

  # do not wait for the end
  starter cancel --manager demo --org 5f1b2c3d4e5f6a7b8c9d0e1f --reason "wrong target" --detach`

type cancelFlags struct {
	target
	reason string
	detach bool
	wait   bool
	limit  time.Duration
}

func (a *app) cancelCommand() *cobra.Command {
	var given cancelFlags
	cmd := &cobra.Command{
		Use:     "cancel",
		Short:   "Cancel a link that is under way",
		Long:    cancelHelp,
		Example: cancelExample,
		Args:    noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := given.validate(cmd); err != nil {
				return err
			}
			return a.cancel(cmd.Context(), given)
		},
	}
	given.register(cmd)
	flags := cmd.Flags()
	flags.StringVar(&given.reason, "reason", "", "why, for whoever looks at the link later (required)")
	flags.BoolVar(&given.wait, "wait", true, "wait for the end of the link")
	flags.BoolVar(&given.detach, "detach", false, "the same as --wait=false")
	flags.DurationVar(&given.limit, "wait-limit", 20*time.Minute, "how long to wait; above the 15m for which a removal is tried")
	return cmd
}

func (f cancelFlags) validate(cmd *cobra.Command) error {
	var problems []string
	if wrong, ok := errors.AsType[usageError](wrongFields(cmd, f.target.validate())); ok {
		problems = wrong.problems
	}
	if strings.TrimSpace(f.reason) == "" {
		problems = append(problems, "--reason: the reason is missing; say why in a few words")
	}
	if f.limit <= 0 {
		problems = append(problems, "--wait-limit: not above zero; use --detach to wait for nothing")
	}
	if len(problems) == 0 {
		return nil
	}
	return wrongUsage(cmd, problems...)
}

func (a *app) cancel(ctx context.Context, given cancelFlags) error {
	s, err := a.connect(ctx)
	if err != nil {
		return err
	}
	defer s.Close()
	run, err := s.underWay(ctx, given.run())
	if err != nil {
		return err
	}
	if err := s.signalCancel(ctx, run, given.reason); err != nil {
		return err
	}
	a.say("Asked workflow %s, run %s to cancel", run.workflowID(), run.runID)
	if given.detach || !given.wait {
		a.say("Watch it with 'starter status --watch %s'.", run.flags())
		return a.receipt(run, nil)
	}
	waiting, stop := context.WithTimeout(ctx, given.limit)
	defer stop()
	result, err := a.watch(waiting, s, run, a.newView(run))
	if err != nil {
		return errors.Join(s.stillCancelling(ctx, waiting, run, err, a.env.Now), a.receipt(run, nil))
	}
	return errors.Join(cancelError(run, result), a.printCancelled(run, result))
}

func (s *server) signalCancel(ctx context.Context, run linkRun, reason string) error {
	return s.signal(ctx, run, migrationlink.CancelSignal, migrationlink.CancelRequest{Reason: reason})
}

// stillCancelling tells a wait that took too long from one that was interrupted.
func (s *server) stillCancelling(ctx, waiting context.Context, run linkRun, err error, now func() time.Time) error {
	message := "stopped watching; the " + run.noun() + " is being cancelled"
	switch {
	case waiting.Err() == nil:
		return err
	case ctx.Err() == nil:
		if seen, err := s.observe(run, now).look(ctx); err == nil && seen.blocked() {
			return failure{ExitOther, "the " + run.noun() + " has not ended yet: " + seen.blockedText(), "When it is fixed: " + seen.retryCommand()}
		}
		message = "the " + run.noun() + " has not ended yet; it is told to, and ends when a worker is there and the manager answers"
	}
	return failure{ExitOther, message, fmt.Sprintf("Watch it with 'starter status --watch %s'.", run.flags())}
}

// cancelError is nil for what was cancelled as asked.
func cancelError(run linkRun, result migrationlink.LinkResult) error {
	switch outcomeCode(result.Outcome) {
	case ExitCancelled:
		return nil
	case ExitOK:
		message, _ := outcomeText(run, result)
		return failure{ExitOther, "it ended before the cancellation reached it: " + message, ""}
	}
	return outcomeError(run, result)
}

func (a *app) printCancelled(run linkRun, result migrationlink.LinkResult) error {
	if result.Outcome == migrationlink.OutcomeCancelled && !a.json() {
		a.say("%s", inSentences(outcomeText(run, result)))
		return nil
	}
	return a.printResult(run, nil, result)
}
