package starter

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/migrationlink/migrationlink"
	"github.com/migrationlink/migrationlink/internal/console"
	"github.com/migrationlink/migrationlink/internal/links"
)

// groupJSON is one group of a summary.
type groupJSON struct {
	Manager  string                `json:"manager"`
	Workflow string                `json:"workflow"`
	State    string                `json:"state"`
	Outcome  migrationlink.Outcome `json:"outcome,omitempty"`
	Problem  string                `json:"problem,omitempty"`
	Count    int                   `json:"count"`
	Example  runJSON               `json:"example"`
}

func groupsJSON(groups []links.Counted) []groupJSON {
	out := []groupJSON{}
	for _, g := range groups {
		out = append(out, groupJSON{g.Manager, g.Workflow, g.State, g.Outcome, g.Problem, g.Count, nameOf(g.Example.Run)})
	}
	return out
}

// summarize prints how many links there are in each group. It keeps the groups only.
func (a *app) summarize(ctx context.Context, c *links.Client, given listFlags) error {
	var s links.Summary
	given.All, given.Certain = true, true // a wrong count would be useless
	if err := given.Each(c.Runs(ctx, given.Filter), s.Add); err != nil {
		return c.Explain(ctx, err)
	}
	switch a.Output {
	case "json":
		return a.PrintJSON(map[string]any{"groups": groupsJSON(s.Groups)})
	case "jsonl":
		for _, g := range groupsJSON(s.Groups) {
			if err := a.PrintJSON(g); err != nil {
				return err
			}
		}
		return nil
	}
	fmt.Fprint(a.Env.Stdout, a.summaryText(a.Env.Stdout, s.Groups))
	return nil
}

// summaryText is a table for a stream.
func (a *app) summaryText(to io.Writer, groups []links.Counted) string {
	cell := func(text func(links.Counted) string) func(links.Counted) console.Span {
		return func(g links.Counted) console.Span { return console.Span{Text: text(g)} }
	}
	columns := []console.Column[links.Counted]{
		{Title: "MANAGER", Rank: 1, Cell: cell(func(g links.Counted) string { return g.Manager })},
		{Title: "WHAT", Rank: 3, Cell: cell(func(g links.Counted) string { return verb(g.Example.Run) })},
		{Title: "STATE", Rank: 0, Cell: func(g links.Counted) console.Span {
			return console.Span{Text: cmp.Or(completedAs(g.Example), g.State), Style: stateStyle(g.State)}
		}},
		{Title: "PROBLEM", Rank: 0, Cell: cell(func(g links.Counted) string { return g.Problem })},
		{Title: "COUNT", Rank: 0, Cell: cell(func(g links.Counted) string { return fmt.Sprint(g.Count) })},
		{Title: "EXAMPLE", Rank: 2, Cell: cell(func(g links.Counted) string { return g.Example.Run.OrgID })},
	}
	width := 0
	if a.Env.IsTerminal(to) {
		width = a.Env.TerminalWidth(to)
	}
	var text strings.Builder
	for _, row := range console.Table(columns, groups, width) {
		text.WriteString(row.Render(width > 0 && a.Env.Colour()) + "\n")
	}
	return text.String()
}
