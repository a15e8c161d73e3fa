package starter

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/migrationlink/migrationlink"
	"github.com/migrationlink/migrationlink/internal/console"
	"github.com/migrationlink/migrationlink/internal/links"
	"github.com/migrationlink/migrationlink/internal/words"
)

const listHelp = `List shows one line per organization: its latest link or unlink. Running links
come first, then ended ones, the latest end first. With --every-run it also
shows earlier runs, for as long as Temporal keeps them.

The table shows the phase of what is running, and the outcome of what was
completed. Reading a phase costs a call: only the first 100 running links show one,
the others show 'running'.
PROBLEM is the type of the problem that blocks or ended a link, AGE how long ago it
began.
With --summary it counts the links instead, by manager, state and problem, each
with one example.

States, for --state:
  running     in progress, including blocked ones
  blocked     waits for a person; 'starter status' shows problem and remedy
  completed   succeeded
  failed      ended with a problem
  timed-out   reached a limit of the request, or of Temporal
  cancelled   ended on request
  terminated  ended by force in Temporal; nothing was undone

The output has a limit; its last line says how to see more. A narrow terminal
hides some columns; -o json has them all, in one object. -o jsonl prints an
object for each link, -o name its workflow id. With --watch, list keeps the
output up to date until Ctrl-C: in place on a terminal, as far as it fits, otherwise
with a line for each change of any link.`

const listExample = `  starter list
  starter list --state blocked
  starter list --state failed,timed-out --manager demo --newer-than 24h

  # links that take longer than they should
  starter list --state running --older-than 1h

  # how many links wait, and why
  starter list --summary --state blocked
  starter list --problem AccessListRefused --watch

  # all links, for a script
  starter list --all -o jsonl`

type listFlags struct {
	links.Filter
	page    string
	summary bool
	watch   bool
}

func (a *app) listCommand() *cobra.Command {
	var given listFlags
	cmd := flagsOnly("list", "List links by state, manager and age", listHelp, listExample, func(cmd *cobra.Command) error {
		if err := given.complete(cmd, a.Env.Now()); err != nil {
			return err
		}
		return a.list(cmd.Context(), cmd, given)
	})
	flags := cmd.Flags()
	flags.StringVar(&given.Manager, "manager", "", "only this manager")
	flags.StringVar(&given.OrgID, "org", "", "only this organization")
	selectorFlags(cmd, &given.Filter)
	flags.BoolVar(&given.EveryRun, "every-run", false, "show earlier runs of an organization as well, not only the latest")
	flags.IntVar(&given.Limit, "limit", 100, "the largest number of links to show")
	flags.BoolVar(&given.All, "all", false, "show all links, without a limit")
	flags.StringVar(&given.page, "page", "", "continue after an earlier output, which prints the value")
	flags.BoolVar(&given.summary, "summary", false, "count the links by manager, state and problem, each with one example")
	flags.BoolVar(&given.watch, "watch", false, "keep the list up to date, until Ctrl-C")
	return cmd
}

// complete checks the flags, and reads the page.
func (f *listFlags) complete(cmd *cobra.Command, now time.Time) error {
	problems := selectorProblems(cmd, f.Filter)
	if f.Limit <= 0 {
		problems = append(problems, "--limit: must be above zero; for no limit, use --all")
	}
	var err error
	if f.After, err = links.ParsePosition(f.page, now); err != nil {
		problems = append(problems, "--page: not a value that an earlier output printed; leave it out for the first page")
	}
	if (f.All || f.summary) && cmd.Flags().Changed("limit") {
		problems = append(problems, "--limit: cannot be combined with --all or --summary, which have no limit; leave it out")
	}
	problems = append(problems, f.modeProblems(cmd)...)
	slices.Sort(problems)
	return usageError(cmd, problems...)
}

func (a *app) list(ctx context.Context, cmd *cobra.Command, given listFlags) error {
	c, err := a.connect(ctx)
	if err != nil {
		return err
	}
	defer c.Close()
	switch {
	case given.summary:
		return a.summarize(ctx, c, given)
	case given.watch:
		return a.watchList(ctx, c, given, given.All || cmd.Flags().Changed("limit"))
	}
	found, more, err := given.Collect(c.Runs(ctx, given.Filter))
	if err != nil {
		return c.Explain(ctx, err)
	}
	others := 0
	if a.Output != "name" {
		others = c.AddPhases(ctx, found)
	}
	if err := a.printList(cmd, c, given, found, more); err != nil {
		return err
	}
	if i := slices.IndexFunc(found, func(l links.Listed) bool { return l.Unread != nil }); i >= 0 {
		a.Warn("the outcomes and problems of some links are not shown: %v", c.Explain(ctx, found[i].Unread))
	}
	if others > 0 && a.Output == "text" {
		a.Note("\nThe phase is shown for the first %d running links, and 'running' for the other %d.", links.MaxPhases, others)
	}
	return nil
}

func (a *app) printList(cmd *cobra.Command, c *links.Client, given listFlags, found []links.Listed, more bool) error {
	next := ""
	if more {
		next = found[len(found)-1].Position(given.After.AsOf).String()
	}
	if a.Output == "json" {
		return a.PrintJSON(newListJSON(found, next))
	}
	if len(found) == 0 && a.Output == "text" {
		fmt.Fprintf(a.Env.Stderr, "No %slinks in namespace %q of Temporal at %s.\n", given.suffix(cmd), c.Options.Namespace, c.Options.HostPort)
		return nil
	}
	switch a.Output {
	case "name":
		for _, l := range found {
			fmt.Fprintln(a.Env.Stdout, l.Run.WorkflowID())
		}
	case "jsonl":
		if err := a.printRows(found); err != nil {
			return err
		}
	default:
		fmt.Fprint(a.Env.Stdout, a.tableText(found))
	}
	if more {
		fmt.Fprintf(a.Env.Stderr, "\nThese are the first %d. For more:\n  %s\n", len(found), nextCommand(cmd, next))
	}
	return nil
}

func (f listFlags) suffix(cmd *cobra.Command) string {
	if slices.ContainsFunc(append([]string{"manager", "org", "page"}, selectors...), cmd.Flags().Changed) {
		return "matching "
	}
	return ""
}

// nextCommand repeats the command line with another page.
func nextCommand(cmd *cobra.Command, page string) string {
	words := []string{cmd.CommandPath()}
	cmd.Flags().Visit(func(flag *pflag.Flag) {
		if flag.Name == "page" {
			return
		}
		value := flag.Value.String()
		if several, ok := flag.Value.(pflag.SliceValue); ok {
			value = strings.Join(several.GetSlice(), ",")
		}
		words = append(words, "--"+flag.Name+"="+console.ShellWord(value))
	})
	return strings.Join(append(words, "--page="+page), " ")
}

// listJSON is the one object of the command.
type listJSON struct {
	Links []listedJSON `json:"links"`
	// NextPage is the value of --page for what comes after; empty at the end.
	NextPage string `json:"nextPage,omitempty"`
}

type listedJSON struct {
	runJSON
	targetJSON
	// Workflow is "LinkOrganization" or "UnlinkOrganization".
	Workflow string `json:"workflow"`
	// State is one of those of --state; "running" here means not blocked.
	State string `json:"state"`
	// Phase is known of blocked ones, and of the first 100 others that are running.
	Phase   migrationlink.Phase   `json:"phase,omitempty"`
	Outcome migrationlink.Outcome `json:"outcome,omitempty"`
	// Problem is the type of what blocks or ended it.
	Problem      string    `json:"problem,omitempty"`
	ProblemSince time.Time `json:"problemSince,omitzero"`
	StartedAt    time.Time `json:"startedAt"`
	EndedAt      time.Time `json:"endedAt,omitzero"`
	StartedBy    string    `json:"startedBy,omitempty"`
	// Unread is why outcome and problem are not known, if a payload codec keeps them from being read.
	Unread string `json:"unread,omitempty"`
}

func newListJSON(found []links.Listed, next string) listJSON {
	out := listJSON{Links: []listedJSON{}, NextPage: next}
	for _, l := range found {
		unread := ""
		if l.Unread != nil {
			unread = l.Unread.Error()
		}
		out.Links = append(out.Links, listedJSON{
			Unread:  unread,
			runJSON: nameOf(l.Run), targetJSON: targetOf(l.Run),
			Workflow: l.Run.Workflow, State: l.State, Phase: l.Phase, Outcome: l.Outcome, Problem: l.Problem, ProblemSince: l.ProblemSince, StartedAt: l.StartedAt, EndedAt: l.EndedAt, StartedBy: l.Run.StartedBy,
		})
	}
	return out
}

// listColumns are those of a table. On a terminal, those of problems are left out where there are none.
func (a *app) listColumns(found []links.Listed, width int) []console.Column[links.Listed] {
	now := a.Env.Now()
	text := func(cell func(links.Listed) string) func(links.Listed) console.Span {
		return func(l links.Listed) console.Span { return console.Span{Text: cell(l)} }
	}
	columns := []console.Column[links.Listed]{
		{Title: "ORGANIZATION", Rank: 0, Cell: text(func(l links.Listed) string { return l.Run.OrgID })},
		{Title: "MANAGER", Rank: 1, Cell: text(func(l links.Listed) string { return l.Run.Manager })},
		{Title: "WHAT", Rank: 5, Cell: text(func(l links.Listed) string { return verb(l.Run) })},
		{Title: "STATE", Rank: 0, Cell: func(l links.Listed) console.Span { return console.Span{Text: stateText(l), Style: stateStyle(l.State)} }},
		{Title: "DURATION", Rank: 4, Cell: text(func(l links.Listed) string { return words.Duration(cmp.Or(l.EndedAt, now).Sub(l.StartedAt)) })},
		{Title: "STARTED", Rank: 6, Cell: text(func(l links.Listed) string { return console.Relative(l.StartedAt, now) })},
		{Title: "ENDED", Rank: 7, Cell: text(func(l links.Listed) string { return console.Relative(l.EndedAt, now) })},
	}
	if width > 0 && !slices.ContainsFunc(found, func(l links.Listed) bool { return l.Problem != "" }) {
		return columns
	}
	return append(columns,
		console.Column[links.Listed]{Title: "PROBLEM", Rank: 2, Cell: text(func(l links.Listed) string { return l.Problem })},
		console.Column[links.Listed]{Title: "AGE", Rank: 3, Cell: text(func(l links.Listed) string { return problemAge(l, now) })})
}

func problemAge(l links.Listed, now time.Time) string {
	if l.ProblemSince.IsZero() {
		return ""
	}
	return words.Duration(now.Sub(l.ProblemSince))
}

// stateText is the phase of what is running, where it is known, and the outcome of what was
// completed.
func stateText(l links.Listed) string {
	if l.State == links.StateRunning {
		return cmp.Or(string(l.Phase), l.State)
	}
	return cmp.Or(completedAs(l), l.State)
}

func completedAs(l links.Listed) string {
	if l.State != links.StateCompleted {
		return ""
	}
	return string(l.Outcome)
}

func verb(run links.Run) string {
	if run.Unlinks() {
		return "unlink"
	}
	return "link"
}

func stateStyle(state string) console.Style {
	switch state {
	case links.StateRunning:
		return console.Cyan
	case links.StateBlocked:
		return console.Yellow
	case links.StateCompleted:
		return console.Green
	case links.StateFailed, links.StateTimedOut:
		return console.Red
	}
	return console.Normal
}

// tableText gives a pipe every column, and no colour.
func (a *app) tableText(found []links.Listed) string {
	width := 0
	if a.Env.IsTerminal(a.Env.Stdout) {
		width = a.Env.TerminalWidth(a.Env.Stdout)
	}
	var text strings.Builder
	for _, row := range console.Table(a.listColumns(found, width), found, width) {
		text.WriteString(row.Render(width > 0 && a.Env.Colour()) + "\n")
	}
	return text.String()
}

// modeProblems returns which flags do not go together.
func (f *listFlags) modeProblems(cmd *cobra.Command) (problems []string) {
	output, _ := cmd.Flags().GetString("output")
	switch {
	case f.summary && f.watch:
		problems = append(problems, "--watch: cannot be combined with --summary; leave one of them out")
	case f.watch && (output == "json" || output == "name"):
		problems = append(problems, "--watch: prints text, or with -o jsonl one object for each change")
	case f.summary && output == "name":
		problems = append(problems, "--summary: cannot print names; use -o text, json or jsonl")
	}
	if (f.summary || f.watch) && f.page != "" {
		problems = append(problems, "--page: cannot be combined with --summary or --watch; leave it out")
	}
	return problems
}

// outputProblem returns what is wrong with --output: list has two forms more than other commands.
func outputProblem(cmd *cobra.Command, output string) string {
	switch {
	case output == "text", output == "json":
		return ""
	case cmd.Name() != "list":
		return `--output: use "text" or "json"`
	case output != "jsonl" && output != "name":
		return `--output: use "text", "json", "jsonl" or "name"`
	}
	return ""
}
