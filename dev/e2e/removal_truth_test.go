package e2e_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"

	"github.com/migrationlink/migrationlink"
	"github.com/migrationlink/migrationlink/opsmanager/opsmanagertest"
)

// A migration blocks the removal of a link, and the worker that waits for its end dies.
func TestAWorkerKilledDuringTheWaitForAMigrationEndsNothing(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	worker := s.worker("")
	running := map[string]any{"sync": "never", "runningMigrations": []string{"project-1"}}
	ended := map[string]any{"sync": "never"}
	cancelled, deleted, unlinked := newOrg(), newOrg(), newOrg()
	runs := map[string]client.WorkflowRun{}
	for _, org := range []string{cancelled, deleted} {
		s.shape(org, running)
		runs[org] = s.begin(org, whenBlocked)
		s.waitForPhase(runs[org], migrationlink.PhaseSyncing)
		require.NoError(t, s.temporal.CancelWorkflow(t.Context(), runs[org].GetID(), ""))
	}
	s.shape(unlinked, map[string]any{"linked": true, "runningMigrations": []string{"project-1"}})
	runs[unlinked] = s.unlink(unlinked, func(r *migrationlink.UnlinkRequest) {
		r.OnBlocked, r.Timeout = migrationlink.WaitWhenBlocked, "3m"
	})
	for _, run := range runs {
		s.waitForPhase(run, migrationlink.PhaseBlocked)
	}

	// In one case the migration has ended, and the DELETE takes effect before the worker
	// dies.
	s.stall(opsmanagertest.StallBefore, http.MethodDelete, cancelled, unlinked)
	s.stall(opsmanagertest.StallAfter, http.MethodDelete, deleted)
	s.shape(deleted, ended)
	s.waitForFaults(cancelled, unlinked, deleted)
	require.Equal(t, 1, s.evidence(deleted).EffectiveDeletes)
	sent := map[string]int{}
	for org := range runs {
		sent[org] = s.evidence(org).Deletes
	}
	worker.kill()
	s.worker("")

	result := requireCancelled(t, runs[deleted])
	require.True(t, result.Removed, "%+v", result)

	for _, org := range []string{cancelled, unlinked} {
		s.within(time.Minute, func() bool {
			phase := s.status(runs[org]).Phase
			return phase == migrationlink.PhaseEnded || phase == migrationlink.PhaseBlocked && s.evidence(org).Deletes > sent[org]
		})
		require.Equal(t, migrationlink.PhaseBlocked, s.status(runs[org]).Phase, "%+v", s.status(runs[org]).Problem)
		s.shape(org, ended)
	}
	result = requireCancelled(t, runs[cancelled])
	require.True(t, result.Removed, "%+v", result)
	require.NoError(t, runs[unlinked].Get(t.Context(), &result))
	require.Equal(t, migrationlink.OutcomeUnlinked, result.Outcome)
	for org := range runs {
		require.Equal(t, opsmanagertest.StatusNone, s.evidence(org).LinkStatus)
		require.Equal(t, 1, s.evidence(org).EffectiveDeletes)
	}
}

// falseSuccesses are successful replies that do not come from the manager's API.
var falseSuccesses = []opsmanagertest.FaultKind{opsmanagertest.LoginPage, opsmanagertest.EmptySuccess, opsmanagertest.Unreadable}

func TestARemovalThatHadNoEffectIsNeverReportedAsOne(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	s.worker("")
	for _, kind := range falseSuccesses {
		for withoutLink, count := range map[string]int{"not-found": 3, "not-synced": 1} {
			t.Run(string(kind)+", undo, "+withoutLink, func(t *testing.T) {
				t.Parallel()
				s := s.in(t)
				org := newOrg()
				s.shape(org, map[string]any{"sync": "never", "statusWithoutLink": withoutLink})
				run := s.begin(org, nil)
				s.waitForPhase(run, migrationlink.PhaseSyncing)
				s.fault(opsmanagertest.Fault{Kind: kind, Operation: http.MethodDelete, OrgID: org, Count: count})
				require.NoError(t, s.temporal.CancelWorkflow(t.Context(), run.GetID(), ""))
				result := requireCancelled(t, run)
				require.Equal(t, opsmanagertest.StatusNone, s.evidence(org).LinkStatus)
				require.True(t, result.Removed, "%+v", result)
			})
		}
		t.Run(string(kind)+", every time", func(t *testing.T) {
			t.Parallel()
			s := s.in(t)
			org := newOrg()
			s.shape(org, map[string]any{"linked": true})
			s.fault(opsmanagertest.Fault{Kind: kind, Operation: http.MethodDelete, OrgID: org})
			problem := requireFailure(t, s.unlink(org, func(r *migrationlink.UnlinkRequest) { r.Timeout = "8s" }), migrationlink.OutcomeTimedOut)
			require.Contains(t, problem.Message, "was not removed")
			require.Equal(t, opsmanagertest.StatusSynced, s.evidence(org).LinkStatus)
		})
	}
}

func TestACreationThatHadNoEffectIsRepeated(t *testing.T) {
	t.Parallel()
	s := newSystem(t, "--sync-delay", "1s")
	s.worker("")
	for _, kind := range falseSuccesses {
		for _, withoutLink := range []string{"not-found", "not-synced"} {
			t.Run(string(kind)+", "+withoutLink, func(t *testing.T) {
				t.Parallel()
				s := s.in(t)
				org := newOrg()
				s.shape(org, map[string]any{"statusWithoutLink": withoutLink})
				s.fault(opsmanagertest.Fault{Kind: kind, Operation: http.MethodPost, OrgID: org, Count: 1})
				run := s.begin(org, func(r *migrationlink.LinkRequest) { r.SettleTime, r.SyncTimeout = "8s", "30s" })
				s.requireLinkedOnce(run, org)
				var result migrationlink.LinkResult
				require.NoError(t, run.Get(t.Context(), &result))
				require.True(t, result.Created)
				require.Equal(t, 2, s.evidence(org).Posts)
			})
		}
	}
}
