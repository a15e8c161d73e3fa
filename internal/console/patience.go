package console

import (
	"context"
	"errors"
	"time"
)

// hintDelay is the time after which a person is told what a command waits for.
const hintDelay = 2 * time.Second

// WithWaitHint does some work, and says what it waits for if that takes long.
func (c *Console) WithWaitHint(what string, work func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		work()
	}()
	hint := time.NewTimer(hintDelay)
	defer hint.Stop()
	select {
	case <-done:
	case <-hint.C:
		c.Note("Waiting for %s …", what)
		<-done
	}
}

// errWaited is the cause of a context whose limit has passed.
var errWaited = errors.New("the time limit has passed")

// WithLimit returns a context that ends after a limit, if that is above zero. It has no deadline:
// Temporal would know that, and report it a moment before the context has ended.
func WithLimit(ctx context.Context, limit time.Duration) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(ctx)
	if limit <= 0 {
		return ctx, func() { cancel(nil) }
	}
	timer := time.AfterFunc(limit, func() { cancel(errWaited) })
	return ctx, func() {
		timer.Stop()
		cancel(nil)
	}
}

// Waited reports whether a context of WithLimit has ended because its limit has passed.
func Waited(ctx context.Context) bool { return errors.Is(context.Cause(ctx), errWaited) }

// Interruption describes why a context of WithLimit has ended, and the exit code for a link that
// continues.
func Interruption(ctx context.Context) (code int, reason string) {
	return InterruptionBy(context.Cause(ctx))
}

// InterruptionBy is Interruption for the cause of a context that has ended.
func InterruptionBy(cause error) (code int, reason string) {
	if errors.Is(cause, errWaited) {
		return ExitWaiting, "the time limit has passed"
	}
	return ExitOther, "interrupted"
}
