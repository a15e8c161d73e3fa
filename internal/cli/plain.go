package cli

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/migrationlink/migrationlink"
)

// plainView writes one line per change, for logs and pipes.
type plainView struct {
	env   Environment
	out   io.Writer
	state string
	notes []string
	away  bool
	// detaches says that the command ends when the request is blocked.
	detaches bool
}

func newPlainView(env Environment, out io.Writer) *plainView {
	return &plainView{env: env, out: out}
}

func (p *plainView) show(o observation) {
	p.away = false
	now := p.env.Now()
	if state := stateKey(o); state != p.state {
		p.state = state
		next := ""
		if o.nextTry.After(now) {
			next = "next at " + clock(o.nextTry, now, p.env.Location)
		}
		p.line(strings.Join(append([]string{phaseName(o)}, facts(o, next, now, p.env.Location)...), ", "))
	}
	notes := o.notes(now)
	if o.blocked() && !p.detaches { // else it is said at the end
		notes = append(notes, o.blockedText()+" Then: "+o.retryCommand())
	}
	for _, note := range notes {
		if !slices.Contains(p.notes, note) {
			p.line("note: " + note)
		}
	}
	p.notes = notes
}

func (p *plainView) lost(reason string) {
	if !p.away {
		p.line("note: " + reason)
	}
	p.away = true
}

func (p *plainView) tick() {}

func (p *plainView) left(observation) {}

func (p *plainView) ended(migrationlink.LinkResult) {}

func (p *plainView) line(text string) {
	fmt.Fprintln(p.out, p.env.Now().In(p.env.Location).Format(time.TimeOnly), text)
}

// stateKey holds what makes a new line: not the clock of the next poll, which
// moves with every poll anyway.
func stateKey(o observation) string {
	return fmt.Sprint(o.phase, o.linkStatus, o.polls, o.atlasPolls, shownProjects(o.atlas), o.deadline.Unix(), o.cancelReason)
}

func phaseName(o observation) string {
	switch {
	case o.phase == "":
		return "waiting for a worker"
	case o.blocked() && o.blockedIn != "":
		return "BLOCKED while " + string(o.blockedIn)
	case o.blocked():
		return "BLOCKED"
	}
	return string(o.phase)
}

// facts are what is known of the phase, the most telling first: a narrow
// terminal shows the beginning. next tells when the next call is made.
func facts(o observation, next string, now time.Time, location *time.Location) []string {
	var facts []string
	if o.linkStatus != "" {
		facts = append(facts, line{{text: oneLine(o.linkStatus)}}.fit(40).render(false)) // a manager may say anything
	}
	if o.phase == migrationlink.PhaseVerifying {
		facts = append(facts, o.verifying()...)
	} else if o.polls > 0 {
		facts = append(facts, count(o.polls, "poll"))
	}
	if o.attempt > 1 && o.polls == 0 && o.atlasPolls == 0 {
		facts = append(facts, fmt.Sprintf("attempt %d", o.attempt))
	}
	if next != "" {
		facts = append(facts, next)
	}
	if !o.deadline.IsZero() {
		facts = append(facts, "until "+clock(o.deadline, now, location))
	}
	return facts
}

// clock leaves the date out today, and is empty for a time that is not known.
func clock(t, now time.Time, location *time.Location) string {
	if t.IsZero() {
		return ""
	}
	t, now = t.In(location), now.In(location)
	if t.Format(time.DateOnly) == now.Format(time.DateOnly) {
		return t.Format(time.TimeOnly)
	}
	return t.Format(time.DateTime)
}

// stamp is a time for a person and for a program.
func stamp(t, now time.Time, location *time.Location) string {
	if t.IsZero() {
		return ""
	}
	return fmt.Sprintf("%s (%s)", clock(t, now, location), t.In(location).Format(time.RFC3339))
}
