package cli

import (
	"testing"

	"github.com/stretchr/testify/require"
	workflowpb "go.temporal.io/api/workflow/v1"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/temporal"

	"github.com/migrationlink/migrationlink"
)

func TestCancelSendsTheReasonAndWaitsForTheEnd(t *testing.T) {
	t.Parallel()
	f := newFakeTemporal(t).running()
	result := withOutcome(migrationlink.OutcomeCancelled, nil)
	result.CancelReason, result.Removed = "wrong target", true
	f.endOnSignal = temporal.NewCanceledError(result)
	done := newCommand(f).run(t.Context(), args("cancel", "--reason", "wrong target")...)
	require.Equal(t, ExitOK, done.code)
	require.Empty(t, done.stderr)
	require.Contains(t, done.stdout, "cancelled (wrong target): the link was removed again\n")

	require.Len(t, f.signals, 1)
	require.Equal(t, migrationlink.CancelSignal, f.signals[0].GetSignalName())
	require.Equal(t, testRunID, f.signals[0].GetWorkflowExecution().GetRunId())
	var request migrationlink.CancelRequest
	require.NoError(t, converter.GetDefaultDataConverter().FromPayloads(f.signals[0].GetInput(), &request))
	require.Equal(t, "wrong target", request.Reason)
}

func TestCancelWithoutWaitingSaysHowToWatch(t *testing.T) {
	t.Parallel()
	for _, flag := range []string{"--detach", "--wait=false"} {
		f := newFakeTemporal(t).running()
		done := newCommand(f).run(t.Context(), args("cancel", "--reason", "x", flag)...)
		require.Equal(t, ExitOK, done.code)
		require.Len(t, f.signals, 1)
		require.Contains(t, done.stdout, "starter status --watch --manager demo")
	}
}

func TestCancelWaitsNoLongerThanAllowed(t *testing.T) {
	t.Parallel()
	f := newFakeTemporal(t).running()
	done := newCommand(f).run(t.Context(), args("cancel", "--reason", "x", "--wait-limit", "50ms")...)
	require.Equal(t, ExitOther, done.code)
	require.Contains(t, done.stderr, "the link has not ended yet")
}

func TestCancelOfNothingIsAnError(t *testing.T) {
	t.Parallel()
	done := newCommand(newFakeTemporal(t)).run(t.Context(), args("cancel", "--reason", "x")...)
	require.Equal(t, ExitOther, done.code)
	require.Contains(t, done.stderr, "has no workflow")

	f := newFakeTemporal(t).ends(linked(), nil)
	done = newCommand(f).run(t.Context(), args("cancel", "--reason", "x")...)
	require.Equal(t, ExitOther, done.code)
	require.Contains(t, done.stderr, "the latest link is completed")
	require.Empty(t, f.signals)
}

func TestCancelTellsWhenTheLinkEndedOtherwise(t *testing.T) {
	t.Parallel()
	undo := withOutcome(migrationlink.OutcomeFailed, &migrationlink.Problem{Type: migrationlink.ErrUndoFailed, Message: "a migration runs", Remedy: "Wait for its end."})
	require.Equal(t, ExitFailed, exitCode(cancelError(testRun, undo)))
	err := cancelError(testRun, linked())
	require.Equal(t, ExitOther, exitCode(err))
	require.ErrorContains(t, err, "before the cancellation reached it")
	require.NoError(t, cancelError(testRun, withOutcome(migrationlink.OutcomeCancelled, nil)))
}

// What Temporal tells of the call is older than what the workflow says of itself.
func TestWhatIsUndoneHasNoNextCallOfTheWaitThatItEnded(t *testing.T) {
	t.Parallel()
	f := newFakeTemporal(t).running()
	f.pending, f.status = []*workflowpb.PendingActivityInfo{polling(refusal)}, syncing()
	f.status.Phase = migrationlink.PhaseUndoing
	done := newCommand(f).run(t.Context(), args("status")...)
	require.Contains(t, done.stdout, "state         running, undoing\n")
	require.NotContains(t, done.stdout, "next call")
	require.NotContains(t, done.stdout, refusal.Message)

	f.pending[0].ActivityType.Name = migrationlink.DeleteLinkActivity
	done = newCommand(f).run(t.Context(), args("status")...)
	require.Contains(t, done.stdout, "next call     12:00:14")
	require.Contains(t, done.stdout, refusal.Message)
}
