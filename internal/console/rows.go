package console

import (
	"fmt"
	"strings"

	"github.com/migrationlink/migrationlink/internal/terminal"
)

// Rows are text in two columns.
type Rows struct {
	Width int // of the terminal; 0 means that there is none
	lines []string
}

const tableIndent = 14

// Row wraps a value on a terminal, and leaves an empty one out.
func (t *Rows) Row(name, value string) {
	if value == "" || t.Fits(value) {
		t.Line(name, value)
		return
	}
	for _, text := range terminal.Wrap(value, max(t.Width-tableIndent-1, 20)) {
		t.Line(name, text)
		name = ""
	}
}

// Line never breaks a value.
func (t *Rows) Line(name, value string) {
	if value != "" {
		t.lines = append(t.lines, fmt.Sprintf("%-*s%s", tableIndent, name, value))
	}
}

// Fits reports whether a value needs no wrapping.
func (t *Rows) Fits(value string) bool {
	return t.Width == 0 || tableIndent+Width(value) < t.Width
}

// Text returns the lines.
func (t *Rows) Text() string { return strings.Join(t.lines, "\n") }
