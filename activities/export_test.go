package activities

import "context"

// Unrecorded are a for an environment that has no Temporal to record anything.
func Unrecorded(a *Activities) *Activities {
	return Recorded(a, func(...any) error { return nil })
}

// Recorded are a with what takes the acknowledged heartbeats.
func Recorded(a *Activities, record func(details ...any) error) *Activities {
	a.record = func(_ context.Context, details ...any) error { return record(details...) }
	return a
}
