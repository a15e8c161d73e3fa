package starter

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/migrationlink/migrationlink/internal/console"
	"github.com/migrationlink/migrationlink/internal/links"
)

// bulkTally counts what becomes of several links, and shows that on stderr.
type bulkTally struct {
	app       *app
	total     int
	going     int // of a command that waits for the ends
	succeeded int
	unchanged []bulkUnchangedJSON
	failed    int
	codes     map[int]bool     // exit codes of the failures
	failures  []bulkFailedJSON // with -o json only
	chosen    []links.Listed
	known     map[string]bool // workflow ids of those whose end is known

	interrupted func() error // of the context of the command

	stage   string // what is counted now: "sent", "ended"
	counted int
	shown   time.Time
	live    bool
	kept    sync.Mutex
}

func newBulkTally(ctx context.Context, a *app, total int) *bulkTally {
	return &bulkTally{app: a, interrupted: ctx.Err, total: total, codes: map[int]bool{}, known: map[string]bool{}, failures: []bulkFailedJSON{}, live: a.Env.IsTerminal(a.Env.Stderr)}
}

// keep does something that only one goroutine may do at a time.
func (t *bulkTally) keep(do func()) {
	t.kept.Lock()
	defer t.kept.Unlock()
	do()
}

func (t *bulkTally) begin(stage string) { t.stage, t.counted, t.shown = stage, 0, t.app.Env.Now() }

// tell counts a link. One that has succeeded in a stage that is not the last is not done yet.
func (t *bulkTally) tell(l links.Listed, err error, last bool) {
	t.counted++
	t.known[l.Run.WorkflowID()] = last && err == nil || err != nil && t.interrupted() == nil
	why, isUnchanged := errors.AsType[unchanged](err)
	switch {
	case err != nil && t.interrupted() != nil: // the command was interrupted meanwhile: nothing is known
	case isUnchanged:
		t.skip(l, why)
	case err != nil:
		t.fail(l, failureOf(err))
	case last:
		t.succeeded++
	}
	t.show()
}

// unknown are the links whose end is not known.
func (t *bulkTally) unknown() (found []targetJSON) {
	for _, l := range t.chosen {
		if !t.known[l.Run.WorkflowID()] {
			found = append(found, targetOf(l.Run))
		}
	}
	return found
}

func (t *bulkTally) fail(l links.Listed, failure console.Failure) {
	t.failed++
	t.codes[failure.Code] = true
	switch {
	case t.app.dryRun:
	case t.app.JSON():
		t.failures = append(t.failures, bulkFailedJSON{targetOf(l.Run), failure})
	default:
		t.line(l, failure.Error())
	}
}

func (t *bulkTally) skip(l links.Listed, why unchanged) {
	t.unchanged = append(t.unchanged, bulkUnchangedJSON{targetOf(l.Run), why.Error()})
	if !t.app.JSON() {
		t.line(l, "unchanged, because "+why.Error())
	}
}

// line prints what became of a link.
func (t *bulkTally) line(l links.Listed, text string) {
	t.clear()
	fmt.Fprintf(t.app.Env.Stderr, "organization %s of manager %s: %s\n", l.Run.OrgID, l.Run.Manager, text)
}

const (
	// liveInterval is how often a terminal is redrawn, lineInterval how often a line is printed elsewhere.
	liveInterval = 100 * time.Millisecond
	lineInterval = 10 * time.Second
)

func (t *bulkTally) show() {
	interval := lineInterval
	if t.live {
		interval = liveInterval
	}
	now := t.app.Env.Now()
	if t.app.dryRun || t.app.JSON() && !t.live || now.Sub(t.shown) < interval {
		return
	}
	t.shown = now
	text := fmt.Sprintf("%d of %d %s, %d failed", t.counted, t.total, t.stage, t.failed)
	if t.live {
		fmt.Fprint(t.app.Env.Stderr, "\r\x1b[K"+text)
		return
	}
	fmt.Fprintln(t.app.Env.Stderr, text)
}

func (t *bulkTally) clear() {
	if t.live {
		fmt.Fprint(t.app.Env.Stderr, "\r\x1b[K")
	}
}

func (t *bulkTally) end() { t.clear() }
