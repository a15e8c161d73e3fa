package console

import (
	"slices"
	"strings"
)

// Column is one of a table. Where the terminal is too narrow, the one with the
// highest rank is left out first; rank 0 stays.
type Column[T any] struct {
	Title string
	Rank  int
	Cell  func(T) Span
}

const columnGap = 2

// Table fits into width, unless that is 0.
func Table[T any](columns []Column[T], found []T, width int) []Line {
	cells := make([][]Span, len(columns))
	widths := make([]int, len(columns))
	for i, c := range columns {
		cells[i] = []Span{{Text: c.Title, Style: Bold}}
		for _, l := range found {
			cells[i] = append(cells[i], c.Cell(l))
		}
		for _, cell := range cells[i] {
			widths[i] = max(widths[i], Width(cell.Text))
		}
	}
	kept := fitting(columns, widths, width)
	rows := make([]Line, len(found)+1)
	for r := range rows {
		for n, i := range kept {
			if n > 0 {
				before := kept[n-1]
				padding := widths[before] - Width(cells[before][r].Text) + columnGap
				rows[r] = append(rows[r], Span{Text: strings.Repeat(" ", padding)})
			}
			rows[r] = append(rows[r], cells[i][r])
		}
		if width > 0 {
			rows[r] = rows[r].Fit(width)
		}
	}
	return rows
}

// fitting are the indexes of the columns that there is room for.
func fitting[T any](columns []Column[T], widths []int, width int) []int {
	kept := make([]int, len(columns))
	for i := range columns {
		kept[i] = i
	}
	for width > 0 {
		needed := -columnGap
		for _, i := range kept {
			needed += widths[i] + columnGap
		}
		last := slices.MaxFunc(kept, func(a, b int) int { return columns[a].Rank - columns[b].Rank })
		if needed <= width || columns[last].Rank == 0 {
			break
		}
		kept = slices.DeleteFunc(kept, func(i int) bool { return i == last })
	}
	return kept
}
