package e2e_test

import (
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"

	"github.com/migrationlink/migrationlink"
	"github.com/migrationlink/migrationlink/opsmanager/opsmanagertest"
)

// caller waits for the end of a link, which the manager may refuse.
type caller struct {
	run     client.WorkflowRun
	refused bool
}

// For each entry point, two hundred callers each link an organization of their own
// while the manager has faults, and twenty more link the same few.
func TestFourHundredConcurrentCallersGetTrueResults(t *testing.T) {
	oneAtATime(t)
	const each, meetingEach, refusedEvery = 200, 20, 10
	s := newSystem(t, "--sync-delay", "2s")
	s.worker("")
	entryPoints := []func(migrationlink.LinkRequest) client.WorkflowRun{s.platform(), s.abroad().link}
	s.control("PUT", "/simulator/faults", map[string]any{"faults": opsmanagertest.Faults{
		{Kind: opsmanagertest.Unavailable, Probability: 0.05},
		{Kind: opsmanagertest.LostReply, Operation: "POST", Probability: 0.03},
	}}, nil)
	meeting := []string{newOrg(), newOrg(), newOrg(), newOrg()}
	for _, org := range meeting {
		s.shape(org, map[string]any{"sync": "never"}) // until all are there
	}

	began := time.Now()
	callers := make(chan caller, len(entryPoints)*(each+meetingEach))
	var starting sync.WaitGroup
	for _, entryPoint := range entryPoints {
		for half := range 2 {
			starting.Go(func() {
				for i := half; i < each+meetingEach; i += 2 {
					request, refused := linkRequest(newOrg()), i < each && i%refusedEvery == 0
					request.SettleTime = "5s"
					switch {
					case i >= each:
						request.OrgID = meeting[i%len(meeting)]
					case refused:
						s.shape(request.OrgID, map[string]any{"refusal": opsmanagertest.RefusedRole})
					}
					callers <- caller{entryPoint(request), refused}
				}
			})
		}
	}
	starting.Wait()
	close(callers)
	t.Logf("%d callers started in %s", len(callers), time.Since(began))
	for _, org := range meeting {
		link := s.temporal.GetWorkflow(t.Context(), migrationlink.WorkflowID("demo", org), "")
		s.within(3*time.Minute, func() bool { return s.evidence(org).Posts > 0 })
		s.within(3*time.Minute, func() bool { return s.joins(link) == len(entryPoints)*meetingEach/len(meeting)-1 })
		s.shape(org, map[string]any{"syncDelay": "0s"})
	}
	for c := range callers {
		s.requireTrueResult(c)
	}
	t.Logf("all ended after %s", time.Since(began))
}

// requireTrueResult waits for the result of a caller, and compares it with what the
// manager did.
func (s *system) requireTrueResult(c caller) {
	s.t.Helper()
	result, err := endOf(s.t, c.run)
	seen := s.evidence(result.OrgID)
	if c.refused {
		require.Equal(s.t, migrationlink.ErrRoleMissing, result.Problem.Type, "%v", err)
		require.Equal(s.t, opsmanagertest.StatusNone, seen.LinkStatus)
		return
	}
	require.NoError(s.t, err)
	require.Equal(s.t, migrationlink.OutcomeLinked, result.Outcome, "%+v, %+v", result, seen)
	require.Equal(s.t, opsmanagertest.StatusSynced, seen.LinkStatus)
	require.Equal(s.t, 1, seen.EffectivePosts)
}

// endOf returns the result that a caller receives.
func endOf(t *testing.T, run client.WorkflowRun) (result migrationlink.LinkResult, _ error) {
	t.Helper()
	err := run.Get(t.Context(), &result)
	if err != nil {
		var told bool
		result, told = migrationlink.ResultOf(err)
		require.True(t, told, "%v", err)
	}
	return result, err
}
