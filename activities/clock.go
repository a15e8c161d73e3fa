package activities

import (
	"context"
	"time"

	"go.temporal.io/sdk/activity"

	"github.com/migrationlink/migrationlink/internal/seeded"
)

// clock reads Temporal's time: when the attempt started by the server's clock, plus what
// has passed since by the worker's monotonic clock. The times in a request are
// Temporal's, and the wall clock of a worker may be off by minutes.
type clock struct {
	started time.Time // by Temporal
	began   time.Time // the same moment, with the worker's monotonic reading
}

func startClock(ctx context.Context) clock {
	return clock{started: activity.GetInfo(ctx).StartedTime, began: time.Now()}
}

func (c clock) now() time.Time {
	if seeded.On(seeded.WallClock) {
		return time.Now().UTC()
	}
	return c.started.Add(time.Since(c.began)).UTC()
}

// until returns how long it is until t, a time of Temporal's.
func (c clock) until(t time.Time) time.Duration { return t.Sub(c.now()) }

func (c clock) before(t time.Time) bool { return c.now().Before(t) }

// context returns ctx with a deadline at t, a time of Temporal's.
func (c clock) context(ctx context.Context, t time.Time) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, c.until(t))
}
