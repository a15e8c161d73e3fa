package cli

import (
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/migrationlink/migrationlink"
)

// liveView redraws the course of a link in place on a terminal.
type liveView struct {
	env      Environment
	out      io.Writer
	run      linkRun
	timeline timeline
	seen     observation
	away     string // why Temporal does not answer
	drawn    []int  // the widths of the lines of the last picture
}

func newLiveView(env Environment, out io.Writer, run linkRun) *liveView {
	return &liveView{env: env, out: out, run: run, timeline: timeline{unlinks: run.unlinks()}}
}

func (l *liveView) show(o observation) {
	l.away, l.seen = "", o
	l.timeline.see(o)
	l.tick()
}

func (l *liveView) lost(reason string) {
	l.away = reason
	l.tick()
}

func (l *liveView) tick() {
	if l.seen.state == "" && l.away == "" {
		return // nothing known yet
	}
	l.draw(l.picture())
}

func (l *liveView) left(o observation) {
	l.away, l.seen = "", o
	l.timeline.see(o)
	l.draw(l.course())
	l.drawn = nil
}

func (l *liveView) ended(result migrationlink.LinkResult) {
	l.draw(l.lastPicture(result))
	l.drawn = nil
}

func (l *liveView) picture() []line {
	lines := l.course()
	notes := l.seen.notes(l.env.Now())
	if l.away != "" {
		notes = []string{l.away}
	}
	for _, note := range notes {
		lines = append(lines, l.noteLines(note, yellow)...)
	}
	if l.seen.blocked() {
		lines = append(lines, l.noteLines(l.seen.blockedText(), red)...)
		lines = append(lines, line{{text: "    Then: " + l.seen.retryCommand(), style: red}}) // in one piece, to be copied
	}
	return append(lines, l.wrapped("  ", "  ", "Ctrl-C stops watching, the "+l.whatGoesOn()+" goes on.", faint)...)
}

func (l *liveView) whatGoesOn() string {
	if l.seen.isEnding() {
		return "removal"
	}
	return l.run.noun()
}

// course is the picture of what was done, is done and is to come.
func (l *liveView) course() []line {
	now := l.env.Now()
	lines := l.title(now.Sub(firstTime(l.seen.startedAt, now)).String() != "0s")
	for _, s := range l.timeline.running() {
		drawn := stepLine(s, s.length(now) > 0, length(s.length(now)))
		if !s.goesOn() {
			lines = append(lines, drawn)
			continue
		}
		lines = append(lines, l.withFacts(drawn, facts(l.seen, l.next(), now, l.env.Location))...)
	}
	return lines
}

// withFacts goes on in another line where the terminal is narrow: the last fact
// is the deadline.
func (l *liveView) withFacts(first line, facts []string) []line {
	const indent = "    "
	lines, lead := []line{first}, "  "
	for _, fact := range facts {
		last := len(lines) - 1
		if lines[last].size()+utf8.RuneCountInString(lead+fact) > l.width() {
			lines, lead = append(lines, nil), indent
			last++
		}
		lines[last] = append(lines[last], span{text: lead + fact})
		lead = " · "
	}
	return lines
}

func (l *liveView) lastPicture(result migrationlink.LinkResult) []line {
	lines := l.title(false)
	for _, s := range l.timeline.ended(result) {
		lines = append(lines, stepLine(s, !s.since.IsZero(), length(s.length(result.EndedAt))))
	}
	return lines
}

// next counts down to the next call, and never shows the 0 s of one that is not
// made yet.
func (l *liveView) next() string {
	left := l.seen.nextTry.Sub(l.env.Now())
	if left <= 0 {
		return ""
	}
	return "next in " + length(max(left, time.Second))
}

func (l *liveView) title(withTime bool) []line {
	what := "Link"
	if l.run.unlinks() {
		what = "Unlink"
	}
	var lines []line
	for _, text := range wrap(fmt.Sprintf("%s of organization %s, manager %s", what, l.run.orgID, l.run.manager), l.width()) {
		lines = append(lines, line{{text: text, style: bold}})
	}
	last := len(lines) - 1
	took := "  " + length(l.env.Now().Sub(l.seen.startedAt))
	if withTime && lines[last].size()+len(took) <= l.width() {
		lines[last] = append(lines[last], span{text: took, style: faint})
	}
	return lines
}

// noteLines wrap a note: its end is the remedy, so it must not be cut off.
func (l *liveView) noteLines(note string, colour style) []line {
	return l.wrapped("  ! ", "    ", note, colour)
}

func (l *liveView) wrapped(lead, indent, text string, colour style) []line {
	var lines []line
	for _, part := range wrap(text, max(l.width()-len(indent), 20)) {
		lines = append(lines, line{{text: lead + part, style: colour}})
		lead = indent
	}
	return lines
}

// width leaves the last column free: some terminals wrap when it is written.
func (l *liveView) width() int { return max(l.env.TerminalWidth(l.out)-1, 20) }

func stepLine(s step, timed bool, took string) line {
	symbol, style := "○", faint
	switch s.mark {
	case active:
		symbol, style = "●", cyan
	case done:
		symbol, style = "✓", green
	case broken:
		symbol, style = "✗", red
	case stuck:
		symbol, style = "!", red
	}
	drawn := line{{text: "  " + symbol + " ", style: style}, {text: fmt.Sprintf("%-10s", s.name), style: style}}
	if timed {
		drawn = append(drawn, span{text: fmt.Sprintf("%7s", took)})
	}
	return drawn
}

// draw replaces the last picture by another in one write, so that it does not
// flicker.
func (l *liveView) draw(lines []line) {
	var text strings.Builder
	if rows := l.rows(); rows > 0 {
		fmt.Fprintf(&text, "\x1b[%dA", rows)
	}
	text.WriteString("\r")
	l.drawn = nil
	for _, drawn := range lines {
		l.drawn = append(l.drawn, drawn.size())
		text.WriteString(drawn.render(l.env.colour()))
		text.WriteString("\x1b[K\n")
	}
	text.WriteString("\x1b[J")
	_, _ = io.WriteString(l.out, text.String())
}

// rows is how much of the terminal the last picture takes: one that was made
// narrower since has wrapped its lines.
func (l *liveView) rows() int {
	columns, rows := max(l.env.TerminalWidth(l.out), 1), 0
	for _, size := range l.drawn {
		rows += max(1, (size+columns-1)/columns)
	}
	return rows
}

// style is an SGR parameter of ECMA-48.
type style int

const (
	normal style = 0
	bold   style = 1
	faint  style = 2
	red    style = 31
	green  style = 32
	yellow style = 33
	cyan   style = 36
)

type span struct {
	text  string
	style style
}

type line []span

func (l line) size() int {
	size := 0
	for _, s := range l {
		size += utf8.RuneCountInString(s.text)
	}
	return size
}

// fit cuts a line at the width.
func (l line) fit(width int) line {
	var kept line
	for _, s := range l {
		if size := utf8.RuneCountInString(s.text); size > width {
			s.text = string([]rune(s.text)[:max(width-1, 0)]) + "…"
			return append(kept, s)
		} else {
			width -= size
		}
		kept = append(kept, s)
	}
	return kept
}

func (l line) render(colour bool) string {
	var text strings.Builder
	for _, s := range l {
		if !colour || s.style == normal {
			text.WriteString(s.text)
			continue
		}
		fmt.Fprintf(&text, "\x1b[%dm%s\x1b[0m", s.style, s.text)
	}
	return strings.TrimRight(text.String(), " ")
}

// wrap breaks text between words; a longer word keeps a line to itself.
func wrap(text string, width int) []string {
	var lines []string
	for word := range strings.FieldsSeq(text) {
		last := len(lines) - 1
		if last >= 0 && utf8.RuneCountInString(lines[last])+1+utf8.RuneCountInString(word) <= width {
			lines[last] += " " + word
			continue
		}
		lines = append(lines, word)
	}
	return lines
}
