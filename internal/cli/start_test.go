package cli

import (
	"context"
	"encoding/json"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	commonpb "go.temporal.io/api/common/v1"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	workflowpb "go.temporal.io/api/workflow/v1"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/temporal"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/migrationlink/migrationlink"
)

func refusedWith(errorType string, details any) error {
	return temporal.NewApplicationErrorWithOptions("words", errorType, temporal.ApplicationErrorOptions{NonRetryable: true, Details: []any{details}})
}

var unknownUpdate = temporal.NewApplicationError("unknown update accept. KnownUpdates=[]", "wrapError")

func blockedStatus() *migrationlink.Status {
	status := syncing()
	status.Workflow = migrationlink.LinkWorkflow
	status.Phase, status.BlockedIn, status.Problem = migrationlink.PhaseBlocked, migrationlink.PhaseCreating, refusal
	status.Created, status.LinkStatus = false, ""
	return status
}

func withPhase(phase migrationlink.Phase, problem *migrationlink.Problem) migrationlink.Status {
	status := *syncing()
	status.Phase, status.Problem = phase, problem
	return status
}

const different = `starter: another request for organization 5f1b2c3d4e5f6a7b8c9d0e1f of manager demo is under way (workflow link.demo.5f1b2c3d4e5f6a7b8c9d0e1f, run 0198c0de-0000-7000-8000-000000000001):
  --sync-timeout (syncTimeout): the one under way has 1h0m0s, this asks for 2h0m0s
Watch it with 'starter status --watch --manager demo --org 5f1b2c3d4e5f6a7b8c9d0e1f'. To have it your way, cancel it with 'starter cancel --manager demo --org 5f1b2c3d4e5f6a7b8c9d0e1f --reason TEXT' and start again; a deadline is moved with 'starter extend --manager demo --org 5f1b2c3d4e5f6a7b8c9d0e1f --by 1h'.
`

func TestADifferentRequestIsRefusedAndTheDifferenceNamed(t *testing.T) {
	t.Parallel()
	problems := []migrationlink.FieldProblem{{Field: "syncTimeout", Problem: "the one under way has 1h0m0s, this asks for 2h0m0s"}}
	for name, verdict := range map[string]error{
		"by the workflow":                     refusedWith(migrationlink.ErrDifferentRequest, problems),
		"from history, without a worker":      errNoWorker,
		"from history, with an older version": unknownUpdate,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFakeTemporal(t).running()
			f.refuse[migrationlink.AcceptUpdate] = verdict
			done := newCommand(f).run(t.Context(), linkArgs("--sync-timeout", "2h")...)
			require.Equal(t, ExitDifferent, done.code)
			require.Equal(t, different, done.stderr)
			require.Empty(t, done.stdout)
			require.Empty(t, f.starts)

			printed := newCommand(f).run(t.Context(), linkArgs("--sync-timeout", "2h", "-o", "json")...)
			require.Equal(t, ExitDifferent, printed.code)
			require.Empty(t, printed.stdout)
			require.Equal(t, different, asText(t, printed.stderr))
		})
	}
}

func TestLinkAndUnlinkExcludeEachOther(t *testing.T) {
	t.Parallel()
	f := newFakeTemporal(t).running()
	f.asked = migrationlink.UnlinkRequest{Manager: "demo", OrgID: testOrg}
	f.refuse[migrationlink.AcceptUpdate] = errNoWorker
	done := newCommand(f).run(t.Context(), linkArgs()...)
	require.Equal(t, ExitDifferent, done.code)
	require.Contains(t, done.stderr, "\n  workflow: UnlinkOrganization is under way, this asks for LinkOrganization\n")
	require.Contains(t, done.stderr, "starter cancel")
	require.NotContains(t, done.stderr, "starter extend")
}

func TestTheRequestTravelsWithTheStart(t *testing.T) {
	t.Parallel()
	f := newFakeTemporal(t).ends(linked(), nil)
	c := newCommand(f)
	c.env["USER"] = "ana\x1b o'k"
	require.Equal(t, ExitOK, c.run(t.Context(), linkArgs("--if-linked", "relink", "--on-blocked", "wait")...).code)
	require.Len(t, f.updates, 1)
	update := f.updates[0].GetRequest()
	require.Equal(t, migrationlink.AcceptUpdate, update.GetInput().GetName())
	var asked migrationlink.StartRequest
	require.NoError(t, converter.GetDefaultDataConverter().FromPayloads(update.GetInput().GetArgs(), &asked))
	require.Equal(t, &migrationlink.LinkRequest{
		Manager: "demo", OrgID: testOrg, Token: migrationlink.TokenSource{Ref: "env:LINK_TOKEN_DEMO"},
		IfLinked: migrationlink.Relink, OnBlocked: migrationlink.WaitWhenBlocked,
	}, asked.Link)
	require.Equal(t, enumspb.WORKFLOW_ID_CONFLICT_POLICY_USE_EXISTING, f.starts[0].GetWorkflowIdConflictPolicy())
	require.Regexp(t, `^ana--o-k@[A-Za-z0-9._-]* \S+$`, memoOf(f.starts[0].GetMemo(), migrationlink.StartedByMemo))
}

func TestARunThatEndsWhileItIsAskedIsFollowedByAnother(t *testing.T) {
	t.Parallel()
	f := newFakeTemporal(t).running()
	f.refuseOnce = serviceerror.NewAborted("workflow update was aborted")
	f.answers[migrationlink.AcceptUpdate] = *syncing()
	done := newCommand(f).run(t.Context(), linkArgs("--detach")...)
	require.Equal(t, ExitOK, done.code, done.stderr)
	require.Len(t, f.updates, 2)
}

func TestWhatIsAtItsEndIsFollowedByAnother(t *testing.T) {
	t.Parallel()
	f := newFakeTemporal(t).running().ends(linked(), nil)
	f.refuseOnce = refusedWith(migrationlink.ErrAlreadyEnded, migrationlink.Problem{Type: migrationlink.ErrAlreadyEnded, Message: "it has ended"})
	done := newCommand(f).run(t.Context(), linkArgs()...)
	require.Equal(t, ExitOK, done.code, done.stderr)
	require.Len(t, f.updates, 2)
}

func TestWhatIsBeingUndoneIsNotJoined(t *testing.T) {
	t.Parallel()
	f := newFakeTemporal(t).running()
	f.refuse[migrationlink.AcceptUpdate] = refusedWith(migrationlink.ErrAlreadyEnded, migrationlink.Problem{Type: migrationlink.ErrAlreadyEnded, Message: "it is being ended"})
	done := newCommand(f).run(t.Context(), linkArgs()...)
	require.Equal(t, ExitDifferent, done.code)
	require.Contains(t, done.stderr, "is being ended (workflow link.demo.5f1b2c3d4e5f6a7b8c9d0e1f, run 0198c0de-0000-7000-8000-000000000001). Start again when it has ended: watch it with")
	require.Empty(t, done.stdout)
}

func TestAWorkerThatDoesNotKnowAChoiceSaysSo(t *testing.T) {
	t.Parallel()
	f := newFakeTemporal(t).running()
	f.refuse[migrationlink.AcceptUpdate] = refusedWith(migrationlink.ErrInvalidRequest, []migrationlink.FieldProblem{{Field: "ifLinked", Problem: "not a policy"}})
	done := newCommand(f).run(t.Context(), linkArgs()...)
	require.Equal(t, ExitUsage, done.code)
	require.Contains(t, done.stderr, "\n  --if-linked (ifLinked): not a policy\n")
}

func TestDetachReturnsOnTheManagersAnswer(t *testing.T) {
	t.Parallel()
	foreign := syncing()
	foreign.Created = false
	ended := syncing()
	ended.Phase, ended.Result = migrationlink.PhaseEnded, new(withOutcome(migrationlink.OutcomeFailed, refusal))
	synced := syncing()
	synced.Phase, synced.Result = migrationlink.PhaseEnded, new(linked())
	for name, test := range map[string]struct {
		answer *migrationlink.Status
		code   int
		stdout string
		stderr string
	}{
		"accepted":      {answer: syncing(), stdout: "\nAccepted by the manager: NOT_SYNCED, until 13:00:01 (2026-03-01T13:00:01Z)\nWatch it with 'starter status --watch"},
		"somebody else": {answer: foreign, stdout: "\nLinked: NOT_SYNCED, until 13:00:01"},
		"SYNCED":        {answer: synced, stdout: "\nlinked: organization 5f1b2c3d4e5f6a7b8c9d0e1f of manager demo is SYNCED after 9s, 4 polls\n"},
		"blocked": {
			answer: blockedStatus(),
			stdout: "\nBLOCKED while creating: manager \"demo\": POST answered 403. Add 10.0.0.1 to the access list.\nThen: starter retry --manager demo --org 5f1b2c3d4e5f6a7b8c9d0e1f\n",
		},
		"not yet": {
			answer: new(withPhase(migrationlink.PhaseCreating, refusal)), code: ExitOther,
			stderr: "starter: the manager has not accepted it yet, the link goes on (creating): manager \"demo\": POST answered 403. " + testRun.howToGoOn() + "\n",
		},
		"failed": {answer: ended, code: ExitFailed, stderr: "starter: failed: manager \"demo\": POST answered 403. Add 10.0.0.1 to the access list.\n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFakeTemporal(t)
			f.answers[migrationlink.AcceptUpdate] = *test.answer
			done := newCommand(f).run(t.Context(), linkArgs("--detach")...)
			require.Equal(t, test.code, done.code)
			require.Contains(t, done.stdout, test.stdout)
			require.Equal(t, test.stderr, done.stderr)

			printed := newCommand(f).run(t.Context(), linkArgs("--detach", "-o", "json")...)
			require.Equal(t, test.code, printed.code)
			require.True(t, json.Valid([]byte(printed.stdout)), "one object")
			require.Contains(t, printed.stdout, `"joined":true`, "it is under way by then")
			require.Equal(t, test.stderr, asText(t, printed.stderr))
		})
	}
}

func TestDetachWithoutAWorkerSaysThatTheLinkIsStartedAndWaits(t *testing.T) {
	t.Parallel()
	f := newFakeTemporal(t)
	f.refuse[migrationlink.AcceptUpdate] = errNoWorker
	done := newCommand(f).run(t.Context(), linkArgs("--detach")...)
	require.Equal(t, ExitOther, done.code)
	require.Contains(t, done.stdout, "Started workflow link.demo.")
	require.Contains(t, done.stderr, "no worker is answering on task queue migration-link; the link goes on as soon as one is there. Start a worker")
}

func TestDetachWithAWorkerOfAnOlderVersionJoinsAndSaysSo(t *testing.T) {
	t.Parallel()
	f := newFakeTemporal(t).running()
	f.refuse[migrationlink.AcceptUpdate] = unknownUpdate
	done := newCommand(f).run(t.Context(), linkArgs("--detach")...)
	require.Equal(t, ExitOK, done.code, done.stderr)
	require.Contains(t, done.stdout, "Joined the link that is under way")
	require.Contains(t, done.stdout, "Its worker is of an older version")
}

func TestCtrlCWhileWaitingForTheManagerEndsOnlyTheWaiting(t *testing.T) {
	t.Parallel()
	f := newFakeTemporal(t) // without an answer
	ctx, interrupt := context.WithCancel(t.Context())
	f.onDescribe = after(2, interrupt)
	done := newCommand(f).run(ctx, linkArgs("--detach")...)
	require.Equal(t, ExitOther, done.code)
	require.Contains(t, done.stderr, "the link of organization 5f1b2c3d4e5f6a7b8c9d0e1f goes on. Watch it with")
	require.Empty(t, f.signals)
}

func TestCtrlCDuringTheStartTellsWhatIsLeftBehind(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		prepare func(f *fakeTemporal)
		says    string
	}{
		"started":     {func(*fakeTemporal) {}, "interrupted; the link was started (workflow link.demo.5f1b2c3d4e5f6a7b8c9d0e1f, run 0198c0de-0000-7000-8000-000000000001) and goes on"},
		"was there":   {func(f *fakeTemporal) { f.running() }, "run 0198c0de-0000-7000-8000-000000000001 was under way before and goes on"},
		"not started": {func(f *fakeTemporal) { f.deaf = true }, "interrupted; nothing was started"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFakeTemporal(t)
			test.prepare(f)
			ctx, interrupt := context.WithCancel(t.Context())
			f.onUpdate = interrupt
			done := newCommand(f).run(ctx, linkArgs()...)
			require.Equal(t, ExitOther, done.code)
			require.Contains(t, done.stderr, test.says)
		})
	}
}

func TestUnlinkStartsUnderTheSameKeyAndEndsWithItsOutcome(t *testing.T) {
	t.Parallel()
	for outcome, says := range map[migrationlink.Outcome]string{
		migrationlink.OutcomeUnlinked:  "unlinked: organization 5f1b2c3d4e5f6a7b8c9d0e1f of manager demo has no link any more\n",
		migrationlink.OutcomeNotLinked: "not linked: organization 5f1b2c3d4e5f6a7b8c9d0e1f of manager demo had no link to remove\n",
	} {
		t.Run(string(outcome), func(t *testing.T) {
			t.Parallel()
			f := newFakeTemporal(t).ends(withOutcome(outcome, nil), nil)
			done := newCommand(f).run(t.Context(), args("unlink", "--timeout", "1h")...)
			require.Equal(t, ExitOK, done.code, done.stderr)
			require.Contains(t, done.stdout, says)
			start := f.starts[0]
			require.Equal(t, migrationlink.UnlinkWorkflow, start.GetWorkflowType().GetName())
			require.Equal(t, testRun.workflowID(), start.GetWorkflowId())
			var request migrationlink.UnlinkRequest
			require.NoError(t, converter.GetDefaultDataConverter().FromPayloads(start.GetInput(), &request))
			require.Equal(t, migrationlink.UnlinkRequest{Manager: "demo", OrgID: testOrg, Timeout: "1h"}, request)
		})
	}
}

func TestABlockedLinkIsUnmissable(t *testing.T) {
	t.Parallel()
	f := newFakeTemporal(t).running()
	f.status = blockedStatus()
	f.pending = []*workflowpb.PendingActivityInfo{{ // a look beside the work says nothing of the phase
		ActivityType:  &commonpb.ActivityType{Name: migrationlink.LinkStatusActivity},
		State:         enumspb.PENDING_ACTIVITY_STATE_SCHEDULED,
		ScheduledTime: timestamppb.New(testStart),
	}}
	done := newCommand(f).run(t.Context(), args("status")...)
	require.Contains(t, done.stdout, `state         running, BLOCKED while creating
problem       manager "demo": POST answered 403
remedy        Add 10.0.0.1 to the access list.
then          starter retry --manager demo --org 5f1b2c3d4e5f6a7b8c9d0e1f
`)
	require.NotContains(t, done.stdout, "note")

	c := newCommand(f)
	c.terminal = &c.stdout
	require.Contains(t, c.run(t.Context(), args("status")...).stdout, "state         \x1b[31mrunning, BLOCKED while creating\x1b[0m\n")

	f.status, f.pending = nil, nil
	f.memo.Fields[migrationlink.PhaseMemo] = payloads("blocked").GetPayloads()[0]
	done = newCommand(f).run(t.Context(), args("status")...)
	require.Contains(t, done.stdout, "state         running, BLOCKED\nthen          starter retry", "also without a worker")
}

func TestTheEndOfAMigrationNeedsNoRetry(t *testing.T) {
	t.Parallel()
	seen := observation{run: testRun, state: stateRunning, phase: migrationlink.PhaseBlocked, blockedIn: migrationlink.PhaseRemoving,
		problem: &migrationlink.Problem{Type: migrationlink.ErrMigrationRunning, Message: "a migration runs", Remedy: "End it."}}
	require.Equal(t, "BLOCKED while removing: a migration runs. End it. That is noticed by itself, too.", seen.blockedText())
}

func TestAWorkerThatDiedIsOneNoteNotTwo(t *testing.T) {
	t.Parallel()
	seen := observation{run: testRun, state: stateRunning}
	seen.addActivity(polling(nil))
	late := testStart.Add(14*time.Second + queuedTooLong + time.Second)
	require.True(t, seen.overdue(late))
	require.Len(t, seen.notes(late), 1)
	notes := seen.withStatus(nil, "no worker is answering on task queue migration-link").notes(late)
	require.Equal(t, []string{"no worker is answering on task queue migration-link. Start a worker, or look at its log; the link goes on as soon as one is there."}, notes)
}

func TestWhoWaitsLongIsToldForWhat(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newCommand(nil)
		a := &app{env: Environment{Stdout: &c.stdout}}
		a.patiently("a worker", func() {})
		require.Empty(t, c.stdout.String())
		a.patiently("a worker", func() { <-time.After(2 * hintAfter) })
		require.Equal(t, "Waiting for a worker …\n", c.stdout.String())
	})
}
