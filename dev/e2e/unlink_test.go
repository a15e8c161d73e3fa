package e2e_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"

	"github.com/migrationlink/migrationlink"
	"github.com/migrationlink/migrationlink/opsmanager/opsmanagertest"
)

// unlink starts an unlink through the SDK.
func (s *system) unlink(orgID string, change func(*migrationlink.UnlinkRequest)) client.WorkflowRun {
	s.t.Helper()
	request := migrationlink.UnlinkRequest{Manager: "demo", OrgID: orgID}
	if change != nil {
		change(&request)
	}
	run, err := s.temporal.ExecuteWorkflow(s.t.Context(), client.StartWorkflowOptions{
		ID:        migrationlink.WorkflowID(request.Manager, request.OrgID),
		TaskQueue: migrationlink.TaskQueue,
	}, migrationlink.UnlinkWorkflow, request)
	require.NoError(s.t, err)
	return run
}

func TestUnlinkRemovesAnyLinkAndIsIdempotent(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	s.worker("")
	for name, shape := range map[string]map[string]any{
		"strict":                 {},
		"204 without a link":     {"deleteWithoutLink": opsmanagertest.WithoutLinkNoContent},
		"NOT_SYNCED without one": {"statusWithoutLink": opsmanagertest.WithoutLinkNotSynced},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := s.in(t)
			org := newOrg()
			shape["linked"] = true
			s.shape(org, shape)
			for _, outcome := range []migrationlink.Outcome{migrationlink.OutcomeUnlinked, migrationlink.OutcomeNotLinked} {
				var result migrationlink.LinkResult
				require.NoError(t, s.unlink(org, nil).Get(t.Context(), &result))
				require.Equal(t, outcome, result.Outcome)
				require.Equal(t, outcome == migrationlink.OutcomeUnlinked, result.Removed)
				require.Equal(t, opsmanagertest.StatusNone, s.evidence(org).LinkStatus)
			}
			require.Equal(t, 1, s.evidence(org).EffectiveDeletes)
		})
	}
}

func TestUnlinkUnderLostRepliesRemovesTheLink(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	s.worker(impatient)
	for kind, fault := range map[string]opsmanagertest.Fault{
		"effect, no reply": {Kind: opsmanagertest.LostReply, Operation: http.MethodDelete},
		"no effect, reset": {Kind: opsmanagertest.ConnectionReset, Operation: http.MethodDelete},
		"gateway":          {Kind: opsmanagertest.BadGateway, Operation: http.MethodDelete},
		"unreadable":       {Kind: opsmanagertest.GarbageBody, Operation: http.MethodGet},
		"rate limit":       {Kind: opsmanagertest.TooManyRequests},
	} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			s := s.in(t)
			org := newOrg()
			s.shape(org, map[string]any{"linked": true})
			fault.OrgID, fault.Count = org, 2
			s.fault(fault)
			var result migrationlink.LinkResult
			require.NoError(t, s.unlink(org, func(r *migrationlink.UnlinkRequest) { r.Manager = "impatient" }).Get(t.Context(), &result))
			require.Equal(t, migrationlink.OutcomeUnlinked, result.Outcome)
			require.Equal(t, 1, s.evidence(org).EffectiveDeletes)
		})
	}
}

func TestUnlinkDuringAMigrationThatEndsLater(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	s.worker("")
	org := newOrg()
	s.shape(org, map[string]any{"linked": true, "runningMigrations": []string{"project-1"}})

	problem := requireFailure(t, s.unlink(org, nil), migrationlink.OutcomeFailed)
	require.Equal(t, migrationlink.ErrMigrationRunning, problem.Type)
	require.Contains(t, problem.Remedy, "project-1")

	wait := func(r *migrationlink.UnlinkRequest) { r.OnBlocked = migrationlink.WaitWhenBlocked }
	run := s.unlink(org, wait)
	s.waitForPhase(run, migrationlink.PhaseBlocked)
	require.Contains(t, s.status(run).Problem.Message, "project-1")
	require.Equal(t, opsmanagertest.StatusSynced, s.evidence(org).LinkStatus)
	// After a retry during the migration, it still waits.
	deletes := s.evidence(org).Deletes
	require.NoError(t, s.temporal.SignalWorkflow(t.Context(), run.GetID(), "", migrationlink.RetrySignal, nil))
	require.Eventually(t, func() bool { return s.evidence(org).Deletes > deletes+1 }, 30*time.Second, 20*time.Millisecond)
	s.waitForPhase(run, migrationlink.PhaseBlocked)

	s.shape(org, map[string]any{})
	var result migrationlink.LinkResult
	require.NoError(t, run.Get(t.Context(), &result))
	require.Equal(t, migrationlink.OutcomeUnlinked, result.Outcome)
	require.Equal(t, opsmanagertest.StatusNone, s.evidence(org).LinkStatus)
}

func TestUnlinkEndsAtItsDeadlineAndWhenCancelled(t *testing.T) { // not parallel: it measures time
	s := newSystem(t)
	s.worker("")
	org := newOrg()
	s.shape(org, map[string]any{"linked": true, "runningMigrations": []string{"project-1"}})
	run := s.unlink(org, func(r *migrationlink.UnlinkRequest) { r.OnBlocked, r.Timeout = migrationlink.WaitWhenBlocked, "5s" })
	began := time.Now()
	require.Contains(t, requireFailure(t, run, migrationlink.OutcomeTimedOut).Message, "project-1")
	require.InDelta(t, 5, time.Since(began).Seconds(), 2)

	run = s.unlink(org, func(r *migrationlink.UnlinkRequest) { r.OnBlocked = migrationlink.WaitWhenBlocked })
	s.waitForPhase(run, migrationlink.PhaseBlocked)
	asked := time.Now()
	require.NoError(t, s.temporal.SignalWorkflow(t.Context(), run.GetID(), "", migrationlink.CancelSignal, migrationlink.CancelRequest{Reason: "later"}))
	var canceled *temporal.CanceledError
	require.ErrorAs(t, run.Get(t.Context(), nil), &canceled)
	require.Less(t, time.Since(asked), 2*time.Second)
	require.Equal(t, opsmanagertest.StatusSynced, s.evidence(org).LinkStatus)
}

func TestUnlinkOfAnUnknownManagerFailsSoon(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	s.worker("")
	run := s.unlink(newOrg(), func(r *migrationlink.UnlinkRequest) { r.Manager = "nobody" })
	require.Equal(t, migrationlink.ErrUnknownManager, requireFailure(t, run, migrationlink.OutcomeFailed).Type)
}

// A cancellation waits for a running DELETE: it could hit a link that is created after
// it.
func TestACancelledUnlinkReportsWhatItsDeleteDid(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	s.worker("")
	org := newOrg()
	s.shape(org, map[string]any{"linked": true})
	s.fault(opsmanagertest.Fault{Kind: opsmanagertest.LateEffect, Operation: http.MethodDelete, OrgID: org, Count: 1, Duration: opsmanagertest.Duration(2 * time.Second)})
	run := s.unlink(org, nil)
	s.eventually(func() bool { return s.evidence(org).Deletes == 1 })
	require.NoError(t, s.temporal.CancelWorkflow(t.Context(), run.GetID(), ""))
	var canceled *temporal.CanceledError
	err := run.Get(t.Context(), nil)
	if err == nil {
		require.Equal(t, opsmanagertest.StatusNone, s.evidence(org).LinkStatus)
		return
	}
	require.ErrorAs(t, err, &canceled)
	var result migrationlink.LinkResult
	require.NoError(t, canceled.Details(&result))
	require.True(t, result.Removed || result.InDoubt, "%+v", result)
}

func TestAWorkerKilledDuringTheDeleteLosesNothing(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	for name, begin := range map[string]func(*system, string) client.WorkflowRun{
		"unlink": func(s *system, org string) client.WorkflowRun { return s.unlink(org, nil) },
		"relink": func(s *system, org string) client.WorkflowRun {
			return s.begin(org, func(r *migrationlink.LinkRequest) {
				relink(r)
				r.SettleTime = "5s"
			})
		},
	} {
		worker := s.worker("")
		org := newOrg()
		s.shape(org, map[string]any{"linked": true, "syncDelay": "0s"})
		s.fault(opsmanagertest.Fault{Kind: opsmanagertest.LateEffect, Operation: http.MethodDelete, OrgID: org, Count: 1, Duration: opsmanagertest.Duration(2 * time.Second)})
		run := begin(s, org)
		s.eventually(func() bool { return s.evidence(org).Deletes == 1 })
		worker.kill()
		next := s.worker("")
		var result migrationlink.LinkResult
		require.NoError(t, run.Get(t.Context(), &result), name)
		require.True(t, result.Removed || result.Replaced || result.InDoubt, "%+v", result)
		left := s.evidence(org)
		require.Equal(t, 1, left.EffectiveDeletes, name)
		require.Equal(t, name == "relink", left.LinkStatus == opsmanagertest.StatusSynced, name)
		next.stop()
	}
}
