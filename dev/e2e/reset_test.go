package e2e_test

import (
	"crypto/rand"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
	commonpb "go.temporal.io/api/common/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"

	"github.com/migrationlink/migrationlink"
	"github.com/migrationlink/migrationlink/opsmanager/opsmanagertest"
)

// reset resets a link to one of its workflow tasks, as an operator
// may.
func (s *system) reset(run client.WorkflowRun, choose func(tasks []int64) int64) client.WorkflowRun {
	s.t.Helper()
	var tasks []int64
	s.eventually(func() bool { // the worker completes a step before Temporal stores it
		tasks = nil
		for _, event := range s.history(run.GetID(), run.GetRunID()) {
			if event.GetWorkflowTaskCompletedEventAttributes() != nil {
				tasks = append(tasks, event.GetEventId())
			}
		}
		return len(tasks) > 1
	})
	answer, err := s.temporal.WorkflowService().ResetWorkflowExecution(s.t.Context(), &workflowservice.ResetWorkflowExecutionRequest{
		Namespace:                 client.DefaultNamespace,
		WorkflowExecution:         &commonpb.WorkflowExecution{WorkflowId: run.GetID(), RunId: run.GetRunID()},
		Reason:                    "a test",
		WorkflowTaskFinishEventId: choose(tasks),
		RequestId:                 rand.Text(),
	})
	require.NoError(s.t, err)
	return s.temporal.GetWorkflow(s.t.Context(), run.GetID(), answer.GetRunId())
}

func TestAResetLinkKnowsItsOwnLink(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	s.worker("")
	for point, choose := range map[string]func([]int64) int64{
		"to its first step": func(tasks []int64) int64 { return tasks[0] },
		"to its last step":  func(tasks []int64) int64 { return tasks[len(tasks)-1] },
	} {
		for _, policy := range []migrationlink.LinkedPolicy{migrationlink.KeepLink, migrationlink.Relink, migrationlink.FailIfLinked} {
			for _, withoutLink := range []string{opsmanagertest.WithoutLinkNotFound, opsmanagertest.WithoutLinkNotSynced} {
				name := point + ", " + string(policy) + ", " + withoutLink
				begin := func(s *system, org string) client.WorkflowRun {
					s.shape(org, map[string]any{"sync": "never", "statusWithoutLink": withoutLink})
					run := s.begin(org, func(r *migrationlink.LinkRequest) {
						r.IfLinked = policy
						quickly(r)
					})
					s.waitForPhase(run, migrationlink.PhaseSyncing)
					again := s.reset(run, choose)
					s.waitForPhase(again, migrationlink.PhaseSyncing)
					return again
				}
				t.Run(name+", linked", func(t *testing.T) {
					t.Parallel()
					s := s.in(t)
					org := newOrg()
					run := begin(s, org)
					s.shape(org, map[string]any{"syncDelay": "0s", "statusWithoutLink": withoutLink})
					s.requireLinkedOnce(run, org)
					var result migrationlink.LinkResult
					require.NoError(t, run.Get(t.Context(), &result))
					require.True(t, result.Created)
					require.Zero(t, s.evidence(org).EffectiveDeletes)
				})
				t.Run(name+", cancelled", func(t *testing.T) {
					t.Parallel()
					s := s.in(t)
					org := newOrg()
					run := begin(s, org)
					require.NoError(t, s.temporal.CancelWorkflow(t.Context(), run.GetID(), run.GetRunID()))
					result := requireCancelled(t, run)
					require.True(t, result.Removed, "%+v", result)
					require.Equal(t, opsmanagertest.StatusNone, s.evidence(org).LinkStatus)
					require.Equal(t, 1, s.evidence(org).EffectivePosts)
				})
			}
		}
	}
}

// The result of a step before the reset point does not tell what was done after it. With a link-token of
// Atlas, several steps come before the link.
func TestALinkThatWasResetBeforeItWasMadeKnowsItsOwnLink(t *testing.T) {
	t.Parallel()
	j := newJoint(t)
	for _, tasks := range [][2]int{{0, 0}, {1, 1}, {2, 2}, {3, 3}, {0, 1}, {1, 2}, {1, 3}, {2, 3}} {
		first, second := tasks[0], tasks[1]
		t.Run(fmt.Sprintf("to its step %d, then %d", first+1, second+1), func(t *testing.T) {
			t.Parallel()
			j, org := &joint{system: j.in(t), manager: j.manager}, newOrg()
			require.NoError(t, j.manager.SetOrg(org, opsmanagertest.OrgSettings{Sync: opsmanagertest.SyncNever}))
			run := j.begin(org, func(r *migrationlink.LinkRequest) {
				r.Token = migrationlink.TokenSource{Atlas: &migrationlink.AtlasToken{Name: "keys", OrgID: newOrg()}}
				quickly(r)
			})
			j.waitForPhase(run, migrationlink.PhaseSyncing)
			again := j.reset(run, func(tasks []int64) int64 { return tasks[min(first, len(tasks)-1)] })
			j.waitForPhase(again, migrationlink.PhaseSyncing)
			again = j.reset(again, func(tasks []int64) int64 { return tasks[min(second, len(tasks)-1)] })
			j.waitForPhase(again, migrationlink.PhaseSyncing)
			require.NoError(t, j.temporal.CancelWorkflow(t.Context(), again.GetID(), again.GetRunID()))
			result := requireCancelled(t, again)
			require.True(t, result.Created)
			require.True(t, result.Removed, "%+v", result)
			require.Equal(t, 1, j.manager.State().Orgs[org].EffectivePosts)
			require.Equal(t, opsmanagertest.StatusNone, j.manager.State().Orgs[org].LinkStatus)
		})
	}
}
