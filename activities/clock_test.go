package activities_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/migrationlink/migrationlink/activities"
)

// Times in a request are Temporal's. A worker whose clock is off by minutes neither
// gives up early nor goes on for too long.
func TestDeadlinesAreMeasuredOnTheClockOfTemporal(t *testing.T) {
	t.Parallel()
	for _, offset := range []time.Duration{-10 * time.Minute, 0, 2 * time.Minute, 10 * time.Minute} {
		started := time.Now().Add(-offset) // by Temporal, when the worker's clock shows now
		left := activities.TimeLeft(started, started.Add(30*time.Second))
		require.InDelta(t, 30, left.Seconds(), 5)
	}
}
