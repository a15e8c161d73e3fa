package activities

import (
	"context"
	"time"
)

// Unrecorded are a for an environment that has no Temporal to record anything.
func Unrecorded(a *Activities) *Activities {
	return Recorded(a, func(...any) error { return nil })
}

// Recorded are a with what takes the acknowledged heartbeats.
func Recorded(a *Activities, record func(details ...any) error) *Activities {
	a.record = func(_ context.Context, details ...any) error { return record(details...) }
	return a
}

// TimeLeft is how long an attempt that Temporal has just started has until a deadline.
func TimeLeft(started, deadline time.Time) time.Duration {
	return clock{started: started, began: time.Now()}.until(deadline)
}
