package link_test

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
	Elsewhere     bool          // links of somebody else lead to another organization of Atlas
	MigrationEnds time.Duration // until then DELETE answers 409
	Refusals      []refusal
	Projects      int           // of the source organization
	Available     time.Duration // from SYNCED until Atlas shows them; never when negative
	AtlasRefusals []refusal
	OthersStepIn  bool             // somebody else links once a POST in doubt has surely made no link
	Stale         time.Duration    // how long GET shows what was before a change
	Tells         bool             // the worker's configuration says that NOT_SYNCED is never said without a link
	Workers       int              // that take attempts in turn
	Offsets       [2]time.Duration // by which their wall clocks are ahead
	Served        bool             // other organizations of the worker have been answered
	Earlier       string           // what the run did that an operator has reset
	Token         string           // why the link-token of the request is no good, an error type; a retry brings a good one
}

// refusal is a time in which every call is refused, by the manager or before it.
type refusal struct {
	Type        string // an error type of the manager's own, or a mishap
	From, Until time.Duration
}

// What a run did before a reset.
const (
	madeBefore = "made the link"
	lostBefore = "lost the reply to a POST"
	lostInVain = "lost the reply to a POST that took no effect"
)

const (
	conflict   = "conflict"
	overwrite  = "overwrite"
	idempotent = "idempotent"
)

// heldLink is what the manager holds.
type heldLink struct {
	ours      bool
	made      time.Time
	synced    time.Time // zero when never
	elsewhere bool      // it leads to another organization of Atlas than the request's
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
	before []pastLink   // what was held until when
	late   []lateEffect // of calls whose connection is gone
	broken []string     // promises

	made            bool // by this workflow, and not removed since
	claimed         bool // a POST may be at work, or may have taken effect unseen
	unseen          bool // what happens now is not told of by the attempt that is under way
	lostAt          time.Time
	mayLose         bool      // a POST may lose its reply
	anyMayLose      bool      // whatever the fate of its attempt
	readAt          time.Time // of the last status
	staleReads      int
	oursRemoved     bool
	syncedSeen      bool // SYNCED was answered
	lastSyncedOurs  bool // whose link was the last that was read as SYNCED
	oursEver        bool
	othersRemoved   bool // by this workflow, as it was asked to
	oursHidden      bool // the last read as SYNCED was stale: it showed a link that ours had overwritten
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
	m.mayLose, m.anyMayLose = s.schedule.mayLose(), s.schedule.anyMayLose()
	switch c.Others {
	case migrationlink.LinkSynced:
		m.link = &heldLink{made: m.began.Add(-time.Hour), synced: m.began.Add(-time.Hour)}
	case migrationlink.LinkNotSynced:
		m.link = &heldLink{made: m.began.Add(-time.Hour), synced: syncedAt(m.began, c.OthersSync)}
	}
	if m.link != nil {
		m.link.elsewhere = c.Elsewhere
	}
	switch c.Earlier {
	case madeBefore, lostBefore:
		m.link = &heldLink{ours: true, made: m.began.Add(-time.Hour), synced: syncedAt(m.began, c.Sync)}
		m.made, m.oursEver = true, true
	}
	m.claimed = c.Earlier != ""
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

// refuses is how every call is refused now, if it is.
func (m *simulatedManager) refuses(refusals []refusal) (answer, bool) {
	age := m.now().Sub(m.began)
	for _, r := range refusals {
		if m.refusalsAreOver || age < r.From || age >= r.Until {
			continue
		}
		if got, between := mishap(r.Type).without(); between {
			return got, true
		}
		return answer{problem: r.Type, final: true, own: true}, true
	}
	return answer{}, false
}

// pastLink is what was held before a change.
type pastLink struct {
	link  *heldLink
	until time.Time
}

// hold changes what the manager holds.
func (m *simulatedManager) hold(link *heldLink) {
	m.before = append(m.before, pastLink{m.link, m.now()})
	m.link = link
}

// shown is what a GET knows of, and as of when.
func (m *simulatedManager) shown() (*heldLink, time.Time) {
	for _, past := range m.before {
		if m.now().Before(past.until.Add(m.Stale)) {
			return past.link, past.until
		}
	}
	return m.link, m.now()
}

func (m *simulatedManager) synced() bool {
	return m.link != nil && !m.link.synced.IsZero() && !m.now().Before(m.link.synced)
}

// status is what a GET answers.
func (m *simulatedManager) status() string {
	m.readAt = m.now()
	link, at := m.shown()
	if link != m.link {
		m.staleReads++
	}
	switch {
	case link == nil:
		return m.WithoutLink
	case !link.synced.IsZero() && !at.Before(link.synced):
		m.syncedSeen, m.lastSyncedOurs = true, link.ours
		m.oursHidden = !link.ours && m.link != nil && m.link.ours
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
	m.hold(made)
	m.made, m.oursEver = true, true
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
	m.oursRemoved = m.oursRemoved || m.link.ours
	m.hold(nil)
	m.made = false
	return 204
}

// othersLink is somebody else who makes a link. It is left out where nobody could
// tell that link from ours: a link of ours is there, or a POST may be at work, or
// is about to be sent and its reply, a conflict, will be lost.
func (m *simulatedManager) othersLink() {
	shown, _ := m.shown()
	if m.link != nil || m.claimed || m.made || m.unseen || m.Stale > 0 && m.mayLose || shown != nil && shown.ours {
		return
	}
	m.tell("somebody else makes a link")
	m.hold(&heldLink{made: m.now(), synced: syncedAt(m.now(), m.OthersSync), elsewhere: m.Elsewhere})
	m.othersCalled = true
}

func (m *simulatedManager) othersUnlink() {
	if m.link == nil {
		return
	}
	m.tell("somebody else removes %s", m.link.heldBy())
	m.hold(nil)
	m.made, m.othersCalled = false, true
}

// tellsNone reports whether one of the manager's answers is another without a link.
// Nobody knows of any other manager whether there was a link to remove.
func (m *simulatedManager) tellsNone() bool {
	return m.WithoutLink == migrationlink.LinkNone || m.SecondDelete == "404"
}

// holdsOurs reports whether a link of this workflow is there.
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
	for what, is := range map[string]bool{
		"somebody else's link leads elsewhere":      c.Elsewhere,
		fmt.Sprint("reads are stale for ", c.Stale): c.Stale > 0, "it tells NOT_SYNCED from no link": c.Tells, "the workers have served others": c.Served,
		fmt.Sprintf("%d workers are ahead by %v", c.Workers, c.Offsets): c.Workers > 1 || c.Offsets[0] != 0, "the run before the reset " + c.Earlier: c.Earlier != "",
	} {
		if is {
			text += ", " + what
		}
	}
	for _, r := range c.Refusals {
		text += fmt.Sprintf(", %s from %v until %v", r.Type, r.From, r.Until)
	}
	for _, r := range c.AtlasRefusals {
		text += fmt.Sprintf(", Atlas: %s from %v until %v", r.Type, r.From, r.Until)
	}
	return text + fmt.Sprintf(", %d projects are available after %v", c.Projects, c.Available) + cmp.Or(", token: "+c.Token, "")
}
