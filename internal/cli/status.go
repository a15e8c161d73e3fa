package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
)

const statusHelp = `Status shows what the latest link of an organization is doing, or how it ended:
also when no worker is alive, as far as Temporal itself knows. Its exit code is 0
when there is something to show, whatever it is; with --watch it is the code of
the outcome, as with 'starter link'.`

const statusExample = `  starter status --manager demo --org 5f1b2c3d4e5f6a7b8c9d0e1f
  starter status --manager demo --org 5f1b2c3d4e5f6a7b8c9d0e1f --watch
  starter status --manager demo --org 5f1b2c3d4e5f6a7b8c9d0e1f -o json`

func (a *app) statusCommand() *cobra.Command {
	var (
		given target
		watch bool
	)
	cmd := &cobra.Command{
		Use:     "status",
		Short:   "Show what a link is doing or how it ended",
		Long:    statusHelp,
		Example: statusExample,
		Args:    noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := wrongFields(cmd, given.validate()); err != nil {
				return err
			}
			return a.status(cmd.Context(), given.run(), watch)
		},
	}
	given.register(cmd)
	cmd.Flags().BoolVar(&watch, "watch", false, "go on until the link ends")
	return cmd
}

func (a *app) status(ctx context.Context, run linkRun, watch bool) error {
	s, err := a.connect(ctx)
	if err != nil {
		return err
	}
	defer s.Close()
	seen, err := s.observe(run, a.env.Now).look(ctx)
	switch {
	case isNotFound(err):
		return s.notFound(run)
	case err != nil:
		return s.explain(ctx, err)
	case watch:
		return a.watchOn(ctx, s, seen.run)
	case a.json():
		return a.printJSON(seen.json())
	}
	a.say("%s", a.statusText(seen))
	return nil
}

func (a *app) watchOn(ctx context.Context, s *server, run linkRun) error {
	result, err := a.watch(ctx, s, run, a.newView(run))
	if err != nil {
		return errors.Join(err, a.receipt(run, nil))
	}
	return errors.Join(outcomeError(result), a.printResult(run, nil, result))
}

func (s *server) notFound(run linkRun) error {
	return failure{ExitOther,
		fmt.Sprintf("organization %s of manager %s has no link in namespace %q of Temporal at %s", run.orgID, run.manager, s.options.Namespace, s.options.HostPort),
		"Check --org, --manager and the namespace; ended links are forgotten after the namespace's retention time."}
}

// statusText is a table of what is known.
func (a *app) statusText(o observation) string {
	now := a.env.Now()
	var text strings.Builder
	row := func(name, value string) {
		if value != "" {
			fmt.Fprintf(&text, "%-14s%s\n", name, value)
		}
	}
	row("organization", o.run.orgID)
	row("manager", o.run.manager)
	row("workflow", o.run.workflowID())
	row("run", o.run.runID)
	row("state", o.headline())
	row("link status", oneLine(o.linkStatus))
	if o.polls > 0 {
		row("polls", fmt.Sprint(o.polls))
	}
	row("started", clock(o.startedAt, now, a.env.Location))
	if o.running() {
		row("phase since", clock(o.phaseSince, now, a.env.Location))
		row("deadline", clock(o.deadline, now, a.env.Location))
		row("next call", clock(o.nextTry, now, a.env.Location))
		row("cancelled", oneLine(o.cancelReason))
	}
	if o.result != nil {
		row("ended", clock(o.result.EndedAt, now, a.env.Location))
		message, remedy := outcomeText(*o.result)
		row("outcome", message)
		row("remedy", remedy)
	}
	for _, note := range o.notes(now) {
		row("note", note)
	}
	return strings.TrimSuffix(text.String(), "\n")
}

func (o observation) headline() string {
	switch {
	case !o.running():
		return o.state
	case o.phase == "":
		return "running"
	}
	return "running, " + string(o.phase)
}
