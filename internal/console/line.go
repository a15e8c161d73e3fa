package console

import (
	"fmt"
	"strings"

	"github.com/migrationlink/migrationlink/internal/terminal"
)

// Width is the number of columns that a text takes on a terminal.
func Width(text string) int { return terminal.Columns.StringWidth(text) }

// Style is an SGR parameter of ECMA-48.
type Style int

// Styles of a Span.
const (
	Normal Style = 0
	Bold   Style = 1
	Faint  Style = 2
	Red    Style = 31
	Green  Style = 32
	Yellow Style = 33
	Cyan   Style = 36
)

// Span is a text in one style.
type Span struct {
	Text  string
	Style Style
}

// Line is one line of a terminal.
type Line []Span

// Size is the width of a line, in columns.
func (l Line) Size() int {
	size := 0
	for _, span := range l {
		size += Width(span.Text)
	}
	return size
}

// Fit shortens a line to a width.
func (l Line) Fit(width int) Line {
	var kept Line
	for _, s := range l {
		size := Width(s.Text)
		if size > width {
			s.Text = terminal.Columns.Truncate(s.Text, width, "…")
			return append(kept, s)
		}
		width -= size
		kept = append(kept, s)
	}
	return kept
}

// Render returns the text of a line, with its styles or without.
func (l Line) Render(colour bool) string {
	var text strings.Builder
	for _, s := range l {
		if !colour || s.Style == Normal {
			text.WriteString(s.Text)
			continue
		}
		fmt.Fprintf(&text, "\x1b[%dm%s\x1b[0m", s.Style, s.Text)
	}
	return strings.TrimRight(text.String(), " ")
}
