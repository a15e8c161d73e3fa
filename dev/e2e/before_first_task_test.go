package e2e_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"

	"github.com/migrationlink/migrationlink"
	"github.com/migrationlink/migrationlink/opsmanager/opsmanagertest"
)

// A request to a link that no worker has seen yet gets the same answer as a moment
// later.
func TestUpdatesBeforeTheFirstStepGetSensibleAnswers(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	org := newOrg()
	s.shape(org, map[string]any{"refusal": opsmanagertest.RefusedRole})
	run := s.begin(org, func(r *migrationlink.LinkRequest) {
		whenBlocked(r)
		r.CreateTimeout = "5m"
	})
	var extended migrationlink.Extension
	var checked migrationlink.Check
	answers := map[string]chan error{}
	for name, ask := range map[string]func() error{
		"extend": func() error {
			return s.update(run, migrationlink.ExtendUpdate, &extended, migrationlink.ExtendRequest{By: "1h"})
		},
		"extend into the past": func() error {
			return s.update(run, migrationlink.ExtendUpdate, nil, migrationlink.ExtendRequest{Until: time.Now().Add(-time.Hour)})
		},
		"check": func() error { return s.update(run, migrationlink.CheckUpdate, &checked) },
	} {
		answer := make(chan error, 1)
		answers[name] = answer
		go func() { answer <- ask() }()
	}
	s.worker("")

	require.NoError(t, <-answers["extend"])
	status := s.status(run)
	require.WithinDuration(t, status.StartedAt.Add(5*time.Minute+time.Hour), extended.Deadline, 5*time.Second)
	require.Equal(t, migrationlink.PhaseCreating, extended.Phase)
	s.waitForPhase(run, migrationlink.PhaseBlocked)
	require.Equal(t, extended.Deadline, s.status(run).Deadline)

	refused := <-answers["extend into the past"]
	require.ErrorContains(t, refused, "in the past")
	require.NotContains(t, refused.Error(), "0001-")
	require.ErrorContains(t, <-answers["check"], opsmanagertest.RefusedRole)
	require.NoError(t, s.temporal.CancelWorkflow(t.Context(), run.GetID(), ""))
	requireCancelled(t, run)
}

// The same for an unlink, and for signals.
func TestSignalsBeforeTheFirstStepAreHandled(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	cancelled, retried, unlinked := newOrg(), newOrg(), newOrg()
	s.shape(cancelled, map[string]any{"sync": "never"})
	s.shape(retried, map[string]any{"syncDelay": "0s"})
	s.shape(unlinked, map[string]any{"linked": true, "runningMigrations": []string{"project-1"}})
	ended := s.begin(cancelled, nil)
	require.NoError(t, s.temporal.SignalWorkflow(t.Context(), ended.GetID(), "", migrationlink.CancelSignal, migrationlink.CancelRequest{Reason: "too soon"}))
	goesOn := s.begin(retried, nil)
	require.NoError(t, s.temporal.SignalWorkflow(t.Context(), goesOn.GetID(), "", migrationlink.RetrySignal, nil))
	removing := s.unlink(unlinked, func(r *migrationlink.UnlinkRequest) { r.OnBlocked, r.Timeout = migrationlink.WaitWhenBlocked, "5m" })
	var extended migrationlink.Extension
	answer := make(chan error, 1)
	go func() {
		answer <- s.update(removing, migrationlink.ExtendUpdate, &extended, migrationlink.ExtendRequest{By: "1h"})
	}()
	s.worker("")

	result := requireCancelled(t, ended)
	require.Equal(t, "too soon", result.CancelReason)
	require.Equal(t, opsmanagertest.StatusNone, s.evidence(cancelled).LinkStatus)
	s.requireLinkedOnce(goesOn, retried)
	require.NoError(t, <-answer)
	require.WithinDuration(t, s.status(removing).StartedAt.Add(5*time.Minute+time.Hour), extended.Deadline, 5*time.Second)
	s.shape(unlinked, map[string]any{})
	require.NoError(t, removing.Get(t.Context(), &result))
	require.Equal(t, migrationlink.OutcomeUnlinked, result.Outcome)
}

// With thousands of links in the queue, a cancellation would wait for the first tasks of all.
func TestACancelledLinkOvertakesTheOthersInTheQueue(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	var runs []client.WorkflowRun
	for range 60 {
		runs = append(runs, s.begin(newOrg(), nil))
	}
	last := runs[len(runs)-1]
	_, org, _ := migrationlink.SplitWorkflowID(last.GetID())
	require.Zero(t, s.starter("cancel", "--manager", "demo", "--org", org, "--detach").code)
	s.worker("")

	requireCancelled(t, last)
	took := s.firstTask(last)
	overtaken := 0
	for _, run := range runs[:len(runs)-1] {
		require.NoError(t, run.Get(t.Context(), nil))
		if s.firstTask(run).After(took) {
			overtaken++
		}
	}
	require.Greater(t, overtaken, 40)
}

// firstTask returns when a worker took the first task of a run.
func (s *system) firstTask(run client.WorkflowRun) time.Time {
	s.t.Helper()
	for _, event := range s.history(run.GetID(), run.GetRunID()) {
		if event.GetEventType() == enumspb.EVENT_TYPE_WORKFLOW_TASK_STARTED {
			return event.GetEventTime().AsTime()
		}
	}
	s.t.Fatalf("%s has had no task", run.GetID())
	return time.Time{}
}

// Somebody may start a link with the link-token in the wrong field. Those who come later are not told
// its values: their results, histories and logs outlive the revoked link-token.
func TestAnInvalidRequestIsNotShownToOthers(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	org := newOrg()
	const secret = "7b3f9d1c5e8a2046bd"
	s.begin(org, func(r *migrationlink.LinkRequest) { r.Token.Ref = secret })
	valid := migrationlink.LinkRequest{Manager: "demo", OrgID: org, Token: migrationlink.TokenSource{Ref: "env:LINK_TOKEN_DEMO"}}
	started := make(chan error, 1)
	go func() {
		_, err := migrationlink.NewClient(s.temporal, migrationlink.ClientOptions{StartedBy: "another"}).Start(t.Context(), migrationlink.NewStartRequest(valid))
		started <- err
	}()
	guest, err := s.temporal.ExecuteWorkflow(t.Context(), client.StartWorkflowOptions{ID: "guest-of-" + org, TaskQueue: migrationlink.TaskQueue}, migrationlink.LinkWorkflow, valid)
	require.NoError(t, err)
	s.worker("")

	if err := <-started; err != nil {
		require.NotContains(t, err.Error(), secret)
	}
	var result migrationlink.LinkResult
	require.NoError(t, guest.Get(t.Context(), &result), "it starts the link again")
	for _, event := range s.history(guest.GetID(), guest.GetRunID()) {
		require.NotContains(t, event.String(), secret)
	}
}
