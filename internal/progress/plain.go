package progress

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/migrationlink/migrationlink"
	"github.com/migrationlink/migrationlink/internal/console"
	"github.com/migrationlink/migrationlink/internal/links"
	"github.com/migrationlink/migrationlink/internal/words"
)

// verifying are the facts of the phase of that name.
func verifying(o links.Observation) []string {
	facts := []string{"waiting until Atlas shows the projects"}
	if shown := words.Projects(o.Atlas); shown != "" {
		facts[0] = "Atlas shows " + shown
	}
	if o.AtlasPolls > 0 {
		facts = append(facts, "asked "+words.Count(o.AtlasPolls, "time"))
	}
	return facts
}

// plainView writes one line per change, for logs and pipes.
type plainView struct {
	env   console.Environment
	out   io.Writer
	state string
	notes []string
	away  bool
	// detaches reports whether the command ends when the request is blocked.
	detaches bool
}

func newPlainView(env console.Environment, out io.Writer) *plainView {
	return &plainView{env: env, out: out}
}

func (p *plainView) Show(o links.Observation) {
	p.away = false
	now := p.env.Now()
	if state := stateKey(o); state != p.state {
		p.state = state
		next := ""
		if o.NextTry.After(now) {
			next = "next at " + console.Clock(o.NextTry, now, p.env.Location)
		}
		p.line(strings.Join(append([]string{phaseName(o)}, Facts(o, next, now, p.env.Location)...), ", "))
	}
	notes := Notes(o, now)
	if o.Blocked() && !p.detaches { // else it is said at the end
		notes = append(notes, words.Blocked(o.Status)+" Then: "+o.Run.RetryCommand(o.Problem, o.Token))
	}
	for _, note := range notes {
		if !slices.Contains(p.notes, note) {
			p.line("note: " + note)
		}
	}
	p.notes = notes
}

func (p *plainView) Lost(reason string) {
	if !p.away {
		p.line("note: " + reason)
	}
	p.away = true
}

func (p *plainView) Tick() {}

func (p *plainView) Left(links.Observation) {}

func (p *plainView) Ended(migrationlink.LinkResult) {}

func (p *plainView) line(text string) {
	fmt.Fprintln(p.out, p.env.Now().In(p.env.Location).Format(time.TimeOnly), text)
}

// stateKey changes when a new line is due. It leaves out the time of the next poll, which
// changes with every poll anyway.
func stateKey(o links.Observation) string {
	return fmt.Sprint(o.Phase, o.LinkStatus, o.Polls, o.AtlasPolls, words.Projects(o.Atlas), o.Deadline.Unix(), o.CancelReason)
}

func phaseName(o links.Observation) string {
	switch {
	case o.Phase == "":
		return "waiting for a worker"
	case o.Blocked() && o.BlockedIn != "":
		return "BLOCKED while " + string(o.BlockedIn)
	case o.Blocked():
		return "BLOCKED"
	}
	return string(o.Phase)
}

// Facts are what is known of the phase, the most important first: a narrow
// terminal shows only the beginning. next describes the time of the next call.
func Facts(o links.Observation, next string, now time.Time, location *time.Location) []string {
	var facts []string
	if o.LinkStatus != "" {
		facts = append(facts, console.Line{{Text: words.OneLine(o.LinkStatus)}}.Fit(40).Render(false)) // a manager may say anything
	}
	if o.Phase == migrationlink.PhaseVerifying {
		facts = append(facts, verifying(o)...)
	} else if o.Polls > 0 {
		facts = append(facts, words.Count(o.Polls, "poll"))
	}
	if o.Attempt > 1 && o.Polls == 0 && o.AtlasPolls == 0 {
		facts = append(facts, fmt.Sprintf("attempt %d", o.Attempt))
	}
	if next != "" {
		facts = append(facts, next)
	}
	if !o.Deadline.IsZero() {
		facts = append(facts, "until "+console.Moment(o.Deadline, now, location))
	}
	return facts
}

// Headline returns the state and the phase.
func Headline(o links.Observation) string {
	switch {
	case !o.Running():
		return o.State
	case o.Phase == "":
		return "running"
	}
	return "running, " + phaseName(o)
}
