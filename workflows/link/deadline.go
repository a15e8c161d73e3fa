package link

import (
	"time"

	"github.com/migrationlink/migrationlink"
)

// deadline is when the present phase ends at the latest.
type deadline struct {
	at     time.Time
	latest time.Time // the latest time to which an operator can extend it
}

func newDeadline(now time.Time, limit, most time.Duration) deadline {
	return deadline{at: now.Add(limit), latest: now.Add(most)}
}

func (d deadline) left(now time.Time) time.Duration { return d.at.Sub(now) }

func (d deadline) passed(now time.Time) bool { return !now.Before(d.at) }

// extended returns the deadline that a request asks for.
func (d deadline) extended(now time.Time, request migrationlink.ExtendRequest) (deadline, error) {
	at, err := request.NewDeadline(now, d.at, d.latest)
	if err != nil {
		return d, err
	}
	return deadline{at: at, latest: d.latest}, nil
}
