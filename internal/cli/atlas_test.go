package cli

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
)

// verifyingActivity is the pending activity of a link that Atlas is asked about.
func verifyingActivity() *workflowpb.PendingActivityInfo {
	pending := polling(nil)
	pending.ActivityType = &commonpb.ActivityType{Name: migrationlink.VerifyInAtlasActivity}
	pending.LastFailure = temporal.GetDefaultFailureConverter().ErrorToFailure(temporal.NewApplicationError("not yet", migrationlink.ErrNotInAtlas))
	pending.HeartbeatDetails = payloads(migrationlink.Progress{Polls: 2, SeenAt: testStart.Add(11 * time.Second)})
	return pending
}

func TestStatusTellsOfAtlas(t *testing.T) {
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
	require.Contains(t, done.stdout, "\nnote          Atlas may have a link-token that nobody knows, as the reply to its creation was lost.\n")
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
	require.Contains(t, done.stdout, "verified      12:00:09 (2026-03-01T12:00:09Z)\n")
}

func TestALinkThatWaitsForAtlasIsAccepted(t *testing.T) {
	t.Parallel()
	f := newFakeTemporal(t)
	status := syncing()
	status.Phase, status.LinkStatus = migrationlink.PhaseVerifying, migrationlink.LinkSynced
	f.answers[migrationlink.AcceptUpdate] = *status
	done := newCommand(f).run(t.Context(), linkArgs("--detach")...)
	require.Equal(t, ExitOK, done.code, done.stderr)
	require.Contains(t, done.stdout, "Accepted by the manager: SYNCED, waiting until Atlas shows the projects, until 13:00:01")

	f = newFakeTemporal(t).running()
	f.status = status
	done = newCommand(f).run(t.Context(), args("retry")...)
	require.Equal(t, ExitOK, done.code, done.stderr)
	require.Contains(t, done.stdout, "Told the link to ask Atlas at once\n")
	require.Len(t, f.signals, 1)
}

func TestOutcomesTellOfAtlas(t *testing.T) {
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
		synced + "; a link-token that was made before stays in Atlas":                with(linked(), migrationlink.AtlasResult{TokenCreated: true, TokensLeft: 1}),
		"cancelled: the link was removed again; the link-token was deleted in Atlas": with(cancelled, migrationlink.AtlasResult{TokenCreated: true, TokenDeleted: true}),
		"cancelled: the link was removed again; the link-token that was made for it stays in Atlas. " +
			"To delete it: 'atlas liveMigrations link delete' for the target organization, but only if that has no other link": with(cancelled, migrationlink.AtlasResult{TokenCreated: true, TokensLeft: 1}),
		"cancelled: the link was removed again; 2 link-tokens that serve no link stay in Atlas. To delete":                                            with(cancelled, migrationlink.AtlasResult{TokenCreated: true, TokensLeft: 2}),
		"cancelled: the link stays at the manager; a link-token that was made before stays in Atlas. Leave it in Atlas as long as the link is needed": with(kept, migrationlink.AtlasResult{TokenCreated: true, TokensLeft: 1}),
		// What a workflow tells of its problem has all of that.
		"timed out: manager \"demo\": POST answered 403. Add": with(withOutcome(migrationlink.OutcomeTimedOut, refusal), migrationlink.AtlasResult{TokenInDoubt: true, TokensLeft: 1, SourceProjects: 1}),
	} {
		text := inSentences(outcomeText(testRun, result))
		require.True(t, strings.HasPrefix(text, want), text)
	}
}
