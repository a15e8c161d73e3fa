package starter

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	commonpb "go.temporal.io/api/common/v1"
	enumspb "go.temporal.io/api/enums/v1"
	workflowpb "go.temporal.io/api/workflow/v1"
	"go.temporal.io/sdk/temporal"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/migrationlink/migrationlink"
	"github.com/migrationlink/migrationlink/internal/console"
)

// polling is the pending activity of a link that waits to be SYNCED, whose last
// poll met the problem, or NOT_SYNCED.
func polling(problem *migrationlink.Problem) *workflowpb.PendingActivityInfo {
	progress := migrationlink.Progress{Polls: 4, LinkStatus: migrationlink.LinkNotSynced, SeenAt: testStart.Add(11 * time.Second)}
	if problem == nil {
		problem = &migrationlink.Problem{Type: migrationlink.ErrNotSynced, Message: "not yet"}
	}
	last := temporal.NewApplicationError(problem.Message, problem.Type, *problem, progress)
	return &workflowpb.PendingActivityInfo{
		ActivityType:            &commonpb.ActivityType{Name: migrationlink.AwaitSyncedActivity},
		State:                   enumspb.PENDING_ACTIVITY_STATE_SCHEDULED,
		Attempt:                 5,
		ScheduledTime:           timestamppb.New(testStart.Add(14 * time.Second)),
		NextAttemptScheduleTime: timestamppb.New(testStart.Add(14 * time.Second)),
		ExpirationTime:          timestamppb.New(testStart.Add(time.Hour)),
		LastFailure:             temporal.GetDefaultFailureConverter().ErrorToFailure(last),
	}
}

func syncing() *migrationlink.Status {
	return &migrationlink.Status{
		Manager: "demo", OrgID: testOrg, Phase: migrationlink.PhaseSyncing, PhaseSince: testStart.Add(time.Second),
		LinkStatus: migrationlink.LinkNotSynced, Deadline: testStart.Add(time.Hour + time.Second), Created: true, StartedAt: testStart,
	}
}

func TestStatusCombinesWorkflowAndActivity(t *testing.T) {
	t.Parallel()
	f := newFakeTemporal(t).running()
	f.pending, f.status = []*workflowpb.PendingActivityInfo{polling(nil)}, syncing()
	done := newCommand(f).run(t.Context(), args("status")...)
	require.Equal(t, console.ExitOK, done.code)
	require.Equal(t, `organization  5f1b2c3d4e5f6a7b8c9d0e1f
manager       demo
workflow      link.demo.5f1b2c3d4e5f6a7b8c9d0e1f
run           0198c0de-0000-7000-8000-000000000001
state         running, syncing
link status   NOT_SYNCED
polls         4
link-token    env:LINK_TOKEN_DEMO
started       12:00:00, 12 s ago (2026-03-01T12:00:00Z)
started by    ana@ops1
phase since   12:00:01, 11 s ago (2026-03-01T12:00:01Z)
deadline      13:00:01, in 59 min (2026-03-01T13:00:01Z)
next call     12:00:14, in 2 s (2026-03-01T12:00:14Z)
`, done.stdout)
	require.Empty(t, done.stderr)

	done = newCommand(f).run(t.Context(), args("status", "-o", "json")...)
	require.JSONEq(t, `{"workflowId":"link.demo.5f1b2c3d4e5f6a7b8c9d0e1f","runId":"0198c0de-0000-7000-8000-000000000001",
		"workflow":"LinkOrganization","manager":"demo","orgId":"5f1b2c3d4e5f6a7b8c9d0e1f","state":"running","phase":"syncing","phaseSince":"2026-03-01T12:00:01Z",
		"deadline":"2026-03-01T13:00:01Z","linkStatus":"NOT_SYNCED","seenAt":"2026-03-01T12:00:11Z","created":true,"polls":4,
		"nextPollAt":"2026-03-01T12:00:14Z","attempt":5,"startedAt":"2026-03-01T12:00:00Z","startedBy":"ana@ops1"}`, done.stdout)
}

func TestStatusWithoutAWorkerShowsWhatTemporalKnows(t *testing.T) {
	t.Parallel()
	f := newFakeTemporal(t).running()
	f.pending = []*workflowpb.PendingActivityInfo{polling(&migrationlink.Problem{
		Type: migrationlink.ErrManagerUnavailable, Message: "manager \"demo\" answered 503\x1b[2J", Remedy: "Wait.",
	})}
	done := newCommand(f).run(t.Context(), args("status")...)
	require.Equal(t, console.ExitOK, done.code)
	require.Equal(t, `organization  5f1b2c3d4e5f6a7b8c9d0e1f
manager       demo
workflow      link.demo.5f1b2c3d4e5f6a7b8c9d0e1f
run           0198c0de-0000-7000-8000-000000000001
state         running, syncing
link status   NOT_SYNCED
polls         4
link-token    env:LINK_TOKEN_DEMO
started       12:00:00, 12 s ago (2026-03-01T12:00:00Z)
started by    ana@ops1
deadline      13:00:00, in 59 min (2026-03-01T13:00:00Z)
next call     12:00:14, in 2 s (2026-03-01T12:00:14Z)
note          no worker is answering on task queue migration-link. Start a worker, or check its log; the link continues as soon as one runs.
note          manager "demo" answered 503 [2J. Wait.
`, done.stdout)
}

func TestStatusShowsHowALinkEnded(t *testing.T) {
	t.Parallel()
	f := newFakeTemporal(t).ends(migrationlink.LinkResult{}, failedWith(withOutcome(migrationlink.OutcomeFailed, refusal)))
	done := newCommand(f).run(t.Context(), args("status")...)
	require.Equal(t, console.ExitOK, done.code)
	require.Equal(t, `organization  5f1b2c3d4e5f6a7b8c9d0e1f
manager       demo
workflow      link.demo.5f1b2c3d4e5f6a7b8c9d0e1f
run           0198c0de-0000-7000-8000-000000000001
state         failed
link status   NOT_SYNCED
polls         4
link-token    env:LINK_TOKEN_DEMO
started       12:00:00, 12 s ago (2026-03-01T12:00:00Z)
ended         12:00:09, 3 s ago (2026-03-01T12:00:09Z)
outcome       failed: manager "demo": POST answered 403
remedy        Add 10.0.0.1 to the access list.
more          starter explain AccessListRefused
`, done.stdout)
}

func TestStatusWatchEndsWithTheCodeOfTheOutcome(t *testing.T) {
	t.Parallel()
	f := newFakeTemporal(t).ends(migrationlink.LinkResult{}, failedWith(withOutcome(migrationlink.OutcomeFailed, refusal)))
	require.Equal(t, console.ExitFailed, newCommand(f).run(t.Context(), args("status", "--watch")...).code)
}

func TestAnEndIsReportedOnceWhenTheWorkflowKnowsItBeforeTemporal(t *testing.T) {
	t.Parallel()
	f := newFakeTemporal(t).running()
	f.status = new(withPhase(migrationlink.PhaseEnded, refusal))
	failed := failedWith(withOutcome(migrationlink.OutcomeFailed, refusal))
	f.onDescribe = after(3, func() { go f.ends(migrationlink.LinkResult{}, failed) }) // the second is shown
	done := newCommand(f).run(t.Context(), args("status", "--watch")...)
	require.Equal(t, console.ExitFailed, done.code)
	require.Empty(t, done.stdout)
	require.Equal(t, "starter: failed: manager \"demo\": POST answered 403\nAdd 10.0.0.1 to the access list.\nMore: starter explain AccessListRefused\n", done.stderr)
}

func TestStatusOfAnUnknownLinkIsAnErrorWithARemedy(t *testing.T) {
	t.Parallel()
	done := newCommand(newFakeTemporal(t)).run(t.Context(), args("status")...)
	require.Equal(t, console.ExitNotFound, done.code)
	require.Empty(t, done.stdout)
	require.Contains(t, done.stderr, "organization 5f1b2c3d4e5f6a7b8c9d0e1f of manager demo has no workflow")
	require.Contains(t, done.stderr, "Check --org")
}
