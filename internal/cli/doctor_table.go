package cli

import (
	"context"
	"io"
	"strings"
	"sync"
	"time"
	"unicode/utf8"
)

const (
	// checkName is the width of the names that are known before any manager is.
	checkName = 13
	// checkText is the least width for details beside a name.
	checkText = 28
)

// checkTable shows checks as they are made: some take their time.
type checkTable struct {
	out    io.Writer
	width  int // 0 without a terminal: nothing is wrapped
	colour bool
	// over tells that nobody waits any more: what is still found is not true.
	over func() bool
}

// newCheckTable shows nothing where the output is for a program.
func (a *app) newCheckTable(ctx context.Context) checkTable {
	t := checkTable{out: io.Discard, over: func() bool { return ctx.Err() != nil }}
	if a.json() {
		return t
	}
	t.out = a.env.Stdout
	if a.env.isTerminal(t.out) {
		t.width, t.colour = a.env.TerminalWidth(t.out), a.env.colour()
	}
	return t
}

// patience is how long nobody wonders what is waited for.
const patience = time.Second

// during tells what is waited for, until the work is done, where somebody looks on.
func (t checkTable) during(what string, work func()) {
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
		case <-time.After(patience):
		}
		note := line{{text: "… " + what, style: faint}}
		_, _ = io.WriteString(t.out, note.fit(t.width-1).render(t.colour))
		<-done
		_, _ = io.WriteString(t.out, "\r\x1b[K")
	})
	work()
	close(done)
	telling.Wait()
}

func (t checkTable) show(c check) {
	if t.over != nil && t.over() {
		return
	}
	var text strings.Builder
	for _, l := range t.lines(c) {
		text.WriteString(l.render(t.colour) + "\n")
	}
	_, _ = io.WriteString(t.out, text.String())
}

func (t checkTable) lines(c check) []line {
	symbol, colour := "✗", red
	switch {
	case c.Skipped:
		symbol, colour = "–", faint
	case c.OK:
		symbol, colour = "✓", green
	}
	name := c.Name + strings.Repeat(" ", max(checkName-utf8.RuneCountInString(c.Name), 0))
	lead := line{{text: symbol + " ", style: colour}, {text: name}, {text: "  "}}
	indent := 2 + utf8.RuneCountInString(name) + 2
	lines := []line{lead}
	if t.width > 0 && t.width-indent < checkText {
		indent = 4
		lines = append(lines, line{{text: strings.Repeat(" ", indent)}})
	}
	detail := normal
	if c.Skipped {
		detail = faint
	}
	lines = t.append(lines, indent, c.Detail, detail)
	if c.Remedy != "" {
		lines = append(lines, line{{text: strings.Repeat(" ", indent)}})
		lines = t.append(lines, indent, "→ "+c.Remedy, yellow)
	}
	return lines
}

// append adds text to the last line, and goes on in others as far in.
func (t checkTable) append(lines []line, indent int, text string, colour style) []line {
	parts := []string{text}
	if t.width > 0 {
		parts = wrap(text, t.width-1-indent)
	}
	for i, part := range parts {
		if i > 0 {
			lines = append(lines, line{{text: strings.Repeat(" ", indent)}})
		}
		last := len(lines) - 1
		lines[last] = append(lines[last], span{text: part, style: colour})
	}
	return lines
}
