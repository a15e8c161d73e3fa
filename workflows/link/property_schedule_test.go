package link_test

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"pgregory.net/rapid"

	"github.com/migrationlink/migrationlink"
)

// schedule is everything that a request meets.
type schedule struct {
	Link    *migrationlink.LinkRequest // or
	Unlink  *migrationlink.UnlinkRequest
	Manager conduct
	// Fates are those of the attempts of each activity in their order; after them
	// nothing goes wrong.
	Fates  map[string][]fate
	Events []event
}

// event is what somebody does.
type event struct {
	After string // the moment from which At counts
	At    time.Duration
	What  string
	By    time.Duration // of an extension
}

// Moments in the life of a link.
const (
	theStart  = "the start"
	firstPost = "the first POST"
	firstLoss = "the first lost reply"
	firstWait = "the first wait"
	firstKill = "the first removal"
	firstMade = "the first link-token"
	firstLook = "the first look into Atlas"
	doubtOver = "the end of a doubt"
)

// What somebody can do.
const (
	cancelSignal = "cancel signal"
	cancelItself = "cancel"
	retryAtOnce  = "retry"
	fixAndRetry  = "fix and retry"
	// retryUpdate is the update, which is refused where the request goes on by itself.
	retryUpdate  = "fix and retry by the update"
	extendIt     = "extend"
	checkNow     = "check-now"
	acceptIt     = "accept"
	othersLink   = "others link"
	othersUnlink = "others unlink"
	killWorker   = "kill a worker" // of the attempts that run, or else of the next one
)

const newToken = "env:LINK_TOKEN_NEW"

// among draws each of the values as often as any other: rapid itself prefers the
// first, and it is in the rare ones that promises break.
func among[T any](values ...T) *rapid.Generator[T] {
	return rapid.Custom(func(t *rapid.T) T {
		n := 0
		for range 8 {
			n *= 2
			if rapid.Bool().Draw(t, "bit") {
				n++
			}
		}
		return values[n*len(values)>>8]
	})
}

// inHundred is true so many times in a hundred.
func inHundred(share int) *rapid.Generator[bool] {
	values := make([]bool, 100)
	for i := range share {
		values[99-i] = true
	}
	return among(values...)
}

// moments are of all sizes: within a call, between polls, beyond a deadline.
var moments = rapid.Custom(func(t *rapid.T) time.Duration {
	unit := among[time.Duration](20*time.Millisecond, time.Second, 20*time.Second).Draw(t, "unit")
	// Nothing happens at the very moment at which something else does.
	return time.Duration(rapid.IntRange(0, 60).Draw(t, "units"))*unit + 3*time.Millisecond
})

func linkSchedules(ifLinked migrationlink.LinkedPolicy) *rapid.Generator[schedule] {
	return rapid.Custom(func(t *rapid.T) schedule {
		s := drawSchedule(t)
		if ifLinked == migrationlink.Relink && s.Manager.Others == "" {
			s.Manager.Others = others.Draw(t, "others of relink")
		}
		s.Link = &migrationlink.LinkRequest{
			Manager: "demo", OrgID: orgID,
			Token:         migrationlink.TokenSource{Ref: "env:LINK_TOKEN_DEMO"},
			IfLinked:      ifLinked,
			Undo:          among(migrationlink.UndoOnCancel, migrationlink.UndoAlways, migrationlink.UndoNever).Draw(t, "undo"),
			OnBlocked:     onBlocked.Draw(t, "onBlocked"),
			CreateTimeout: limitsOf(5*time.Second, 30*time.Second, 2*time.Minute, 10*time.Minute).Draw(t, "create"),
			SyncTimeout:   limitsOf(3*time.Second, 20*time.Second, time.Minute, 10*time.Minute).Draw(t, "sync"),
			SettleTime:    limitsOf(3*time.Second, 20*time.Second, time.Minute).Draw(t, "settle"),
		}
		if inHundred(50).Draw(t, "made in Atlas") {
			s.Link.Token = migrationlink.TokenSource{Atlas: &migrationlink.AtlasToken{Name: "prod", OrgID: targetOrgID}}
			s.Link.VerifyInAtlas = inHundred(60).Draw(t, "verify")
			s.Link.DeleteTokenOnUndo = inHundred(60).Draw(t, "delete token")
			if inHundred(15).Draw(t, "of no use at first") {
				s.replaceToken(t)
			}
			if ifLinked == migrationlink.KeepLink && inHundred(25).Draw(t, "linked elsewhere") {
				s.linkElsewhere(t)
			}
		}
		if inHundred(20).Draw(t, "a late death") {
			s.killBeforeDeadline(t)
		}
		s.leaveOut()
		return s
	})
}

// killBeforeDeadline has a worker die so late in a wait that no retry fits after its
// loss is noticed.
func (s *schedule) killBeforeDeadline(t *rapid.T) {
	s.Manager.Refusals, s.Link.SyncTimeout = nil, limitsOf(20*time.Second, time.Minute, 10*time.Minute).Draw(t, "longer sync")
	limit := s.Link.SyncLimit()
	early := time.Duration(rapid.IntRange(1, 30).Draw(t, "seconds before the deadline")) * time.Second
	s.Manager.Sync = among(limit-time.Second, limit+time.Minute, never).Draw(t, "late sync")
	s.Events = append(s.Events, event{After: firstWait, At: max(limit-early, 0) + 3*time.Millisecond, What: killWorker})
}

// replaceToken has the first link-token replaced by a retry.
func (s *schedule) replaceToken(t *rapid.T) {
	s.Manager.Token = among(migrationlink.ErrTokenRejected, migrationlink.ErrTokenUnavailable).Draw(t, "problem")
	s.Link.OnBlocked = migrationlink.WaitWhenBlocked
	s.Events = append(s.Events, event{
		After: firstMade, At: moments.Draw(t, "replaced at"), What: among(retryAtOnce, fixAndRetry).Draw(t, "replaced by"),
	})
}

// linkElsewhere has somebody find a wrong link, and perhaps remove it, before a retry.
func (s *schedule) linkElsewhere(t *rapid.T) {
	s.Manager.Others, s.Manager.Elsewhere, s.Manager.Projects = migrationlink.LinkSynced, true, 2
	s.Link.OnBlocked = onBlocked.Draw(t, "when linked elsewhere")
	s.Link.SyncTimeout = limitsOf(time.Minute, 10*time.Minute).Draw(t, "longer sync")
	found := among(50*time.Second, 70*time.Second, 100*time.Second).Draw(t, "found at")
	if rapid.Bool().Draw(t, "removed by hand") {
		s.Events = append(s.Events, event{After: firstLook, At: found, What: othersUnlink})
	}
	s.Events = append(s.Events, event{After: firstLook, At: found + 10*time.Second, What: among(retryAtOnce, fixAndRetry, retryUpdate).Draw(t, "retried by")})
}

func unlinkSchedules() *rapid.Generator[schedule] {
	return rapid.Custom(func(t *rapid.T) schedule {
		s := drawSchedule(t)
		s.Unlink = &migrationlink.UnlinkRequest{
			Manager: "demo", OrgID: orgID,
			OnBlocked: onBlocked.Draw(t, "onBlocked"),
			Timeout:   limitsOf(5*time.Second, time.Minute, 15*time.Minute).Draw(t, "timeout"),
		}
		s.Manager.Earlier = ""
		return s
	})
}

var onBlocked = among(migrationlink.FailWhenBlocked, migrationlink.WaitWhenBlocked)

func limitsOf(values ...time.Duration) *rapid.Generator[migrationlink.Duration] {
	return rapid.Map(among(values...), migrationlink.DurationOf)
}

func drawSchedule(t *rapid.T) schedule {
	return schedule{
		Manager: conducts.Draw(t, "manager"),
		Fates: map[string][]fate{
			migrationlink.FindLinkActivity:    rapid.SliceOfN(fates(often, rarely), 0, 5).Draw(t, "finds"),
			migrationlink.CreateLinkActivity:  rapid.SliceOfN(fates(often, mostly), 0, 5).Draw(t, "creates"),
			migrationlink.AwaitSyncedActivity: rapid.SliceOfN(fates(rarely, rarely), 0, 5).Draw(t, "waits"),
			migrationlink.DeleteLinkActivity:  rapid.SliceOfN(fates(often, mostly), 0, 5).Draw(t, "deletes"),
			migrationlink.LinkStatusActivity:  rapid.SliceOfN(fates(rarely, rarely), 0, 2).Draw(t, "checks"),

			migrationlink.CreateLinkTokenActivity: rapid.SliceOfN(fates(rarely, often), 0, 3).Draw(t, "tokens"),
			migrationlink.DeleteLinkTokenActivity: rapid.SliceOfN(fates(rarely, mostly), 0, 3).Draw(t, "deleted tokens"),
			migrationlink.VerifyInAtlasActivity:   rapid.SliceOfN(fates(rarely, rarely), 0, 3).Draw(t, "looks"),
		},
		Events: rapid.SliceOfN(events, 0, 7).Draw(t, "events"),
	}
}

var conducts = rapid.Custom(func(t *rapid.T) conduct {
	c := conduct{
		WithoutLink:   among(migrationlink.LinkNone, migrationlink.LinkNotSynced).Draw(t, "without link"),
		SecondPost:    among(conflict, overwrite, idempotent).Draw(t, "second POST"),
		SecondDelete:  among("404", "204").Draw(t, "second DELETE"),
		Sync:          syncs.Draw(t, "sync"),
		Others:        others.Draw(t, "others"),
		OthersSync:    syncs.Draw(t, "others' sync"),
		OthersStepIn:  inHundred(50).Draw(t, "others step in"),
		MigrationEnds: among[time.Duration](0, 0, 0, 10*time.Second, 5*time.Minute, 25*time.Minute).Draw(t, "migration"),
		Token:         among("", "", "", "", "", "", "", "", migrationlink.ErrTokenRejected, migrationlink.ErrTokenUnavailable).Draw(t, "token"),
	}
	if inHundred(30).Draw(t, "refuses") {
		c.Refusals = refusals.Draw(t, "refusals")
	}
	c.Projects = among(0, 2, 2, 2).Draw(t, "projects")
	c.Available = syncs.Draw(t, "available")
	c.Elsewhere = inHundred(50).Draw(t, "elsewhere")
	if inHundred(20).Draw(t, "Atlas refuses") {
		c.AtlasRefusals = refusals.Draw(t, "refusals of Atlas")
	}
	c.Stale = among[time.Duration](0, 0, 2*time.Second, 5*time.Second).Draw(t, "stale")
	c.Tells = c.WithoutLink == migrationlink.LinkNone && inHundred(30).Draw(t, "tells")
	c.Served = rapid.Bool().Draw(t, "served")
	c.Workers = among(1, 2).Draw(t, "workers")
	for i := 0; i < c.Workers && inHundred(25).Draw(t, "off"); i++ {
		c.Offsets[i] = among(2*time.Second, -2*time.Second, 2*time.Minute, -2*time.Minute, 10*time.Minute, -10*time.Minute).Draw(t, "ahead")
	}
	if c.Others == "" && inHundred(10).Draw(t, "reset") {
		c.Earlier = among(madeBefore, lostBefore, lostInVain).Draw(t, "before the reset")
	}
	return c
})

var others = among("", "", "", "", migrationlink.LinkSynced, migrationlink.LinkNotSynced)

const never = -time.Second

var syncs = among[time.Duration](0, 0, 2*time.Second, 15*time.Second, 45*time.Second, 4*time.Minute, never)

// ownRefusals are the manager's own, passingOnes those of what is in between.
var (
	ownRefusals = among(migrationlink.ErrRoleMissing, migrationlink.ErrAccessListRefused, migrationlink.ErrAccountSuspended, migrationlink.ErrOrgNotFound)
	passingOnes = rapid.Map(among(redirect, keyRefused, loginPage, unavailable), func(m mishap) string { return string(m) })
)

var refusals = rapid.Custom(func(t *rapid.T) []refusal {
	switch among("own", "passing", "from the start", "flapping").Draw(t, "refuses") {
	case "passing":
		return []refusal{period(moments.Draw(t, "from"), moments.Draw(t, "lasts"), passingOnes.Draw(t, "type"))}
	case "from the start":
		return []refusal{period(0, among(20*time.Second, 5*time.Minute, never).Draw(t, "lasts"), passingOnes.Draw(t, "type"))}
	case "flapping":
		return flaps.Draw(t, "flaps")
	}
	return []refusal{period(moments.Draw(t, "from"), moments.Draw(t, "lasts"), ownRefusals.Draw(t, "type"))}
})

// flaps are several periods, with proper answers between them.
var flaps = rapid.Custom(func(t *rapid.T) (all []refusal) {
	from, kind := moments.Draw(t, "from"), passingOnes.Draw(t, "type")
	every := among(time.Second, 5*time.Second, 20*time.Second, 90*time.Second).Draw(t, "every")
	for range rapid.IntRange(2, 12).Draw(t, "times") {
		all = append(all, period(from, every, kind))
		from += 2 * every
	}
	return all
})

// period lasts for ever when its length is negative.
func period(from, lasts time.Duration, kind string) refusal {
	if lasts < 0 {
		lasts = 365 * 24 * time.Hour
	}
	return refusal{Type: kind, From: from, Until: from + lasts}
}

// How many calls in a hundred meet a mishap.
const (
	rarely = 10
	often  = 25
	mostly = 60
)

func mishaps(share int) *rapid.Generator[mishap] {
	return rapid.Custom(func(t *rapid.T) mishap {
		if !inHundred(share).Draw(t, "bad luck") {
			return fine
		}
		return among(
			slow, unavailable, rateLimited, brokenBefore, brokenAfter, brokenLate, brokenLate, errorBefore, errorAfter, vanishBefore, vanishAfter, vanishLate,
			redirect, loginPage, keyRefused, truncatedBefore, truncatedAfter, fakeSuccess, otherConflict,
		).Draw(t, "mishap")
	})
}

// fates are of attempts whose reads and whose POST or DELETE meet mishaps as often
// as the shares say.
func fates(reads, writes int) *rapid.Generator[fate] {
	return rapid.Custom(func(t *rapid.T) fate {
		f := fate{Read: mishaps(reads).Draw(t, "read"), Write: mishaps(writes).Draw(t, "write"), After: mishaps(reads).Draw(t, "after")}
		if inHundred(8).Draw(t, "queued") {
			f.Queued = among[time.Duration](2*time.Second, 5*time.Second, time.Minute).Draw(t, "for")
		}
		if inHundred(10).Draw(t, "dies") {
			f.Dies = moments.Draw(t, "after")
		}
		f.Untold = inHundred(4).Draw(t, "untold")
		f.Unheard = among(0, 3*time.Second, 8*time.Second).Draw(t, "unheard")
		f.Unmarked, f.Paused = inHundred(5).Draw(t, "unmarked"), inHundred(10).Draw(t, "paused")
		return f
	})
}

var events = rapid.Custom(func(t *rapid.T) event {
	return event{
		After: among(theStart, theStart, firstPost, firstLoss, firstWait, firstKill, doubtOver, firstMade, firstLook).Draw(t, "after"),
		At:    moments.Draw(t, "at"),
		What: among(
			cancelSignal, cancelItself, retryAtOnce, fixAndRetry, fixAndRetry, retryUpdate, retryUpdate, extendIt, extendIt, checkNow, checkNow, acceptIt, othersLink, othersUnlink, killWorker, killWorker, killWorker,
		).Draw(t, "what"),
		By: among[time.Duration](10*time.Second, 5*time.Minute, 30*time.Minute).Draw(t, "by"),
	}
})

// leaveOut takes out of a schedule what is documented to break a promise.
func (s *schedule) leaveOut() {
	s.Manager.Stale = min(s.Manager.Stale, s.Link.SettleLimit()/6) // a later one is left out, as documented
	if s.Manager.Others != "" || s.Link.Token.Atlas != nil {
		s.Manager.Earlier = ""
	}
	mayBeOthers := s.Manager.Others == migrationlink.LinkNotSynced ||
		slices.ContainsFunc(s.Events, func(e event) bool { return e.What == othersLink })
	soonest := s.lateness() / 2
	if s.Manager.SecondPost == overwrite && (s.Manager.WithoutLink == migrationlink.LinkNotSynced || mayBeOthers) &&
		s.mayLose() && (s.Manager.Sync < 0 || s.Manager.Sync > soonest) {
		// Where NOT_SYNCED was read before a lost POST, nothing tells its link from
		// what was there before it is SYNCED; when that takes longer than the
		// settling time, a second POST takes effect.
		s.Manager.Sync = soonest
	}
}

// mayLose reports whether a POST may take effect unseen.
func (s *schedule) mayLose() bool {
	return s.anyMayLose() || s.Manager.Earlier == lostBefore || slices.ContainsFunc(s.Fates[migrationlink.CreateLinkActivity], fate.loses)
}

// anyMayLose reports whether that is so whatever the fate of its attempt.
func (s *schedule) anyMayLose() bool {
	return len(s.Manager.Refusals) > 0 || slices.ContainsFunc(s.Events, func(e event) bool { return e.What == killWorker })
}

// lateness is how much later than its call an effect comes: less than the
// settling time, which says how long one is looked for.
func (s *schedule) lateness() time.Duration {
	if s.Link == nil {
		return 10 * time.Second
	}
	return s.Link.SettleLimit() / 2
}

func (s *schedule) String() string {
	var text strings.Builder
	if s.Link != nil {
		fmt.Fprintf(&text, "link: undo %s, ifLinked %s, onBlocked %s, create %s, sync %s, settle %s\n",
			s.Link.Undo, s.Link.IfLinked, s.Link.OnBlocked, s.Link.CreateTimeout, s.Link.SyncTimeout, s.Link.SettleTime)
		if s.Link.Token.Atlas != nil {
			fmt.Fprintf(&text, "the link-token is made in Atlas; verify: %v, delete it: %v\n", s.Link.VerifyInAtlas, s.Link.DeleteTokenOnUndo)
		}
	} else {
		fmt.Fprintf(&text, "unlink: onBlocked %s, timeout %s\n", s.Unlink.OnBlocked, s.Unlink.Timeout)
	}
	fmt.Fprintf(&text, "manager: %v\n", s.Manager)
	for name, fates := range s.Fates {
		for i, f := range fates {
			if f != (fate{}) {
				fmt.Fprintf(&text, "%s, attempt %d: %v\n", name, i+1, f)
			}
		}
	}
	for _, e := range s.Events {
		fmt.Fprintf(&text, "%s: %v after %s (by %v)\n", e.What, e.At, e.After, e.By)
	}
	return text.String()
}
