package activities

import (
	"math/rand/v2"
	"time"
)

const (
	minDelay = time.Second // Temporal makes about a second of anything shorter
	// maxDelay keeps polls less than 60 s apart: Ops Manager's nonces live that
	// long, and below it a poll is one request instead of two.
	maxDelay = 45 * time.Second
	// share of the time already waited: so the time to notice SYNCED stays a
	// fraction of the wait, and the number of calls grows with its logarithm.
	share = 0.15
	// jitter keeps links that started together from polling together.
	jitter = 0.1
)

// backoff is the delay before the next call, when the waiting began at since.
func backoff(since time.Time) time.Duration {
	delay := time.Duration(float64(time.Since(since)) * share)
	delay = min(max(delay, minDelay), maxDelay)
	return time.Duration(float64(delay) * (1 - jitter + 2*jitter*rand.Float64())) //nolint:gosec // no secret
}

// untilNextPoll fits the delay into the time left, so that the last poll is on
// the deadline. again is false when that was it.
func untilNextPoll(delay, left time.Duration) (_ time.Duration, again bool) {
	if left < minDelay/2 {
		return 0, false
	}
	return min(delay, left), true
}
