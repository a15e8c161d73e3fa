package activities

import (
	"context"
	"fmt"
	"time"

	"go.temporal.io/sdk/activity"

	"github.com/migrationlink/migrationlink"
)

// AwaitSyncedInput asks AwaitSynced to wait until a link is SYNCED.
type AwaitSyncedInput struct {
	Target
	// Since is when the wait began. The delay between polls grows with its length.
	Since time.Time `json:"since"`
	// Deadline is when the wait ends. The last poll is on it.
	Deadline time.Time `json:"deadline"`
	// AnyLink ends the wait with any link, SYNCED or not.
	AnyLink bool `json:"anyLink,omitempty"`
	// NoLinkAfter, when set, also ends the wait when there is no link at that time
	// or later.
	NoLinkAfter time.Time `json:"noLinkAfter,omitzero"`
	// LinkStatus was read at SeenAt, before the wait. A poll that gets no status repeats
	// both, unless a poll before it has seen another status.
	LinkStatus string    `json:"linkStatus,omitempty"`
	SeenAt     time.Time `json:"seenAt,omitzero"`
}

// AwaitSyncedResult is the status that ended the wait.
type AwaitSyncedResult struct {
	LinkStatus string `json:"linkStatus"`
	Polls      int    `json:"polls"`
}

// AwaitSynced reads the status of a link once. "Not yet" is an error that Temporal
// retries after the delay in it, so a link that waits uses no worker. The error tells
// what was seen, as a Progress.
//
// It runs only after the manager has answered for this link, so a single odd answer
// does not end the wait.
func (a *Activities) AwaitSynced(ctx context.Context, in AwaitSyncedInput) (AwaitSyncedResult, error) {
	manager, err := a.manager(in.Target, true)
	if err != nil {
		return AwaitSyncedResult{}, err
	}
	poll := startPoll(ctx, in.Since, in.Deadline, migrationlink.Progress{LinkStatus: in.LinkStatus, SeenAt: in.SeenAt})
	poll.most = manager.pollInterval
	status, err := manager.status(ctx)
	poll.stop()
	found := notSynced(in.Target, status)
	switch {
	case err != nil:
		found = manager.classify(err)
	case in.over(poll.clock, status):
		return AwaitSyncedResult{LinkStatus: status, Polls: poll.Polls}, nil
	default:
		poll.LinkStatus, poll.SeenAt = status, poll.now()
	}
	if poll.before(in.NoLinkAfter) {
		poll.alsoAt = in.NoLinkAfter
	}
	return AwaitSyncedResult{}, poll.again(ctx, found)
}

// over reports whether status ends the wait. A missing link does so only after
// NoLinkAfter: a manager may show a new link late.
func (in AwaitSyncedInput) over(clock clock, status string) bool {
	if status == migrationlink.LinkNone {
		return !in.NoLinkAfter.IsZero() && !clock.before(in.NoLinkAfter)
	}
	return status == migrationlink.LinkSynced || in.AnyLink
}

// poll is one attempt of an activity that waits. A retry costs Temporal two writes, and
// each heartbeat one more. So a heartbeat is sent only for what the next attempt cannot
// know otherwise.
type poll struct {
	waiting
	migrationlink.Progress
	earlier migrationlink.Progress // what the attempts before have left
	stop    func()                 // stops the heartbeat of a call that takes long
}

// startPoll begins an attempt. first is what was seen before the wait.
func startPoll(ctx context.Context, since, deadline time.Time, first migrationlink.Progress) *poll {
	earlier := lastDetails(ctx, first)
	p := &poll{waiting: startWaiting(ctx, since, deadline), Progress: earlier, earlier: earlier}
	p.Polls = int(activity.GetInfo(ctx).Attempt)
	p.stop = heartbeat(ctx, earlier)
	return p
}

// again returns the error after which Temporal polls again, with what was seen.
func (p *poll) again(ctx context.Context, found finding, details ...any) error {
	delay := p.delay(found.retryAfter)
	if p.LinkStatus != p.earlier.LinkStatus || p.SeenAt.IsZero() != p.earlier.SeenAt.IsZero() {
		activity.RecordHeartbeat(ctx, p.Progress)
	}
	p.NextPollAt = time.Time{}
	if p.before(p.deadline) && !found.final {
		p.NextPollAt = p.now().Add(delay)
	}
	return found.activityError(ctx, delay, append([]any{p.Progress}, details...)...)
}

func notSynced(target Target, status string) finding {
	message := fmt.Sprintf("manager %q reports %s for organization %s", target.Manager, status, target.OrgID)
	if status == migrationlink.LinkNone {
		message = fmt.Sprintf("manager %q shows no link for organization %s", target.Manager, target.OrgID)
	}
	return notYet(migrationlink.ErrNotSynced, message,
		"Check on the manager's Live Migration page that it reaches Atlas; its Refresh button sends an update to Atlas.")
}
