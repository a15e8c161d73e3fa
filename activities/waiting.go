package activities

import (
	"cmp"
	"context"
	"math/rand/v2"
	"time"
)

const (
	minDelay = time.Second // Temporal makes about a second of anything shorter
	// maxDelay keeps polls less than 60 s apart: Ops Manager's nonces live that
	// long, and below it a poll is one request instead of two.
	maxDelay = 45 * time.Second
	// delayShare is the delay as a share of the time already waited, at most. So SYNCED
	// is noticed within a fifth of the wait, the delivery of the task included, and the
	// number of calls grows with its logarithm.
	delayShare = 0.19
	// jitter keeps links that started together from polling together. It only shortens a
	// delay.
	jitter = 0.1
	// pastDeadline moves the next attempt past the limit of the activity when no time
	// is left. Temporal then ends the activity with the error of this attempt.
	pastDeadline = time.Hour
)

// waiting is the schedule of an activity that is repeated from since until deadline.
type waiting struct {
	clock
	since, deadline time.Time
	// alsoAt, when set, is a time at which one attempt is wanted in any case.
	alsoAt time.Time
	// most is the longest delay that is not asked for by a server. Zero means maxDelay.
	most time.Duration
}

func startWaiting(ctx context.Context, since, deadline time.Time) waiting {
	return waiting{clock: startClock(ctx), since: since, deadline: deadline}
}

// delay returns the delay before the next attempt, which is least or more but never
// more than the time left: the last attempt is on the deadline.
func (w waiting) delay(least time.Duration) time.Duration {
	left := w.until(w.deadline)
	if left <= 0 {
		return left + pastDeadline
	}
	delay := max(backoff(-w.until(w.since), cmp.Or(w.most, maxDelay)), least)
	if !w.alsoAt.IsZero() {
		delay = min(delay, max(w.until(w.alsoAt), minDelay))
	}
	return max(min(delay, left), time.Millisecond)
}

// again returns the error after which Temporal starts the next attempt.
func (w waiting) again(ctx context.Context, found finding, details ...any) error {
	return found.activityError(ctx, w.delay(found.retryAfter), details...)
}

// end returns the error that ends the activity, so that the workflow repeats it. Temporal
// does not report the attempts that it retries itself to the workflow, which may be
// cancelled meanwhile.
func (w waiting) end(found finding, details ...any) error {
	found.final = true
	return found.applicationError(max(w.delay(found.retryAfter), found.retryAfter), details...)
}

// backoff returns the delay before the next attempt after waiting for so long.
func backoff(waited, most time.Duration) time.Duration {
	delay := time.Duration(float64(waited) * delayShare)
	delay = min(max(delay, minDelay), most)
	return max(time.Duration(float64(delay)*(1-jitter*rand.Float64())), minDelay) //nolint:gosec // no secret
}
