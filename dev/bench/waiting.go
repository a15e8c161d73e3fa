package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"
)

const (
	// createLimit bounds the wait until all links are created.
	createLimit = 30 * time.Minute
	// restWindow and waitWindow are how long CPU is measured.
	restWindow = 5 * time.Second
	waitWindow = 20 * time.Second
	// cancels is how many links are cancelled, one after the other.
	cancels = 50
)

// measureMemory measures a worker while many links wait for SYNCED.
func measureMemory(ctx context.Context, b *bench) error {
	s, err := startSystem(ctx, b.options, b.programs)
	if err != nil {
		return err
	}
	defer s.stop()
	w, err := s.startWorker(ctx)
	if err != nil {
		return err
	}
	idle, err := s.idle(ctx, w)
	if err != nil {
		return err
	}
	links, err := s.measureHeld(ctx, b, w)
	if err != nil {
		return err
	}
	steady, err := s.watch(ctx, w, waitWindow)
	if err != nil {
		return err
	}
	b.report.addLoad(memory, steady, idle)
	return s.measureCancels(ctx, b, links)
}

// measureHeld measures what a worker holds for links that wait, and returns them.
func (s *system) measureHeld(ctx context.Context, b *bench, w *measured) ([]string, error) {
	rest, err := s.atRest(ctx, w)
	if err != nil {
		return nil, err
	}
	links, _, err := s.startWaiting(ctx, b.options.links)
	if err != nil {
		return nil, err
	}
	if err := s.settle(ctx, b, links); err != nil {
		return nil, err
	}
	waiting, err := w.calmest(ctx)
	if err != nil {
		return nil, err
	}
	n := float64(len(links))
	b.report.add(memory, ours, "heap and stack at rest", (rest.Heap+rest.Stack)/1e6, "MB")
	b.report.add(memory, ours, "RSS at rest", rest.RSS/1e6, "MB")
	b.report.add(memory, ours, perLink, (waiting.Goroutines-rest.Goroutines)/n, "")
	b.report.add(memory, ours, memoryPerLink, (waiting.Heap+waiting.Stack-rest.Heap-rest.Stack)/n, "B")
	b.report.add(memory, ours, "heap a link", (waiting.Heap-rest.Heap)/n, "B")
	b.report.add(memory, ours, "stack a link", (waiting.Stack-rest.Stack)/n, "B")
	b.report.add(memory, ours, rssPerLink, (waiting.RSS-rest.RSS)/n, "B")
	return links, nil
}

// atRest returns what a worker holds after a few links.
func (s *system) atRest(ctx context.Context, w *measured) (snapshot, error) {
	if err := runTogether(ctx, s, plainLink, 10, 0); err != nil {
		return snapshot{}, err
	}
	return w.snapshot(ctx)
}

// idle returns the load of a worker and a server that have nothing to do.
func (s *system) idle(ctx context.Context, w *measured) (load, error) {
	if err := runTogether(ctx, s, plainLink, 1, 0); err != nil {
		return load{}, err
	}
	return s.watch(ctx, w, restWindow)
}

// startWaiting starts n links that are never SYNCED, all at once, and returns when all
// are created, and how long that took.
func (s *system) startWaiting(ctx context.Context, n int) (orgs []string, took time.Duration, err error) {
	before := s.manager.createdLinks()
	began := time.Now()
	orgs, err = s.startAll(ctx, n)
	if err != nil {
		return nil, 0, err
	}
	err = waitUntil(ctx, createLimit, 50*time.Millisecond, func() bool { return s.manager.createdLinks() >= before+n })
	if err != nil {
		return nil, 0, fmt.Errorf("%d of %d links are created after %s: %w", s.manager.createdLinks()-before, n, time.Since(began), err)
	}
	return orgs, time.Since(began), nil
}

func (s *system) startAll(ctx context.Context, n int) ([]string, error) {
	orgs := make([]string, n)
	group, ctx := errgroup.WithContext(ctx)
	for i := range orgs {
		orgs[i] = newOrg()
		group.Go(func() error {
			s.starting <- struct{}{}
			defer func() { <-s.starting }()
			_, err := startLink(ctx, s, orgs[i])
			return err
		})
	}
	return orgs, group.Wait()
}

// settle returns when every link was polled, and the time to settle is over: the polls of
// a link become fewer while it waits.
func (s *system) settle(ctx context.Context, b *bench, orgs []string) error {
	over := time.Now().Add(b.options.settle)
	err := waitUntil(ctx, createLimit, 100*time.Millisecond, func() bool {
		return s.manager.count(func(o organization) bool { return o.reads >= 2 && o.syncedAt == 0 }) >= len(orgs)
	})
	if err != nil {
		return fmt.Errorf("not all links were polled: %w", err)
	}
	return pause(ctx, time.Until(over))
}

// load is what happened in a window of time.
type load struct {
	seconds          float64
	worker, temporal float64 // CPU seconds
	polls            float64
	lateness         histogram
}

// watch measures for a while.
func (s *system) watch(ctx context.Context, w *measured, window time.Duration) (load, error) {
	first, err := s.look(ctx, w)
	if err != nil {
		return load{}, err
	}
	began := time.Now()
	if err := pause(ctx, window); err != nil {
		return load{}, err
	}
	last, err := s.look(ctx, w)
	return load{
		seconds: time.Since(began).Seconds(), worker: last.worker - first.worker, temporal: last.temporal - first.temporal,
		polls: last.polls - first.polls, lateness: last.lateness.since(first.lateness),
	}, err
}

// look returns the totals so far.
func (s *system) look(ctx context.Context, w *measured) (load, error) {
	found, err := scrape(ctx, w.url+"/metrics")
	if err != nil {
		return load{}, err
	}
	worker, err := w.usage()
	if err != nil {
		return load{}, err
	}
	server, err := s.server.usage()
	return load{worker: worker.CPU, temporal: server.CPU, polls: float64(s.manager.polls.Load()), lateness: latenessOf(found)}, err
}

func (r *report) addLoad(scenario string, steady, idle load) {
	r.add(scenario, ours, "polls", steady.polls/steady.seconds, "/s")
	r.add(scenario, ours, "CPU of the worker", 100*steady.worker/steady.seconds, "% of a core")
	r.add(scenario, "server", "CPU of the server", 100*steady.temporal/steady.seconds, "% of a core")
	r.add(scenario, ours, stackCores, (steady.worker+steady.temporal)/steady.seconds, "cores")
	if steady.polls > 0 {
		scale := steady.seconds / idle.seconds
		r.add(scenario, ours, "CPU of the worker a poll", 1000*(steady.worker-scale*idle.worker)/steady.polls, "ms")
		r.add(scenario, "server", "CPU of the server a poll", 1000*(steady.temporal-scale*idle.temporal)/steady.polls, "ms")
	}
	r.add(scenario, ours, "lateness of polls, p50", steady.lateness.quantile(0.5), "s")
	r.add(scenario, ours, latenessP99, steady.lateness.quantile(0.99), "s")
}

// measureCancels cancels some links one after the other. Each ends when its link is
// removed at the manager.
func (s *system) measureCancels(ctx context.Context, b *bench, orgs []string) error {
	var took []float64
	for _, orgID := range orgs[:min(cancels, len(orgs))] {
		seconds, err := s.cancelled(ctx, orgID, s.asCaller)
		if err != nil {
			return err
		}
		took = append(took, seconds)
	}
	slices.Sort(took)
	b.report.add(memory, ours, "cancel while links wait, p50", quantile(took, 0.5), "s")
	b.report.add(memory, ours, cancelWaiting, quantile(took, 0.99), "s")
	return nil
}
