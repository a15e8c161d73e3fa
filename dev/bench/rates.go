package main

import (
	"context"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"
)

// Links of one round. Those that poll wait for seconds, so that there must be many to
// keep the machine busy.
const (
	rateLinks   = 100
	polledLinks = 150
)

// measureRates compares how many links end in a second. The contenders take turns, so
// that all see the same machine.
func measureRates(ctx context.Context, b *bench) error {
	s, err := b.fullSystem(ctx)
	if err != nil {
		return err
	}
	defer s.stop()
	contenders := []contender{emptyOnce, emptyTwice, plainLink, clientLink, childLink, nexusLink, timerLoop, polledLink}
	for _, c := range contenders {
		if err := runTogether(ctx, s, c, 10, 0); err != nil { // connections, caches
			return err
		}
	}
	requestsBefore, callsBefore := s.manager.calls()
	measured := map[string][]float64{}
	for round := range b.options.rounds {
		for i := range contenders {
			c := contenders[(i+round)%len(contenders)]
			n := rateLinks
			if c.read > 1 {
				n = polledLinks
			}
			began := time.Now()
			if err := runTogether(ctx, s, c, n, 0); err != nil {
				return err
			}
			measured[c.name] = append(measured[c.name], float64(n)/time.Since(began).Seconds())
		}
	}
	for _, c := range contenders {
		b.report.addSpread(rates, c.name, "rate", measured[c.name], "links/s")
	}
	for _, name := range []string{direct, accepted, asChild, abroad, oneEmpty} {
		b.report.addSpread(rates, name, perTwoEmpty, ratios(measured[name], measured[twoEmpty]), "×")
	}
	b.report.addSpread(rates, polled, perLoop, ratios(measured[polled], measured[loop]), "×")
	requests, calls := s.manager.calls()
	b.report.add(rates, "all", httpRequests, (requests-requestsBefore)/(calls-callsBefore), "")
	return nil
}

// ratios divides the numbers of each round.
func ratios(numbers, by []float64) []float64 {
	divided := make([]float64, len(numbers))
	for i := range numbers {
		divided[i] = numbers[i] / by[i]
	}
	return divided
}

// runTogether runs n links at the same time, and starts one after each pause.
func runTogether(ctx context.Context, s *system, c contender, n int, between time.Duration) error {
	group, ctx := errgroup.WithContext(ctx)
	for range n {
		group.Go(func() error { return c.run(ctx, s) })
		if between == 0 {
			continue
		}
		if err := pause(ctx, between); err != nil {
			break
		}
	}
	if err := group.Wait(); err != nil {
		return fmt.Errorf("%d × %w", n, err)
	}
	return nil
}
