package starter

import (
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/serviceerror"
	workflowpb "go.temporal.io/api/workflow/v1"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/temporal"

	"github.com/migrationlink/migrationlink"
	"github.com/migrationlink/migrationlink/internal/console"
)

func TestCancelSendsTheReasonAndWaitsForTheEnd(t *testing.T) {
	t.Parallel()
	f := newFakeTemporal(t).running()
	result := withOutcome(migrationlink.OutcomeCancelled, nil)
	result.CancelReason, result.Removed = "wrong target", true
	f.endOnSignal = temporal.NewCanceledError(result)
	done := newCommand(f).run(t.Context(), args("cancel", "--reason", "wrong target")...)
	require.Equal(t, console.ExitOK, done.code)
	require.Equal(t, "Asked workflow "+testRun.WorkflowID()+", run "+testRunID+" to cancel\n", done.stderr)
	require.Equal(t, "cancelled (wrong target): the link was removed again\n", done.stdout)

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
		require.Equal(t, console.ExitOK, done.code)
		require.Len(t, f.signals, 1)
		require.Contains(t, done.stderr, "starter status --watch --manager demo")
	}
}

func TestCancelWaitsNoLongerThanAllowed(t *testing.T) {
	t.Parallel()
	for _, flag := range []string{"--timeout", "--wait-limit"} {
		f := newFakeTemporal(t).running()
		done := newCommand(f).run(t.Context(), args("cancel", "--reason", "x", flag, "50ms")...)
		require.Equal(t, console.ExitWaiting, done.code)
		require.Contains(t, done.stderr, "the link has not ended yet")
	}
}

func TestCancelWithoutARunningLinkIsAnError(t *testing.T) {
	t.Parallel()
	done := newCommand(newFakeTemporal(t)).run(t.Context(), args("cancel", "--reason", "x")...)
	require.Equal(t, console.ExitNotFound, done.code)
	require.Contains(t, done.stderr, "has no workflow")

	f := newFakeTemporal(t).ends(linked(), nil)
	done = newCommand(f).run(t.Context(), args("cancel", "--reason", "x")...)
	require.Equal(t, console.ExitNotFound, done.code)
	require.Contains(t, done.stderr, "its latest link is completed")
	require.Empty(t, f.signals)
}

func TestCancelReportsALinkThatEndedOtherwise(t *testing.T) {
	t.Parallel()
	undo := withOutcome(migrationlink.OutcomeFailed, &migrationlink.Problem{Type: migrationlink.ErrUndoFailed, Message: "a migration runs", Remedy: "Wait for its end."})
	require.Equal(t, console.ExitFailed, failureOf(cancelError(testRun, undo)).Code)
	late := &migrationlink.Problem{Type: migrationlink.ErrTimedOut, Message: "the link was not SYNCED within 1h0m0s"}
	for says, result := range map[string]migrationlink.LinkResult{
		"linked: organization " + testOrg:               linked(),
		"failed: manager \"demo\": POST answered 403":   withOutcome(migrationlink.OutcomeFailed, refusal),
		"timed out: the link was not SYNCED within 1h0": withOutcome(migrationlink.OutcomeTimedOut, late),
	} {
		err := cancelError(testRun, result)
		require.Equal(t, console.ExitOther, failureOf(err).Code)
		require.ErrorContains(t, err, "it ended before the cancellation reached it: "+says)
	}
	require.NoError(t, cancelError(testRun, withOutcome(migrationlink.OutcomeCancelled, nil)))
}

func TestCancelOfALinkThatFailsMeanwhileSaysSo(t *testing.T) {
	t.Parallel()
	f := newFakeTemporal(t).running()
	f.endOnSignal = failedWith(withOutcome(migrationlink.OutcomeFailed, refusal))
	done := newCommand(f).run(t.Context(), args("cancel", "--reason", "x")...)
	require.Equal(t, console.ExitOther, done.code)
	require.Equal(t, "starter: it ended before the cancellation reached it: failed: manager \"demo\": POST answered 403\n"+
		"Add 10.0.0.1 to the access list.\nMore: starter explain AccessListRefused\n", done.failure())
}

// What Temporal tells of the call is older than what the workflow says of itself.
func TestAnUndoHidesTheNextCallOfTheWaitItEnded(t *testing.T) {
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

var errSignalsFull = serviceerror.NewInvalidArgument("exceeded workflow execution limit for signal events")

func TestALinkThatCanHaveNoMoreSignalsIsCancelledThroughTemporal(t *testing.T) {
	t.Parallel()
	f := newFakeTemporal(t).running()
	f.refuseCall = refusingCalls(errSignalsFull, signalCall)
	done := newCommand(f).run(t.Context(), args("cancel", "--reason", "wrong target", "--detach")...)
	require.Equal(t, console.ExitOK, done.code, done.stderr)
	require.Len(t, f.cancels, 1)
	require.Equal(t, "wrong target", f.cancels[0].GetReason())
	require.Equal(t, testRunID, f.cancels[0].GetWorkflowExecution().GetRunId())
}

func TestRetryOfALinkThatCanHaveNoMoreSignalsNamesTheRemedy(t *testing.T) {
	t.Parallel()
	f := newFakeTemporal(t).running()
	f.status = blockedStatus()
	f.refuse[migrationlink.RetryUpdate] = errNoWorker
	f.refuseCall = refusingCalls(errSignalsFull, signalCall)
	done := newCommand(f).run(t.Context(), args("retry")...)
	require.Equal(t, console.ExitOther, done.code)
	require.Contains(t, done.stderr, "accepts no more signals")
	require.Contains(t, done.stderr, "starter cancel --manager demo --org "+testOrg+" --reason TEXT")
}
