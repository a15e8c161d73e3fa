package cli

import (
	"slices"
	"time"

	"github.com/migrationlink/migrationlink"
)

// mark is how far a step of a link is.
type mark int

const (
	waiting mark = iota
	active
	done
	broken
	stuck // blocked: it goes on when a person has fixed something
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
	case s.goesOn():
		return now.Sub(s.since)
	}
	return s.until.Sub(s.since)
}

func (s step) goesOn() bool { return s.mark == active || s.mark == stuck }

// timeline is the course of a link as far as it was seen. Who comes late learns
// of earlier phases only that they are over.
type timeline struct {
	unlinks bool
	steps   []step
}

func (t *timeline) first() migrationlink.Phase {
	if t.unlinks {
		return migrationlink.PhaseRemoving
	}
	return migrationlink.PhaseCreating
}

// see records what a running link is doing.
func (t *timeline) see(o observation) {
	if o.phase == "" || o.phase == migrationlink.PhaseEnded {
		return
	}
	name, as := string(o.phase), active
	if o.blocked() {
		name, as = t.stuckIn(o), stuck
	}
	if len(t.steps) == 0 && name != string(t.first()) {
		t.steps = t.unseen(o, migrationlink.Phase(name))
	}
	if last := len(t.steps) - 1; last >= 0 && t.steps[last].name == name {
		t.steps[last].mark = as
		return
	}
	since := firstTime(o.phaseSince, o.startedAt)
	if name == string(migrationlink.PhaseSyncing) {
		since = firstTime(o.createdAt, since) // the phase begins anew when it was blocked
	}
	t.close(before(migrationlink.Phase(name)), since)
	// Creating and settling may alternate: the picture keeps one line of each.
	t.steps = slices.DeleteFunc(t.steps, func(s step) bool { return s.name == name })
	t.steps = append(t.steps, step{name: name, mark: as, since: since})
}

// unseen is what a workflow has done before the first look, which finds it in
// the phase: an undo cuts the waiting off when there was a link.
func (t *timeline) unseen(o observation, phase migrationlink.Phase) []step {
	first := step{name: string(t.first()), mark: active, since: o.startedAt}
	syncing := step{name: string(migrationlink.PhaseSyncing), mark: active, since: o.startedAt}
	verifying := step{name: string(migrationlink.PhaseVerifying), mark: active, since: o.startedAt}
	switch {
	case phase == migrationlink.PhaseUndoing && o.created && verified(o.atlas):
		return []step{{name: first.name, mark: done}, {name: syncing.name, mark: done}, verifying}
	case phase == migrationlink.PhaseUndoing && o.created:
		return []step{{name: first.name, mark: done}, syncing}
	case phase == migrationlink.PhaseVerifying && !o.createdAt.IsZero():
		first.mark, first.until, syncing.since = done, o.createdAt, o.createdAt
		return []step{first, syncing}
	}
	return []step{first}
}

// stuckIn is the step that goes on when a blocked workflow does.
func (t *timeline) stuckIn(o observation) string {
	switch {
	case o.blockedIn != "":
		return string(o.blockedIn)
	case len(t.steps) > 0:
		return t.steps[len(t.steps)-1].name
	}
	return string(t.first())
}

// before is how the phase before one ended: it was cut off when what it did is
// undone.
func before(phase migrationlink.Phase) mark {
	if phase == migrationlink.PhaseUndoing {
		return broken
	}
	return done
}

func (t *timeline) close(as mark, at time.Time) {
	if last := len(t.steps) - 1; last >= 0 && t.steps[last].goesOn() {
		t.steps[last].mark, t.steps[last].until = as, at
	}
}

// running is the picture of a link that is under way: with what is to come.
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
	}
	return append(steps, step{name: string(migrationlink.OutcomeLinked)})
}

// ended is the picture of a link that is over. What was too quick to be seen
// comes from the result.
func (t *timeline) ended(result migrationlink.LinkResult) []step {
	t.fill(result)
	as := broken
	if outcomeCode(result.Outcome) == ExitOK || result.Removed && !t.unlinks {
		as = done
	}
	t.close(as, result.EndedAt)
	last := step{name: string(result.Outcome), mark: broken}
	if outcomeCode(result.Outcome) == ExitOK {
		last.mark = done
	}
	return append(slices.Clone(t.steps), last)
}

func (t *timeline) fill(result migrationlink.LinkResult) {
	if len(t.steps) == 0 {
		t.see(observation{phase: t.first(), startedAt: result.StartedAt})
	}
	if t.unlinks {
		return
	}
	if !t.saw(migrationlink.PhaseSyncing, migrationlink.PhaseVerifying, migrationlink.PhaseUndoing) && !result.CreatedAt.IsZero() && (result.SyncedAt.IsZero() || result.SyncedAt.After(result.CreatedAt)) {
		t.see(observation{phase: migrationlink.PhaseSyncing, phaseSince: result.CreatedAt})
	}
	if !t.saw(migrationlink.PhaseVerifying, migrationlink.PhaseUndoing) && verified(result.Atlas) {
		t.see(observation{phase: migrationlink.PhaseVerifying, phaseSince: firstTime(result.SyncedAt, result.EndedAt)})
	}
	if result.Removed {
		t.see(observation{phase: migrationlink.PhaseUndoing, phaseSince: result.EndedAt})
	}
}

func (t *timeline) saw(phases ...migrationlink.Phase) bool {
	return slices.ContainsFunc(t.steps, func(s step) bool { return slices.Contains(phases, migrationlink.Phase(s.name)) })
}

func firstTime(times ...time.Time) time.Time {
	for _, t := range times {
		if !t.IsZero() {
			return t
		}
	}
	return time.Time{}
}
