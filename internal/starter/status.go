package starter

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/migrationlink/migrationlink"
	"github.com/migrationlink/migrationlink/internal/console"
	"github.com/migrationlink/migrationlink/internal/links"
	"github.com/migrationlink/migrationlink/internal/progress"
	"github.com/migrationlink/migrationlink/internal/temporalerr"
	"github.com/migrationlink/migrationlink/internal/words"
)

const statusHelp = `Status shows what the latest link or unlink of an organization is doing, or how
it ended. If no worker answers, it shows what Temporal itself knows. The exit
code is 0 if there is a link to show, and 10 if there is none. With --watch it
is the code of the outcome, as with 'starter link'.`

const statusExample = `  starter status --manager demo --org 5f1b2c3d4e5f6a7b8c9d0e1f
  starter status --manager demo --org 5f1b2c3d4e5f6a7b8c9d0e1f --watch --timeout 1h
  starter status --manager demo --org 5f1b2c3d4e5f6a7b8c9d0e1f -o json`

func (a *app) statusCommand() *cobra.Command {
	var (
		job   words.Job
		watch bool
		limit time.Duration
	)
	cmd := flagsOnly("status", "Show what a link is doing or how it ended", statusHelp, statusExample, func(cmd *cobra.Command) error {
		problems := waitProblem(cmd, "timeout", limit)
		if given(cmd, "timeout") && !watch {
			problems = append(problems, "--timeout: needs --watch")
		}
		if err := flagErrors(cmd, validate(job), problems); err != nil {
			return err
		}
		return a.status(cmd.Context(), job, watch, limit)
	})
	targetFlags(cmd, &job.Manager, &job.OrgID)
	cmd.Flags().BoolVar(&watch, "watch", false, "watch until the link ends")
	waitFlag(cmd, "timeout", &limit)
	return cmd
}

func (a *app) status(ctx context.Context, job words.Job, watch bool, limit time.Duration) error {
	c, err := a.connect(ctx)
	if err != nil {
		return err
	}
	defer c.Close()
	seen, err := c.Observe(links.Run{Job: job}).Look(ctx)
	switch {
	case temporalerr.NotFound(err):
		return c.NotFound(job)
	case err != nil:
		return c.Explain(ctx, err)
	case a.JSON() && !watch:
		return a.PrintJSON(statusOf(seen))
	}
	if !seen.Run.Unlinks() {
		if asked, err := c.Request(ctx, seen.Run); err == nil { // the rest is shown without it
			seen.Token, seen.Run.Verifies = asked.Token, asked.VerifyInAtlas
		}
	}
	if !watch {
		a.Say("%s", a.statusText(seen))
		return nil
	}
	ctx, stop := console.WithLimit(ctx, limit)
	defer stop()
	result, err := progress.Watch(ctx, c, seen.Run, a.view(seen.Run, progress.Options{}), false)
	if err != nil {
		return errors.Join(err, a.printReceipt(seen.Run, nil))
	}
	return a.conclude(seen.Run, nil, result)
}

// statusText is a table of what is known.
func (a *app) statusText(o links.Observation) string {
	t := console.Rows{Width: a.Env.TerminalWidth(a.Env.Stdout)}
	now := a.Env.Now()
	t.Row("organization", o.Run.OrgID)
	t.Row("manager", o.Run.Manager)
	t.Row("workflow", o.Run.WorkflowID())
	t.Row("run", o.Run.RunID)
	if o.Running() && o.Blocked() {
		a.blockedRows(&t, o)
	} else {
		t.Row("state", progress.Headline(o))
	}
	t.Row("link status", words.OneLine(o.LinkStatus))
	if o.Polls > 0 {
		t.Row("polls", fmt.Sprint(o.Polls))
	}
	t.Row("link-token", words.Token(o.Token))
	t.Row("Atlas", words.Atlas(o.Atlas))
	t.Row("target", words.Target(o.Target, o.TargetReason, o.TargetProblem))
	a.timeRow(&t, "started", o.StartedAt)
	t.Row("started by", o.Run.StartedBy)
	if o.Running() {
		a.timeRow(&t, "phase since", o.PhaseSince)
		a.timeRow(&t, "deadline", o.Deadline)
		a.timeRow(&t, "next call", o.NextTry)
		t.Row("cancelled", words.OneLine(o.CancelReason))
	}
	if o.Result != nil {
		if o.Atlas != nil {
			a.timeRow(&t, "verified", o.Atlas.VerifiedAt)
		}
		a.actionRows(&t, *o.Result)
		a.timeRow(&t, "ended", o.Result.EndedAt)
		message, remedy := words.Outcome(o.Run.Job, *o.Result)
		t.Row("outcome", message)
		t.Row("remedy", remedy)
		explainRow(&t, o.Result.Problem)
	}
	for _, note := range progress.Notes(o, now) {
		t.Row("note", note)
	}
	return t.Text()
}

var actionWords = map[migrationlink.ActionName]string{
	migrationlink.ActionRetry:  "retried",
	migrationlink.ActionExtend: "extended",
	migrationlink.ActionCancel: "cancelled",
}

// actionRows tell who did what to a run that has ended, and why.
func (a *app) actionRows(t *console.Rows, result migrationlink.LinkResult) {
	t.Row("reason", words.OneLine(result.Reason))
	for _, action := range result.Actions {
		text := console.Moment(action.At, a.Env.Now(), a.Env.Location)
		if action.RequestedBy != "" {
			text += " by " + action.RequestedBy
		}
		if action.Reason != "" {
			text += ": " + action.Reason
		}
		t.Row(actionWords[action.Action], words.OneLine(text))
	}
}

// blockedRows end with a line that can be copied.
func (a *app) blockedRows(t *console.Rows, o links.Observation) {
	t.Line("state", console.Line{{Text: progress.Headline(o), Style: console.Red}}.Render(a.Env.IsTerminal(a.Env.Stdout) && a.Env.Colour()))
	if o.Problem != nil {
		t.Row("problem", words.OneLine(o.Problem.Message))
		t.Row("remedy", words.OneLine(words.Remedy(o.Status)))
	}
	t.Line("then", o.Run.RetryCommand(o.Problem, o.Token))
	explainRow(t, o.Problem)
}

func explainRow(t *console.Rows, problem *migrationlink.Problem) {
	if problem != nil {
		t.Line("more", console.ExplainCommand(problem.Type))
	}
}

func (a *app) timeRow(t *console.Rows, name string, at time.Time) {
	text := console.Timestamp(at, a.Env.Now(), a.Env.Location)
	if !t.Fits(text) {
		text = console.Moment(at, a.Env.Now(), a.Env.Location)
	}
	t.Row(name, text)
}
