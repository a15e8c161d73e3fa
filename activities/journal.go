package activities

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/temporal"
)

// journal is what an attempt records in Temporal before it sends a request that must not
// be forgotten. The entry is the heartbeat details of the attempt. If the attempt
// vanishes, the next one starts with the entry, or the workflow finds it in the timeout
// error.
type journal[T any] struct {
	record recorder

	mu    sync.Mutex
	entry T
}

// recorder sends a heartbeat. It fails when Temporal did not accept it.
type recorder func(ctx context.Context, details ...any) error

// openJournal returns a journal with the last entry of the attempt before. Without one,
// it starts with first.
func openJournal[T any](ctx context.Context, record recorder, first T) *journal[T] {
	return &journal[T]{record: record, entry: lastDetails(ctx, first)}
}

// lastDetails returns the heartbeat details of the attempt before, or none if there are
// no readable ones: another version may have written them.
func lastDetails[T any](ctx context.Context, none T) T {
	var details T
	if !activity.HasHeartbeatDetails(ctx) || activity.GetHeartbeatDetails(ctx, &details) != nil {
		return none
	}
	return details
}

// last returns the last entry.
func (j *journal[T]) last() T {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.entry
}

// keep sends the last entry as heartbeats until stop is called. The context that it
// returns ends when the activity is cancelled. The heartbeats continue, because the
// reply to what was sent is still awaited.
func (j *journal[T]) keep(ctx context.Context) (_ context.Context, stop func()) {
	lasting := context.WithoutCancel(ctx)
	ctx, cancel := context.WithCancelCause(ctx)
	stopBeating := every(fastHeartbeat, func() {
		j.mu.Lock()
		defer j.mu.Unlock()
		if err := j.record(lasting, j.entry); temporal.IsCanceledError(err) {
			cancel(err)
			activity.RecordHeartbeat(lasting, j.entry) // so that the SDK learns of it
		}
	})
	return ctx, func() {
		stopBeating()
		cancel(nil)
	}
}

// write records an entry. It fails when Temporal did not accept the entry or no longer
// waits for the attempt: nobody would then know of the request, so do not send it.
func (j *journal[T]) write(ctx context.Context, entry T) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if err := j.record(ctx, entry); err != nil {
		return fmt.Errorf("the worker could not report to Temporal: %w", err)
	}
	j.entry = entry
	return nil
}

// correct replaces an entry when the outcome of the request is known. If Temporal cannot
// be reached, the old entry stays there: it says that the outcome is unknown, which is
// safe.
func (j *journal[T]) correct(ctx context.Context, entry T) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.entry = entry
	_ = j.record(context.WithoutCancel(ctx), entry)
}

// attempt is one attempt of an activity that changes something.
type attempt[T any] struct {
	*journal[T]
	waiting
}

func startAttempt[T any](ctx context.Context, record recorder, first T, since, deadline time.Time) attempt[T] {
	return attempt[T]{openJournal(ctx, record, first), startWaiting(ctx, since, deadline)}
}

// mark writes entry before a request is sent. It fails after the deadline.
func (a attempt[T]) mark(ctx context.Context, entry T) error {
	if !a.before(a.deadline) {
		return errors.New("no time is left to send it")
	}
	return a.write(ctx, entry)
}

// recordHeartbeat fails when Temporal cannot be reached, no longer waits for the attempt
// or was asked to cancel the activity. activity.RecordHeartbeat does not report that, and
// may send older details after newer ones.
func recordHeartbeat(ctx context.Context, details ...any) error {
	return activity.GetClient(ctx).RecordActivityHeartbeat(ctx, activity.GetInfo(ctx).TaskToken, details...)
}

const (
	// fastHeartbeat is for activities whose cancellation somebody waits for.
	fastHeartbeat = 400 * time.Millisecond
	// slowHeartbeat is for the others. Most end before it, and send none.
	slowHeartbeat = 3 * time.Second
)

// heartbeat sends heartbeats with the same details until stop is called, so that the loss
// of a worker is noticed long before the attempt times out.
func heartbeat(ctx context.Context, details ...any) (stop func()) {
	return every(slowHeartbeat, func() { activity.RecordHeartbeat(ctx, details...) })
}

// every calls beat repeatedly until stop is called, which waits for a running call.
func every(interval time.Duration, beat func()) (stop func()) {
	done := make(chan struct{})
	var beating sync.WaitGroup
	beating.Go(func() {
		for {
			select {
			case <-done:
				return
			case <-time.After(interval):
				beat()
			}
		}
	})
	return func() {
		close(done)
		beating.Wait()
	}
}
