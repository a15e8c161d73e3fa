package activities

import (
	"context"
	"sync/atomic"
	"time"

	"go.temporal.io/sdk/activity"

	"github.com/migrationlink/migrationlink"
	"github.com/migrationlink/migrationlink/opsmanager"
)

// DeleteLinkInput asks to remove a link.
type DeleteLinkInput struct {
	Target
	// Since is when it began, and Deadline when it ends.
	Since    time.Time `json:"since"`
	Deadline time.Time `json:"deadline"`
	// AwaitMigration waits while a migration keeps the link from being removed.
	AwaitMigration bool `json:"awaitMigration,omitempty"`

	// DoubtUntil, when set, says that the link may still come into being until
	// then: its creation was sent, and its reply lost.
	DoubtUntil time.Time `json:"doubtUntil,omitzero"`
	// Before is the status that was read before that creation.
	Before string `json:"before,omitempty"`

	// Confirm reads the status before and after: nothing is sent without a link,
	// and it is gone when the manager does not report SYNCED any more.
	Confirm bool `json:"confirm,omitempty"`
	// QuietTime, with Confirm, is how long after a removal that had to be
	// repeated no link may be created: an earlier one may be at work still, and
	// would remove it.
	QuietTime time.Duration `json:"quietTime,omitempty"`
	// Repeated says that an earlier activity has tried to remove the link.
	Repeated bool `json:"repeated,omitempty"`
}

// DeleteLinkResult says that no link is left.
type DeleteLinkResult struct {
	// Found says that there was one to remove.
	Found bool `json:"found"`
}

// DeleteLink removes a link. That there is none is no error; it is retried
// while one may still appear.
func (a *Activities) DeleteLink(ctx context.Context, in DeleteLinkInput) (DeleteLinkResult, error) {
	client, err := a.client(in.Manager)
	if err != nil {
		return DeleteLinkResult{}, err
	}
	if in.Confirm {
		return newRemoval(ctx, client, in).run(ctx)
	}
	defer heartbeat(ctx)()
	there, err := in.mayBeThere(ctx, client)
	if err == nil && there {
		err = client.DeleteLink(ctx, in.OrgID)
	}
	switch {
	case opsmanager.NoLink(err):
		there = false
	case err != nil:
		return DeleteLinkResult{}, in.later(ctx, classify(in.Target, err))
	}
	if !there && time.Now().Before(in.DoubtUntil) {
		return DeleteLinkResult{}, in.later(ctx, mayAppear(in.Target))
	}
	return DeleteLinkResult{Found: there}, nil
}

// mayBeThere looks before it removes when a creation may not have arrived: some
// managers answer a DELETE without a link as one with it.
func (in DeleteLinkInput) mayBeThere(ctx context.Context, client *opsmanager.Client) (bool, error) {
	if in.DoubtUntil.IsZero() {
		return true, nil
	}
	status, err := readStatus(ctx, client, in.Target)
	if !time.Now().Before(in.DoubtUntil) || in.Before == migrationlink.LinkNone {
		return status != migrationlink.LinkNone, err
	}
	// The manager shows a missing link as one that is not synced: that is waited
	// out, as only SYNCED is proof.
	return status == migrationlink.LinkSynced, err
}

func (in DeleteLinkInput) later(ctx context.Context, found finding) error {
	if found.Type == migrationlink.ErrMigrationRunning && in.AwaitMigration {
		found.final, found.benign = false, true
	}
	delay, again := untilNextPoll(max(backoff(in.Since), found.retryAfter), time.Until(in.Deadline))
	found.final = found.final || !again
	found.retryAfter = 0 // it is in the delay
	return asTemporal(ctx, found, delay)
}

func mayAppear(target Target) finding {
	return finding{
		benign: true,
		Problem: migrationlink.Problem{
			Type:    migrationlink.ErrReplyLost,
			Message: "organization " + target.OrgID + " has no link yet, but the reply to its creation was lost: looking whether it appears",
			Remedy:  "Nothing to do: it is looked for until the settling time of the request is over.",
		},
	}
}

// removal is one attempt to remove a link, and to see that it is gone.
type removal struct {
	client *opsmanager.Client
	in     DeleteLinkInput
	// repeated says that an earlier attempt may have sent a DELETE.
	repeated bool
	trace    atomic.Pointer[removed]
}

// removed is what an attempt leaves to the next in its heartbeat details.
type removed struct {
	// Seen is the status before the first DELETE.
	Seen string `json:"seen,omitempty"`
	// GoneAt is when the link was seen to be gone, Found whether there was one.
	GoneAt time.Time `json:"goneAt,omitzero"`
	Found  bool      `json:"found,omitempty"`
}

func newRemoval(ctx context.Context, client *opsmanager.Client, in DeleteLinkInput) *removal {
	r := &removal{client: client, in: in, repeated: in.Repeated || activity.GetInfo(ctx).Attempt > 1}
	var trace removed
	if activity.HasHeartbeatDetails(ctx) {
		_ = activity.GetHeartbeatDetails(ctx, &trace) // of another version: none
	}
	r.trace.Store(&trace)
	return r
}

func (r *removal) run(ctx context.Context) (DeleteLinkResult, error) {
	defer every(seldom, func() { activity.RecordHeartbeat(ctx, *r.trace.Load()) })()
	before, err := readStatus(ctx, r.client, r.in.Target)
	if err != nil {
		return r.later(ctx, classify(r.in.Target, err))
	}
	trace := *r.trace.Load()
	switch {
	case before == migrationlink.LinkNone && !r.repeated:
		return DeleteLinkResult{}, nil
	case before == migrationlink.LinkNone:
		return r.gone(ctx, trace.Found || trace.Seen != "")
	case before != migrationlink.LinkSynced && !trace.GoneAt.IsZero():
		return r.gone(ctx, trace.Found)
	}
	if trace.Seen != migrationlink.LinkSynced {
		trace.Seen = before
	}
	trace.GoneAt = time.Time{} // there is one again
	r.keep(ctx, trace)
	return r.remove(ctx, trace)
}

func (r *removal) remove(ctx context.Context, trace removed) (DeleteLinkResult, error) {
	err := r.client.DeleteLink(ctx, r.in.OrgID)
	if err != nil && !opsmanager.NoLink(err) {
		return r.later(ctx, classify(r.in.Target, err))
	}
	found := err == nil || trace.Seen == migrationlink.LinkSynced
	after, err := readStatus(ctx, r.client, r.in.Target)
	switch {
	case err != nil:
		return r.later(ctx, classify(r.in.Target, err))
	case after == migrationlink.LinkSynced:
		return r.later(ctx, stillThere(r.in.Target))
	}
	return r.gone(ctx, found)
}

// gone ends the removal, unless an earlier one may be at work still.
func (r *removal) gone(ctx context.Context, found bool) (DeleteLinkResult, error) {
	if !r.repeated || r.in.QuietTime == 0 {
		return DeleteLinkResult{Found: found}, nil
	}
	trace := *r.trace.Load()
	if trace.GoneAt.IsZero() {
		trace.GoneAt, trace.Found = time.Now().UTC(), found
		r.keep(ctx, trace)
	}
	quiet := time.Until(trace.GoneAt.Add(r.in.QuietTime))
	if quiet <= 0 {
		return DeleteLinkResult{Found: trace.Found}, nil
	}
	waiting := notQuiet(r.in.Target)
	waiting.retryAfter = quiet
	return r.later(ctx, waiting)
}

func (r *removal) later(ctx context.Context, found finding) (DeleteLinkResult, error) {
	r.keep(ctx, *r.trace.Load())
	return DeleteLinkResult{}, r.in.later(ctx, found)
}

func (r *removal) keep(ctx context.Context, trace removed) {
	r.trace.Store(&trace)
	activity.RecordHeartbeat(ctx, trace)
}

func stillThere(target Target) finding {
	found := notSynced(target, migrationlink.LinkSynced)
	found.Message += " after its link was removed"
	found.Remedy = "Nothing to do: it is removed again until it is gone."
	return found
}

func notQuiet(target Target) finding {
	found := notSynced(target, migrationlink.LinkNone)
	found.Message += " any more, but the reply to an earlier removal did not come: waiting until it cannot remove a new link"
	found.Remedy = "Nothing to do: it goes on when the settling time of the request is over."
	return found
}
