package cli

import (
	"errors"
	"strconv"
	"strings"
	"time"
)

// position is a place in a list. It is told by what stands there, not by a
// number, so that what begins or ends meanwhile moves nothing past it.
type position struct {
	endedAt, startedAt time.Time
	runID              string
	// asOf is when the first page was asked for: ages count from then on every
	// page.
	asOf time.Time
}

func (l listed) position(asOf time.Time) position {
	return position{l.endedAt, l.startedAt, l.run.runID, asOf}
}

// before tells whether l comes after the position, in the order of runs.
func (p position) before(l listed) bool {
	switch {
	case p.runID == "":
		return true
	case !p.endedAt.Equal(l.endedAt):
		return p.endedAt.IsZero() || !l.endedAt.IsZero() && l.endedAt.Before(p.endedAt)
	case !p.startedAt.Equal(l.startedAt):
		return l.startedAt.Before(p.startedAt)
	}
	return l.run.runID > p.runID
}

// String is short, and no shell takes any of it for its own.
func (p position) String() string {
	ended := int64(0)
	if !p.endedAt.IsZero() {
		ended = p.endedAt.UnixNano()
	}
	number := func(n int64) string { return strconv.FormatInt(n, 36) }
	return strings.Join([]string{number(ended), number(p.startedAt.UnixNano()), p.runID, number(p.asOf.Unix())}, ".")
}

// parsePosition reads what String wrote; nothing is the beginning.
func parsePosition(text string, now time.Time) (position, error) {
	if text == "" {
		return position{asOf: now}, nil
	}
	parts := strings.Split(text, ".")
	if len(parts) != 4 || parts[2] == "" {
		return position{}, errors.New("not a position")
	}
	var numbers [3]int64
	for i, part := range []string{parts[0], parts[1], parts[3]} {
		var err error
		if numbers[i], err = strconv.ParseInt(part, 36, 64); err != nil {
			return position{}, err
		}
	}
	p := position{startedAt: time.Unix(0, numbers[1]), runID: parts[2], asOf: time.Unix(numbers[2], 0)}
	if numbers[0] != 0 {
		p.endedAt = time.Unix(0, numbers[0])
	}
	return p, nil
}
