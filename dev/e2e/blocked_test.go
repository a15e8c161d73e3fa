package e2e_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"

	"github.com/migrationlink/migrationlink"
	"github.com/migrationlink/migrationlink/opsmanager/opsmanagertest"
)

func whenBlocked(r *migrationlink.LinkRequest) { r.OnBlocked = migrationlink.WaitWhenBlocked }

// blockedCode is the starter's exit code for a blocked link.
const blockedCode = 9

// A person on call reads what is wrong, fixes it, and retries.
func TestALinkBlockedByTheAccessListSyncsAfterAFixAndARetry(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	s.worker("")
	org := newOrg()
	s.shape(org, map[string]any{"refusal": opsmanagertest.RefusedAddress})
	target := []string{"--manager", "demo", "--org", org}
	started := s.starter(append([]string{"link", "--token-ref", "env:LINK_TOKEN_DEMO", "--on-blocked", "wait", "--detach"}, target...)...)
	require.Equal(t, blockedCode, started.code, started.stderr)
	require.Contains(t, started.stdout, "BLOCKED while creating")

	shown := s.starter(append([]string{"status"}, target...)...)
	require.Zero(t, shown.code)
	require.Contains(t, shown.stdout, "BLOCKED while creating")
	require.Contains(t, shown.stdout, "Add 127.0.0.1, the worker's address as the manager sees it, to the access list")
	require.Contains(t, shown.stdout, "starter retry")

	s.shape(org, map[string]any{"refusal": opsmanagertest.NoRefusal, "syncDelay": "0s"})
	require.Zero(t, s.starter(append([]string{"retry"}, target...)...).code)
	require.Zero(t, s.starter(append([]string{"status", "--watch"}, target...)...).code)
	require.Equal(t, 1, s.evidence(org).EffectivePosts)
	require.Equal(t, opsmanagertest.StatusSynced, s.evidence(org).LinkStatus)
}

// Every problem that a person can fix, first met while creating.
func TestABlockedLinkResumesWhereItStopped(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	s.worker("")
	for code, errorType := range map[string]string{
		opsmanagertest.RefusedAddress:   migrationlink.ErrAccessListRefused,
		opsmanagertest.RefusedRole:      migrationlink.ErrRoleMissing,
		opsmanagertest.RefusedSuspended: migrationlink.ErrAccountSuspended,
	} {
		t.Run(code, func(t *testing.T) {
			t.Parallel()
			s := s.in(t)
			org := newOrg()
			s.shape(org, map[string]any{"refusal": code})
			run := s.begin(org, whenBlocked)
			s.waitForPhase(run, migrationlink.PhaseBlocked)
			blocked := s.status(run)
			require.Equal(t, errorType, blocked.Problem.Type)
			require.NotEmpty(t, blocked.Problem.Remedy)
			require.Equal(t, migrationlink.PhaseCreating, blocked.BlockedIn)

			// Retried too early, it is blocked again.
			require.NoError(t, s.temporal.SignalWorkflow(t.Context(), run.GetID(), "", migrationlink.RetrySignal, nil))
			require.Eventually(t, func() bool {
				again := s.status(run)
				return again.Phase == migrationlink.PhaseBlocked && again.PhaseSince.After(blocked.PhaseSince)
			}, 30*time.Second, 20*time.Millisecond)
			require.Equal(t, blocked.Deadline, s.status(run).Deadline)

			s.shape(org, map[string]any{"refusal": opsmanagertest.NoRefusal, "sync": "never"})
			require.NoError(t, s.temporal.SignalWorkflow(t.Context(), run.GetID(), "", migrationlink.RetrySignal, nil))
			s.waitForPhase(run, migrationlink.PhaseSyncing)
			// It is blocked again while it waits.
			s.shape(org, map[string]any{"refusal": code})
			s.waitForPhase(run, migrationlink.PhaseBlocked)
			require.Equal(t, migrationlink.PhaseSyncing, s.status(run).BlockedIn)
			s.shape(org, map[string]any{"refusal": opsmanagertest.NoRefusal, "syncDelay": "0s"})
			require.NoError(t, s.temporal.SignalWorkflow(t.Context(), run.GetID(), "", migrationlink.RetrySignal, nil))
			var result migrationlink.LinkResult
			require.NoError(t, run.Get(t.Context(), &result))
			require.Equal(t, migrationlink.OutcomeLinked, result.Outcome)
			require.Equal(t, 1, s.evidence(org).EffectivePosts)
		})
	}
}

func TestARejectedTokenIsReplacedByTheRetry(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	s.worker("", "LINK_TOKEN_OTHER=another-link-token")
	org := newOrg()
	s.shape(org, map[string]any{"syncDelay": "0s"})
	run := s.begin(org, func(r *migrationlink.LinkRequest) {
		whenBlocked(r)
		r.Token.Ref = "env:LINK_TOKEN_NOT_THERE"
	})
	s.waitForPhase(run, migrationlink.PhaseBlocked)
	require.Equal(t, migrationlink.ErrTokenUnavailable, s.status(run).Problem.Type)

	require.NoError(t, s.temporal.SignalWorkflow(t.Context(), run.GetID(), "", migrationlink.RetrySignal,
		migrationlink.RetryRequest{Token: &migrationlink.TokenSource{Ref: "../etc/passwd"}}))
	require.Eventually(t, func() bool {
		status := s.status(run)
		return status.Problem != nil && status.Phase == migrationlink.PhaseBlocked && status.Problem.Message != "" &&
			containsAll(status.Problem.Message, "the last retry was refused", "token.ref")
	}, 10*time.Second, 20*time.Millisecond)

	require.NoError(t, s.temporal.SignalWorkflow(t.Context(), run.GetID(), "", migrationlink.RetrySignal,
		migrationlink.RetryRequest{Token: &migrationlink.TokenSource{Ref: "env:LINK_TOKEN_OTHER"}}))
	var result migrationlink.LinkResult
	require.NoError(t, run.Get(t.Context(), &result))
	require.Equal(t, migrationlink.OutcomeLinked, result.Outcome)
}

func TestABlockedLinkStillEndsAtTheDeadline(t *testing.T) { // not parallel: it measures time
	s := newSystem(t)
	s.worker("")
	org := newOrg()
	s.shape(org, map[string]any{"refusal": opsmanagertest.RefusedRole})
	run := s.begin(org, func(r *migrationlink.LinkRequest) {
		whenBlocked(r)
		r.CreateTimeout = "5s"
	})
	began := time.Now()
	problem := requireFailure(t, run, migrationlink.OutcomeTimedOut)
	require.InDelta(t, 5, time.Since(began).Seconds(), 2)
	require.Contains(t, problem.Message, opsmanagertest.RefusedRole)
	require.Contains(t, problem.Remedy, "Organization Owner")
	require.Zero(t, s.evidence(org).Posts)
}

func TestABlockedLinkIsCancelledAtOnce(t *testing.T) { // not parallel: it measures time
	s := newSystem(t)
	s.worker("")
	org := newOrg()
	s.shape(org, map[string]any{"refusal": opsmanagertest.RefusedRole})
	run := s.begin(org, whenBlocked)
	s.waitForPhase(run, migrationlink.PhaseBlocked)
	asked := time.Now()
	require.NoError(t, s.temporal.CancelWorkflow(t.Context(), run.GetID(), ""))
	var canceled *temporal.CanceledError
	require.ErrorAs(t, run.Get(t.Context(), nil), &canceled)
	require.Less(t, time.Since(asked), 2*time.Second)
	require.Zero(t, s.evidence(org).Posts)
	require.Zero(t, s.evidence(org).Deletes)
}

// A cancelled link waits for the end of a running migration before it is removed.
func TestABlockedUndoResumesWhenTheMigrationEnds(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	s.worker("")
	org := newOrg()
	s.shape(org, map[string]any{"sync": "never", "runningMigrations": []string{"project-1"}})
	run := s.begin(org, whenBlocked)
	s.waitForPhase(run, migrationlink.PhaseSyncing)
	require.NoError(t, s.temporal.CancelWorkflow(t.Context(), run.GetID(), ""))
	s.waitForPhase(run, migrationlink.PhaseBlocked)
	require.Equal(t, migrationlink.PhaseUndoing, s.status(run).BlockedIn)
	require.Contains(t, s.status(run).Problem.Remedy, "project-1")

	s.shape(org, map[string]any{"sync": "never"})
	result := requireCancelled(t, run)
	require.True(t, result.Removed)
	require.Equal(t, opsmanagertest.StatusNone, s.evidence(org).LinkStatus)
}

// requireCancelled waits for the end of a run that was cancelled.
func requireCancelled(t *testing.T, run client.WorkflowRun) migrationlink.LinkResult {
	t.Helper()
	var canceled *temporal.CanceledError
	require.ErrorAs(t, run.Get(t.Context(), nil), &canceled)
	var result migrationlink.LinkResult
	require.NoError(t, canceled.Details(&result))
	require.Equal(t, migrationlink.OutcomeCancelled, result.Outcome)
	return result
}

// requireFailure waits for the end of a run that fails, and returns its error.
func requireFailure(t *testing.T, run client.WorkflowRun, outcome migrationlink.Outcome) migrationlink.Problem {
	t.Helper()
	var failed *temporal.ApplicationError
	require.ErrorAs(t, run.Get(t.Context(), nil), &failed)
	var result migrationlink.LinkResult
	require.NoError(t, failed.Details(&result))
	require.Equal(t, outcome, result.Outcome, "%+v", result.Problem)
	require.Equal(t, failed.Type(), result.Problem.Type)
	return *result.Problem
}
