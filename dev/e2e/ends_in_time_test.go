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

// stall makes the next call of each organization hang.
func (s *system) stall(kind opsmanagertest.FaultKind, operation string, orgs ...string) {
	s.t.Helper()
	for _, org := range orgs {
		s.fault(opsmanagertest.Fault{Kind: kind, Operation: operation, OrgID: org, Count: 1, Duration: opsmanagertest.Duration(time.Minute)})
	}
}

// waitForFaults waits until the faults of the organizations that have a count are used
// up.
func (s *system) waitForFaults(orgs ...string) {
	s.t.Helper()
	for _, org := range orgs {
		s.within(time.Minute, func() bool {
			for _, fault := range s.state().Faults {
				if fault.OrgID == org && fault.Hits < fault.Count {
					return false
				}
			}
			return true
		})
	}
}

// A worker dies during a poll, and Temporal's own delay before the next attempt would
// exceed the limit. The link does not end before its limit.
func TestAWorkerKilledDuringAPollDoesNotEndTheWaitEarly(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	worker := s.worker("")
	never, late, undone := newOrg(), newOrg(), newOrg()
	s.shape(never, map[string]any{"sync": "never"})
	runs := map[string]client.WorkflowRun{}
	for _, org := range []string{never, late, undone} {
		if org != never {
			s.shape(org, map[string]any{"syncDelay": "28s"})
		}
		runs[org] = s.begin(org, func(r *migrationlink.LinkRequest) {
			r.SyncTimeout = "30s"
			if org == undone {
				r.Undo = migrationlink.UndoAlways
			}
		})
	}
	for org, run := range runs {
		s.waitForPhase(run, migrationlink.PhaseSyncing)
		s.eventually(func() bool { return s.evidence(org).Gets >= 10 })
	}
	deadline := s.status(runs[never]).Deadline
	s.stall(opsmanagertest.StallBefore, http.MethodGet, never, late, undone)
	s.waitForFaults(never, late, undone)
	worker.kill()
	s.worker("")

	for _, org := range []string{late, undone} {
		s.requireLinkedOnce(runs[org], org)
		require.Zero(t, s.evidence(org).Deletes)
	}
	problem := requireFailure(t, runs[never], migrationlink.OutcomeTimedOut)
	require.Contains(t, problem.Message, "within 30s")
	require.InDelta(t, 1, time.Since(deadline).Seconds(), 4, "neither before the deadline nor long after it")
}
