package activities

import (
	"context"
	"fmt"
	"sync"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/temporal"
)

// marker keeps an attempt alive that leaves a mark with Temporal before it sends
// what must not be forgotten, and waits for the answer also when it is cancelled.
type marker struct {
	record func(ctx context.Context, details ...any) error

	mu   sync.Mutex
	left []any // the mark, once there is one
}

// heartbeat returns a context that ends when the attempt is cancelled. The
// heartbeats go on after that, as what was sent is waited for.
func (m *marker) heartbeat(ctx context.Context) (_ context.Context, stop func()) {
	lasting := context.WithoutCancel(ctx)
	ctx, cancel := context.WithCancelCause(ctx)
	stopBeating := every(soon, func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		if err := m.record(lasting, m.left...); temporal.IsCanceledError(err) {
			cancel(err)
			activity.RecordHeartbeat(lasting, m.left...) // so that the SDK knows, too
		}
	})
	return ctx, func() {
		stopBeating()
		cancel(nil)
	}
}

// leave fails when Temporal does not have the mark, or has given the attempt up.
func (m *marker) leave(ctx context.Context, mark any) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.record(ctx, mark); err != nil {
		return fmt.Errorf("the worker could not tell Temporal: %w", err)
	}
	m.left = []any{mark}
	return nil
}
