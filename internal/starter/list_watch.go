package starter

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/migrationlink/migrationlink/internal/console"
	"github.com/migrationlink/migrationlink/internal/links"
	"github.com/migrationlink/migrationlink/internal/temporalerr"
	"github.com/migrationlink/migrationlink/internal/terminal"
)

// listInterval is the time between two looks of list --watch: each costs the calls of a list.
const listInterval = 5 * time.Second

// watchOutage is how long a watch bridges an outage of Temporal.
const watchOutage = 2 * time.Minute

// watchList shows the list again and again until it is interrupted, which is no error. A terminal is
// redrawn, and shows what fits unless the command line has limited the list; elsewhere each change
// is a line.
func (a *app) watchList(ctx context.Context, c *links.Client, given listFlags, limited bool) error {
	w := listWatch{app: a, known: map[string]shownLink{}}
	seen := a.Env.Now()
	for {
		now := a.Env.Now()
		given.After.AsOf = now // ages grow
		if !limited {
			given.Limit, given.All = w.fits()
		}
		found, more, err := given.Collect(c.Runs(ctx, given.Filter))
		switch {
		case ctx.Err() != nil:
			return nil
		case err != nil && !temporalerr.Transient(err), err != nil && now.Sub(seen) > watchOutage:
			return c.Explain(ctx, err)
		case err != nil:
			w.lost(c.Explain(ctx, err))
		default:
			seen = now
			c.AddPhases(ctx, found)
			if err := w.show(found, more); err != nil {
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

// listWatch is what was shown.
type listWatch struct {
	app   *app
	known map[string]shownLink // by the id of the run
	lines int                  // on the terminal
}

type shownLink struct{ state, text string }

// inPlace reports whether the list is redrawn.
func (w *listWatch) inPlace() bool { return w.app.Env.IsTerminal(w.app.Env.Stdout) && !w.app.JSON() }

// fits returns how many links the terminal has lines for. Without one, changes have no limit.
func (w *listWatch) fits() (limit int, all bool) {
	const others = 4 // the clock, the titles, the hint at more, the cursor
	if !w.inPlace() {
		return 0, true
	}
	return max(terminal.Height(w.app.Env.Stdout)-others, 1), false
}

func (w *listWatch) show(found []links.Listed, more bool) error {
	env := w.app.Env
	if w.inPlace() {
		text := fmt.Sprintf("%d links at %s, Ctrl-C to stop\n", len(found), console.Clock(env.Now(), env.Now(), env.Location)) + w.app.tableText(found)
		if more {
			text += fmt.Sprintf("These are the first %d; --limit shows more.\n", len(found))
		}
		w.draw(text)
		return nil
	}
	now := map[string]shownLink{}
	var changed []links.Listed
	for _, l := range found {
		shown := stateText(l) + " " + l.Problem
		was := w.known[l.Run.RunID]
		if l.State == links.StateRunning && l.Phase == "" && was.state == links.StateRunning {
			shown = was.text // it is not among those whose phase was read
		}
		now[l.Run.RunID] = shownLink{l.State, shown}
		if was.text != shown {
			changed = append(changed, l)
		}
	}
	w.known = now
	return w.app.printRows(changed)
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
