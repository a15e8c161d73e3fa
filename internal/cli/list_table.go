package cli

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// column is one of a table. Where the terminal is too narrow, the one with the
// highest rank is left out first; rank 0 stays.
type column struct {
	title string
	rank  int
	cell  func(listed) span
}

func (a *app) listColumns() []column {
	now := a.env.Now()
	text := func(cell func(listed) string) func(listed) span {
		return func(l listed) span { return span{text: cell(l)} }
	}
	return []column{
		{"ORGANIZATION", 0, text(func(l listed) string { return l.run.orgID })},
		{"MANAGER", 1, text(func(l listed) string { return l.run.manager })},
		{"WHAT", 3, text(func(l listed) string { return what(l.run) })},
		{"STATE", 0, func(l listed) span { return span{l.state, stateStyle(l.state)} }},
		{"DURATION", 2, text(func(l listed) string { return length(firstTime(l.endedAt, now).Sub(l.startedAt)) })},
		{"STARTED", 4, text(func(l listed) string { return clock(l.startedAt, now, a.env.Location) })},
		{"ENDED", 5, text(func(l listed) string { return clock(l.endedAt, now, a.env.Location) })},
	}
}

func what(run linkRun) string {
	if run.unlinks() {
		return "unlink"
	}
	return "link"
}

func stateStyle(state string) style {
	switch state {
	case stateRunning:
		return cyan
	case stateBlocked:
		return yellow
	case stateCompleted:
		return green
	case stateFailed, stateTimedOut:
		return red
	}
	return normal
}

// printTable gives a pipe every column, and no colour.
func (a *app) printTable(found []listed) {
	width := 0
	if a.env.isTerminal(a.env.Stdout) {
		width = a.env.TerminalWidth(a.env.Stdout)
	}
	var text strings.Builder
	for _, row := range table(a.listColumns(), found, width) {
		text.WriteString(row.render(width > 0 && a.env.colour()) + "\n")
	}
	fmt.Fprint(a.env.Stdout, text.String())
}

const columnGap = 2

// table fits into width, unless that is 0.
func table(columns []column, found []listed, width int) []line {
	cells := make([][]span, len(columns))
	widths := make([]int, len(columns))
	for i, c := range columns {
		cells[i] = []span{{text: c.title, style: bold}}
		for _, l := range found {
			cells[i] = append(cells[i], c.cell(l))
		}
		for _, cell := range cells[i] {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell.text))
		}
	}
	kept := fitting(columns, widths, width)
	rows := make([]line, len(found)+1)
	for r := range rows {
		for n, i := range kept {
			if n > 0 {
				before := kept[n-1]
				padding := widths[before] - utf8.RuneCountInString(cells[before][r].text) + columnGap
				rows[r] = append(rows[r], span{text: strings.Repeat(" ", padding)})
			}
			rows[r] = append(rows[r], cells[i][r])
		}
		if width > 0 {
			rows[r] = rows[r].fit(width)
		}
	}
	return rows
}

// fitting are the indexes of the columns that there is room for.
func fitting(columns []column, widths []int, width int) []int {
	kept := make([]int, len(columns))
	for i := range columns {
		kept[i] = i
	}
	for width > 0 {
		needed := -columnGap
		for _, i := range kept {
			needed += widths[i] + columnGap
		}
		last := slices.MaxFunc(kept, func(a, b int) int { return columns[a].rank - columns[b].rank })
		if needed <= width || columns[last].rank == 0 {
			break
		}
		kept = slices.DeleteFunc(kept, func(i int) bool { return i == last })
	}
	return kept
}
