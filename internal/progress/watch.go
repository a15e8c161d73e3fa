// Package progress shows a running link: live on a terminal, as plain lines otherwise.
package progress

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/migrationlink/migrationlink"
	"github.com/migrationlink/migrationlink/internal/console"
	"github.com/migrationlink/migrationlink/internal/links"
	"github.com/migrationlink/migrationlink/internal/temporalerr"
	"github.com/migrationlink/migrationlink/internal/words"
)

// outageTimeout bridges a restart of Temporal.
const outageTimeout = 2 * time.Minute

// View shows a running link.
type View interface {
	Show(links.Observation)
	// Lost shows that Temporal does not answer, until the next Show.
	Lost(reason string)
	// Tick lets the clocks move.
	Tick()
	// Left shows the link as it continues without being watched.
	Left(links.Observation)
	// Ended shows the last state.
	Ended(migrationlink.LinkResult)
}

// look is the outcome of one look.
type look struct {
	seen links.Observation
	err  error
}

// Watch shows a run until it ends. Its error is of the watching: a link that
// failed is a result. sent reports whether this command has asked for what it watches.
func Watch(ctx context.Context, c *links.Client, run links.Run, v View, sent bool) (migrationlink.LinkResult, error) {
	status, err := WatchUntil(ctx, c, run, v, sent, func(ctx context.Context) (migrationlink.Status, error) {
		result, err := c.Result(ctx, run)
		return migrationlink.Status{Result: &result}, err
	})
	if err != nil {
		return migrationlink.LinkResult{}, err
	}
	result := *status.Result
	if result.EndedAt.IsZero() {
		// Only Temporal knows when it ended a workflow itself.
		if seen, err := c.Observe(run).Look(ctx); err == nil && seen.Result != nil {
			result = *seen.Result
		}
	}
	v.Ended(result)
	return result, nil
}

// WatchUntil shows a run until a function returns.
func WatchUntil(ctx context.Context, c *links.Client, run links.Run, v View, sent bool, until func(context.Context) (migrationlink.Status, error)) (migrationlink.Status, error) {
	work, stop := context.WithCancel(ctx)
	var running sync.WaitGroup
	defer running.Wait()
	defer stop()
	var status migrationlink.Status
	ended := make(chan error, 1)
	running.Go(func() {
		var err error
		status, err = until(work)
		ended <- err
	})
	looks := make(chan look)
	running.Go(func() { observe(work, c, run, looks) })
	clock := time.NewTicker(time.Second)
	defer clock.Stop()

	var lostSince time.Time
	last := links.Observation{Run: run}
	for {
		select {
		case <-ctx.Done():
			return migrationlink.Status{}, interrupted(ctx, last)
		case err := <-ended:
			if ctx.Err() != nil {
				return status, interrupted(ctx, last)
			}
			return status, c.Explain(ctx, err)
		case <-clock.C:
			v.Tick()
		case latest := <-looks:
			if latest.err == nil {
				lostSince, last = time.Time{}, latest.seen
				v.Show(latest.seen)
				continue
			}
			lostSince = cmp.Or(lostSince, c.Now())
			if c.Now().Sub(lostSince) > outageTimeout {
				return migrationlink.Status{}, goneAway(c, run, latest.err, sent)
			}
			v.Lost(absence(c, latest.err))
		}
	}
}

// observe looks until the run has ended. A run that has ended and is not closed yet is left to its
// result, which comes a moment later.
func observe(ctx context.Context, c *links.Client, run links.Run, looks chan<- look) {
	observer := c.Observe(run)
	wait := temporalerr.ShortestWait
	for {
		seen, err := observer.Look(ctx)
		wait = temporalerr.NextWait(wait, err)
		if ctx.Err() != nil || err == nil && !seen.Running() {
			return
		}
		if err != nil || seen.Phase != migrationlink.PhaseEnded {
			select {
			case looks <- look{seen, err}:
			case <-ctx.Done():
				return
			}
		}
		if !temporalerr.Pause(ctx, wait) {
			return
		}
	}
}

// interrupted ends a watch before the link ends.
func interrupted(ctx context.Context, last links.Observation) error {
	run, code, stopped := last.Run, console.ExitOther, "stopped watching"
	if console.Waited(ctx) {
		code, stopped = console.ExitWaiting, "stopped waiting, because the time limit has passed"
	}
	switch {
	case console.Waited(ctx) && last.Blocked():
		return console.Fail(console.ExitBlocked, "When it is fixed: "+run.RetryCommand(last.Problem, last.Token), "%s; the %s of organization %s waits for a person: %s",
			stopped, run.Noun(), run.OrgID, words.Blocked(last.Status)).AboutProblem(last.Problem)
	case last.IsEnding():
		return console.Fail(code, run.Watch(), "%s; the %s of organization %s is being undone, which continues", stopped, run.Noun(), run.OrgID)
	}
	return console.Fail(code, run.WatchOrCancel(), "%s; the %s of organization %s continues", stopped, run.Noun(), run.OrgID)
}

// absence is the note while Temporal does not answer.
func absence(c *links.Client, err error) string {
	until := "when it is back"
	if temporalerr.Limited(err) {
		until = "meanwhile"
	}
	return c.Silence(err) + ". This command keeps asking; the work continues " + until + "."
}

// goneAway ends a watch. If the command has sent a request, what becomes of that
// is not known.
func goneAway(c *links.Client, run links.Run, err error, sent bool) error {
	message := fmt.Sprintf("Temporal at %s has stopped answering (%s); the work continues when it is back", c.Options.HostPort, links.Reason(err))
	code := console.ExitUnreachable
	if temporalerr.Limited(err) {
		message, code = c.Silence(err)+"; the work continues meanwhile", console.ExitOther
	}
	if sent {
		code = console.ExitUnknown
	}
	return console.Fail(code, run.WatchOrCancel(), "%s", message)
}

// Options are what a command asks of a view.
type Options struct {
	Verbose  bool // log lines go to the same terminal
	Cancels  bool // the command asks for a cancellation
	Detaches bool // the command ends when the request is blocked
}

// New chooses the view on stderr: live on a terminal, plain lines otherwise, and none
// where the output is for a program and there is no terminal.
func New(con *console.Console, run links.Run, options Options) View {
	out := con.Env.Stderr
	switch {
	case con.Env.IsTerminal(out) && !options.Verbose: // log lines would tear the picture
		live := newLiveView(con.Env, out, run)
		live.timeline.cancels = options.Cancels
		return live
	case con.JSON():
		out = io.Discard
	}
	plain := newPlainView(con.Env, out)
	plain.detaches = options.Detaches
	return plain
}
