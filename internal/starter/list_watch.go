package starter

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/migrationlink/migrationlink/internal/console"
	"github.com/migrationlink/migrationlink/internal/links"
	"github.com/migrationlink/migrationlink/internal/temporalconn"
	"github.com/migrationlink/migrationlink/internal/temporalerr"
	"github.com/migrationlink/migrationlink/internal/terminal"
)

// listInterval is the time between two looks of list --watch: each costs the calls of a list.
const listInterval = 5 * time.Second

// watchOutage is how long a watch bridges an outage of Temporal.
const watchOutage = 2 * time.Minute

// watchList shows the list again and again until it is interrupted, which is no error. A terminal is
// redrawn, and shows what fits; elsewhere each change is a line, of all links unless the command line has limited
// the list.
func (a *app) watchList(ctx context.Context, c *links.Client, given listFlags, limited bool) error {
	w := listWatch{app: a, client: c, known: map[string]shownLink{}}
	seen := a.Env.Now()
	for {
		now := a.Env.Now()
		given.After.AsOf = now // ages grow
		filter := given.Filter
		most := w.fits()
		w.full = most > 0 && (!limited || filter.All || filter.Limit > most)
		switch {
		case w.full:
			filter.Limit, filter.All = most, false
		case !limited:
			filter.All = true
		}
		found, more, err := filter.Collect(c.Runs(ctx, filter))
		switch {
		case ctx.Err() != nil:
			return nil
		case err != nil && !passes(err), err != nil && now.Sub(seen) > watchOutage:
			return c.Explain(ctx, err)
		case err != nil:
			w.lost(c.Explain(ctx, err))
		default:
			seen = now
			c.AddPhases(ctx, found)
			if err := w.show(ctx, found, more); err != nil {
				return err
			}
		}
		timer := time.NewTimer(listInterval)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return nil
		}
	}
}

// passes reports whether an outage of Temporal, or of a payload codec, may pass.
func passes(err error) bool {
	failed, ok := errors.AsType[*temporalconn.Error](err)
	return temporalerr.Transient(err) || ok && failed.Kind == temporalconn.Codec
}

// listWatch is what was shown.
type listWatch struct {
	app    *app
	client *links.Client
	known  map[string]shownLink // by the id of the run
	lines  int                  // on the terminal
	full   bool                 // whether the terminal limits the list
}

type shownLink struct {
	run         links.Run
	state, text string
}

// inPlace reports whether the list is redrawn.
func (w *listWatch) inPlace() bool { return w.app.Env.IsTerminal(w.app.Env.Stdout) && !w.app.JSON() }

// fits returns how many links the terminal has lines for, and 0 without one.
func (w *listWatch) fits() int {
	const others = 4 // the clock, the titles, the hint at more, the cursor
	if !w.inPlace() {
		return 0
	}
	return max(terminal.Height(w.app.Env.Stdout)-others, 1)
}

func (w *listWatch) show(ctx context.Context, found []links.Listed, more bool) error {
	env := w.app.Env
	if w.inPlace() {
		text := w.line("%d links at %s, Ctrl-C to stop", len(found), console.Clock(env.Now(), env.Now(), env.Location)) + w.app.tableText(found)
		switch {
		case more && w.full:
			text += w.line("These are the first %d: the terminal has no lines for more.", len(found))
		case more:
			text += w.line("These are the first %d; --limit shows more.", len(found))
		}
		w.draw(text)
		return nil
	}
	now := map[string]shownLink{}
	var changed []links.Listed
	left, lost := w.left(ctx, found)
	for _, l := range slices.Concat(found, left) {
		shown := stateText(l) + " " + l.Problem
		was := w.known[l.Run.RunID]
		isUnread := l.Unread != nil && was.text != ""
		if isUnread || l.State == links.StateRunning && l.Phase == "" && was.state == links.StateRunning {
			shown = was.text // it is not among those whose phase, or whose memo, was read
		}
		now[l.Run.RunID] = shownLink{l.Run, l.State, shown}
		if was.text != shown {
			changed = append(changed, l)
		}
	}
	for _, l := range left {
		delete(now, l.Run.RunID) // it was shown once more
	}
	maps.Copy(now, lost)
	w.known = now
	return w.app.printRows(changed)
}

// left returns the links that were listed before and are not any more, as they are now: a link that has
// ended does not match a filter for those that run. lost are those that could not be looked up.
func (w *listWatch) left(ctx context.Context, found []links.Listed) (left []links.Listed, lost map[string]shownLink) {
	lost = maps.Clone(w.known)
	for _, l := range found {
		delete(lost, l.Run.RunID)
	}
	for _, id := range slices.Sorted(maps.Keys(lost)) {
		l, err := w.client.Listed(ctx, lost[id].run)
		switch {
		case err == nil:
			left = append(left, l)
		case !temporalerr.NotFound(err):
			continue
		}
		delete(lost, id)
	}
	return left, lost
}

// line is a line that is as long as the terminal at most: another could not be replaced.
func (w *listWatch) line(format string, args ...any) string {
	text := fmt.Sprintf(format, args...)
	if most := w.app.Env.TerminalWidth(w.app.Env.Stdout) - 1; most > 0 && len(text) > most {
		text = text[:most]
	}
	return text + "\n"
}

// draw replaces what was drawn before.
func (w *listWatch) draw(text string) {
	up := ""
	if w.lines > 0 {
		up = fmt.Sprintf("\r\x1b[%dA\x1b[J", w.lines)
	}
	fmt.Fprint(w.app.Env.Stdout, up+text)
	w.lines = strings.Count(text, "\n")
}

// lost shows why there is no list now; the next look may have one.
func (w *listWatch) lost(err error) {
	if w.lines > 0 {
		w.draw(failureOf(err).Text(w.app.Env.TerminalWidth(w.app.Env.Stdout)))
		return
	}
	w.app.Warn("%v", err)
}

// printRows prints a line for each link, without a title.
func (a *app) printRows(found []links.Listed) error {
	switch {
	case a.JSON():
		for _, l := range newListJSON(found, "").Links {
			if err := a.PrintJSON(l); err != nil {
				return err
			}
		}
	case len(found) > 0:
		_, rows, _ := strings.Cut(a.tableText(found), "\n")
		fmt.Fprint(a.Env.Stdout, rows)
	}
	return nil
}
