package opsmanagertest

import "time"

// Values of Event.Kind.
const (
	LinkMade    = "made"
	LinkRemoved = "removed"
)

// rememberedEvents limits the events of one organization.
const rememberedEvents = 100

// Event is one change of an organization's link.
type Event struct {
	At   time.Time `json:"at"`
	Kind string    `json:"kind"`
	// TokenSHA256 identifies the token of the created or removed link. It is empty for a
	// link that someone else created.
	TokenSHA256 string `json:"tokenSha256,omitempty"`
	// Replaced reports whether the new link replaced another.
	Replaced bool `json:"replaced,omitempty"`
	// ByOthers reports whether someone else made the change: OrgSettings.Linked.
	ByOthers bool `json:"byOthers,omitempty"`
}

// change replaces the link of an organization (nil removes it) and logs the change. A
// change by others is visible at once, without stale reads.
func (o *organizationRecord) change(to *link, now time.Time, byOthers bool) {
	event := Event{At: now.UTC().Round(0), Kind: LinkMade, Replaced: to != nil && o.Link != nil, ByOthers: byOthers}
	switch {
	case to != nil:
		event.TokenSHA256 = to.TokenSHA256
	case o.Link != nil:
		event.Kind, event.TokenSHA256 = LinkRemoved, o.Link.TokenSHA256
	default:
		return
	}
	o.Events = append(o.Events, event)
	o.Events = o.Events[max(0, len(o.Events)-rememberedEvents):]
	o.Before, o.ChangedAt = o.Link, now
	if byOthers {
		o.Before, o.ChangedAt = nil, time.Time{}
	}
	o.Link = to
}

// visible returns the link that GET status sees: the one before the last change while
// reads are stale.
func (o *organizationRecord) visible(s OrgSettings, now time.Time) *link {
	if !o.ChangedAt.IsZero() && now.Before(o.ChangedAt.Add(time.Duration(s.StaleReads))) {
		return o.Before
	}
	return o.Link
}
