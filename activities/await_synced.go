package activities

import (
	"context"
	"fmt"
	"time"

	"go.temporal.io/sdk/activity"

	"github.com/migrationlink/migrationlink"
)

// AwaitSyncedInput asks to wait until a link is SYNCED.
type AwaitSyncedInput struct {
	Target
	// Since is when the waiting began; the delay between polls grows with it.
	Since time.Time `json:"since"`
	// Deadline is when it ends: the last poll is placed on it.
	Deadline time.Time `json:"deadline"`
	// AnyLink ends the waiting with any link, SYNCED or not.
	AnyLink bool `json:"anyLink,omitempty"`
	// NoLinkAfter, when set, ends the waiting also when there is no link at
	// that time or later.
	NoLinkAfter time.Time `json:"noLinkAfter,omitzero"`
}

// AwaitSyncedResult says that the link is SYNCED, or that there is none.
type AwaitSyncedResult struct {
	LinkStatus string `json:"linkStatus"`
	Polls      int    `json:"polls"`
}

// AwaitSynced reads the status of a link once. "Not yet" is an error that
// Temporal retries after the delay that it carries: so a link that waits costs
// nothing. What was seen is kept in the heartbeat details, as a Progress.
func (a *Activities) AwaitSynced(ctx context.Context, in AwaitSyncedInput) (AwaitSyncedResult, error) {
	client, err := a.client(in.Manager)
	if err != nil {
		return AwaitSyncedResult{}, err
	}
	progress := lastProgress(ctx)
	stop := heartbeat(ctx, progress)
	status, err := readStatus(ctx, client, in.Target)
	stop() // its details are older than those below
	if cancelled(ctx, err) {
		return AwaitSyncedResult{}, ctx.Err()
	}
	progress.Polls++
	if err == nil && in.over(status) {
		return AwaitSyncedResult{LinkStatus: status, Polls: progress.Polls}, nil
	}
	found := notSynced(in.Target, status)
	if err != nil {
		found = classify(in.Target, err)
		progress.Problem = &found.Problem
	} else {
		progress.Problem, progress.LinkStatus, progress.SeenAt = nil, status, time.Now().UTC()
	}
	return AwaitSyncedResult{}, in.later(ctx, found, progress)
}

// over tells whether status ends the waiting. A link that is gone does not,
// unless asked for: a manager may show a new link late.
func (in AwaitSyncedInput) over(status string) bool {
	if status == migrationlink.LinkNone {
		return !in.NoLinkAfter.IsZero() && !time.Now().Before(in.NoLinkAfter)
	}
	return status == migrationlink.LinkSynced || in.AnyLink
}

// later returns the error that makes Temporal poll again, or end the waiting
// when there is no time for another poll.
func (in AwaitSyncedInput) later(ctx context.Context, found finding, progress migrationlink.Progress, details ...any) error {
	now := time.Now()
	delay, again := untilNextPoll(max(backoff(in.Since), found.retryAfter), in.Deadline.Sub(now))
	if !in.NoLinkAfter.IsZero() && now.Before(in.NoLinkAfter) {
		delay = min(delay, max(in.NoLinkAfter.Sub(now), minDelay))
	}
	progress.NextPollAt = time.Time{}
	if again && !found.final {
		progress.NextPollAt = now.Add(delay).UTC()
	}
	activity.RecordHeartbeat(ctx, progress)
	found.final = found.final || !again
	found.retryAfter = 0 // it is in the delay
	return asTemporal(ctx, found, delay, append([]any{progress}, details...)...)
}

func lastProgress(ctx context.Context) migrationlink.Progress {
	var progress migrationlink.Progress
	if activity.HasHeartbeatDetails(ctx) {
		// Unreadable details are those of another version: counting starts anew.
		_ = activity.GetHeartbeatDetails(ctx, &progress)
	}
	return progress
}

func notSynced(target Target, status string) finding {
	message := fmt.Sprintf("manager %q reports %s for organization %s", target.Manager, status, target.OrgID)
	if status == migrationlink.LinkNone {
		message = fmt.Sprintf("manager %q shows no link for organization %s", target.Manager, target.OrgID)
	}
	return finding{
		benign: true,
		Problem: migrationlink.Problem{
			Type:    migrationlink.ErrNotSynced,
			Message: message,
			Remedy:  "Check on the manager's Live Migration page that it reaches Atlas; its Refresh button sends an update to Atlas.",
		},
	}
}
