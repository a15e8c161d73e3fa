package cli

import (
	"encoding/json"
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

	var printed struct {
		Phase string
		Polls int
		Atlas *migrationlink.AtlasResult
	}
	require.NoError(t, json.Unmarshal([]byte(newCommand(f).run(t.Context(), args("status", "-o", "json")...).stdout), &printed))
	require.Equal(t, "verifying", printed.Phase)
	require.Equal(t, 4, printed.Polls)
	require.Equal(t, f.status.Atlas, printed.Atlas)

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
	require.Equal(t, ExitOther, done.code)
	require.Contains(t, done.stderr, "it is verifying and goes on by itself; nothing was sent. Atlas is asked again and again")
}

func TestOutcomesTellOfAtlas(t *testing.T) {
	t.Parallel()
	cancelled := withOutcome(migrationlink.OutcomeCancelled, nil)
	cancelled.Removed = true
	with := func(result migrationlink.LinkResult, atlas migrationlink.AtlasResult) migrationlink.LinkResult {
		result.Atlas = &atlas
		return result
	}
	for want, result := range map[string]migrationlink.LinkResult{
		"linked: organization 5f1b2c3d4e5f6a7b8c9d0e1f of manager demo is SYNCED after 9s, 4 polls; Atlas shows 2 of 3 projects": verifiedResult(),
		"linked: organization 5f1b2c3d4e5f6a7b8c9d0e1f of manager demo is SYNCED after 9s, 4 polls":                              with(linked(), migrationlink.AtlasResult{TokenCreated: true}),
		"cancelled: the link was removed again; the link-token was deleted in Atlas":                                             with(cancelled, migrationlink.AtlasResult{TokenCreated: true, TokenDeleted: true}),
		"cancelled: the link was removed again; the link-token that was made for it stays in Atlas":                              with(cancelled, migrationlink.AtlasResult{TokenCreated: true}),
		"timed out: manager \"demo\": POST answered 403; Atlas shows 0 of 1 project; " + tokenInDoubt:                            with(withOutcome(migrationlink.OutcomeTimedOut, refusal), migrationlink.AtlasResult{TokenInDoubt: true, SourceProjects: 1}),
	} {
		message, _ := outcomeText(testRun, result)
		require.Equal(t, want, message)
	}
}
