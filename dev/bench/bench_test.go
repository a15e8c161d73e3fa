package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/migrationlink/migrationlink/dev/reaper"
)

// built are the programs of all tests.
var built programs

func TestMain(m *testing.M) {
	reaper.Watch()
	os.Exit(runTests(m))
}

func runTests(m *testing.M) (code int) {
	dir, release, err := reaper.Guard("mlink-bench-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() {
		if err := release(); err != nil {
			fmt.Fprintln(os.Stderr, "clean up:", err)
			code = 1
		}
	}()
	if built, err = buildPrograms(context.Background(), filepath.Join(dir, "programs")); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return m.Run()
}

// A change of these costs belongs into docs/explanation/waiting.md.
func TestALinkCostsWhatItShould(t *testing.T) { // not parallel: it measures
	requireWithinBounds(t, counts, options{}, measureCounts)
}

// A link that waits leaves the cache, here a small one.
func TestAWaitingLinkHoldsNothing(t *testing.T) { // not parallel: it measures
	requireWithinBounds(t, memory, options{links: 300, settle: 10 * time.Second, workerConfig: "max_cached_workflows = 10"}, func(ctx context.Context, b *bench) error {
		s, err := startSystem(ctx, b.options, b.programs)
		if err != nil {
			return err
		}
		defer s.stop()
		w, err := s.startWorker(ctx)
		if err != nil {
			return err
		}
		_, err = s.measureHeld(ctx, b, w)
		return err
	})
}

// requireWithinBounds repeats a measurement that fails or is out of its bounds: a machine
// that is very busy makes Temporal repeat calls. It never makes a link cheaper.
func requireWithinBounds(t *testing.T, scenario string, o options, measure func(context.Context, *bench) error) {
	t.Helper()
	var missed []string
	for range 3 {
		b := newBench(o, t.Logf)
		b.programs = built
		err := measure(t.Context(), b)
		if missed = missedBounds(b.report, scenario); err == nil && len(missed) == 0 {
			return
		}
		if err != nil {
			missed = append(missed, err.Error())
		}
		t.Log(missed)
	}
	require.Empty(t, missed)
}

// missedBounds names the rows of a scenario that are missing or out of their bounds.
func missedBounds(r *report, scenario string) (missed []string) {
	for _, bound := range bounds {
		if bound.scenario != scenario {
			continue
		}
		row, found := r.find(scenario, bound.contender, bound.what)
		if !found || row.Value < bound.least || row.Value > bound.most {
			missed = append(missed, fmt.Sprintf("%s, %s: %v, not %v to %v", bound.contender, bound.what, row.Value, bound.least, bound.most))
		}
	}
	return missed
}

// A goal or a bound for a row that nobody measures would never be noticed.
func TestEveryGoalAndBoundIsOfAScenario(t *testing.T) {
	t.Parallel()
	var named []string
	for _, s := range scenarios {
		named = append(named, s.name)
	}
	for _, goal := range goals {
		require.True(t, slices.Contains(named, goal.scenario), goal)
	}
	for _, bound := range bounds {
		require.True(t, slices.Contains(named, bound.scenario), bound)
	}
}
