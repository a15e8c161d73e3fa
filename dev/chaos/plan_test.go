package chaos_test

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"time"

	"github.com/migrationlink/migrationlink"
	"github.com/migrationlink/migrationlink/opsmanager/opsmanagertest"
)

// plan is everything that the seed of a campaign decides.
type plan struct {
	Requests []request
	Faults   []fault
}

// How a request is made.
const (
	bySDK             = "sdk"
	byStarter         = "starter"
	byStarterDetached = "starter --detach"
)

// The names of the managers in the workers' configuration.
const (
	oneNode  = "demo"
	twoNodes = "nodes"
)

// request is a link and what happens to it.
type request struct {
	At   time.Duration
	By   string
	Link migrationlink.LinkRequest
	// Shape is how the manager behaves for the organization. A migration starts with the
	// request and runs for MigrationFor.
	Shape        opsmanagertest.OrgSettings
	MigrationFor time.Duration
	// Denied makes the manager answer the first POST that takes effect with an error.
	Denied bool
	// CancelAfter and KillStarterAfter count from the start of the request; zero means
	// never.
	CancelAfter      time.Duration
	CancelBySignal   bool
	KillStarterAfter time.Duration
	// Unlink starts when the link has ended.
	Unlink *unlinking
}

type unlinking struct {
	By           string
	Request      migrationlink.UnlinkRequest
	MigrationFor time.Duration
}

// fault is one disturbance from a moment on.
type fault struct {
	At     time.Duration
	Kind   string
	Worker int           // the worker that it hits
	For    time.Duration // how long it lasts
	Share  float64       // from 0 to 1; its meaning depends on the kind
}

// pace is how long things take: a campaign of two minutes has no time for long limits.
type pace struct {
	minSync, maxSync, create time.Duration
	drain                    time.Duration // for the last requests, when all faults are over
}

func paceOf(duration time.Duration) pace {
	if duration < 5*time.Minute {
		return pace{20 * time.Second, 40 * time.Second, 40 * time.Second, 3 * time.Minute}
	}
	return pace{20 * time.Second, 90 * time.Second, time.Minute, 5 * time.Minute}
}

// newPlan draws the plan of a campaign that lasts duration.
func newPlan(seed uint64, duration time.Duration, links int) plan {
	d := drawer{rand.New(rand.NewPCG(seed, 0)), paceOf(duration)}
	var p plan
	for i := range links {
		p.Requests = append(p.Requests, d.request(seed, i, duration*time.Duration(i)/time.Duration(links)))
	}
	var deck []string
	for at := 2 * time.Second; at < duration; at += d.between(400*time.Millisecond, 2400*time.Millisecond) {
		if len(deck) == 0 { // every kind occurs before any occurs again
			deck = faultNames()
			d.Shuffle(len(deck), func(i, j int) { deck[i], deck[j] = deck[j], deck[i] })
		}
		p.Faults = append(p.Faults, fault{At: at, Kind: deck[0], Worker: d.IntN(2), For: d.between(2*time.Second, 8*time.Second), Share: d.Float64()})
		deck = deck[1:]
	}
	return p
}

type drawer struct {
	*rand.Rand
	pace
}

func (d drawer) between(from, to time.Duration) time.Duration {
	return from + time.Duration(d.Int64N(int64(to-from)))
}

func (d drawer) chance(p float64) bool { return d.Float64() < p }

func oneOf[T any](d drawer, values ...T) T { return values[d.IntN(len(values))] }

func (d drawer) request(seed uint64, i int, at time.Duration) request {
	sync := d.between(d.minSync, d.maxSync).Truncate(time.Second)
	settle := d.between(3*time.Second, 8*time.Second).Truncate(time.Millisecond)
	r := request{
		At: at,
		By: oneOf(d, bySDK, byStarter, byStarterDetached),
		Link: migrationlink.LinkRequest{
			Manager:       oneNode,
			OrgID:         fmt.Sprintf("%08x%016x", i, seed*0x9e3779b97f4a7c15+1),
			Token:         migrationlink.TokenSource{Ref: "env:LINK_TOKEN_DEMO"},
			Undo:          oneOf(d, migrationlink.UndoAlways, migrationlink.UndoAlways, migrationlink.UndoOnCancel, migrationlink.UndoNever),
			IfLinked:      oneOf(d, migrationlink.KeepLink, migrationlink.Relink, migrationlink.FailIfLinked),
			OnBlocked:     oneOf(d, migrationlink.FailWhenBlocked, migrationlink.FailWhenBlocked, migrationlink.WaitWhenBlocked),
			CreateTimeout: migrationlink.DurationOf(d.create),
			SyncTimeout:   migrationlink.DurationOf(sync),
		},
	}
	if d.chance(0.15) {
		r.Link.Manager = twoNodes
	}
	r.shape(d, sync, &settle)
	r.Link.SettleTime = migrationlink.DurationOf(settle)
	if d.chance(0.3) {
		r.CancelAfter, r.CancelBySignal = d.between(0, sync), d.chance(0.5)
	}
	if r.By != bySDK && d.chance(0.2) {
		r.KillStarterAfter = d.between(50*time.Millisecond, 1500*time.Millisecond)
	}
	if d.chance(0.25) {
		r.Unlink = d.unlinking(r)
	}
	return r
}

// shape draws how the manager behaves for the organization.
func (r *request) shape(d drawer, sync time.Duration, settle *time.Duration) {
	s := &r.Shape
	s.PostReply = oneOf(d, opsmanagertest.PostCreated, opsmanagertest.PostOK)
	s.SecondPost = oneOf(d, opsmanagertest.SecondPostConflict, opsmanagertest.SecondPostConflict, opsmanagertest.SecondPostOverwrite)
	s.DeleteWithoutLink = oneOf(d, opsmanagertest.WithoutLinkNotFound, opsmanagertest.WithoutLinkNoContent)
	s.StatusWithoutLink = oneOf(d, opsmanagertest.WithoutLinkNotFound, opsmanagertest.WithoutLinkNotFound, opsmanagertest.WithoutLinkNotSynced)
	switch kind := d.Float64(); {
	case kind < 0.20:
		s.Sync = opsmanagertest.SyncNever
	case kind < 0.35: // just in time
		s.SyncDelay = opsmanagertest.After(sync - d.between(2*time.Second, 6*time.Second))
	case kind < 0.50: // somebody else's. A delay would move the time of that link
		s.Linked = new(true)
		if d.chance(0.3) {
			s.Sync = opsmanagertest.SyncNever
		}
	default:
		s.SyncDelay = opsmanagertest.After(d.between(0, sync*2/3))
	}
	if d.chance(0.3) {
		r.MigrationFor = d.between(10*time.Second, 40*time.Second)
	}
	r.Denied = d.chance(0.15)
	if d.chance(0.2) { // shorter than the request looks for a link in doubt
		*settle = max(*settle, 8*time.Second)
		s.StaleReads = opsmanagertest.Duration(d.between(2500*time.Millisecond, 6500*time.Millisecond))
		r.Denied = d.chance(0.7)
	}
}

func (d drawer) unlinking(r request) *unlinking {
	u := &unlinking{
		By: oneOf(d, bySDK, byStarter, byStarterDetached),
		Request: migrationlink.UnlinkRequest{
			Manager:   r.Link.Manager,
			OrgID:     r.Link.OrgID,
			OnBlocked: oneOf(d, migrationlink.FailWhenBlocked, migrationlink.WaitWhenBlocked),
			Timeout:   migrationlink.DurationOf(d.between(d.minSync, d.maxSync).Truncate(time.Second)),
		},
	}
	if d.chance(0.5) {
		u.MigrationFor = d.between(5*time.Second, 15*time.Second)
	}
	return u
}

// delay is the time from a POST to SYNCED. never is a time that no campaign reaches.
func (r request) delay() time.Duration {
	switch {
	case r.Shape.Sync == opsmanagertest.SyncNever:
		return 1000 * time.Hour
	case r.Shape.SyncDelay == nil:
		return defaultSyncDelay
	}
	return time.Duration(*r.Shape.SyncDelay)
}

// defaultSyncDelay is the delay of organizations with a link of somebody else.
const defaultSyncDelay = 4 * time.Second

// statusTellsNone reports whether GET distinguishes a missing link from one that is not
// SYNCED.
func (r request) statusTellsNone() bool {
	return r.Shape.StatusWithoutLink == opsmanagertest.WithoutLinkNotFound
}

// tellsNone reports whether GET or DELETE shows that there is no link. If neither does, a
// result cannot say whether it removed one.
func (r request) tellsNone() bool {
	return r.statusTellsNone() || r.Shape.DeleteWithoutLink == opsmanagertest.WithoutLinkNotFound
}

// foreign reports whether somebody else had linked the organization before.
func (r request) foreign() bool { return r.Shape.Linked != nil }

// ofManager returns the fault of the manager for a fault of the campaign, or nil if the
// manager has no part in it. It hits at random, by the seed of the manager.
func (f fault) ofManager() *opsmanagertest.Fault {
	often := 0.3 + 0.4*f.Share
	switch kind := opsmanagertest.FaultKind(f.Kind); kind {
	case opsmanagertest.ServerError, opsmanagertest.BadGateway, opsmanagertest.GatewayTimeout, opsmanagertest.ConnectionReset,
		opsmanagertest.EmptySuccess, opsmanagertest.Unreadable, opsmanagertest.GarbageBody, opsmanagertest.EmptyBody,
		opsmanagertest.TruncatedBody, opsmanagertest.LostReply, opsmanagertest.ErrorAfter, opsmanagertest.StaleNonce:
		return &opsmanagertest.Fault{Kind: kind, Probability: often}
	case opsmanagertest.Unavailable, opsmanagertest.TooManyRequests:
		return &opsmanagertest.Fault{Kind: kind, Probability: often, RetryAfter: opsmanagertest.After(2 * time.Second)}
	case opsmanagertest.LoginPage:
		return &opsmanagertest.Fault{Kind: kind, Probability: often, BeforeAuthentication: f.Share < 0.5}
	case opsmanagertest.Redirect:
		return &opsmanagertest.Fault{
			Kind: kind, Probability: 0.1 + 0.1*f.Share, BeforeAuthentication: f.Share < 0.5,
			Status: http.StatusFound, Location: "https://login.example/",
		}
	case opsmanagertest.LateEffect, opsmanagertest.StallAfter: // shorter than any request settles
		return &opsmanagertest.Fault{Kind: kind, Probability: often, Duration: opsmanagertest.Duration(500*time.Millisecond + time.Duration(f.Share*float64(1500*time.Millisecond)))}
	}
	return nil
}
