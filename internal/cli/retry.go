package cli

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/migrationlink/migrationlink"
)

const retryHelp = `Retry makes a blocked link, or unlinking, go on where it stopped, and one that
waits before it tries again to create the link, or asks Atlas again, do so at
once. Fix what 'starter status' names first.

With one of --token-ref, --token-stdin, --token-file, --sealed-token-file and
--atlas the link goes on with another link-token, see 'starter link --help'. With
-o json it prints what the link is doing a moment later, as 'starter status' does.`

const retryExample = `  starter retry --manager demo --org 5f1b2c3d4e5f6a7b8c9d0e1f

  # the link-token was rejected, another one is in place
  starter retry --manager demo --org 5f1b2c3d4e5f6a7b8c9d0e1f --token-ref file:demo-2

  # the same with one that is typed and not shown
  starter retry --manager demo --org 5f1b2c3d4e5f6a7b8c9d0e1f --token-stdin`

func (a *app) retryCommand() *cobra.Command {
	var (
		given target
		token tokenFlags
	)
	cmd := &cobra.Command{
		Use:     "retry",
		Short:   "Make a blocked link go on",
		Long:    retryHelp,
		Example: retryExample,
		Args:    noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			wrong := allWrong(given.validate(), token.withoutSource(cmd, token.named(cmd).Validate()))
			if err := wrongFlags(cmd, wrong, token.check(a, cmd, false)); err != nil {
				return err
			}
			var request migrationlink.RetryRequest
			if len(token.given(cmd)) > 0 {
				source, err := a.tokenSource(cmd.Context(), cmd, token, given)
				if err != nil {
					return err
				}
				request.Token = &source
			}
			return a.retry(cmd.Context(), given.run(), request)
		},
	}
	given.register(cmd)
	token.register(cmd)
	return cmd
}

// allWrong joins what two validations have found.
func allWrong(errs ...error) error {
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

func (a *app) retry(ctx context.Context, run linkRun, request migrationlink.RetryRequest) error {
	s, err := a.connect(ctx)
	if err != nil {
		return err
	}
	defer s.Close()
	run, err = s.underWay(ctx, run)
	if err != nil {
		return err
	}
	seen, err := s.observe(run, a.env.Now).look(ctx)
	if err != nil {
		return s.explain(ctx, err)
	}
	if request.Token != nil && run.unlinks() {
		return failure{ExitOther, fmt.Sprintf("organization %s is being unlinked, which takes no link-token; nothing was sent", run.orgID), "Leave out the flags of the link-token."}
	}
	if !seen.canRetry() {
		remedy := "The manager is asked again and again, at most 45 s apart."
		if seen.phase == migrationlink.PhaseSyncing {
			remedy = fmt.Sprintf("To have the manager asked now use 'starter check %s'.", run.flags())
		}
		return failure{ExitOther, fmt.Sprintf("the %s of organization %s is not blocked, it is %s and goes on by itself; nothing was sent", run.noun(), run.orgID, seen.phase), remedy}
	}
	if err := s.signal(ctx, run, migrationlink.RetrySignal, request); err != nil {
		return err
	}
	after := s.afterRetry(ctx, seen, a.env.Now)
	if a.json() {
		return errors.Join(after.blockedAgain(), a.printJSON(after.json()))
	}
	a.say("%s", seen.retryText())
	if err := after.blockedAgain(); err != nil {
		return err
	}
	a.say("Watch it with 'starter status --watch %s'.", run.flags())
	return nil
}

// afterRetry looks for a moment whether it goes on: what is not fixed blocks it
// again at once.
func (s *server) afterRetry(ctx context.Context, before observation, now func() time.Time) observation {
	const moment, often = 2 * time.Second, 100 * time.Millisecond
	ctx, cancel := context.WithTimeout(ctx, moment)
	defer cancel()
	for before.blocked() && before.noWorker == "" && pause(ctx, often) {
		after, err := s.observe(before.run, now).look(ctx)
		switch {
		case err != nil:
			return before.unblocked()
		case after.blocked() && after.phaseSince.After(before.phaseSince):
			return after
		case !after.running(), after.accepted():
			return after
		}
	}
	return before.unblocked()
}

// unblocked is what is known of it when it was told to go on.
func (o observation) unblocked() observation {
	if o.blocked() {
		o.phase, o.blockedIn, o.problem = o.blockedIn, "", nil
	}
	return o
}

func (o observation) blockedAgain() error {
	if !o.blocked() {
		return nil
	}
	return failure{ExitOther, "it is blocked again: " + o.blockedText(), "When it is fixed: " + o.retryCommand()}
}

// canRetry tells whether the signal would do something: it ends the waiting of
// the workflow, and that for Atlas, but not that of other activities between their
// own attempts. A doubt counts as yes.
func (o observation) canRetry() bool {
	waits := o.phase == migrationlink.PhaseVerifying || o.phase == migrationlink.PhaseCreating && o.problem != nil
	return o.running() && (o.blocked() || waits || o.noWorker != "")
}

func (o observation) retryText() string {
	switch {
	case o.blocked() && o.problem != nil:
		return fmt.Sprintf("Told the %s to go on with %s. It was blocked by: %s", o.run.noun(), orStep(o.blockedIn), inSentences(o.problem.Message, "")) + o.workerText()
	case o.blocked():
		return fmt.Sprintf("Told the %s to go on with %s", o.run.noun(), orStep(o.blockedIn)) + o.workerText()
	case o.phase == migrationlink.PhaseVerifying && o.problem == nil:
		return "Told the link to ask Atlas at once" + o.workerText()
	case o.problem != nil:
		return fmt.Sprintf("Told the %s to try at once. It was not blocked, it is %s and tries again by itself after: %s", o.run.noun(), o.phase, inSentences(o.problem.Message, "")) + o.workerText()
	}
	return fmt.Sprintf("Told the %s to go on, should it be blocked", o.run.noun()) + o.workerText()
}

// workerText says what a signal waits for.
func (o observation) workerText() string {
	if o.noWorker == "" {
		return ""
	}
	return "\nBut " + oneLine(o.noWorker) + ": it goes on as soon as one is there."
}

func orStep(phase migrationlink.Phase) string {
	if phase == "" {
		return "the step that it was in"
	}
	return string(phase)
}
