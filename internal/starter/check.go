package starter

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"github.com/migrationlink/migrationlink"
	"github.com/migrationlink/migrationlink/internal/console"
	"github.com/migrationlink/migrationlink/internal/words"
)

const checkHelp = `Check asks a worker to read the status of the link from the manager now,
without disturbing the link. If the status is SYNCED, the link ends as linked.
Exit code 3 means that the manager did not return a status, and the message
says why; 10 means that no link is running.`

const checkExample = `  starter check --manager demo --org 5f1b2c3d4e5f6a7b8c9d0e1f
  starter check --manager demo --org 5f1b2c3d4e5f6a7b8c9d0e1f -o json`

func (a *app) checkCommand() *cobra.Command {
	var (
		job   words.Job
		limit time.Duration
	)
	cmd := flagsOnly("check", "Ask the manager now for the status of a running link", checkHelp, checkExample, func(cmd *cobra.Command) error {
		if err := flagErrors(cmd, validate(job), waitProblem(cmd, "timeout", limit)); err != nil {
			return err
		}
		return a.check(cmd.Context(), job, limit)
	})
	targetFlags(cmd, &job.Manager, &job.OrgID)
	waitFlag(cmd, "timeout", &limit)
	return cmd
}

func (a *app) check(ctx context.Context, job words.Job, limit time.Duration) error {
	c, run, err := a.running(ctx, job)
	if err != nil {
		return err
	}
	defer c.Close()
	ctx, stop := console.WithLimit(ctx, limit)
	defer stop()
	var seen migrationlink.Check
	a.WithWaitHint("the manager", func() { err = c.Update(ctx, run, migrationlink.CheckUpdate, &seen) })
	if err != nil {
		sent := effect{clause: "the manager was asked", repeating: "Repeating the command is safe: it only reads."}
		code := console.ExitFailed
		if isRefusal(err, migrationlink.ErrTooManyChecks) {
			code = console.ExitOther // the manager was not asked
		}
		return refusedBy(sent.explain(ctx, err), run.Job, code)
	}
	if a.JSON() {
		return a.PrintJSON(struct {
			runJSON
			targetJSON
			migrationlink.Check
		}{nameOf(run), targetOf(run), seen})
	}
	a.Say("%s, seen at %s", words.OneLine(seen.LinkStatus), console.Timestamp(seen.SeenAt, a.Env.Now(), a.Env.Location))
	return nil
}
