package link_test

import (
	"flag"
	"fmt"
	"maps"
	"slices"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/migrationlink/migrationlink"
)

// schedulesEach is how many random schedules each of the four kinds of request
// is tried with, unless -rapid.checks says another number.
const schedulesEach = 1000

// TestPromisesHoldUnderAnySchedule plays random schedules of the manager's
// answers, lost replies, lost workers, cancellations, retries, extensions, checks
// and time. -rapid.seed plays the same ones again.
func TestPromisesHoldUnderAnySchedule(t *testing.T) {
	t.Parallel()
	setSchedules(t)
	counted := &tally{counts: map[string]int{}}
	t.Run("of", func(t *testing.T) {
		t.Parallel()
		for _, policy := range []migrationlink.LinkedPolicy{migrationlink.KeepLink, migrationlink.FailIfLinked, migrationlink.Relink} {
			t.Run("link, "+string(policy), func(t *testing.T) {
				t.Parallel()
				schedules := linkSchedules(policy)
				rapid.Check(t, func(t *rapid.T) { keepsItsPromises(t, schedules, counted) })
			})
		}
		t.Run("unlink", func(t *testing.T) {
			t.Parallel()
			schedules := unlinkSchedules()
			rapid.Check(t, func(t *rapid.T) { keepsItsPromises(t, schedules, counted) })
		})
	})
	t.Cleanup(func() { counted.reachesEverything(t) })
}

func setSchedules(t *testing.T) {
	t.Helper()
	asked := map[string]bool{}
	flag.Visit(func(f *flag.Flag) { asked[f.Name] = true })
	for name, value := range map[string]string{
		"rapid.checks":     fmt.Sprint(schedulesEach),
		"rapid.nofailfile": "true", // the seed is enough
	} {
		if !asked[name] {
			require.NoError(t, flag.Set(name, value))
		}
	}
}

func keepsItsPromises(t *rapid.T, schedules *rapid.Generator[schedule], counted *tally) {
	s := play(schedules.Draw(t, "schedule"))
	result, err := s.result()
	defer func() {
		if t.Failed() {
			t.Logf("\n%v", s)
		}
	}()
	require.True(t, s.env.IsWorkflowCompleted())
	require.NoError(t, err)
	require.Empty(t, s.manager.broken)
	require.Equal(t, s.asked, s.answered, "updates are answered")
	tellsTheTruth(t, s, result)
	if s.manager.staleReads > 0 {
		s.met("stale read")
	}
	counted.add(s, result)
}

// tally counts what the schedules have reached.
type tally struct {
	sync.Mutex
	counts map[string]int
}

func (c *tally) add(s *scene, result migrationlink.LinkResult) {
	c.Lock()
	defer c.Unlock()
	c.counts["schedules"]++
	c.counts[string(result.Outcome)]++
	for what := range s.seen {
		c.counts[what]++
	}
}

// leastOften is how many schedules in a thousand must reach each of these: a
// promise that is never put to the test is kept by accident. It is about half of
// how many do: enough below that chance alone never misses it.
var leastOften = map[string]int{
	string(migrationlink.OutcomeLinked):        100,
	string(migrationlink.OutcomeAlreadyLinked): 20,
	string(migrationlink.OutcomeFailed):        100,
	string(migrationlink.OutcomeTimedOut):      100,
	string(migrationlink.OutcomeCancelled):     50,
	string(migrationlink.OutcomeUnlinked):      20,
	string(migrationlink.OutcomeNotLinked):     20,

	"lost reply": 50, "settled": 45, "undone": 30, "relinked": 30, "blocked": 50, "migration awaited": 10,
	"worker died": 140, "ended early": 1, "clock off": 100, "stale read": 80, "reset": 8,
	"odd answer": 55, "unreadable success": 45, "not believed": 50,
	"retried": 50, "retried by the update": 8, "extended": 30, "checked": 20, "accepted": 20,

	"token made": 100, "token lost": 20, "token rejected": 5, "token not opened": 5, "token replaced": 15, "token left": 20, "token deleted": 7,
	"looked into Atlas": 40, "verified": 30, "verification timed out": 5,
	"target verified": 20, "target unknown": 18, "wrong target": 13, "started over": 2,
}

func (c *tally) reachesEverything(t *testing.T) {
	t.Helper()
	all := c.counts["schedules"]
	for _, what := range slices.Sorted(maps.Keys(c.counts)) {
		t.Logf("%-18s %6d", what, c.counts[what])
	}
	if t.Failed() || all < schedulesEach {
		return
	}
	for what, least := range leastOften {
		if c.counts[what]*1000 < least*all {
			t.Errorf("%d of %d schedules reach %q, too few to put it to the test", c.counts[what], all, what)
		}
	}
}
