package cli

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/migrationlink/migrationlink"
	"github.com/migrationlink/migrationlink/internal/temporalconn"
)

const (
	// lookEvery is how old a view may be. One look is one cheap call to Temporal.
	lookEvery = time.Second
	// lostLimit bridges a restart of Temporal.
	lostLimit = 2 * time.Minute
)

// view shows a link that is under way.
type view interface {
	// show tells what was seen.
	show(observation)
	// lost tells that Temporal does not answer; the next show is its end.
	lost(reason string)
	// tick lets the clocks move.
	tick()
	// left shows what goes on when nobody watches any more.
	left(observation)
	// ended shows the last state.
	ended(migrationlink.LinkResult)
}

// report is what one look brought.
type report struct {
	seen observation
	err  error
}

// ending is what is waited for, or why it cannot be told: the end of a run, or a
// status before it.
type ending struct {
	result migrationlink.LinkResult
	status *migrationlink.Status
	err    error
}

// watch shows a run until it ends. Its error is of the watching: a link that
// failed is a result.
func (a *app) watch(ctx context.Context, s *server, run linkRun, v view) (migrationlink.LinkResult, error) {
	end, err := a.watchUntil(ctx, s, run, v, func(ctx context.Context) ending { return untilEnd(ctx, s, run) })
	result := end.result
	if err != nil {
		return result, err
	}
	if result.EndedAt.IsZero() {
		// Only Temporal knows when it ended a workflow itself.
		if seen, err := s.observe(run, a.env.Now).look(ctx); err == nil && seen.result != nil {
			result = *seen.result
		}
	}
	v.ended(result)
	return result, nil
}

func (a *app) watchUntil(ctx context.Context, s *server, run linkRun, v view, until func(context.Context) ending) (ending, error) {
	work, stop := context.WithCancel(ctx)
	var running sync.WaitGroup
	defer running.Wait()
	defer stop()
	ends := make(chan ending, 1)
	running.Go(func() { ends <- until(work) })
	reports := make(chan report)
	running.Go(func() { a.look(work, s, run, reports) })
	clock := time.NewTicker(time.Second)
	defer clock.Stop()

	var lostSince time.Time
	last := observation{run: run}
	for {
		select {
		case <-ctx.Done():
			return ending{}, interrupted(last)
		case end := <-ends:
			if ctx.Err() != nil {
				return ending{}, interrupted(last)
			}
			return end, s.explain(ctx, end.err)
		case <-clock.C:
			v.tick()
		case got := <-reports:
			if got.err == nil {
				lostSince, last = time.Time{}, got.seen
				v.show(got.seen)
				continue
			}
			if lostSince.IsZero() {
				lostSince = a.env.Now()
			}
			if a.env.Now().Sub(lostSince) > lostLimit {
				return ending{}, s.goneAway(run, got.err)
			}
			v.lost(s.absence(got.err))
		}
	}
}

// untilEnd outlives the absences of Temporal; the watching limits them.
func untilEnd(ctx context.Context, s *server, run linkRun) ending {
	for {
		result, err := awaitResult(ctx, s.Client, run)
		if err == nil || !temporalconn.Silent(err) || !pause(ctx, lookEvery) {
			return ending{result: result, err: err}
		}
	}
}

// look reports until the run has ended. A run that says of itself that it has, and
// is not closed yet, is told of by its result a moment later.
func (a *app) look(ctx context.Context, s *server, run linkRun, reports chan<- report) {
	observer := s.observe(run, a.env.Now)
	for {
		seen, err := observer.look(ctx)
		if ctx.Err() != nil || err == nil && !seen.running() {
			return
		}
		if err != nil || seen.phase != migrationlink.PhaseEnded {
			select {
			case reports <- report{seen, err}:
			case <-ctx.Done():
				return
			}
		}
		if !pause(ctx, lookEvery) {
			return
		}
	}
}

// pause tells whether the time has passed, rather than the context.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

func interrupted(last observation) error {
	run := last.run
	if last.isEnding() {
		return failure{ExitOther, fmt.Sprintf("stopped watching; the %s of organization %s is being undone, which goes on", run.noun(), run.orgID),
			fmt.Sprintf("Watch it with 'starter status --watch %s'.", run.flags())}
	}
	return failure{ExitOther, fmt.Sprintf("stopped watching; the %s of organization %s goes on", run.noun(), run.orgID), run.howToGoOn()}
}

// isEnding tells whether nothing is left but to put things back.
func (o observation) isEnding() bool {
	return o.phase == migrationlink.PhaseUndoing || o.blockedIn == migrationlink.PhaseUndoing
}

// absence is what a watcher should know meanwhile.
func (s *server) absence(err error) string {
	return fmt.Sprintf("Temporal at %s does not answer (%s). It is asked again; the work goes on when it is back.", s.options.HostPort, oneLine(temporalconn.Reason(err)))
}

func (s *server) goneAway(run linkRun, err error) error {
	return failure{ExitUnreachable, fmt.Sprintf("Temporal at %s has stopped answering (%s); the work goes on when it is back", s.options.HostPort, temporalconn.Reason(err)),
		run.howToGoOn()}
}

// newView chooses the view: live on a terminal, plain lines otherwise, and none
// where the output is for a program and nobody looks on.
func (a *app) newView(run linkRun) view {
	out := a.env.Stdout
	if a.json() {
		out = a.env.Stderr
	}
	switch {
	case a.env.isTerminal(out) && !a.verbose: // log lines would tear the picture
		return newLiveView(a.env, out, run)
	case a.json():
		return noView{}
	}
	return newPlainView(a.env, out)
}

// noView shows nothing.
type noView struct{}

func (noView) show(observation)               {}
func (noView) lost(string)                    {}
func (noView) tick()                          {}
func (noView) left(observation)               {}
func (noView) ended(migrationlink.LinkResult) {}
