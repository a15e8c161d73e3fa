package e2e_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"

	"github.com/migrationlink/migrationlink"
)

func TestCancelEndsSoonAndRemovesTheLink(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	s.worker("")
	ways := map[string]func(*testing.T, client.WorkflowRun){
		"Temporal's own": func(t *testing.T, run client.WorkflowRun) {
			t.Helper()
			require.NoError(t, s.temporal.CancelWorkflow(t.Context(), run.GetID(), ""))
		},
		"signal": func(t *testing.T, run client.WorkflowRun) {
			t.Helper()
			require.NoError(t, s.temporal.SignalWorkflow(t.Context(), run.GetID(), "", migrationlink.CancelSignal, migrationlink.CancelRequest{Reason: "wrong"}))
		},
	}
	moments := map[string]struct {
		fault map[string]any
		shape map[string]any
		when  func(org string, run client.WorkflowRun) bool
	}{
		"in the POST": {
			fault: map[string]any{"kind": "stall", "operation": "POST", "duration": "1s"},
			when:  func(org string, _ client.WorkflowRun) bool { return s.evidence(org).Posts == 1 },
		},
		"creating in back-off": {
			fault: map[string]any{"kind": "503", "operation": "POST"},
			when: func(_ string, run client.WorkflowRun) bool {
				problem := s.status(run).Problem
				return problem != nil && problem.Type == migrationlink.ErrManagerUnavailable || s.status(run).Phase == migrationlink.PhaseSettling
			},
		},
		"syncing in back-off": {
			shape: map[string]any{"sync": "never"},
			when:  func(org string, _ client.WorkflowRun) bool { return s.evidence(org).Gets > 4 },
		},
		"in a poll": {
			shape: map[string]any{"sync": "never"},
			fault: map[string]any{"kind": "stall", "operation": "GET", "duration": "30s", "after": 3},
			when:  func(org string, _ client.WorkflowRun) bool { return s.evidence(org).Gets > 3 },
		},
	}
	for moment, at := range moments {
		for way, cancel := range ways {
			for _, undo := range []migrationlink.UndoPolicy{"", migrationlink.UndoNever} {
				t.Run(moment+" "+way+" "+string(undo), func(t *testing.T) {
					t.Parallel()
					org := newOrg()
					if at.shape != nil {
						s.shape(org, at.shape)
					}
					if at.fault != nil {
						s.fault(org, at.fault)
					}
					run := s.begin(org, func(r *migrationlink.LinkRequest) { r.Undo = undo })
					require.Eventually(t, func() bool { return at.when(org, run) }, 30*time.Second, 20*time.Millisecond)

					asked := time.Now()
					cancel(t, run)
					err := run.Get(t.Context(), nil)
					require.Less(t, time.Since(asked), 2*time.Second)
					var canceled *temporal.CanceledError
					require.ErrorAs(t, err, &canceled)
					var result migrationlink.LinkResult
					require.NoError(t, canceled.Details(&result))
					require.Equal(t, migrationlink.OutcomeCancelled, result.Outcome)
					left := s.evidence(org)
					if undo == migrationlink.UndoNever {
						require.Equal(t, left.EffectivePosts == 1, left.LinkStatus != "NONE")
						require.Zero(t, left.Deletes)
						return
					}
					require.Equal(t, "NONE", left.LinkStatus)
				})
			}
		}
	}
}

func (s *system) fault(orgID string, fault map[string]any) {
	s.t.Helper()
	fault["orgId"] = orgID
	s.control(http.MethodPut, "/simulator/faults", map[string]any{"faults": []any{fault}}, nil)
}
