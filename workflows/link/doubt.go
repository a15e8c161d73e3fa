package link

import (
	"time"

	"github.com/migrationlink/migrationlink"
)

// doubt is about a creation whose reply was lost: it may have made a link. No doubt is nil.
type doubt struct {
	at     time.Time     // when the reply was lost
	before string        // the status read before the creation; empty when nobody knows
	settle time.Duration // how long a link may take to appear
}

// until returns when a link that was made should have appeared; zero without doubt. No
// answer makes it sooner: a manager may show late what it has done.
func (d *doubt) until() time.Time {
	if d == nil {
		return time.Time{}
	}
	return d.at.Add(d.settle)
}

// seenBefore returns the status that was read before the creation.
func (d *doubt) seenBefore() string {
	if d == nil {
		return ""
	}
	return d.before
}

// excludesOthers reports whether a link that appears must be this request's: there was
// none before the creation.
func (d *doubt) excludesOthers() bool { return d.seenBefore() == migrationlink.LinkNone }

// endsWith reports whether a status, read before another creation that surely took no
// effect, ends the doubt: a link that appears later is somebody else's.
func (d *doubt) endsWith(status string, now time.Time) bool {
	return d != nil && status == migrationlink.LinkNone && !now.Before(d.until())
}
