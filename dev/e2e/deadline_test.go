package e2e_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"

	"github.com/migrationlink/migrationlink"
)

// update sends an update and reads its answer.
func (s *system) update(run client.WorkflowRun, name string, answer any, args ...any) error {
	s.t.Helper()
	handle, err := s.temporal.UpdateWorkflow(s.t.Context(), client.UpdateWorkflowOptions{
		WorkflowID: run.GetID(), UpdateName: name, Args: args, WaitForStage: client.WorkflowUpdateStageCompleted,
	})
	if err != nil {
		return err
	}
	return handle.Get(s.t.Context(), answer)
}

func TestADeadlineExtendedTwiceHolds(t *testing.T) { // not parallel: it measures time
	s := newSystem(t)
	s.worker("")
	org := newOrg()
	s.shape(org, map[string]any{"sync": "never"})
	run := s.begin(org, func(r *migrationlink.LinkRequest) { r.SyncTimeout = "4s" })
	s.waitForPhase(run, migrationlink.PhaseSyncing)
	first := s.status(run).Deadline

	var by, until migrationlink.Extension
	require.NoError(t, s.update(run, migrationlink.ExtendUpdate, &by, migrationlink.ExtendRequest{By: "3s"}))
	require.Equal(t, first.Add(3*time.Second), by.Deadline)
	require.Equal(t, migrationlink.PhaseSyncing, by.Phase)
	require.NoError(t, s.update(run, migrationlink.ExtendUpdate, &until, migrationlink.ExtendRequest{Until: first.Add(6 * time.Second)}))
	require.Equal(t, until.Deadline, s.status(run).Deadline)

	problem := requireFailure(t, run, migrationlink.OutcomeTimedOut)
	require.Contains(t, problem.Message, "within 10s")
	require.InDelta(t, 0, time.Since(until.Deadline).Seconds(), 2)
	require.Equal(t, 1, s.evidence(org).Posts)
}

func TestAnExtendedLinkIsSyncedAfterItsFirstDeadline(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	s.worker("")
	org := newOrg()
	s.shape(org, map[string]any{"syncDelay": "7s"})
	run := s.begin(org, func(r *migrationlink.LinkRequest) { r.SyncTimeout = "4s" })
	s.waitForPhase(run, migrationlink.PhaseSyncing)
	require.NoError(t, s.update(run, migrationlink.ExtendUpdate, nil, migrationlink.ExtendRequest{By: "1h"}))
	var result migrationlink.LinkResult
	require.NoError(t, run.Get(t.Context(), &result))
	require.Equal(t, migrationlink.OutcomeLinked, result.Outcome)
}

func TestAnInvalidExtensionIsRefusedAndChangesNothing(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	s.worker("")
	org := newOrg()
	s.shape(org, map[string]any{"sync": "never"})
	run := s.begin(org, nil)
	s.waitForPhase(run, migrationlink.PhaseSyncing)
	before := s.status(run).Deadline
	for reason, request := range map[string]migrationlink.ExtendRequest{
		"in the past":                     {Until: time.Now().Add(-time.Minute)},
		"is not after":                    {Until: time.Now().Add(time.Minute)},
		"is too late":                     {Until: time.Now().AddDate(1, 0, 0)},
		"set either by":                   {},
		"is not a duration":               {By: "soon"},
		"is too short":                    {By: "-1h"},
		"until, a time; not both":         {By: "1h", Until: time.Now().Add(2 * time.Hour)},
		"is too long; use at most 720h0m": {By: "9000h"},
	} {
		var refused *temporal.ApplicationError
		require.ErrorAs(t, s.update(run, migrationlink.ExtendUpdate, nil, request), &refused, reason)
		require.Equal(t, migrationlink.ErrInvalidUpdate, refused.Type())
		require.Contains(t, refused.Message(), reason)
		var fields []migrationlink.FieldProblem
		require.NoError(t, refused.Details(&fields))
		require.Len(t, fields, 1)
	}
	require.Equal(t, before, s.status(run).Deadline)
	require.NoError(t, s.temporal.CancelWorkflow(t.Context(), run.GetID(), ""))
	require.Error(t, run.Get(t.Context(), nil))
	require.Error(t, s.update(run, migrationlink.ExtendUpdate, nil, migrationlink.ExtendRequest{By: "1h"}), "it has ended")
}

func TestTheDeadlineOfTheCreationCanBeExtended(t *testing.T) { // not parallel: it measures time
	s := newSystem(t)
	s.worker("")
	org := newOrg()
	s.shape(org, map[string]any{"refusal": "NOT_ORG_OWNER"})
	run := s.begin(org, func(r *migrationlink.LinkRequest) {
		whenBlocked(r)
		r.CreateTimeout, r.SyncTimeout = "5s", "3s"
	})
	s.waitForPhase(run, migrationlink.PhaseBlocked)
	var moved migrationlink.Extension
	require.NoError(t, s.update(run, migrationlink.ExtendUpdate, &moved, migrationlink.ExtendRequest{By: "4s"}))
	require.Equal(t, moved.Deadline, s.status(run).Deadline)
	requireFailure(t, run, migrationlink.OutcomeTimedOut)
	require.InDelta(t, 0, time.Since(moved.Deadline).Seconds(), 2)
}

// The next poll would come after about 15 % of the time waited. The check reads at
// once, and SYNCED counts.
func TestCheckNowReadsAtOnceAndReturnsTheStatus(t *testing.T) { // not parallel: it measures time
	s := newSystem(t)
	s.worker("")
	org := newOrg()
	s.shape(org, map[string]any{"sync": "never"})
	run := s.begin(org, nil)
	s.waitForPhase(run, migrationlink.PhaseSyncing)
	polls := s.evidence(org).Gets
	var seen migrationlink.Check
	require.NoError(t, s.update(run, migrationlink.CheckUpdate, &seen))
	require.Equal(t, migrationlink.LinkNotSynced, seen.LinkStatus)
	require.WithinDuration(t, time.Now(), seen.SeenAt, 5*time.Second)
	require.Greater(t, s.evidence(org).Gets, polls)
	require.Equal(t, migrationlink.PhaseSyncing, s.status(run).Phase)

	// Later polls are seconds apart.
	require.Eventually(t, func() bool { return time.Since(s.status(run).PhaseSince) > 20*time.Second }, time.Minute, 100*time.Millisecond)
	before := s.evidence(org).Gets
	require.Eventually(t, func() bool { return s.evidence(org).Gets > before }, 30*time.Second, 10*time.Millisecond)
	s.shape(org, map[string]any{"syncDelay": "0s"})
	asked := time.Now()
	require.NoError(t, s.update(run, migrationlink.CheckUpdate, &seen))
	require.Equal(t, migrationlink.LinkSynced, seen.LinkStatus)
	var result migrationlink.LinkResult
	require.NoError(t, run.Get(t.Context(), &result))
	require.Less(t, time.Since(asked), 1500*time.Millisecond)
	require.Equal(t, migrationlink.OutcomeLinked, result.Outcome)
}

func TestCheckNowReportsWhyItReadNothing(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	s.worker("")
	org := newOrg()
	s.shape(org, map[string]any{"refusal": "IP_ADDRESS_NOT_ON_ACCESS_LIST"})
	run := s.begin(org, whenBlocked)
	s.waitForPhase(run, migrationlink.PhaseBlocked)
	var refused *temporal.ApplicationError
	require.ErrorAs(t, s.update(run, migrationlink.CheckUpdate, nil), &refused)
	require.Equal(t, migrationlink.ErrAccessListRefused, refused.Type())
	var problem migrationlink.Problem
	require.NoError(t, refused.Details(&problem))
	require.NotEmpty(t, problem.Remedy)
	require.Equal(t, migrationlink.PhaseBlocked, s.status(run).Phase)
}
