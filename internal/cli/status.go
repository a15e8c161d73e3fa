package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/spf13/cobra"
)

const statusHelp = `Status shows what the latest link, or unlinking, of an organization is doing, or
how it ended: also when no worker is alive, as far as Temporal itself knows. Its exit code is 0
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
	case a.json() && !watch:
		return a.printJSON(seen.json())
	}
	if !seen.run.unlinks() {
		if asked, err := s.linkOf(ctx, seen.run); err == nil { // the rest is told without it
			seen.token, seen.run.verifies = asked.Token, asked.VerifyInAtlas
		}
	}
	if watch {
		return a.watchOn(ctx, s, seen.run)
	}
	a.say("%s", a.statusText(seen))
	return nil
}

func (a *app) watchOn(ctx context.Context, s *server, run linkRun) error {
	result, err := a.watch(ctx, s, run, a.newView(run))
	if err != nil {
		return errors.Join(err, a.receipt(run, nil))
	}
	return a.conclude(run, nil, result)
}

func (s *server) notFound(run linkRun) error {
	return failure{ExitOther,
		fmt.Sprintf("organization %s of manager %s has no workflow in namespace %q of Temporal at %s", run.orgID, run.manager, s.options.Namespace, s.options.HostPort),
		"Check --org, --manager and the namespace; ended ones are forgotten after the namespace's retention time."}
}

// statusText is a table of what is known.
func (a *app) statusText(o observation) string {
	t := rows{width: a.env.TerminalWidth(a.env.Stdout)}
	now := a.env.Now()
	t.row("organization", o.run.orgID)
	t.row("manager", o.run.manager)
	t.row("workflow", o.run.workflowID())
	t.row("run", o.run.runID)
	if o.running() && o.blocked() {
		a.blockedRows(&t, o)
	} else {
		t.row("state", o.headline())
	}
	t.row("link status", oneLine(o.linkStatus))
	if o.polls > 0 {
		t.row("polls", fmt.Sprint(o.polls))
	}
	t.row("link-token", tokenText(o.token))
	t.row("Atlas", atlasText(o.atlas))
	a.timeRow(&t, "started", o.startedAt)
	t.row("started by", o.run.startedBy)
	if o.running() {
		a.timeRow(&t, "phase since", o.phaseSince)
		a.timeRow(&t, "deadline", o.deadline)
		a.timeRow(&t, "next call", o.nextTry)
		t.row("cancelled", oneLine(o.cancelReason))
	}
	if o.result != nil {
		if o.atlas != nil {
			a.timeRow(&t, "verified", o.atlas.VerifiedAt)
		}
		a.timeRow(&t, "ended", o.result.EndedAt)
		message, remedy := outcomeText(o.run, *o.result)
		t.row("outcome", message)
		t.row("remedy", remedy)
	}
	for _, note := range o.notes(now) {
		t.row("note", note)
	}
	return t.text()
}

// blockedRows end with a line that can be copied.
func (a *app) blockedRows(t *rows, o observation) {
	t.line("state", line{{text: o.headline(), style: red}}.render(t.width > 0 && a.env.colour()))
	if o.problem != nil {
		t.row("problem", oneLine(o.problem.Message))
		t.row("remedy", oneLine(o.remedy()))
	}
	t.line("then", o.retryCommand())
}

func (a *app) timeRow(t *rows, name string, at time.Time) {
	text := stamp(at, a.env.Now(), a.env.Location)
	if !t.fits(text) {
		text = clock(at, a.env.Now(), a.env.Location)
	}
	t.row(name, text)
}

// rows are text in two columns.
type rows struct {
	width int // of the terminal; 0 means that there is none
	lines []string
}

const tableIndent = 14

// row wraps a value on a terminal, and leaves an empty one out.
func (t *rows) row(name, value string) {
	if value == "" || t.fits(value) {
		t.line(name, value)
		return
	}
	for _, text := range wrap(value, max(t.width-tableIndent-1, 20)) {
		t.line(name, text)
		name = ""
	}
}

// line never breaks a value.
func (t *rows) line(name, value string) {
	if value != "" {
		t.lines = append(t.lines, fmt.Sprintf("%-*s%s", tableIndent, name, value))
	}
}

func (t *rows) fits(value string) bool {
	return t.width == 0 || tableIndent+utf8.RuneCountInString(value) < t.width
}

func (t *rows) text() string { return strings.Join(t.lines, "\n") }

func (o observation) headline() string {
	switch {
	case !o.running():
		return o.state
	case o.phase == "":
		return "running"
	}
	return "running, " + phaseName(o)
}
