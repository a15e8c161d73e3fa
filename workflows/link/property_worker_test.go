package link_test

import (
	"time"

	"github.com/migrationlink/migrationlink"
)

// simulatedWorker is the process that runs an attempt: what its clients remember is
// lost with it.
type simulatedWorker struct{ manager, atlas memory }

// memory is what a client remembers of its API.
type memory struct {
	answered bool // the API has let the key in
	inARow   int  // answers that may be passing ones
	since    time.Time
}

func (m *memory) note(got answer, now time.Time) {
	switch {
	case got.doubtful && m.inARow == 0:
		m.inARow, m.since = 1, now
	case got.doubtful:
		m.inARow++
	case got.own:
		m.answered, m.inARow = true, 0
	}
}

// believes reports whether an answer that may be a passing one is final, as in the
// real activities: see unlessPassing.
func (m *memory) believes(known bool, now time.Time) bool {
	lasting := now.Sub(m.since)
	switch {
	case known:
		return m.inARow >= 5 && lasting >= 2*time.Minute
	case m.answered:
		return m.inARow >= 3 && lasting >= 10*time.Second
	}
	return true
}

// believed notes an answer, and has it tried again when it may be a passing one.
func (a *attempt) believed(got answer, of *memory, known bool) answer {
	of.note(got, a.scene.now())
	if !got.final {
		return got
	}
	if got.doubtful && !of.believes(known, a.scene.now()) {
		got.final, got.problem = false, migrationlink.ErrManagerUnavailable
		a.scene.met("not believed")
		return got
	}
	asked := of == &a.scene.workers[a.worker].manager
	a.scene.finals = append(a.scene.finals, finalAnswer{answer: got, at: a.scene.now(), memory: *of, known: asked && a.scene.answeredBefore})
	return got
}

// finalAnswer is an answer that a worker took for final, and how it came to that.
type finalAnswer struct {
	answer
	at     time.Time
	memory memory
	known  bool // the workflow had got an answer of the manager before
}

// proven reports whether it may end a link: the API itself has given it, or it came
// again and again.
func (f finalAnswer) proven() bool {
	lasting := f.at.Sub(f.memory.since)
	switch {
	case !f.doubtful:
		return f.own
	case f.known:
		return f.memory.inARow >= 5 && lasting >= 2*time.Minute
	case f.memory.answered:
		return f.memory.inARow >= 3 && lasting >= 10*time.Second
	}
	return true
}

// clock is that of an attempt, as in the real activities: the server's time of its
// start, plus what has passed since on the worker's clock.
type clock struct{ started, began time.Time }

func (a *attempt) startClock() { a.clock = clock{started: a.scene.now(), began: a.wall()} }

// wall is the wall clock of the worker.
func (a *attempt) wall() time.Time {
	offset := a.scene.schedule.Manager.Offsets[a.worker]
	if offset != 0 {
		a.scene.met("clock off")
	}
	return a.scene.now().Add(offset)
}

func (a *attempt) now() time.Time { return a.clock.started.Add(a.wall().Sub(a.clock.began)) }

// until returns how long it is until t, a time of the server's.
func (a *attempt) until(t time.Time) time.Duration { return t.Sub(a.now()) }

func (a *attempt) before(t time.Time) bool { return a.now().Before(t) }
