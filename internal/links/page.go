package links

import (
	"errors"
	"strconv"
	"strings"
	"time"
)

// Position is a place in a list. It names what stands there and not a number, so that
// nothing moves past it while links begin and end.
type Position struct {
	endedAt, startedAt time.Time
	runID              string
	// AsOf is when the first page was read: the ages of a filter count from then on every page.
	AsOf time.Time
}

// Position returns the place behind l.
func (l Listed) Position(asOf time.Time) Position {
	return Position{l.EndedAt, l.StartedAt, l.Run.RunID, asOf}
}

// precedes reports whether l comes after the Position, in the order of runs.
func (p Position) precedes(l Listed) bool {
	switch {
	case p.runID == "":
		return true
	case !p.endedAt.Equal(l.EndedAt):
		return p.endedAt.IsZero() || !l.EndedAt.IsZero() && l.EndedAt.Before(p.endedAt)
	case !p.startedAt.Equal(l.StartedAt):
		return l.StartedAt.Before(p.startedAt)
	}
	return l.Run.RunID > p.runID
}

// String is short, and no shell takes any of it for its own.
func (p Position) String() string {
	ended := int64(0)
	if !p.endedAt.IsZero() {
		ended = p.endedAt.UnixNano()
	}
	number := func(n int64) string { return strconv.FormatInt(n, 36) }
	return strings.Join([]string{number(ended), number(p.startedAt.UnixNano()), p.runID, number(p.AsOf.Unix())}, ".")
}

// ParsePosition reads what String wrote; nothing is the beginning.
func ParsePosition(text string, now time.Time) (Position, error) {
	if text == "" {
		return Position{AsOf: now}, nil
	}
	parts := strings.Split(text, ".")
	if len(parts) != 4 || parts[2] == "" {
		return Position{}, errors.New("not a position")
	}
	var numbers [3]int64
	for i, part := range []string{parts[0], parts[1], parts[3]} {
		var err error
		if numbers[i], err = strconv.ParseInt(part, 36, 64); err != nil {
			return Position{}, err
		}
	}
	p := Position{startedAt: time.Unix(0, numbers[1]), runID: parts[2], AsOf: time.Unix(numbers[2], 0)}
	if numbers[0] != 0 {
		p.endedAt = time.Unix(0, numbers[0])
	}
	return p, nil
}
