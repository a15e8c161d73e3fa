package starter

import (
	"context"
	"encoding/json"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/temporal"

	"github.com/migrationlink/migrationlink"
	"github.com/migrationlink/migrationlink/internal/console"
)

func linked() migrationlink.LinkResult {
	return migrationlink.LinkResult{
		Manager: "demo", OrgID: testOrg, Outcome: migrationlink.OutcomeLinked, LinkStatus: migrationlink.LinkSynced,
		Created: true, Polls: 4,
		StartedAt: testStart, CreatedAt: testStart.Add(time.Second),
		SyncedAt: testStart.Add(9 * time.Second), EndedAt: testStart.Add(9 * time.Second),
	}
}

func withOutcome(outcome migrationlink.Outcome, problem *migrationlink.Problem) migrationlink.LinkResult {
	result := linked()
	result.Outcome, result.Problem, result.LinkStatus, result.SyncedAt = outcome, problem, migrationlink.LinkNotSynced, time.Time{}
	return result
}

var refusal = &migrationlink.Problem{
	Type: migrationlink.ErrAccessListRefused, Message: `manager "demo": POST answered 403`, Remedy: "Add 10.0.0.1 to the access list.",
	HTTPStatus: 403, Code: "IP_ADDRESS_NOT_ON_ACCESS_LIST",
}

func failedWith(result migrationlink.LinkResult) error {
	return temporal.NewApplicationErrorWithOptions(result.Problem.Message, result.Problem.Type,
		temporal.ApplicationErrorOptions{NonRetryable: true, Details: []any{result}})
}

func TestTheExitCodeReportsTheOutcome(t *testing.T) {
	t.Parallel()
	already := linked()
	already.Outcome, already.Created = migrationlink.OutcomeAlreadyLinked, false
	cancelled := withOutcome(migrationlink.OutcomeCancelled, nil)
	cancelled.CancelReason, cancelled.Removed = "wrong target", true
	doubted := withOutcome(migrationlink.OutcomeFailed, refusal)
	doubted.InDoubt = true
	late := &migrationlink.Problem{Type: migrationlink.ErrTimedOut, Message: "the link was not SYNCED within 1h0m0s", Remedy: "Start the link again to go on."}
	for name, test := range map[string]struct {
		result  migrationlink.LinkResult
		err     error
		code    int
		outcome migrationlink.Outcome
		stderr  string
		inDoubt bool
	}{
		"linked":          {result: linked(), outcome: migrationlink.OutcomeLinked},
		"already linked":  {result: already, outcome: migrationlink.OutcomeAlreadyLinked},
		"failed":          {err: failedWith(withOutcome(migrationlink.OutcomeFailed, refusal)), code: console.ExitFailed, outcome: migrationlink.OutcomeFailed, stderr: "starter: failed: manager \"demo\": POST answered 403\nAdd 10.0.0.1 to the access list.\nMore: starter explain AccessListRefused\n"},
		"failed in doubt": {err: failedWith(doubted), code: console.ExitFailed, outcome: migrationlink.OutcomeFailed, stderr: "starter: failed: manager \"demo\": POST answered 403\nAdd 10.0.0.1 to the access list.\nMore: starter explain AccessListRefused\n", inDoubt: true},
		"timed out":       {err: failedWith(withOutcome(migrationlink.OutcomeTimedOut, late)), code: console.ExitTimedOut, outcome: migrationlink.OutcomeTimedOut, stderr: "starter: timed out: the link was not SYNCED within 1h0m0s\nStart the link again to go on.\nMore: starter explain TimedOut\n"},
		"cancelled":       {err: temporal.NewCanceledError(cancelled), code: console.ExitCancelled, outcome: migrationlink.OutcomeCancelled, stderr: "starter: cancelled (wrong target): the link was removed again\n"},
		"without details": {err: temporal.NewNonRetryableApplicationError("boom", "Strange", errors.New("cause")), code: console.ExitFailed, outcome: migrationlink.OutcomeFailed, stderr: "starter: failed: boom\nCheck the workflow's history in Temporal.\n", inDoubt: true},
		"other details":   {err: temporal.NewNonRetryableApplicationError("boom", migrationlink.ErrTimedOut, nil, "text"), code: console.ExitTimedOut, outcome: migrationlink.OutcomeTimedOut, stderr: "starter: timed out: boom\nCheck the workflow's history in Temporal.\nMore: starter explain TimedOut\n", inDoubt: true},
		"cancelled bare":  {err: temporal.NewCanceledError(), code: console.ExitCancelled, outcome: migrationlink.OutcomeCancelled, stderr: "starter: cancelled: it is not known whether this request made a link; if it did, the link stays until 'starter unlink' removes it\n", inDoubt: true},
		"terminated":      {err: errTerminated, code: console.ExitFailed, outcome: migrationlink.OutcomeFailed, stderr: "starter: failed: somebody terminated the workflow in Temporal; nothing was undone\nTo continue, start it again. To end a link, use 'starter cancel' instead.\nMore: starter explain Terminated\n", inDoubt: true},
		"Temporal's own":  {err: errTimedOut, code: console.ExitTimedOut, outcome: migrationlink.OutcomeTimedOut, stderr: "starter: timed out: Temporal ended the workflow at its own time limit; nothing was undone\nTo continue, start it again.\nMore: starter explain TimedOut\n", inDoubt: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFakeTemporal(t).ends(test.result, test.err)
			text := newCommand(f).run(t.Context(), linkArgs()...)
			require.Equal(t, test.code, text.code)
			require.Equal(t, test.stderr, text.failure())

			done := newCommand(f).run(t.Context(), linkArgs("-o", "json")...)
			require.Equal(t, test.code, done.code)
			require.Equal(t, inJSON(test.stderr), asText(t, done.stderr))
			var printed struct {
				migrationlink.LinkResult
				WorkflowID string `json:"workflowId"`
				RunID      string `json:"runId"`
			}
			require.NoError(t, json.Unmarshal([]byte(done.stdout), &printed))
			require.Equal(t, test.outcome, printed.Outcome)
			require.Equal(t, test.inDoubt, printed.InDoubt, "what nobody reported is in doubt")
			require.Equal(t, testOrg, printed.OrgID)
			require.Equal(t, testRun.WorkflowID(), printed.WorkflowID)
			require.Equal(t, testRunID, printed.RunID)
			require.False(t, printed.StartedAt.IsZero())
			require.False(t, printed.EndedAt.IsZero())
			require.Equal(t, test.code > console.ExitOK && test.outcome != migrationlink.OutcomeCancelled, printed.Problem != nil)
		})
	}
}

func TestJSONIsOneObjectOfTheResultAndTheIDs(t *testing.T) {
	t.Parallel()
	f := newFakeTemporal(t).ends(linked(), nil)
	done := newCommand(f).run(t.Context(), linkArgs("-o", "json")...)
	require.Equal(t, `{"workflowId":"link.demo.5f1b2c3d4e5f6a7b8c9d0e1f","runId":"0198c0de-0000-7000-8000-000000000001",`+
		`"joined":false,"manager":"demo","orgId":"5f1b2c3d4e5f6a7b8c9d0e1f","outcome":"linked","linkStatus":"SYNCED",`+
		`"created":true,"removed":false,"polls":4,"startedAt":"2026-03-01T12:00:00Z","createdAt":"2026-03-01T12:00:01Z",`+
		`"syncedAt":"2026-03-01T12:00:09Z","endedAt":"2026-03-01T12:00:09Z"}`+"\n", done.stdout)
	require.Empty(t, done.stderr)
}

func TestALinkIsStartedUnderItsBusinessKey(t *testing.T) {
	t.Parallel()
	f := newFakeTemporal(t).ends(linked(), nil)
	done := newCommand(f).run(t.Context(), linkArgs("--undo", "never", "--sync-timeout", "2h")...)
	require.Equal(t, console.ExitOK, done.code)
	require.Equal(t, "Started workflow link.demo.5f1b2c3d4e5f6a7b8c9d0e1f, run 0198c0de-0000-7000-8000-000000000001\n", done.stderr)
	require.Equal(t, "linked: organization 5f1b2c3d4e5f6a7b8c9d0e1f of manager demo is SYNCED after 9s, 4 polls\n", done.stdout)

	require.Len(t, f.starts, 1)
	start := f.starts[0]
	require.Equal(t, migrationlink.WorkflowID("demo", testOrg), start.GetWorkflowId())
	require.Equal(t, migrationlink.TaskQueue, start.GetTaskQueue().GetName())
	require.Equal(t, migrationlink.LinkWorkflow, start.GetWorkflowType().GetName())
	require.NotEmpty(t, start.GetUserMetadata().GetSummary())
	var request migrationlink.LinkRequest
	require.NoError(t, converter.GetDefaultDataConverter().FromPayloads(start.GetInput(), &request))
	require.Equal(t, migrationlink.LinkRequest{
		Manager: "demo", OrgID: testOrg, Token: migrationlink.TokenSource{Ref: "env:LINK_TOKEN_DEMO"},
		Undo: migrationlink.UndoNever, SyncTimeout: "2h",
	}, request)
}

func TestARunningLinkIsJoinedAndThatIsReported(t *testing.T) {
	t.Parallel()
	f := newFakeTemporal(t).running()
	f.answers[migrationlink.AcceptUpdate] = *syncing()
	done := newCommand(f).run(t.Context(), linkArgs("--detach")...)
	require.Equal(t, console.ExitOK, done.code)
	require.Contains(t, done.stderr, "Joined the running link: workflow link.demo.5f1b2c3d4e5f6a7b8c9d0e1f, run "+testRunID+", started by ana@ops1\n")
	require.Empty(t, f.starts)

	printed := newCommand(f).run(t.Context(), linkArgs("--detach", "-o", "json")...)
	require.JSONEq(t, `{"workflowId":"link.demo.5f1b2c3d4e5f6a7b8c9d0e1f","runId":"0198c0de-0000-7000-8000-000000000001",
		"joined":true,"workflow":"LinkOrganization","manager":"demo","orgId":"5f1b2c3d4e5f6a7b8c9d0e1f","state":"running","phase":"syncing",
		"phaseSince":"2026-03-01T12:00:01Z","deadline":"2026-03-01T13:00:01Z","linkStatus":"NOT_SYNCED","created":true,"polls":0,
		"startedAt":"2026-03-01T12:00:00Z","startedBy":"ana@ops1"}`, printed.stdout)
}

func TestDetachSaysHowToWatchAndCancel(t *testing.T) {
	t.Parallel()
	f := newFakeTemporal(t)
	f.answers[migrationlink.AcceptUpdate] = *syncing()
	done := newCommand(f).run(t.Context(), linkArgs("--detach")...)
	require.Equal(t, console.ExitOK, done.code)
	require.Equal(t, "Accepted by the manager: NOT_SYNCED, until 13:00:01, in 59 min (2026-03-01T13:00:01Z)\n", done.stdout)
	require.Contains(t, done.stderr, "Started workflow link.demo."+testOrg)
	require.Contains(t, done.stderr, "starter status --watch --manager demo --org "+testOrg)
	require.Contains(t, done.stderr, "starter cancel --manager demo --org "+testOrg+" --reason TEXT")
}

func TestAnInterruptedWaitCancelsNothingAndSaysHowToContinue(t *testing.T) {
	t.Parallel()
	f := newFakeTemporal(t)
	ctx, interrupt := context.WithCancel(t.Context())
	f.onDescribe = after(2, interrupt) // the first is of the start
	done := newCommand(f).run(ctx, linkArgs()...)
	require.Equal(t, console.ExitOther, done.code)
	require.Equal(t, "starter: stopped watching; the link of organization 5f1b2c3d4e5f6a7b8c9d0e1f continues\n"+
		"Watch it with 'starter status --watch --manager demo --org 5f1b2c3d4e5f6a7b8c9d0e1f', "+
		"cancel it with 'starter cancel --manager demo --org 5f1b2c3d4e5f6a7b8c9d0e1f --reason TEXT'.\n", done.failure())
	require.Empty(t, f.signals)
}

func TestAMissingWorkerIsReportedWithoutHanging(t *testing.T) {
	t.Parallel()
	f := newFakeTemporal(t)
	f.refuse[migrationlink.AcceptUpdate] = errNoWorker
	ctx, interrupt := context.WithCancel(t.Context())
	f.onDescribe = after(3, interrupt)
	done := newCommand(f).run(ctx, linkArgs()...)
	require.Contains(t, done.stderr, "12:00:12 note: no worker is answering on task queue migration-link. Start a worker")
}

func TestAnOutageOfTemporalIsWaitedOutThenReported(t *testing.T) {
	t.Parallel()
	f := newFakeTemporal(t)
	f.onDescribe = after(2, func() { go f.stop() })
	c := newCommand(f)
	minutes := atomic.Int64{}
	c.now = func() time.Time { return testStart.Add(time.Duration(minutes.Add(1)) * time.Minute) }
	done := c.run(t.Context(), linkArgs()...)
	require.Equal(t, console.ExitUnknown, done.code, "the request was sent")
	require.Contains(t, done.stderr, "note: Temporal at "+f.address+" does not answer")
	require.Contains(t, done.stderr, "Temporal at "+f.address+" has stopped answering")
	require.Contains(t, done.stderr, "starter status --watch")
}

func TestProgressOfJSONGoesToATerminalOnStderrOnly(t *testing.T) {
	t.Parallel()
	f := newFakeTemporal(t).ends(linked(), nil)
	c := newCommand(f)
	c.terminal, c.env["NO_COLOR"] = &c.stderr, "1"
	done := c.run(t.Context(), linkArgs("-o", "json")...)
	require.Contains(t, done.stderr, "✓ linked")
	require.True(t, json.Valid([]byte(done.stdout)))
}
