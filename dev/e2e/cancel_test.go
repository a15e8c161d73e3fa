package e2e_test

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"
	historypb "go.temporal.io/api/history/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"

	"github.com/migrationlink/migrationlink"
	"github.com/migrationlink/migrationlink/opsmanager/opsmanagertest"
)

// cancelWays are the ways to cancel a link.
var cancelWays = map[string]func(*system, client.WorkflowRun){
	"Temporal's own": func(s *system, run client.WorkflowRun) {
		s.t.Helper()
		require.NoError(s.t, s.temporal.CancelWorkflow(s.t.Context(), run.GetID(), ""))
	},
	"signal": func(s *system, run client.WorkflowRun) {
		s.t.Helper()
		require.NoError(s.t, s.temporal.SignalWorkflow(s.t.Context(), run.GetID(), "", migrationlink.CancelSignal, migrationlink.CancelRequest{Reason: "wrong"}))
	},
}

// cancelMoment is a moment at which a link is cancelled.
type cancelMoment struct {
	fault opsmanagertest.Fault
	when  func(s *system, org string, run client.WorkflowRun) bool
	late  bool // the fault begins at the moment itself
}

var cancelMoments = map[string]cancelMoment{
	"in the POST": {
		fault: opsmanagertest.Fault{Kind: opsmanagertest.StallBefore, Operation: "POST", Duration: opsmanagertest.Duration(time.Second)},
		when:  func(s *system, org string, _ client.WorkflowRun) bool { return s.evidence(org).Posts == 1 },
	},
	"in the first read": {
		fault: opsmanagertest.Fault{Kind: opsmanagertest.StallBefore, Operation: "GET", Duration: opsmanagertest.Duration(time.Minute)},
		when:  func(s *system, org string, _ client.WorkflowRun) bool { return s.evidence(org).Gets == 1 },
	},
	"creating in back-off": {
		fault: opsmanagertest.Fault{Kind: opsmanagertest.TooManyRequests, Operation: "POST"},
		when: func(s *system, _ string, run client.WorkflowRun) bool {
			problem := s.status(run).Problem
			return problem != nil && problem.Type == migrationlink.ErrManagerUnavailable
		},
	},
	"after a lost reply": {
		fault: opsmanagertest.Fault{Kind: opsmanagertest.LostReply, Operation: "POST"},
		when: func(s *system, _ string, run client.WorkflowRun) bool {
			return s.status(run).Phase != migrationlink.PhaseCreating
		},
	},
	"syncing in back-off": {
		fault: opsmanagertest.Fault{Kind: opsmanagertest.ChunkedBody}, // harmless
		when:  func(s *system, org string, _ client.WorkflowRun) bool { return s.evidence(org).Gets > 4 },
	},
	"in a poll": { // once: the undo confirms by reading
		fault: opsmanagertest.Fault{Kind: opsmanagertest.StallBefore, Operation: "GET", Count: 1, Duration: opsmanagertest.Duration(time.Minute)},
		when:  func(s *system, org string, _ client.WorkflowRun) bool { return s.evidence(org).Gets > 3 },
		late:  true,
	},
}

// beginUntil starts a link that never becomes SYNCED, and waits for the moment.
func (s *system) beginUntil(at cancelMoment, org string, undo migrationlink.UndoPolicy) client.WorkflowRun {
	s.t.Helper()
	s.shape(org, map[string]any{"sync": "never"})
	fault := at.fault
	fault.OrgID = org
	if !at.late {
		s.fault(fault)
	}
	run := s.begin(org, func(r *migrationlink.LinkRequest) { r.Undo = undo })
	require.Eventually(s.t, func() bool { return at.when(s, org, run) }, 30*time.Second, 20*time.Millisecond)
	if at.late {
		s.fault(fault)
		seen := s.evidence(org).Gets
		require.Eventually(s.t, func() bool { return s.evidence(org).Gets > seen }, 30*time.Second, 10*time.Millisecond)
	}
	return run
}

func TestCancelEndsSoonAndRemovesTheLink(t *testing.T) { //nolint:tparallel // it measures time
	s := newSystem(t)
	s.worker("")
	atOnce := make(chan struct{}, 4)
	for moment, at := range cancelMoments {
		for way, cancel := range cancelWays {
			for _, undo := range []migrationlink.UndoPolicy{"", migrationlink.UndoNever} {
				t.Run(moment+" "+way+" "+string(undo), func(t *testing.T) {
					t.Parallel()
					atOnce <- struct{}{}
					t.Cleanup(func() { <-atOnce })
					s, org := s.in(t), newOrg()
					run := s.beginUntil(at, org, undo)

					asked := time.Now()
					cancel(s, run)
					err := run.Get(t.Context(), nil)
					require.Less(t, time.Since(asked), 2*time.Second)
					var canceled *temporal.CanceledError
					require.ErrorAs(t, err, &canceled)
					var result migrationlink.LinkResult
					require.NoError(t, canceled.Details(&result))
					require.Equal(t, migrationlink.OutcomeCancelled, result.Outcome)
					left := s.evidence(org)
					if undo == migrationlink.UndoNever {
						require.Equal(t, left.EffectivePosts == 1, left.LinkStatus != opsmanagertest.StatusNone)
						require.Zero(t, left.Deletes)
						return
					}
					require.Equal(t, opsmanagertest.StatusNone, left.LinkStatus)
				})
			}
		}
	}
}

// The undo waits for a slow POST: a DELETE that overtook it would leave the link
// behind.
func TestCancelDuringASlowPostLeavesNoLink(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	s.worker("")
	org := newOrg()
	s.shape(org, map[string]any{"sync": "never", "deleteWithoutLink": "no-content"})
	s.fault(opsmanagertest.Fault{Kind: opsmanagertest.StallBefore, Operation: "POST", Duration: opsmanagertest.Duration(15 * time.Second)})
	run := s.begin(org, nil)
	require.Eventually(t, func() bool { return s.evidence(org).Posts == 1 }, 30*time.Second, 5*time.Millisecond)
	require.NoError(t, s.temporal.CancelWorkflow(t.Context(), run.GetID(), ""))

	var canceled *temporal.CanceledError
	require.ErrorAs(t, run.Get(t.Context(), nil), &canceled)
	require.Equal(t, 1, s.evidence(org).EffectivePosts)
	require.Equal(t, opsmanagertest.StatusNone, s.evidence(org).LinkStatus)
}

// The manager times out, the link is cancelled, and only then does the manager create
// it.
func TestCancelInDoubtRemovesALinkThatAppearsLate(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	s.worker(impatient)
	org := newOrg()
	s.shape(org, map[string]any{"sync": "never"})
	s.fault(opsmanagertest.Fault{Kind: opsmanagertest.LateEffect, Operation: "POST", Count: 1, Duration: opsmanagertest.Duration(6 * time.Second)})
	run := s.begin(org, func(r *migrationlink.LinkRequest) {
		r.Manager = "impatient"
		r.SettleTime = "15s"
	})
	s.waitForPhase(run, migrationlink.PhaseSettling)
	require.NoError(t, s.temporal.CancelWorkflow(t.Context(), run.GetID(), ""))

	var canceled *temporal.CanceledError
	require.ErrorAs(t, run.Get(t.Context(), nil), &canceled)
	require.Equal(t, 1, s.evidence(org).EffectivePosts)
	require.Equal(t, opsmanagertest.StatusNone, s.evidence(org).LinkStatus)
}

// A signal and the end of the last activity may reach a worker together, because none was there: the
// cancellation counts.
func TestACancellationThatComesWithTheEndOfTheTimeIsNotLost(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	w := s.worker("")
	org := newOrg()
	s.shape(org, map[string]any{"sync": "never"})
	run := s.begin(org, func(r *migrationlink.LinkRequest) { r.SyncTimeout = "10s" })
	s.waitForPhase(run, migrationlink.PhaseSyncing)
	w.kill()
	require.NoError(t, s.temporal.SignalWorkflow(t.Context(), run.GetID(), "", migrationlink.CancelSignal, migrationlink.CancelRequest{Reason: "wrong"}))
	s.eventually(func() bool {
		return slices.ContainsFunc(s.history(run.GetID(), ""), func(event *historypb.HistoryEvent) bool {
			return event.GetEventType() == enumspb.EVENT_TYPE_ACTIVITY_TASK_TIMED_OUT || event.GetEventType() == enumspb.EVENT_TYPE_ACTIVITY_TASK_FAILED
		})
	})
	s.worker("")

	result := requireCancelled(t, run)
	require.Equal(t, "wrong", result.CancelReason)
	require.True(t, result.Removed, "%+v", result)
	require.Equal(t, opsmanagertest.StatusNone, s.evidence(org).LinkStatus)
}
