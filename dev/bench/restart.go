package main

import (
	"context"
	"fmt"
	"time"
)

const (
	// steadyWindow is how long the steady state is watched after the time to settle.
	steadyWindow = time.Minute
	// pollLimit bounds the wait until all links are polled again.
	pollLimit = 20 * time.Minute
)

// measureRestart starts many links at once, watches them once they poll steadily, and
// restarts the worker.
func measureRestart(ctx context.Context, b *bench) error {
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
	rest, err := s.atRest(ctx, w)
	if err != nil {
		return err
	}
	links, took, err := s.startWaiting(ctx, b.options.links)
	if err != nil {
		return err
	}
	b.report.add(restart, ours, allCreated, took.Seconds(), "s")
	if err := s.settle(ctx, b, links); err != nil {
		return err
	}
	steady, err := s.watch(ctx, w, steadyWindow)
	if err != nil {
		return err
	}
	b.report.addLoad(restart, steady, idle)
	if err := b.report.addHeld(ctx, w, rest, "while links wait"); err != nil {
		return err
	}
	w.stop()
	return s.measureSecondWorker(ctx, b, rest, len(links))
}

// measureSecondWorker starts a worker that takes over all links.
func (s *system) measureSecondWorker(ctx context.Context, b *bench, rest snapshot, links int) error {
	began := time.Now()
	w, err := s.startWorker(ctx)
	if err != nil {
		return err
	}
	polled := func() int { return s.manager.count(func(o organization) bool { return o.lastRead.After(began) }) }
	if err := waitUntil(ctx, pollLimit, 100*time.Millisecond, func() bool { return polled() >= links }); err != nil {
		return fmt.Errorf("%d of %d links were polled within %s after a restart: %w", polled(), links, time.Since(began), err)
	}
	b.report.add(restart, ours, allPolled, time.Since(began).Seconds(), "s")
	return b.report.addHeld(ctx, w, rest, "after a restart")
}

// addHeld adds what a worker holds above what it held at rest.
func (r *report) addHeld(ctx context.Context, w *measured, rest snapshot, when string) error {
	held, err := w.snapshot(ctx)
	if err != nil {
		return err
	}
	r.add(restart, ours, "heap and stack above rest "+when, (held.Heap+held.Stack-rest.Heap-rest.Stack)/1e6, "MB")
	r.add(restart, ours, "RSS "+when, held.RSS/1e6, "MB")
	r.add(restart, ours, "goroutines "+when, held.Goroutines, "")
	return nil
}
