package console

import (
	"fmt"
	"time"
)

// Clock leaves the date out today, and is empty for a time that is not known.
func Clock(t, now time.Time, location *time.Location) string {
	if t.IsZero() {
		return ""
	}
	t, now = t.In(location), now.In(location)
	if t.Format(time.DateOnly) == now.Format(time.DateOnly) {
		return t.Format(time.TimeOnly)
	}
	return t.Format(time.DateTime)
}

// Moment is a time for a person: the clock, and how far away it is.
func Moment(t, now time.Time, location *time.Location) string {
	if t.IsZero() {
		return ""
	}
	return Clock(t, now, location) + ", " + Relative(t, now)
}

// Timestamp is a time for a person and for a program.
func Timestamp(t, now time.Time, location *time.Location) string {
	if t.IsZero() {
		return ""
	}
	return fmt.Sprintf("%s (%s)", Moment(t, now, location), t.In(location).Format(time.RFC3339))
}

// Relative returns how far away a time is, such as "in 59 min" or "2 min ago". It is empty for a
// time that is not known.
func Relative(t, now time.Time) string {
	away := t.Sub(now)
	switch {
	case t.IsZero():
		return ""
	case away.Abs() < time.Second:
		return "now"
	case away < 0:
		return rough(-away) + " ago"
	}
	return "in " + rough(away)
}

// rough never rounds up: a deadline is not further away than it says.
func rough(d time.Duration) string {
	hours, minutes := int(d.Hours()), int(d.Minutes())
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%d s", int(d.Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%d min", minutes)
	case hours < 10 && minutes%60 > 0:
		return fmt.Sprintf("%d h %d min", hours, minutes%60)
	case hours < 48:
		return fmt.Sprintf("%d h", hours)
	}
	return fmt.Sprintf("%d d", hours/24)
}
