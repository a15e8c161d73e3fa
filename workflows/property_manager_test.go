package workflows_test

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/migrationlink/migrationlink"
)

// conduct is what a manager does where the API does not say: api.md calls each of
// these unknown.
type conduct struct {
	WithoutLink   string        // the status read without a link: NONE, which is a 404, or NOT_SYNCED
	SecondPost    string        // a POST on a linked organization: conflict, overwrite or idempotent
	SecondDelete  string        // a DELETE without a link: 404 or 204
	Sync          time.Duration // from the creation of a link to SYNCED; never when negative
	Others        string        // what somebody else has linked before: "", NOT_SYNCED or SYNCED
	OthersSync    time.Duration // as Sync, for links of somebody else
	MigrationEnds time.Duration // until then DELETE answers 409
	Refusals      []refusal
	Projects      int           // of the source organization
	Available     time.Duration // from SYNCED until Atlas shows them; never when negative
	AtlasRefusals []refusal
	OthersStepIn  bool   // somebody else links once a POST in doubt has surely made no link
	Token         string // why the link-token of the request is no good, an error type; a retry brings a good one
}

// refusal is a time in which the manager refuses every call.
type refusal struct {
	Type        string
	From, Until time.Duration
}

const (
	conflict   = "conflict"
	overwrite  = "overwrite"
	idempotent = "idempotent"
)

// heldLink is what the manager holds.
type heldLink struct {
	ours   bool
	made   time.Time
	synced time.Time // zero when never
}

// heldBy tells whose link it is, in words for the story.
func (l *heldLink) heldBy() string {
	switch {
	case l == nil:
		return "no link"
	case l.ours:
		return "our link"
	}
	return "somebody else's link"
}

// simulatedManager is a manager in memory and in virtual time. It also is the
// witness: it knows whose links it holds, which no real one tells.
type simulatedManager struct {
	conduct
	now    func() time.Time
	after  func(time.Duration, func())
	tell   func(format string, args ...any)
	began  time.Time
	link   *heldLink
	late   []lateEffect // of calls whose connection is gone
	broken []string     // promises

	made            bool // by this workflow, and not removed since
	claimed         bool // a POST may be at work, or may have taken effect unseen
	unseen          bool // what happens now is not told of by the attempt that is under way
	lostAt          time.Time
	readAt          time.Time // of the last status
	syncedSeen      bool      // SYNCED was answered
	lastSyncedOurs  bool      // whose link was the last that was read as SYNCED
	oursEver        bool
	othersRemoved   bool // by this workflow, as it was asked to
	othersCalled    bool // somebody else made or removed a link while it ran
	refusalsAreOver bool // somebody has fixed what they were about
}

type lateEffect struct {
	at time.Time
	do func()
}

func newSimulatedManager(s *scene) *simulatedManager {
	c := s.schedule.Manager
	m := &simulatedManager{conduct: c, now: s.now, after: s.after, tell: s.tell, began: s.now()}
	switch c.Others {
	case migrationlink.LinkSynced:
		m.link = &heldLink{made: m.began, synced: m.began}
	case migrationlink.LinkNotSynced:
		m.link = &heldLink{made: m.began, synced: syncedAt(m.began, c.OthersSync)}
	}
	return m
}

func syncedAt(made time.Time, sync time.Duration) time.Time {
	if sync < 0 {
		return time.Time{}
	}
	return made.Add(sync)
}

func (m *simulatedManager) breaks(format string, args ...any) {
	m.tell("PROMISE BROKEN: "+format, args...)
	m.broken = append(m.broken, fmt.Sprintf(format, args...))
}

// takeEffect lets happen what calls have left at work until then.
func (m *simulatedManager) takeEffect(until time.Time) {
	slices.SortStableFunc(m.late, func(a, b lateEffect) int { return a.at.Compare(b.at) })
	for len(m.late) > 0 && !m.late[0].at.After(until) {
		next := m.late[0]
		m.late = m.late[1:]
		next.do()
	}
}

func (m *simulatedManager) later(delay time.Duration, do func()) {
	m.late = append(m.late, lateEffect{m.now().Add(delay), do})
	m.after(delay, func() { m.takeEffect(m.now()) })
}

// refuses is the error type with which every call is refused now, or "".
func (m *simulatedManager) refuses() string { return m.refusedBy(m.Refusals) }

func (m *simulatedManager) refusedBy(refusals []refusal) string {
	age := m.now().Sub(m.began)
	for _, r := range refusals {
		if !m.refusalsAreOver && age >= r.From && age < r.Until {
			return r.Type
		}
	}
	return ""
}

func (m *simulatedManager) synced() bool {
	return m.link != nil && !m.link.synced.IsZero() && !m.now().Before(m.link.synced)
}

// status is what a GET answers.
func (m *simulatedManager) status() string {
	m.readAt = m.now()
	switch {
	case m.link == nil:
		return m.WithoutLink
	case m.synced():
		m.syncedSeen, m.lastSyncedOurs = true, m.link.ours
		return migrationlink.LinkSynced
	}
	return migrationlink.LinkNotSynced
}

// post is what a POST does. It answers whether there was a conflict.
func (m *simulatedManager) post() (conflicts bool) {
	switch {
	case m.link == nil, m.SecondPost == overwrite:
		m.make(&heldLink{ours: true, made: m.now(), synced: syncedAt(m.now(), m.Sync)})
		return false
	case m.SecondPost == conflict:
		return true
	}
	// Left out, as documented: an idempotent 2xx on a link of somebody else that
	// is not SYNCED counts as created, as nothing tells the two apart.
	return !m.link.ours
}

func (m *simulatedManager) make(made *heldLink) {
	m.tell("  the manager makes our link, where there was %s", m.link.heldBy())
	if m.made {
		m.breaks("a second POST has taken effect")
	}
	m.link, m.made, m.oursEver = made, true, true
}

// remove is what a DELETE does: 204, 404, or 409 while a migration runs.
func (m *simulatedManager) remove(undo bool) int {
	switch {
	case m.link == nil && m.SecondDelete == "204":
		return 204
	case m.link == nil:
		return 404
	case m.now().Sub(m.began) < m.MigrationEnds:
		return 409
	}
	m.tell("  the manager removes %s", m.link.heldBy())
	switch {
	case undo && !m.link.ours:
		m.breaks("undo has removed the link of somebody else")
	case !undo && m.link.ours:
		m.breaks("a removal that was to make room has removed our own link")
	case !undo:
		m.othersRemoved = true
	}
	m.link, m.made = nil, false
	return 204
}

// othersLink is somebody else who makes a link. It is left out where nobody could
// tell that link from ours: a link of ours is there, or a POST may be at work, or
// is about to be sent and its reply, a conflict, will be lost.
func (m *simulatedManager) othersLink() {
	if m.link != nil || m.claimed || m.made || m.unseen {
		return
	}
	m.tell("somebody else makes a link")
	m.link = &heldLink{made: m.now(), synced: syncedAt(m.now(), m.OthersSync)}
	m.othersCalled = true
}

func (m *simulatedManager) othersUnlink() {
	if m.link == nil {
		return
	}
	m.tell("somebody else removes %s", m.link.heldBy())
	m.link, m.made, m.othersCalled = nil, false, true
}

// tellsNone tells whether one of the manager's answers is another without a link.
// Nobody knows of any other manager whether there was a link to remove.
func (m *simulatedManager) tellsNone() bool {
	return m.WithoutLink == migrationlink.LinkNone || m.SecondDelete == "404"
}

// holdsOurs tells whether a link of this workflow is there.
func (m *simulatedManager) holdsOurs() bool { return m.link != nil && m.link.ours }

// String shows what differs from a manager that behaves and knows of no link.
func (c conduct) String() string {
	text := fmt.Sprintf("without a link %s, second POST %s, second DELETE %s, syncs in %v", c.WithoutLink, c.SecondPost, c.SecondDelete, c.Sync)
	if c.Others != "" {
		text += fmt.Sprintf(", somebody else's link is %s (syncs in %v)", c.Others, c.OthersSync)
	}
	if c.MigrationEnds > 0 {
		text += fmt.Sprintf(", a migration runs until %v", c.MigrationEnds)
	}
	if c.OthersStepIn {
		text += ", somebody else links when a doubt is over"
	}
	for _, r := range c.Refusals {
		text += fmt.Sprintf(", %s from %v until %v", r.Type, r.From, r.Until)
	}
	for _, r := range c.AtlasRefusals {
		text += fmt.Sprintf(", Atlas: %s from %v until %v", r.Type, r.From, r.Until)
	}
	return text + fmt.Sprintf(", %d projects are available after %v", c.Projects, c.Available) + cmp.Or(", token: "+c.Token, "")
}
