package doctor

import (
	"context"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/migrationlink/migrationlink/internal/console"
	"github.com/migrationlink/migrationlink/internal/terminal"
	"github.com/migrationlink/migrationlink/internal/words"
)

const (
	// nameWidth is the width of the names that are known before any manager is.
	nameWidth = 13
	// minTextWidth is the least width for details beside a name.
	minTextWidth = 28
)

// checkTable shows each check as soon as it is made, as some take long.
type checkTable struct {
	out    io.Writer
	width  int // 0 without a terminal: nothing is wrapped
	colour bool
	// cancelled reports whether doctor was interrupted: later checks fail only because of that.
	cancelled func() bool
}

// newCheckTable shows nothing where the output is for a program.
func newCheckTable(ctx context.Context, con *console.Console) checkTable {
	t := checkTable{out: io.Discard, cancelled: func() bool { return ctx.Err() != nil }}
	if con.JSON() {
		return t
	}
	t.out = con.Env.Stdout
	if con.Env.IsTerminal(t.out) {
		t.width, t.colour = con.Env.TerminalWidth(t.out), con.Env.Colour()
	}
	return t
}

// noteDelay is the time after which a person wants to know what doctor waits for.
const noteDelay = time.Second

// withNote does some work, and shows on a terminal what it waits for.
func (t checkTable) withNote(what string, work func()) {
	if t.width == 0 {
		work()
		return
	}
	done := make(chan struct{})
	var telling sync.WaitGroup
	telling.Go(func() {
		select {
		case <-done:
			return
		case <-time.After(noteDelay):
		}
		note := console.Line{{Text: "… " + what, Style: console.Faint}}
		_, _ = io.WriteString(t.out, note.Fit(t.width-1).Render(t.colour))
		<-done
		_, _ = io.WriteString(t.out, "\r\x1b[K")
	})
	work()
	close(done)
	telling.Wait()
}

func (t checkTable) show(c Check) {
	if t.cancelled != nil && t.cancelled() {
		return
	}
	var text strings.Builder
	for _, l := range t.lines(c) {
		text.WriteString(l.Render(t.colour) + "\n")
	}
	_, _ = io.WriteString(t.out, text.String())
}

func (t checkTable) lines(c Check) []console.Line {
	symbol, colour := "✗", console.Red
	switch {
	case c.Skipped:
		symbol, colour = "–", console.Faint
	case c.OK:
		symbol, colour = "✓", console.Green
	}
	name := c.Name + strings.Repeat(" ", max(nameWidth-console.Width(c.Name), 0))
	lead := console.Line{{Text: symbol + " ", Style: colour}, {Text: name}, {Text: "  "}}
	indent := 2 + console.Width(name) + 2
	lines := []console.Line{lead}
	if t.width > 0 && t.width-indent < minTextWidth {
		indent = 4
		lines = append(lines, console.Line{{Text: strings.Repeat(" ", indent)}})
	}
	detail := console.Normal
	if c.Skipped {
		detail = console.Faint
	}
	lines = t.append(lines, indent, c.Detail, detail)
	for _, problem := range c.Problems {
		lines = append(lines, console.Line{{Text: strings.Repeat(" ", indent)}})
		lines = t.append(lines, indent, "- "+words.OneLine(problem), detail)
	}
	if c.Remedy != "" {
		lines = append(lines, console.Line{{Text: strings.Repeat(" ", indent)}})
		lines = t.append(lines, indent, "→ "+c.Remedy, console.Yellow)
	}
	return lines
}

// append adds a text to the last line, and continues it on others with the same indent.
func (t checkTable) append(lines []console.Line, indent int, text string, colour console.Style) []console.Line {
	parts := []string{text}
	if t.width > 0 {
		parts = terminal.Wrap(text, t.width-1-indent)
	}
	for i, part := range parts {
		if i > 0 {
			lines = append(lines, console.Line{{Text: strings.Repeat(" ", indent)}})
		}
		last := len(lines) - 1
		lines[last] = append(lines[last], console.Span{Text: part, Style: colour})
	}
	return lines
}
