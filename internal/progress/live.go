package progress

import (
	"cmp"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/migrationlink/migrationlink"
	"github.com/migrationlink/migrationlink/internal/console"
	"github.com/migrationlink/migrationlink/internal/links"
	"github.com/migrationlink/migrationlink/internal/terminal"
	"github.com/migrationlink/migrationlink/internal/words"
)

// liveView redraws the course of a link in place on a terminal.
type liveView struct {
	env      console.Environment
	out      io.Writer
	run      links.Run
	timeline timeline
	seen     links.Observation
	away     string // why Temporal does not answer
	drawn    []int  // the widths of the lines of the last picture
}

func newLiveView(env console.Environment, out io.Writer, run links.Run) *liveView {
	return &liveView{env: env, out: out, run: run, timeline: timeline{unlinks: run.Unlinks()}}
}

func (l *liveView) Show(o links.Observation) {
	l.away, l.seen = "", o
	l.timeline.see(o)
	l.Tick()
}

func (l *liveView) Lost(reason string) {
	l.away = reason
	l.Tick()
}

func (l *liveView) Tick() {
	if l.seen.State == "" && l.away == "" {
		return // nothing known yet
	}
	l.draw(l.fitting(l.picture()))
}

func (l *liveView) Left(o links.Observation) {
	l.away, l.seen = "", o
	l.timeline.see(o)
	l.draw(l.course())
	l.drawn = nil
}

func (l *liveView) Ended(result migrationlink.LinkResult) {
	l.draw(l.lastPicture(result))
	l.drawn = nil
}

func (l *liveView) picture() []console.Line {
	lines := l.course()
	notes := Notes(l.seen, l.env.Now())
	if l.away != "" {
		notes = []string{l.away}
	}
	for _, note := range notes {
		lines = append(lines, l.noteLines(note, console.Yellow)...)
	}
	if l.seen.Blocked() {
		lines = append(lines, l.noteLines(words.Blocked(l.seen.Status), console.Red)...)
		lines = append(lines, l.command("Then", l.seen.Run.RetryCommand(l.seen.Problem, l.seen.Token)))
		if problem := l.seen.Problem; problem != nil && console.ExplainCommand(problem.Type) != "" {
			lines = append(lines, l.command("More", console.ExplainCommand(problem.Type)))
		}
	}
	return append(lines, l.wrapped("  ", "  ", "Ctrl-C stops watching; the "+l.remaining()+" continues.", console.Faint)...)
}

// command is a line that is never wrapped, to be copied.
func (l *liveView) command(name, command string) console.Line {
	return console.Line{{Text: l.env.Named("    " + name + ": " + command), Style: console.Red}}
}

func (l *liveView) remaining() string {
	if l.seen.IsEnding() {
		return "removal"
	}
	return l.run.Noun()
}

// course is the picture of what was done, is done and is to come.
func (l *liveView) course() []console.Line {
	now := l.env.Now()
	lines := l.title(now.Sub(cmp.Or(l.seen.StartedAt, now)).String() != "0s")
	for _, s := range l.timeline.running() {
		drawn := stepLine(s, s.length(now) > 0, words.Duration(s.length(now)))
		if !s.isRunning() {
			lines = append(lines, drawn)
			continue
		}
		lines = append(lines, l.withFacts(drawn, Facts(l.seen, l.next(), now, l.env.Location))...)
	}
	return lines
}

// withFacts wraps into another line where the terminal is narrow: the last fact
// is the deadline.
func (l *liveView) withFacts(first console.Line, facts []string) []console.Line {
	const indent = "    "
	lines, lead := []console.Line{first}, "  "
	for _, fact := range facts {
		last := len(lines) - 1
		if lines[last].Size()+console.Width(lead+fact) > l.width() {
			lines, lead = append(lines, nil), indent
			last++
		}
		lines[last] = append(lines[last], console.Span{Text: lead + fact})
		lead = " · "
	}
	return lines
}

func (l *liveView) lastPicture(result migrationlink.LinkResult) []console.Line {
	lines := l.title(false)
	for _, s := range l.timeline.ended(result) {
		lines = append(lines, stepLine(s, !s.since.IsZero(), words.Duration(s.length(result.EndedAt))))
	}
	return lines
}

// next counts down to the next call, and never shows the 0 s of one that is not
// made yet.
func (l *liveView) next() string {
	left := l.seen.NextTry.Sub(l.env.Now())
	if left <= 0 {
		return ""
	}
	return "next in " + words.Duration(max(left, time.Second))
}

func (l *liveView) title(withTime bool) []console.Line {
	what := "Link"
	if l.run.Unlinks() {
		what = "Unlink"
	}
	var lines []console.Line
	for _, text := range terminal.Wrap(fmt.Sprintf("%s of organization %s, manager %s", what, l.run.OrgID, l.run.Manager), l.width()) {
		lines = append(lines, console.Line{{Text: text, Style: console.Bold}})
	}
	last := len(lines) - 1
	took := "  " + words.Duration(l.env.Now().Sub(l.seen.StartedAt))
	if withTime && lines[last].Size()+len(took) <= l.width() {
		lines[last] = append(lines[last], console.Span{Text: took, Style: console.Faint})
	}
	return lines
}

// noteLines wrap a note: its end is the remedy, so it must not be cut off.
func (l *liveView) noteLines(note string, colour console.Style) []console.Line {
	return l.wrapped("  ! ", "    ", note, colour)
}

func (l *liveView) wrapped(lead, indent, text string, colour console.Style) []console.Line {
	var lines []console.Line
	for _, part := range terminal.Wrap(l.env.Named(text), max(l.width()-len(indent), 20)) {
		lines = append(lines, console.Line{{Text: lead + part, Style: colour}})
		lead = indent
	}
	return lines
}

// width leaves the last column free: some terminals wrap when it is written.
func (l *liveView) width() int { return max(l.env.TerminalWidth(l.out)-1, 20) }

func stepLine(s step, timed bool, took string) console.Line {
	symbol, style := "○", console.Faint
	switch s.mark {
	case active:
		symbol, style = "●", console.Cyan
	case done:
		symbol, style = "✓", console.Green
	case failed:
		symbol, style = "✗", console.Red
	case cancelled:
		symbol = "–"
	case blocked:
		symbol, style = "!", console.Red
	case pending:
	}
	drawn := console.Line{{Text: "  " + symbol + " ", Style: style}, {Text: fmt.Sprintf("%-10s", s.name), Style: style}}
	if timed {
		drawn = append(drawn, console.Span{Text: fmt.Sprintf("%7s", took)})
	}
	return drawn
}

// draw replaces the last picture by another in one write, so that it does not
// flicker.
func (l *liveView) draw(lines []console.Line) {
	var text strings.Builder
	if rows := l.rows(); rows > 0 {
		fmt.Fprintf(&text, "\x1b[%dA", rows)
	}
	text.WriteString("\r")
	l.drawn = nil
	for _, drawn := range lines {
		l.drawn = append(l.drawn, drawn.Size())
		text.WriteString(drawn.Render(l.env.Colour()))
		text.WriteString("\x1b[K\n")
	}
	text.WriteString("\x1b[J")
	_, _ = io.WriteString(l.out, text.String())
}

// rows is how much of the terminal the last picture takes: one that was made
// narrower since has wrapped its lines.
func (l *liveView) rows() int {
	rows := 0
	for _, size := range l.drawn {
		rows += l.rowsOf(size)
	}
	return rows
}

func (l *liveView) rowsOf(size int) int {
	columns := max(l.env.TerminalWidth(l.out), 1)
	return max(1, (size+columns-1)/columns)
}

// fitting returns the last lines of a picture for which the terminal has rows: others could not be replaced. The
// end says what to do.
func (l *liveView) fitting(lines []console.Line) []console.Line {
	left := terminal.Height(l.out) - 1 // the cursor stands below
	for i := len(lines) - 1; i > 0; i-- {
		if left -= l.rowsOf(lines[i].Size()); left < l.rowsOf(lines[i-1].Size()) {
			return lines[i:]
		}
	}
	return lines
}
