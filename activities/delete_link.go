package activities

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/temporal"

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
	// then: its creation was sent, and its reply lost. There was none before, so
	// that any link is the one that was created.
	DoubtUntil time.Time `json:"doubtUntil,omitzero"`

	// Confirm reads the status before and after: nothing is sent without a link,
	// and it is gone when the manager does not report SYNCED any more.
	Confirm bool `json:"confirm,omitempty"`
	// QuietTime, with Confirm, is how long after a removal that had to be
	// repeated no link may be created: an earlier one may be at work still, and
	// would remove it.
	QuietTime time.Duration `json:"quietTime,omitempty"`
	// Removal is what an earlier activity has left.
	Removal Removal `json:"removal,omitzero"`
}

// Removal is the trace of a removal with Confirm. It is in the heartbeat details
// of an attempt, and a detail, after the problem, of its errors: the next attempt
// knows of it, and the workflow, which must not have it repeated by Temporal after
// an attempt that vanished.
type Removal struct {
	// Seen is the status before the first DELETE.
	Seen string `json:"seen,omitempty"`
	// Lost says that a DELETE was sent to which no answer came: it may have
	// removed the link, or be at work still.
	Lost bool `json:"lost"`
	// Found says that there was a link, and that it was removed.
	Found bool `json:"found,omitempty"`
	// GoneAt is when no link was left, and After what the manager said then.
	GoneAt time.Time `json:"goneAt,omitzero"`
	After  string    `json:"after,omitempty"`
}

// DeleteLinkResult says that no link is left.
type DeleteLinkResult struct {
	// Found says that there was one to remove.
	Found bool `json:"found"`
	// LinkStatus is what the manager says without it. Only with Confirm.
	LinkStatus string `json:"linkStatus,omitempty"`
}

// DeleteLink removes a link. That there is none is no error; it is retried
// while one may still appear.
func (a *Activities) DeleteLink(ctx context.Context, in DeleteLinkInput) (DeleteLinkResult, error) {
	client, err := a.client(in.Manager)
	if err != nil {
		return DeleteLinkResult{}, err
	}
	if in.Confirm {
		return a.newRemoval(ctx, client, in).run(ctx)
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
	return status != migrationlink.LinkNone, err
}

func (in DeleteLinkInput) later(ctx context.Context, found finding, details ...any) error {
	if found.Type == migrationlink.ErrMigrationRunning && in.AwaitMigration {
		found.final, found.benign = false, true
	}
	delay, again := untilNextPoll(max(backoff(in.Since), found.retryAfter), time.Until(in.Deadline))
	found.final = found.final || !again
	found.retryAfter = 0 // it is in the delay
	return asTemporal(ctx, found, delay, details...)
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
	*Activities
	client *opsmanager.Client
	in     DeleteLinkInput
	lost   bool // by an earlier attempt
	trace  atomic.Pointer[Removal]
}

func (a *Activities) newRemoval(ctx context.Context, client *opsmanager.Client, in DeleteLinkInput) *removal {
	trace := in.Removal
	var left Removal
	if activity.HasHeartbeatDetails(ctx) && activity.GetHeartbeatDetails(ctx, &left) == nil {
		trace = left
	}
	r := &removal{Activities: a, client: client, in: in, lost: trace.Lost}
	r.trace.Store(&trace)
	return r
}

func (r *removal) run(ctx context.Context) (DeleteLinkResult, error) {
	defer every(soon, func() { activity.RecordHeartbeat(ctx, *r.trace.Load()) })()
	before, err := readStatus(ctx, r.client, r.in.Target)
	if err != nil {
		return r.later(ctx, classify(r.in.Target, err))
	}
	trace := *r.trace.Load()
	switch {
	case before == migrationlink.LinkNone:
		trace.Found = trace.Found || trace.Lost && trace.Seen != ""
		return r.gone(trace, before)
	case before != migrationlink.LinkSynced && !trace.GoneAt.IsZero():
		return r.gone(trace, before)
	}
	trace.GoneAt = time.Time{} // there is one again
	if trace.Seen != migrationlink.LinkSynced {
		trace.Seen = before
	}
	return r.remove(ctx, trace)
}

func (r *removal) remove(ctx context.Context, trace Removal) (DeleteLinkResult, error) {
	sent := trace
	sent.Lost = true // until there is an answer
	r.trace.Store(&sent)
	if err := r.record(ctx, sent); err != nil {
		r.trace.Store(&trace)
		return r.later(ctx, unavailable(r.in.Target, fmt.Errorf("the worker could not tell Temporal: %w", err)))
	}
	err := r.send(ctx)
	if opsmanager.MayHaveTakenEffect(err) {
		return r.end(classify(r.in.Target, err), sent)
	}
	trace.Found = trace.Found || err == nil || trace.Lost && opsmanager.NoLink(err) && trace.Seen == migrationlink.LinkSynced
	r.keep(ctx, trace)
	if err != nil && !opsmanager.NoLink(err) {
		return r.later(ctx, classify(r.in.Target, err))
	}
	after, err := readStatus(ctx, r.client, r.in.Target)
	switch {
	case err != nil && cancelled(ctx, err):
		return DeleteLinkResult{}, temporal.NewCanceledError(trace)
	case err != nil:
		return r.end(classify(r.in.Target, err), trace)
	case after == migrationlink.LinkSynced:
		return r.end(stillThere(r.in.Target), trace)
	}
	return r.gone(trace, after)
}

// send waits for the reply also when the attempt is cancelled: a removal that is
// given up could hit a link that is made after it.
func (r *removal) send(ctx context.Context) error {
	ctx, cancel := context.WithDeadline(context.WithoutCancel(ctx), activity.GetInfo(ctx).Deadline)
	defer cancel()
	return r.client.DeleteLink(ctx, r.in.OrgID)
}

// gone ends the removal, unless an earlier one may be at work still.
func (r *removal) gone(trace Removal, status string) (DeleteLinkResult, error) {
	if trace.GoneAt.IsZero() {
		trace.GoneAt = time.Now().UTC()
	}
	quiet := time.Until(trace.GoneAt.Add(r.in.QuietTime))
	if !r.lost || quiet <= 0 {
		return DeleteLinkResult{Found: trace.Found, LinkStatus: status}, nil
	}
	waiting := notQuiet(r.in.Target)
	waiting.retryAfter = quiet
	return r.end(waiting, trace)
}

// end ends the activity, and leaves it to the workflow to repeat it: Temporal
// does not tell a workflow, which may be cancelled meanwhile, of attempts that it
// retries itself.
func (r *removal) end(found finding, trace Removal) (DeleteLinkResult, error) {
	found.final, found.cause = true, nil
	return DeleteLinkResult{}, applicationError(found, backoff(r.in.Since), trace)
}

// later ends an attempt that has removed nothing.
func (r *removal) later(ctx context.Context, found finding) (DeleteLinkResult, error) {
	trace := *r.trace.Load()
	if found.cause != nil && cancelled(ctx, found.cause) {
		return DeleteLinkResult{}, temporal.NewCanceledError(trace)
	}
	r.keep(ctx, trace)
	return DeleteLinkResult{}, r.in.later(ctx, found, trace)
}

func (r *removal) keep(ctx context.Context, trace Removal) {
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
