package e2e_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"

	"github.com/migrationlink/migrationlink"
	"github.com/migrationlink/migrationlink/opsmanager/opsmanagertest"
)

func quickly(r *migrationlink.LinkRequest) { r.SettleTime = "8s" }

func (s *system) requireLinkedOnce(run client.WorkflowRun, orgID string) {
	s.t.Helper()
	var result migrationlink.LinkResult
	require.NoError(s.t, run.Get(s.t.Context(), &result))
	require.Equal(s.t, migrationlink.OutcomeLinked, result.Outcome)
	require.Equal(s.t, 1, s.evidence(orgID).EffectivePosts)
	require.Equal(s.t, opsmanagertest.StatusSynced, s.evidence(orgID).LinkStatus)
}

func TestWorkerKilledWhileCreatingLeavesOneLink(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		kind        opsmanagertest.FaultKind
		withoutLink string
	}{
		"before the POST took effect":                       {opsmanagertest.StallBefore, "not-found"},
		"after it took effect":                              {opsmanagertest.StallAfter, "not-found"},
		"after it took effect, and no link looks the same":  {opsmanagertest.StallAfter, "not-synced"},
		"before it took effect, and no link looks the same": {opsmanagertest.StallBefore, "not-synced"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSystem(t, "--sync-delay", "2s")
			worker := s.worker("")
			org := newOrg()
			s.shape(org, map[string]any{"statusWithoutLink": test.withoutLink})
			s.fault(opsmanagertest.Fault{Kind: test.kind, Operation: "POST", Count: 1, Duration: opsmanagertest.Duration(5 * time.Second)})
			run := s.begin(org, quickly)
			require.Eventually(t, func() bool { return s.evidence(org).Posts == 1 }, 30*time.Second, 5*time.Millisecond)
			worker.kill()
			s.worker("")
			s.requireLinkedOnce(run, org)
		})
	}
}

func TestWorkerKilledWhileSyncingLosesNothing(t *testing.T) {
	t.Parallel()
	s := newSystem(t, "--sync-delay", "6s")
	worker := s.worker("")
	org := newOrg()
	run := s.begin(org, nil)
	s.waitForPhase(run, migrationlink.PhaseSyncing)
	worker.kill()
	s.worker("")
	s.requireLinkedOnce(run, org)
}

func TestWholeStackKilledWhileSyncingLosesNothing(t *testing.T) {
	t.Parallel()
	s := newSystem(t, "--sync-delay", "8s")
	worker := s.worker("")
	org := newOrg()
	run := s.begin(org, nil)
	s.waitForPhase(run, migrationlink.PhaseSyncing)
	worker.kill()
	s.dev.kill()

	s.up()
	s.worker("")
	s.requireLinkedOnce(s.temporal.GetWorkflow(t.Context(), run.GetID(), run.GetRunID()), org)
}

func TestATerminatedWorkerFinishesItsCall(t *testing.T) {
	t.Parallel()
	s := newSystem(t, "--sync-delay", "0s")
	worker := s.worker("")
	org := newOrg()
	s.fault(opsmanagertest.Fault{Kind: opsmanagertest.StallAfter, Operation: "POST", Count: 1, Duration: opsmanagertest.Duration(3 * time.Second)})
	run := s.begin(org, nil)
	require.Eventually(t, func() bool { return s.evidence(org).Posts == 1 }, 30*time.Second, 5*time.Millisecond)
	worker.stop()
	require.Zero(t, worker.cmd.ProcessState.ExitCode())
	s.worker("")
	s.requireLinkedOnce(run, org)
	// Without workflow tasks: Temporal may first offer one to the worker that has ended.
	require.Equal(t, []enumspb.EventType{
		enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_STARTED,
		enumspb.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED, enumspb.EVENT_TYPE_ACTIVITY_TASK_STARTED, enumspb.EVENT_TYPE_ACTIVITY_TASK_COMPLETED,
		enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED,
	}, s.eventsBesideTasks(run), "as if nothing had happened")
}

// eventsBesideTasks returns the types of the events, without those of workflow tasks.
func (s *system) eventsBesideTasks(run client.WorkflowRun) (types []enumspb.EventType) {
	s.t.Helper()
	for _, event := range s.history(run.GetID(), run.GetRunID()) {
		if !strings.HasPrefix(event.GetEventType().String(), "WorkflowTask") {
			types = append(types, event.GetEventType())
		}
	}
	return types
}

func TestLostReplyNeverLeadsToASecondEffectivePost(t *testing.T) {
	t.Parallel()
	s := newSystem(t, "--sync-delay", "3s")
	s.worker("")
	for _, kind := range []opsmanagertest.FaultKind{
		opsmanagertest.LostReply, opsmanagertest.ConnectionReset, opsmanagertest.GarbageBody,
		opsmanagertest.TruncatedBody, opsmanagertest.BadGateway, opsmanagertest.TooManyRequests,
	} {
		for _, withoutLink := range []string{"not-found", "not-synced"} {
			for _, second := range []string{"conflict", "overwrite", "idempotent"} {
				t.Run(string(kind)+" "+withoutLink+" "+second, func(t *testing.T) {
					t.Parallel()
					s := s.in(t)
					org := newOrg()
					s.shape(org, map[string]any{"statusWithoutLink": withoutLink, "secondPost": second})
					s.fault(opsmanagertest.Fault{Kind: kind, Operation: "POST", OrgID: org, Count: 2})
					s.requireLinkedOnce(s.begin(org, quickly), org)
				})
			}
		}
	}
}

// impatient configures the demo manager with a short request timeout.
const impatient = `
[managers.impatient]
base_url        = "SIMULATOR"
public_key      = "env:DEMO_PUBLIC_KEY"
private_key     = "env:DEMO_PRIVATE_KEY"
request_timeout = "2s"
`

func TestAManagerThatContinuesAfterTheTimeoutGetsNoSecondPost(t *testing.T) {
	t.Parallel()
	s := newSystem(t, "--sync-delay", "1s")
	s.worker(impatient)
	org := newOrg()
	s.shape(org, map[string]any{"secondPost": "overwrite"})
	s.fault(opsmanagertest.Fault{Kind: opsmanagertest.LateEffect, Operation: "POST", Count: 1, Duration: opsmanagertest.Duration(6 * time.Second)})
	s.requireLinkedOnce(s.begin(org, func(r *migrationlink.LinkRequest) {
		r.Manager = "impatient"
		r.SettleTime = "10s"
	}), org)
}

func TestALinkThatSyncsLateAfterALostReplyIsNotCreatedAgain(t *testing.T) {
	t.Parallel()
	s := newSystem(t, "--sync-delay", "15s")
	s.worker("")
	org := newOrg()
	s.shape(org, map[string]any{"secondPost": "overwrite"})
	s.fault(opsmanagertest.Fault{Kind: opsmanagertest.LostReply, Operation: "POST", Count: 1})
	s.requireLinkedOnce(s.begin(org, quickly), org)
}

// Somebody else has linked the organization, and the worker dies before it can report
// that. Nothing was sent, so nothing is removed.
func TestCancelAfterALostWorkerNeverRemovesALinkMadeByOthers(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	worker := s.worker("")
	org := newOrg()
	s.shape(org, map[string]any{"linked": true})
	s.fault(opsmanagertest.Fault{Kind: opsmanagertest.StallBefore, Operation: "GET", OrgID: org, Count: 1, Duration: opsmanagertest.Duration(time.Minute)})
	run := s.begin(org, func(r *migrationlink.LinkRequest) { r.Undo = migrationlink.UndoAlways })
	require.Eventually(t, func() bool { return s.evidence(org).Gets == 1 }, 30*time.Second, 5*time.Millisecond)
	worker.kill()
	require.NoError(t, s.temporal.CancelWorkflow(t.Context(), run.GetID(), ""))
	s.worker("")
	require.Error(t, run.Get(t.Context(), nil))
	require.Equal(t, opsmanagertest.StatusSynced, s.evidence(org).LinkStatus)
	require.Zero(t, s.evidence(org).Deletes)
}
