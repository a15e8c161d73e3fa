package e2e_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/migrationlink/migrationlink"
	"github.com/migrationlink/migrationlink/opsmanager/opsmanagertest"
)

// All promises hold for a worker whose clock differs from Temporal's.
func TestAWorkerWithAWrongClockKeepsAllPromises(t *testing.T) {
	t.Parallel()
	for name, ahead := range map[string]time.Duration{
		"10 minutes ahead":  10 * time.Minute,
		"10 minutes behind": -10 * time.Minute,
		"2 minutes ahead":   2 * time.Minute,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSystem(t, "--sync-delay", "3s")
			s.workerAhead(ahead)
			for promise, holds := range map[string]func(*system, string){
				"it links":                                linksWithinItsLimits,
				"it ends at its deadline":                 endsAtItsDeadline,
				"a cancellation removes the link":         cancellationRemovesTheLink,
				"a lost reply leads to no second link":    lostReplyLeadsToOneLink,
				"a link that appears late is removed":     lateLinkIsRemoved,
				"an unlink removes the link":              unlinkRemovesTheLink,
				"a replacement is not removed by mistake": relinkMakesOneLink,
			} {
				t.Run(promise, func(t *testing.T) {
					t.Parallel()
					holds(s.in(t), newOrg())
				})
			}
		})
	}
}

func linksWithinItsLimits(s *system, org string) {
	s.t.Helper()
	began := time.Now()
	run := s.begin(org, func(r *migrationlink.LinkRequest) { r.CreateTimeout, r.SyncTimeout = "5m", "1m" })
	s.requireLinkedOnce(run, org)
	require.Less(s.t, time.Since(began), 30*time.Second)
	var result migrationlink.LinkResult
	require.NoError(s.t, run.Get(s.t.Context(), &result))
	require.True(s.t, result.Created)
	require.WithinDuration(s.t, time.Now(), result.SyncedAt, time.Minute)
}

func endsAtItsDeadline(s *system, org string) {
	s.t.Helper()
	s.shape(org, map[string]any{"sync": "never"})
	run := s.begin(org, func(r *migrationlink.LinkRequest) { r.SyncTimeout, r.Undo = "8s", migrationlink.UndoAlways })
	s.waitForPhase(run, migrationlink.PhaseSyncing)
	deadline := s.status(run).Deadline
	require.Contains(s.t, requireFailure(s.t, run, migrationlink.OutcomeTimedOut).Message, "within 8s")
	require.InDelta(s.t, 1, time.Since(deadline).Seconds(), 5)
	require.Greater(s.t, s.evidence(org).Gets, 4, "it was polled until then")
	require.Equal(s.t, opsmanagertest.StatusNone, s.evidence(org).LinkStatus)
}

func cancellationRemovesTheLink(s *system, org string) {
	s.t.Helper()
	s.shape(org, map[string]any{"sync": "never"})
	run := s.begin(org, nil)
	s.waitForPhase(run, migrationlink.PhaseSyncing)
	asked := time.Now()
	require.NoError(s.t, s.temporal.CancelWorkflow(s.t.Context(), run.GetID(), ""))
	require.True(s.t, requireCancelled(s.t, run).Removed)
	require.Less(s.t, time.Since(asked), 10*time.Second)
	require.Equal(s.t, opsmanagertest.StatusNone, s.evidence(org).LinkStatus)
}

func lostReplyLeadsToOneLink(s *system, org string) {
	s.t.Helper()
	s.shape(org, map[string]any{"secondPost": "overwrite", "statusWithoutLink": "not-synced", "syncDelay": "5s"})
	s.fault(opsmanagertest.Fault{Kind: opsmanagertest.LostReply, Operation: http.MethodPost, OrgID: org, Count: 1})
	s.requireLinkedOnce(s.begin(org, quickly), org)
}

// The creation takes longer than anybody waits for it, and meanwhile the link is
// cancelled.
func lateLinkIsRemoved(s *system, org string) {
	s.t.Helper()
	s.shape(org, map[string]any{"sync": "never"})
	s.fault(opsmanagertest.Fault{Kind: opsmanagertest.BadGateway, Operation: http.MethodPost, OrgID: org, Count: 1})
	run := s.begin(org, func(r *migrationlink.LinkRequest) { r.SettleTime = "10s" })
	s.waitForPhase(run, migrationlink.PhaseSettling)
	require.NoError(s.t, s.temporal.CancelWorkflow(s.t.Context(), run.GetID(), ""))
	s.waitForPhase(run, migrationlink.PhaseUndoing)
	s.shape(org, map[string]any{"linked": true, "sync": "never"}) // the POST for which the gateway timed out
	require.True(s.t, requireCancelled(s.t, run).Removed)
	require.Equal(s.t, opsmanagertest.StatusNone, s.evidence(org).LinkStatus)
}

func unlinkRemovesTheLink(s *system, org string) {
	s.t.Helper()
	s.shape(org, map[string]any{"linked": true})
	s.fault(opsmanagertest.Fault{Kind: opsmanagertest.LostReply, Operation: http.MethodDelete, OrgID: org, Count: 1})
	var result migrationlink.LinkResult
	require.NoError(s.t, s.unlink(org, nil).Get(s.t.Context(), &result))
	require.Equal(s.t, migrationlink.OutcomeUnlinked, result.Outcome)
	require.Equal(s.t, opsmanagertest.StatusNone, s.evidence(org).LinkStatus)
}

// The DELETE before the POST gets no reply while the manager executes it: nothing may
// be created before it takes effect.
func relinkMakesOneLink(s *system, org string) {
	s.t.Helper()
	s.shape(org, map[string]any{"linked": true})
	s.fault(opsmanagertest.Fault{Kind: opsmanagertest.LostReply, Operation: http.MethodDelete, OrgID: org, Count: 1})
	run := s.begin(org, func(r *migrationlink.LinkRequest) {
		relink(r)
		quickly(r)
	})
	s.requireLinkedOnce(run, org)
	require.Equal(s.t, 1, s.evidence(org).EffectiveDeletes)
}
