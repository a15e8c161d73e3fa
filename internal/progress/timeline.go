package progress

import (
	"cmp"
	"slices"
	"time"

	"github.com/migrationlink/migrationlink"
	"github.com/migrationlink/migrationlink/internal/links"
	"github.com/migrationlink/migrationlink/internal/words"
)

// mark is how far a step of a link is.
type mark int

const (
	pending mark = iota
	active
	done
	failed
	cancelled
	blocked // until a person has fixed something
)

// step is one line of the picture of a link.
type step struct {
	name         string
	mark         mark
	since, until time.Time // until is zero while it is active
}

func (s step) length(now time.Time) time.Duration {
	switch {
	case s.since.IsZero():
		return 0
	case s.isRunning():
		return now.Sub(s.since)
	}
	return s.until.Sub(s.since)
}

func (s step) isRunning() bool { return s.mark == active || s.mark == blocked }

// timeline is the course of a link as far as it was seen. Who comes late learns
// of earlier phases only that they are over.
type timeline struct {
	unlinks   bool
	cancels   bool // for the command that asks for that
	startedAt time.Time
	steps     []step
}

func (t *timeline) first() migrationlink.Phase {
	if t.unlinks {
		return migrationlink.PhaseRemoving
	}
	return migrationlink.PhaseCreating
}

// see records what a running link is doing.
func (t *timeline) see(o links.Observation) {
	if o.Phase == "" || o.Phase == migrationlink.PhaseEnded {
		return
	}
	t.startedAt = cmp.Or(o.StartedAt, t.startedAt)
	name, as := string(o.Phase), active
	if o.Blocked() {
		name, as = t.blockedStep(o), blocked
	}
	if len(t.steps) == 0 && name != string(t.first()) {
		t.steps = t.earlierSteps(o, migrationlink.Phase(name))
	}
	since := cmp.Or(o.PhaseSince, o.StartedAt)
	if name == string(migrationlink.PhaseSyncing) {
		since = cmp.Or(o.CreatedAt, since) // the phase starts again after it was blocked
	}
	if last := len(t.steps) - 1; last >= 0 && t.steps[last].name == name {
		t.steps[last].mark = as
		if !o.PhaseSince.IsZero() {
			t.steps[last].since = since // from the workflow, so everybody sees the same
		}
		return
	}
	t.close(endOfPrevious(migrationlink.Phase(name)), since)
	// Creating and settling may alternate: the picture keeps one line of each.
	t.steps = slices.DeleteFunc(t.steps, func(s step) bool { return s.name == name })
	t.steps = append(t.steps, step{name: name, mark: as, since: since})
}

// earlierSteps is what a workflow has done before the first look, which finds it in
// the phase: an undo cuts the waiting off when there was a link.
func (t *timeline) earlierSteps(o links.Observation, phase migrationlink.Phase) []step {
	first := step{name: string(t.first()), mark: active, since: o.StartedAt}
	syncing := step{name: string(migrationlink.PhaseSyncing), mark: active, since: cmp.Or(o.CreatedAt, o.StartedAt)}
	verifying := step{name: string(migrationlink.PhaseVerifying), mark: active, since: o.StartedAt}
	created := step{name: first.name, mark: done}
	if !o.CreatedAt.IsZero() {
		created.since, created.until = o.StartedAt, o.CreatedAt
	}
	switch {
	case phase == migrationlink.PhaseUndoing && o.Created && words.Verified(o.Atlas):
		return []step{created, {name: syncing.name, mark: done}, verifying}
	case phase == migrationlink.PhaseUndoing && o.Created:
		return []step{created, syncing}
	case phase == migrationlink.PhaseVerifying && !o.CreatedAt.IsZero():
		first.mark, first.until, syncing.since = done, o.CreatedAt, o.CreatedAt
		return []step{first, syncing}
	}
	return []step{first}
}

// blockedStep is the step that a blocked workflow resumes.
func (t *timeline) blockedStep(o links.Observation) string {
	switch {
	case o.BlockedIn != "":
		return string(o.BlockedIn)
	case len(t.steps) > 0:
		return t.steps[len(t.steps)-1].name
	}
	return string(t.first())
}

// endOfPrevious returns how the phase before the given one ended. An undo interrupts it;
// only the result says whether it had failed before.
func endOfPrevious(phase migrationlink.Phase) mark {
	if phase == migrationlink.PhaseUndoing {
		return cancelled
	}
	return done
}

func (t *timeline) close(as mark, at time.Time) {
	if last := len(t.steps) - 1; last >= 0 && t.steps[last].isRunning() {
		t.steps[last].mark, t.steps[last].until = as, at
		if last == 0 && t.steps[0].name == string(t.first()) && !t.startedAt.IsZero() {
			t.steps[0].since = t.startedAt // which is not known to those who watch later
		}
	}
}

// running is the picture of a running link, with the steps to come.
func (t *timeline) running() []step {
	steps := slices.Clone(t.steps)
	if len(steps) == 0 {
		steps = append(steps, step{name: string(t.first())})
	}
	if t.unlinks {
		return append(steps, step{name: string(migrationlink.OutcomeUnlinked)})
	}
	last := steps[len(steps)-1].name
	switch migrationlink.Phase(last) {
	case migrationlink.PhaseUndoing:
		return append(steps, step{name: string(migrationlink.OutcomeCancelled)})
	case migrationlink.PhaseRemoving:
		steps = append(steps, step{name: string(migrationlink.PhaseCreating)}, step{name: string(migrationlink.PhaseSyncing)})
	case migrationlink.PhaseCreating, migrationlink.PhaseSettling:
		steps = append(steps, step{name: string(migrationlink.PhaseSyncing)})
	default: // the last step before the end
	}
	return append(steps, step{name: string(migrationlink.OutcomeLinked)})
}

// ended is the picture of a link that is over. What was too quick to be seen
// comes from the result.
func (t *timeline) ended(result migrationlink.LinkResult) []step {
	t.fill(result)
	interrupted := failed
	if result.Outcome == migrationlink.OutcomeCancelled {
		interrupted = cancelled
	}
	as := interrupted
	if result.Outcome.Done() || result.Removed && !t.unlinks {
		as = done
	}
	t.close(as, result.EndedAt)
	last := step{name: string(result.Outcome), mark: failed}
	if result.Outcome.Done() || t.cancels && result.Outcome == migrationlink.OutcomeCancelled {
		last.mark = done
	}
	steps := slices.Clone(t.steps)
	for i := range steps {
		if steps[i].mark == cancelled {
			steps[i].mark = interrupted
		}
	}
	return append(steps, last)
}

func (t *timeline) fill(result migrationlink.LinkResult) {
	if len(t.steps) == 0 {
		t.see(links.Observation{Status: migrationlink.Status{Phase: t.first(), StartedAt: result.StartedAt}})
	}
	if t.unlinks {
		return
	}
	if !t.saw(migrationlink.PhaseSyncing, migrationlink.PhaseVerifying, migrationlink.PhaseUndoing) && !result.CreatedAt.IsZero() && (result.SyncedAt.IsZero() || result.SyncedAt.After(result.CreatedAt)) {
		t.see(links.Observation{Status: migrationlink.Status{Phase: migrationlink.PhaseSyncing, PhaseSince: result.CreatedAt}})
	}
	if !t.saw(migrationlink.PhaseVerifying, migrationlink.PhaseUndoing) && words.Verified(result.Atlas) {
		t.see(links.Observation{Status: migrationlink.Status{Phase: migrationlink.PhaseVerifying, PhaseSince: cmp.Or(result.SyncedAt, result.EndedAt)}})
	}
	if result.Removed {
		t.see(links.Observation{Status: migrationlink.Status{Phase: migrationlink.PhaseUndoing, PhaseSince: result.EndedAt}})
	}
}

func (t *timeline) saw(phases ...migrationlink.Phase) bool {
	return slices.ContainsFunc(t.steps, func(s step) bool { return slices.Contains(phases, migrationlink.Phase(s.name)) })
}
