package cli

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	workflowpb "go.temporal.io/api/workflow/v1"
	"go.temporal.io/sdk/converter"

	"github.com/migrationlink/migrationlink"
)

func TestRetrySaysWhatItWasBlockedBy(t *testing.T) {
	t.Parallel()
	f := newFakeTemporal(t).running()
	f.status = blockedStatus()
	done := newCommand(f).run(t.Context(), args("retry", "--token-ref", "file:demo-2")...)
	require.Equal(t, ExitOK, done.code, done.stderr)
	require.Equal(t, "Told the link to go on with creating. It was blocked by: manager \"demo\": POST answered 403\n"+
		"Watch it with 'starter status --watch --manager demo --org 5f1b2c3d4e5f6a7b8c9d0e1f'.\n", done.stdout)
	require.Len(t, f.signals, 1)
	require.Equal(t, migrationlink.RetrySignal, f.signals[0].GetSignalName())
	require.Equal(t, testRunID, f.signals[0].GetWorkflowExecution().GetRunId())
	var request migrationlink.RetryRequest
	require.NoError(t, converter.GetDefaultDataConverter().FromPayloads(f.signals[0].GetInput(), &request))
	require.Equal(t, "file:demo-2", request.Token.Ref)
}

func TestRetryOfWhatIsNotBlockedIsHonest(t *testing.T) {
	t.Parallel()
	f := newFakeTemporal(t).running()
	f.pending, f.status = []*workflowpb.PendingActivityInfo{polling(nil)}, syncing()
	done := newCommand(f).run(t.Context(), args("retry")...)
	require.Equal(t, ExitOther, done.code)
	require.Contains(t, done.stderr, "is not blocked, it is syncing and goes on by itself; nothing was sent. To have the manager asked now use 'starter check")
	require.Empty(t, f.signals)

	f.pending, f.status.Phase = nil, migrationlink.PhaseCreating
	f.status.Problem = &migrationlink.Problem{Type: migrationlink.ErrManagerUnavailable, Message: "503", Remedy: "Wait."}
	done = newCommand(f).run(t.Context(), args("retry")...)
	require.Equal(t, ExitOK, done.code)
	require.Contains(t, done.stdout, "Told the link to try at once. It was not blocked, it is creating and tries again by itself after: 503\n")

	f.pending, f.status = nil, nil
	done = newCommand(f).run(t.Context(), args("retry")...)
	require.Equal(t, ExitOK, done.code)
	require.Contains(t, done.stdout, "But no worker is answering on task queue migration-link: it goes on as soon as one is there.\n")
	require.Len(t, f.signals, 2)
}

func TestExtendAnswersTheNewDeadline(t *testing.T) {
	t.Parallel()
	f := newFakeTemporal(t).running()
	f.answers[migrationlink.ExtendUpdate] = migrationlink.Extension{Phase: migrationlink.PhaseSyncing, Deadline: testStart.Add(90 * time.Minute)}
	for flags, want := range map[[2]string]migrationlink.ExtendRequest{
		{"--by", "30m"}:                          {By: "30m"},
		{"--until", "14:00"}:                     {Until: testStart.Add(2 * time.Hour)},
		{"--until", "2026-03-01 14:00"}:          {Until: testStart.Add(2 * time.Hour)},
		{"--until", "2026-03-01T14:00:30"}:       {Until: testStart.Add(2*time.Hour + 30*time.Second)},
		{"--until", "2026-03-01T14:00:00+01:00"}: {Until: testStart.Add(time.Hour)},
	} {
		done := newCommand(f).run(t.Context(), args("extend", flags[0], flags[1])...)
		require.Equal(t, ExitOK, done.code, done.stderr)
		require.Equal(t, "The deadline of syncing is now 13:30:00 (2026-03-01T13:30:00Z)\n", done.stdout)
		var request migrationlink.ExtendRequest
		update := f.updates[len(f.updates)-1].GetRequest().GetInput()
		require.NoError(t, converter.GetDefaultDataConverter().FromPayloads(update.GetArgs(), &request))
		require.Equal(t, want.By, request.By)
		require.True(t, want.Until.Equal(request.Until), "%v: %v", flags, request.Until)
	}
	done := newCommand(f).run(t.Context(), args("extend", "--by", "30m", "-o", "json")...)
	require.JSONEq(t, `{"workflowId":"link.demo.5f1b2c3d4e5f6a7b8c9d0e1f","runId":"0198c0de-0000-7000-8000-000000000001","manager":"demo","orgId":"5f1b2c3d4e5f6a7b8c9d0e1f",
		"phase":"syncing","deadline":"2026-03-01T13:30:00Z"}`, done.stdout)
}

func TestWhatTheWorkflowRefusesIsWrongUsage(t *testing.T) {
	t.Parallel()
	f := newFakeTemporal(t).running()
	f.refuse[migrationlink.ExtendUpdate] = refusedWith(migrationlink.ErrInvalidUpdate, []migrationlink.FieldProblem{{Field: "until", Problem: "it is in the past"}})
	done := newCommand(f).run(t.Context(), args("extend", "--until", "2026-01-01 00:00")...)
	require.Equal(t, ExitUsage, done.code)
	require.Equal(t, "starter: --until (until): it is in the past. Run 'starter extend --help' for examples.\n", done.stderr)

	f.refuse[migrationlink.ExtendUpdate] = refusedWith(migrationlink.ErrAlreadyEnded, migrationlink.Problem{
		Type: migrationlink.ErrAlreadyEnded, Message: "it is being ended", Remedy: "Wait for its end."})
	done = newCommand(f).run(t.Context(), args("extend", "--by", "1h")...)
	require.Equal(t, ExitOther, done.code)
	require.Contains(t, done.stderr, "it is being ended. Wait for its end.\n")
}

func TestCheckShowsTheStatusOrWhyNot(t *testing.T) {
	t.Parallel()
	f := newFakeTemporal(t).running()
	f.answers[migrationlink.CheckUpdate] = migrationlink.Check{LinkStatus: migrationlink.LinkNotSynced, SeenAt: testStart}
	done := newCommand(f).run(t.Context(), args("check")...)
	require.Equal(t, ExitOK, done.code, done.stderr)
	require.Equal(t, "NOT_SYNCED, seen at 12:00:00 (2026-03-01T12:00:00Z)\n", done.stdout)
	done = newCommand(f).run(t.Context(), args("check", "-o", "json")...)
	require.JSONEq(t, `{"workflowId":"link.demo.5f1b2c3d4e5f6a7b8c9d0e1f","runId":"0198c0de-0000-7000-8000-000000000001","manager":"demo","orgId":"5f1b2c3d4e5f6a7b8c9d0e1f",
		"linkStatus":"NOT_SYNCED","seenAt":"2026-03-01T12:00:00Z"}`, done.stdout)

	f.refuse[migrationlink.CheckUpdate] = refusedWith(migrationlink.ErrAccessListRefused, *refusal)
	done = newCommand(f).run(t.Context(), args("check")...)
	require.Equal(t, ExitFailed, done.code)
	require.Equal(t, "starter: manager \"demo\": POST answered 403. Add 10.0.0.1 to the access list.\n", done.stderr)
}

func TestUpdatesWithoutAWorkerOrWithAnOlderOneDoNotHang(t *testing.T) {
	t.Parallel()
	for _, command := range [][]string{args("extend", "--by", "1h"), args("check")} {
		f := newFakeTemporal(t).running()
		f.refuse[migrationlink.ExtendUpdate], f.refuse[migrationlink.CheckUpdate] = errNoWorker, errNoWorker
		done := newCommand(f).run(t.Context(), command...)
		require.Equal(t, ExitOther, done.code)
		require.Contains(t, done.stderr, "no worker is answering on task queue migration-link")

		f.refuse[migrationlink.ExtendUpdate], f.refuse[migrationlink.CheckUpdate] = unknownUpdate, unknownUpdate
		done = newCommand(f).run(t.Context(), command...)
		require.Equal(t, ExitOther, done.code)
		require.Contains(t, done.stderr, "the worker is of an older version")
	}
}

func TestNothingUnderWayIsSaidByEveryCommandThatNeedsIt(t *testing.T) {
	t.Parallel()
	for _, command := range [][]string{args("retry"), args("extend", "--by", "1h"), args("check")} {
		done := newCommand(newFakeTemporal(t)).run(t.Context(), command...)
		require.Equal(t, ExitOther, done.code)
		require.Contains(t, done.stderr, "has no workflow")

		f := newFakeTemporal(t).ends(linked(), nil)
		done = newCommand(f).run(t.Context(), command...)
		require.Equal(t, ExitOther, done.code)
		require.Contains(t, done.stderr, "nothing is under way for organization 5f1b2c3d4e5f6a7b8c9d0e1f of manager demo, the latest link is completed")
		require.Empty(t, f.updates)
		require.Empty(t, f.signals)
	}
}
