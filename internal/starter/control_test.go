package starter

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	workflowpb "go.temporal.io/api/workflow/v1"
	"go.temporal.io/sdk/converter"

	"github.com/migrationlink/migrationlink"
	"github.com/migrationlink/migrationlink/internal/console"
)

func TestARetryNamesTheOldProblemAndWhatComesOfIt(t *testing.T) {
	t.Parallel()
	f := newFakeTemporal(t).running()
	f.status = blockedStatus()
	f.answers[migrationlink.RetryUpdate] = *syncing()
	done := newCommand(f).run(t.Context(), args("retry", "--token-ref", "file:demo-2")...)
	require.Equal(t, console.ExitOK, done.code, done.stderr)
	require.Equal(t, "Asked the link to continue with creating. It was blocked by: manager \"demo\": POST answered 403\n", done.stdout)
	require.Equal(t, "Watch it with 'starter status --watch --manager demo --org 5f1b2c3d4e5f6a7b8c9d0e1f'.\n", done.stderr)
	require.Empty(t, f.signals)
	update := f.updates[len(f.updates)-1]
	require.Equal(t, testRunID, update.GetWorkflowExecution().GetRunId())
	var request migrationlink.RetryRequest
	require.NoError(t, converter.GetDefaultDataConverter().FromPayloads(update.GetRequest().GetInput().GetArgs(), &request))
	require.Equal(t, "file:demo-2", request.Token.Ref)

	f.answers[migrationlink.RetryUpdate] = *blockedStatus()
	done = newCommand(f).run(t.Context(), args("retry")...)
	require.Equal(t, console.ExitBlocked, done.code)
	require.Contains(t, done.stderr, "it is blocked again: ")
}

func TestARetryIsASignalWhereNoUpdateIsAnswered(t *testing.T) {
	t.Parallel()
	for name, refuse := range map[string]error{"no worker takes it": errNoWorker, "an older worker": unknownUpdate} {
		f := newFakeTemporal(t).running()
		f.status = blockedStatus()
		f.refuse[migrationlink.RetryUpdate] = refuse
		done := newCommand(f).run(t.Context(), args("retry", "--token-ref", "file:demo-2")...)
		require.Equal(t, console.ExitOK, done.code, name+done.stderr)
		require.Len(t, f.signals, 1, name)
		require.Equal(t, migrationlink.RetrySignal, f.signals[0].GetSignalName())
		require.Equal(t, testRunID, f.signals[0].GetWorkflowExecution().GetRunId())
		var request migrationlink.RetryRequest
		require.NoError(t, converter.GetDefaultDataConverter().FromPayloads(f.signals[0].GetInput(), &request))
		require.Equal(t, "file:demo-2", request.Token.Ref)
	}
}

func TestRetryOfALinkThatIsNotBlockedSaysSo(t *testing.T) {
	t.Parallel()
	f := newFakeTemporal(t).running()
	f.pending, f.status = []*workflowpb.PendingActivityInfo{polling(nil)}, syncing()
	f.refuse[migrationlink.RetryUpdate] = refusedWith(migrationlink.ErrNotBlocked, migrationlink.Problem{
		Type: migrationlink.ErrNotBlocked, Message: "it is syncing and continues by itself", Remedy: "Wait."})
	done := newCommand(f).run(t.Context(), args("retry")...)
	require.Equal(t, console.ExitOther, done.code)
	require.Contains(t, done.stderr, "is not blocked: it is syncing and continues by itself; nothing was changed\nTo read the status from the manager now, use 'starter check")

	delete(f.refuse, migrationlink.RetryUpdate)
	f.pending, f.status.Phase = nil, migrationlink.PhaseCreating
	f.status.Problem = &migrationlink.Problem{Type: migrationlink.ErrManagerUnavailable, Message: "503", Remedy: "Wait."}
	f.answers[migrationlink.RetryUpdate] = *f.status
	done = newCommand(f).run(t.Context(), args("retry")...)
	require.Equal(t, console.ExitOK, done.code, done.stderr)
	require.Contains(t, done.stdout, "Asked the link to try now. It was not blocked: it is creating and retries by itself after: 503\n")
	require.Empty(t, f.signals)

	f.pending, f.status = nil, nil
	done = newCommand(f).run(t.Context(), args("retry")...)
	require.Equal(t, console.ExitOK, done.code)
	require.Contains(t, done.stdout, "But no worker is answering on task queue migration-link: it continues as soon as one runs.\n")
	require.Len(t, f.signals, 1)
}

func TestExtendPrintsTheNewDeadline(t *testing.T) {
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
		require.Equal(t, console.ExitOK, done.code, done.stderr)
		require.Equal(t, "The deadline of phase syncing is now 13:30:00, in 1 h 29 min (2026-03-01T13:30:00Z)\n", done.stdout)
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

func TestARefusalOfTheWorkflowIsAUsageError(t *testing.T) {
	t.Parallel()
	f := newFakeTemporal(t).running()
	f.refuse[migrationlink.ExtendUpdate] = refusedWith(migrationlink.ErrInvalidUpdate, []migrationlink.FieldProblem{{Field: "until", Problem: "it is in the past"}})
	done := newCommand(f).run(t.Context(), args("extend", "--until", "2026-01-01 00:00")...)
	require.Equal(t, console.ExitUsage, done.code)
	require.Equal(t, "starter: --until: it is in the past\nRun 'starter extend --help' for examples.\n", done.stderr)

	f.refuse[migrationlink.ExtendUpdate] = refusedWith(migrationlink.ErrAlreadyEnded, migrationlink.Problem{
		Type: migrationlink.ErrAlreadyEnded, Message: "it is ending", Remedy: "Wait for its end."})
	done = newCommand(f).run(t.Context(), args("extend", "--by", "1h")...)
	require.Equal(t, console.ExitNotFound, done.code)
	require.Contains(t, done.stderr, "it is ending\nWait for its end.\n")
}

func TestCheckShowsTheStatusOrWhyNot(t *testing.T) {
	t.Parallel()
	f := newFakeTemporal(t).running()
	f.answers[migrationlink.CheckUpdate] = migrationlink.Check{LinkStatus: migrationlink.LinkNotSynced, SeenAt: testStart}
	done := newCommand(f).run(t.Context(), args("check")...)
	require.Equal(t, console.ExitOK, done.code, done.stderr)
	require.Equal(t, "NOT_SYNCED, seen at 12:00:00, 12 s ago (2026-03-01T12:00:00Z)\n", done.stdout)
	done = newCommand(f).run(t.Context(), args("check", "-o", "json")...)
	require.JSONEq(t, `{"workflowId":"link.demo.5f1b2c3d4e5f6a7b8c9d0e1f","runId":"0198c0de-0000-7000-8000-000000000001","manager":"demo","orgId":"5f1b2c3d4e5f6a7b8c9d0e1f",
		"linkStatus":"NOT_SYNCED","seenAt":"2026-03-01T12:00:00Z"}`, done.stdout)

	f.refuse[migrationlink.CheckUpdate] = refusedWith(migrationlink.ErrAccessListRefused, *refusal)
	done = newCommand(f).run(t.Context(), args("check")...)
	require.Equal(t, console.ExitFailed, done.code)
	require.Equal(t, "starter: manager \"demo\": POST answered 403\nAdd 10.0.0.1 to the access list.\nMore: starter explain AccessListRefused\n", done.stderr)
}

func TestUpdatesWithoutAWorkerOrWithAnOlderOneReturn(t *testing.T) {
	t.Parallel()
	for _, command := range [][]string{args("extend", "--by", "1h"), args("check")} {
		f := newFakeTemporal(t).running()
		f.refuse[migrationlink.ExtendUpdate], f.refuse[migrationlink.CheckUpdate] = errNoWorker, errNoWorker
		done := newCommand(f).run(t.Context(), command...)
		require.Equal(t, console.ExitOther, done.code)
		require.Contains(t, done.stderr, "no worker is answering on task queue migration-link")

		f.refuse[migrationlink.ExtendUpdate], f.refuse[migrationlink.CheckUpdate] = unknownUpdate, unknownUpdate
		done = newCommand(f).run(t.Context(), command...)
		require.Equal(t, console.ExitOther, done.code)
		require.Contains(t, done.stderr, "the worker runs an older version")
	}
}

func TestCommandsThatNeedARunningLinkReportItsAbsence(t *testing.T) {
	t.Parallel()
	for _, command := range [][]string{args("retry"), args("extend", "--by", "1h"), args("check")} {
		done := newCommand(newFakeTemporal(t)).run(t.Context(), command...)
		require.Equal(t, console.ExitNotFound, done.code)
		require.Contains(t, done.stderr, "has no workflow")

		f := newFakeTemporal(t).ends(linked(), nil)
		done = newCommand(f).run(t.Context(), command...)
		require.Equal(t, console.ExitNotFound, done.code)
		require.Contains(t, done.stderr, "nothing is running for organization 5f1b2c3d4e5f6a7b8c9d0e1f of manager demo; its latest link is completed")
		require.Empty(t, f.updates)
		require.Empty(t, f.signals)
	}
}

func TestALocalTimeThatIsSkippedOrRepeatedIsRejected(t *testing.T) {
	t.Parallel()
	berlin, err := time.LoadLocation("Europe/Berlin")
	require.NoError(t, err)
	for text, want := range map[string]string{
		"2026-03-29 02:30": "2026-03-29 02:30 does not exist in Europe/Berlin, because clocks are set forward",
		"2026-10-25 02:30": "2026-10-25 02:30 happens twice in Europe/Berlin, because clocks are set back; give 2026-10-25T02:30:00+02:00 or 2026-10-25T02:30:00+01:00",
	} {
		_, err := extendFlags{until: text}.request(testStart, berlin, "")
		require.ErrorContains(t, err, want)
	}
	for text, want := range map[string]string{
		"2026-03-29 01:59": "2026-03-29T01:59:00+01:00", "2026-03-29 03:00": "2026-03-29T03:00:00+02:00",
		"2026-10-25 01:59": "2026-10-25T01:59:00+02:00", "2026-10-25 03:00": "2026-10-25T03:00:00+01:00",
		"18:30": "2026-03-01T18:30:00+01:00", "2026-10-25T02:30:00+01:00": "2026-10-25T02:30:00+01:00",
	} {
		request, err := extendFlags{until: text}.request(testStart, berlin, "")
		require.NoError(t, err)
		require.Equal(t, want, request.Until.Format(time.RFC3339))
	}
}

func TestAnInvalidTimeZoneIsNamed(t *testing.T) {
	t.Parallel()
	for zone, wrong := range map[string]bool{"Mars/Olympus": true, "CET-1CEST": true, "/no/such/zone": true, "Europe/Berlin": false, ":Europe/Berlin": false, "UTC": false, "": false} {
		f := newFakeTemporal(t).running()
		f.answers[migrationlink.ExtendUpdate] = migrationlink.Extension{Phase: migrationlink.PhaseSyncing, Deadline: testStart.Add(2 * time.Hour)}
		run := func(args ...string) finished {
			c := newCommand(f)
			c.env["TZ"] = zone
			return c.run(t.Context(), args...)
		}
		const says = "is not a time zone of this machine"
		shown := run(args("status")...)
		require.Equal(t, console.ExitOK, shown.code)
		require.Equal(t, wrong, strings.Contains(shown.stderr, says), zone)
		require.Empty(t, run(args("status", "-o", "json")...).stderr, "that is for a program")

		moved := run(args("extend", "--until", "14:00")...)
		require.Equal(t, wrong, moved.code == console.ExitUsage, zone)
		require.Equal(t, wrong, strings.Contains(moved.stderr, "--until: TZ="), zone)
		require.Equal(t, console.ExitOK, run(args("extend", "--until", "2026-03-01T14:00:00+01:00")...).code)
	}
}
