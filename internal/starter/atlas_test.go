package starter

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	commonpb "go.temporal.io/api/common/v1"
	workflowpb "go.temporal.io/api/workflow/v1"
	"go.temporal.io/sdk/temporal"

	"github.com/migrationlink/migrationlink"
	"github.com/migrationlink/migrationlink/internal/console"
	"github.com/migrationlink/migrationlink/internal/words"
)

// verifyingActivity is the pending activity of a link that Atlas is asked about.
func verifyingActivity() *workflowpb.PendingActivityInfo {
	pending := polling(nil)
	pending.ActivityType = &commonpb.ActivityType{Name: migrationlink.VerifyInAtlasActivity}
	pending.Attempt = 3
	pending.LastFailure = temporal.GetDefaultFailureConverter().ErrorToFailure(temporal.NewApplicationError("not yet", migrationlink.ErrNotInAtlas))
	return pending
}

func TestStatusDescribesAtlas(t *testing.T) {
	t.Parallel()
	f := newFakeTemporal(t).running()
	f.pending, f.status = []*workflowpb.PendingActivityInfo{verifyingActivity()}, syncing()
	f.status.Phase, f.status.LinkStatus, f.status.Polls = migrationlink.PhaseVerifying, migrationlink.LinkSynced, 4
	f.status.Atlas = &migrationlink.AtlasResult{TokenCreated: true, TokenInDoubt: true}
	done := newCommand(f).run(t.Context(), args("status")...)
	require.Contains(t, done.stdout, `state         running, verifying
link status   SYNCED
polls         4
link-token    env:LINK_TOKEN_DEMO
Atlas         link-token made
`)
	require.Contains(t, done.stdout, "\nnote          the reply to the creation of a link-token was lost, so Atlas may have one more.\n")
	require.NotContains(t, done.stdout, "not yet")

	seen := map[string]int{"sourceProjects": 3, "availableProjects": 0}
	f.pending[0].LastFailure = temporal.GetDefaultFailureConverter().ErrorToFailure(temporal.NewApplicationError("not yet", migrationlink.ErrNotInAtlas,
		migrationlink.Problem{Type: migrationlink.ErrNotInAtlas}, migrationlink.Progress{Polls: 2}, seen))
	done = newCommand(f).run(t.Context(), args("status")...)
	require.Contains(t, done.stdout, "Atlas         link-token made, shows 0 of 3 projects\n", "it is known while it waits, too")

	var printed struct {
		Phase string
		Polls int
		Atlas *migrationlink.AtlasResult
	}
	require.NoError(t, json.Unmarshal([]byte(newCommand(f).run(t.Context(), args("status", "-o", "json")...).stdout), &printed))
	require.Equal(t, "verifying", printed.Phase)
	require.Equal(t, 4, printed.Polls)
	require.Equal(t, &migrationlink.AtlasResult{TokenCreated: true, TokenInDoubt: true, SourceProjects: 3}, printed.Atlas)

	f.status = nil
	done = newCommand(f).run(t.Context(), args("status")...)
	require.Contains(t, done.stdout, "state         running, verifying\n", "also without a worker")

	f = newFakeTemporal(t).ends(verifiedResult(), nil)
	done = newCommand(f).run(t.Context(), args("status")...)
	require.Contains(t, done.stdout, "Atlas         link-token made, shows 2 of 3 projects\n")
	require.Contains(t, done.stdout, "verified      12:00:09, 3 s ago (2026-03-01T12:00:09Z)\n")
}

func TestALinkThatWaitsForAtlasIsAccepted(t *testing.T) {
	t.Parallel()
	f := newFakeTemporal(t)
	status := syncing()
	status.Phase, status.LinkStatus = migrationlink.PhaseVerifying, migrationlink.LinkSynced
	f.answers[migrationlink.AcceptUpdate] = *status
	done := newCommand(f).run(t.Context(), linkArgs("--detach")...)
	require.Equal(t, console.ExitOK, done.code, done.stderr)
	require.Contains(t, done.stdout, "Accepted by the manager: SYNCED, waiting until Atlas shows the projects, until 13:00:01")

	f = newFakeTemporal(t).running()
	f.status = status
	done = newCommand(f).run(t.Context(), args("retry")...)
	require.Equal(t, console.ExitOK, done.code, done.stderr)
	require.Contains(t, done.stdout, "Asked the link to read from Atlas now\n")
	require.Len(t, f.updates, 1)
}

func TestOutcomesDescribeAtlas(t *testing.T) {
	t.Parallel()
	cancelled := withOutcome(migrationlink.OutcomeCancelled, nil)
	cancelled.Created, cancelled.Removed = true, true
	kept := cancelled
	kept.Removed = false
	with := func(result migrationlink.LinkResult, atlas migrationlink.AtlasResult) migrationlink.LinkResult {
		result.Atlas = &atlas
		return result
	}
	const synced = "linked: organization 5f1b2c3d4e5f6a7b8c9d0e1f of manager demo is SYNCED after 9s, 4 polls"
	for want, result := range map[string]migrationlink.LinkResult{
		synced + "; Atlas shows 2 of 3 projects": verifiedResult(),
		synced:                                   with(linked(), migrationlink.AtlasResult{TokenCreated: true}),
		synced + "; an earlier link-token is left in Atlas":                          with(linked(), migrationlink.AtlasResult{TokenCreated: true, TokensLeft: 1}),
		"cancelled: the link was removed again; the link-token was deleted in Atlas": with(cancelled, migrationlink.AtlasResult{TokenCreated: true, TokenDeleted: true}),
		"cancelled: the link was removed again; the link-token made for this request is left in Atlas. " +
			"To delete what is left in Atlas, run 'atlas liveMigrations link delete' for the target organization, but only if it has no other link": with(cancelled, migrationlink.AtlasResult{TokenCreated: true, TokensLeft: 1}),
		"cancelled: the link was removed again; 2 link-tokens made for this request are left in Atlas. To delete what is left":                 with(cancelled, migrationlink.AtlasResult{TokenCreated: true, TokensLeft: 2}),
		"cancelled: the link stays at the manager; an earlier link-token is left in Atlas. Keep what is left in Atlas while you need the link": with(kept, migrationlink.AtlasResult{TokenCreated: true, TokensLeft: 1}),
		// What a workflow tells of its problem has all of that.
		"timed out: manager \"demo\": POST answered 403. Add": with(withOutcome(migrationlink.OutcomeTimedOut, refusal), migrationlink.AtlasResult{TokenInDoubt: true, TokensLeft: 1, SourceProjects: 1}),
	} {
		text := words.Sentences(words.Outcome(testRun.Job, result))
		require.True(t, strings.HasPrefix(text, want), text)
	}
}

func verifiedResult() migrationlink.LinkResult {
	result := linked()
	result.SyncedAt, result.EndedAt = testStart.Add(6*time.Second), testStart.Add(9*time.Second)
	result.Atlas = &migrationlink.AtlasResult{TokenCreated: true, SourceProjects: 3, AvailableProjects: 2, VerifiedAt: result.EndedAt}
	return result
}
