package starter

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	commonpb "go.temporal.io/api/common/v1"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	workflowpb "go.temporal.io/api/workflow/v1"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/temporal"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/migrationlink/migrationlink"
	"github.com/migrationlink/migrationlink/internal/console"
	"github.com/migrationlink/migrationlink/internal/dataconv"
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

const different = `starter: a different request for organization 5f1b2c3d4e5f6a7b8c9d0e1f of manager demo is running (workflow link.demo.5f1b2c3d4e5f6a7b8c9d0e1f, run 0198c0de-0000-7000-8000-000000000001):
  --sync-timeout: running link: 1h0m0s; your request: 2h0m0s
Watch it with 'starter status --watch --manager demo --org 5f1b2c3d4e5f6a7b8c9d0e1f'. To use your settings, cancel it with 'starter cancel --manager demo --org 5f1b2c3d4e5f6a7b8c9d0e1f --reason TEXT' and start again; to move the deadline, use 'starter extend --manager demo --org 5f1b2c3d4e5f6a7b8c9d0e1f --by 1h'.
`

func TestADifferentRequestIsRefusedWithTheDifferingFields(t *testing.T) {
	t.Parallel()
	problems := []migrationlink.FieldProblem{{Field: "syncTimeout", Problem: "running link: 1h0m0s; your request: 2h0m0s"}}
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
			require.Equal(t, console.ExitDifferent, done.code)
			require.Equal(t, different, done.stderr)
			require.Empty(t, done.stdout)
			require.Empty(t, f.starts)

			printed := newCommand(f).run(t.Context(), linkArgs("--sync-timeout", "2h", "-o", "json")...)
			require.Equal(t, console.ExitDifferent, printed.code)
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
	require.Equal(t, console.ExitDifferent, done.code)
	require.Contains(t, done.stderr, "\n  workflow: running: UnlinkOrganization; your request: LinkOrganization\n")
	require.Contains(t, done.stderr, "starter cancel")
	require.NotContains(t, done.stderr, "starter extend")
}

func TestTheRequestTravelsWithTheStart(t *testing.T) {
	t.Parallel()
	f := newFakeTemporal(t).ends(linked(), nil)
	c := newCommand(f)
	c.env["USER"] = "ana\x1b o'k"
	require.Equal(t, console.ExitOK, c.run(t.Context(), linkArgs("--if-linked", "relink", "--on-blocked", "wait")...).code)
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
	require.Regexp(t, `^ana--o-k@[A-Za-z0-9._-]* \S+$`, dataconv.Default().MemoText(f.starts[0].GetMemo(), migrationlink.StartedByMemo))
}

func TestARunThatEndsDuringTheStartIsReplacedByANewOne(t *testing.T) {
	t.Parallel()
	f := newFakeTemporal(t).running()
	f.refuseOnce = serviceerror.NewAborted("workflow update was aborted")
	f.answers[migrationlink.AcceptUpdate] = *syncing()
	done := newCommand(f).run(t.Context(), linkArgs("--detach")...)
	require.Equal(t, console.ExitOK, done.code, done.stderr)
	require.Len(t, f.updates, 2)
}

func TestARunThatIsClosingIsReplacedByANewOne(t *testing.T) {
	t.Parallel()
	f := newFakeTemporal(t).running().ends(linked(), nil)
	f.refuseOnce = refusedWith(migrationlink.ErrAlreadyEnded, migrationlink.Problem{Type: migrationlink.ErrAlreadyEnded, Message: "it has ended"})
	done := newCommand(f).run(t.Context(), linkArgs()...)
	require.Equal(t, console.ExitOK, done.code, done.stderr)
	require.Len(t, f.updates, 2)
}

func TestALinkThatIsBeingUndoneIsNotJoined(t *testing.T) {
	t.Parallel()
	f := newFakeTemporal(t).running()
	f.refuse[migrationlink.AcceptUpdate] = refusedWith(migrationlink.ErrAlreadyEnded, migrationlink.Problem{Type: migrationlink.ErrAlreadyEnded, Message: "it is ending"})
	done := newCommand(f).run(t.Context(), linkArgs()...)
	require.Equal(t, console.ExitDifferent, done.code)
	require.Contains(t, done.stderr, "is ending (workflow link.demo.5f1b2c3d4e5f6a7b8c9d0e1f, run 0198c0de-0000-7000-8000-000000000001)\nStart again when it has ended: watch it with")
	require.Empty(t, done.stdout)
}

func TestADryRunTellsALinkThatIsBeingUndoneFromOneThatItWouldJoin(t *testing.T) {
	t.Parallel()
	blocked := blockedStatus()
	blocked.BlockedIn = migrationlink.PhaseUndoing
	for name, test := range map[string]struct {
		status *migrationlink.Status
		code   int
	}{
		"undone":                {new(withPhase(migrationlink.PhaseUndoing, nil)), console.ExitDifferent},
		"blocked in the undo":   {blocked, console.ExitDifferent},
		"linked":                {syncing(), console.ExitOK},
		"no worker tells of it": {nil, console.ExitOK},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFakeTemporal(t).running()
			f.status = test.status
			done := newCommand(f).run(t.Context(), linkArgs("--dry-run")...)
			require.Equal(t, test.code, done.code, done.stderr)
			require.Equal(t, test.code == console.ExitOK, strings.Contains(done.stdout, "An equal request is running (run "+testRunID+"): the command would join it."))
			if test.code != console.ExitOK {
				require.Contains(t, done.stderr, "is ending (workflow "+testRun.WorkflowID()+", run "+testRunID+")\nStart again when it has ended: watch it with")
			}
			require.Empty(t, f.starts)
			require.Empty(t, f.updates)
		})
	}
}

func TestARefusalByAnOlderWorkerNamesTheFlag(t *testing.T) {
	t.Parallel()
	f := newFakeTemporal(t).running()
	f.refuse[migrationlink.AcceptUpdate] = refusedWith(migrationlink.ErrInvalidRequest, []migrationlink.FieldProblem{{Field: "ifLinked", Problem: "not a policy"}})
	done := newCommand(f).run(t.Context(), linkArgs()...)
	require.Equal(t, console.ExitUsage, done.code)
	require.Contains(t, done.stderr, "\n  --if-linked: not a policy\n")
}

func TestDetachReturnsWhenTheManagerHasAnswered(t *testing.T) {
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
		"accepted":      {answer: syncing(), stdout: "Accepted by the manager: NOT_SYNCED, until 13:00:01, in 59 min (2026-03-01T13:00:01Z)\n"},
		"somebody else": {answer: foreign, stdout: "Linked: NOT_SYNCED, until 13:00:01"},
		"SYNCED":        {answer: synced, stdout: "linked: organization 5f1b2c3d4e5f6a7b8c9d0e1f of manager demo is SYNCED after 9s, 4 polls\n"},
		"blocked": {
			answer: blockedStatus(), code: console.ExitBlocked,
			stderr: "starter: the link of organization 5f1b2c3d4e5f6a7b8c9d0e1f is blocked\nWhen it is fixed: starter retry --manager demo --org 5f1b2c3d4e5f6a7b8c9d0e1f\nMore: starter explain AccessListRefused\n",
			stdout: "BLOCKED while creating: manager \"demo\": POST answered 403. Add 10.0.0.1 to the access list.\nThen: starter retry --manager demo --org 5f1b2c3d4e5f6a7b8c9d0e1f\n",
		},
		"not yet": {
			answer: new(withPhase(migrationlink.PhaseCreating, refusal)), code: console.ExitOther,
			stderr: "starter: the manager has not accepted the link yet; it continues (creating): manager \"demo\": POST answered 403\n" + testRun.WatchOrCancel() + "\n",
		},
		"failed": {answer: ended, code: console.ExitFailed, stderr: "starter: failed: manager \"demo\": POST answered 403\nAdd 10.0.0.1 to the access list.\nMore: starter explain AccessListRefused\n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFakeTemporal(t)
			f.answers[migrationlink.AcceptUpdate] = *test.answer
			done := newCommand(f).run(t.Context(), linkArgs("--detach")...)
			require.Equal(t, test.code, done.code)
			require.Contains(t, done.stdout, test.stdout)
			require.Equal(t, test.stderr, done.failure())

			printed := newCommand(f).run(t.Context(), linkArgs("--detach", "-o", "json")...)
			require.Equal(t, test.code, printed.code)
			require.True(t, json.Valid([]byte(printed.stdout)), "one object")
			require.Contains(t, printed.stdout, `"joined":true`, "it is under way by then")
			require.Equal(t, inJSON(test.stderr), asText(t, printed.stderr))
		})
	}
}

func TestDetachWithoutAWorkerSaysThatTheLinkIsStartedAndWaits(t *testing.T) {
	t.Parallel()
	f := newFakeTemporal(t)
	f.refuse[migrationlink.AcceptUpdate] = errNoWorker
	done := newCommand(f).run(t.Context(), linkArgs("--detach")...)
	require.Equal(t, console.ExitOther, done.code)
	require.Contains(t, done.stderr, "Started workflow link.demo.")
	require.Contains(t, done.stderr, "no worker is answering on task queue migration-link; the link continues as soon as one runs\nStart a worker")
}

func TestDetachWithAnOlderWorkerJoinsAndReportsThat(t *testing.T) {
	t.Parallel()
	f := newFakeTemporal(t).running()
	f.refuse[migrationlink.AcceptUpdate] = unknownUpdate
	done := newCommand(f).run(t.Context(), linkArgs("--detach")...)
	require.Equal(t, console.ExitOK, done.code, done.stderr)
	require.Contains(t, done.stderr, "Joined the running link")
	require.Contains(t, done.stdout, "Its worker runs an older version")
}

func TestCtrlCWhileWaitingForTheManagerEndsOnlyTheWaiting(t *testing.T) {
	t.Parallel()
	f := newFakeTemporal(t) // without an answer
	ctx, interrupt := context.WithCancel(t.Context())
	f.onDescribe = after(2, interrupt)
	done := newCommand(f).run(ctx, linkArgs("--detach")...)
	require.Equal(t, console.ExitOther, done.code)
	require.Contains(t, done.stderr, "the link of organization 5f1b2c3d4e5f6a7b8c9d0e1f continues\nWatch it with")
	require.Empty(t, f.signals)
}

func TestCtrlCDuringTheStartReportsWhatWasStarted(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		prepare func(f *fakeTemporal)
		says    string
	}{
		"started":     {func(*fakeTemporal) {}, "interrupted; the link was started (workflow link.demo.5f1b2c3d4e5f6a7b8c9d0e1f, run 0198c0de-0000-7000-8000-000000000001) and continues"},
		"was there":   {func(f *fakeTemporal) { f.running() }, "run 0198c0de-0000-7000-8000-000000000001 was already running and continues"},
		"not started": {func(f *fakeTemporal) { f.deaf = true }, "interrupted; nothing was started"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFakeTemporal(t)
			test.prepare(f)
			ctx, interrupt := context.WithCancel(t.Context())
			f.onUpdate = interrupt
			done := newCommand(f).run(ctx, linkArgs()...)
			require.Equal(t, console.ExitOther, done.code)
			require.Contains(t, done.stderr, test.says)
		})
	}
}

func TestUnlinkStartsUnderTheSameKeyAndEndsWithItsOutcome(t *testing.T) {
	t.Parallel()
	for outcome, says := range map[migrationlink.Outcome]string{
		migrationlink.OutcomeUnlinked:  "unlinked: organization 5f1b2c3d4e5f6a7b8c9d0e1f of manager demo no longer has a link\n",
		migrationlink.OutcomeNotLinked: "not linked: organization 5f1b2c3d4e5f6a7b8c9d0e1f of manager demo had no link to remove\n",
	} {
		t.Run(string(outcome), func(t *testing.T) {
			t.Parallel()
			f := newFakeTemporal(t).ends(withOutcome(outcome, nil), nil)
			done := newCommand(f).run(t.Context(), args("unlink", "--timeout", "1h", "--yes")...)
			require.Equal(t, console.ExitOK, done.code, done.stderr)
			require.Contains(t, done.stdout, says)
			start := f.starts[0]
			require.Equal(t, migrationlink.UnlinkWorkflow, start.GetWorkflowType().GetName())
			require.Equal(t, testRun.WorkflowID(), start.GetWorkflowId())
			var request migrationlink.UnlinkRequest
			require.NoError(t, converter.GetDefaultDataConverter().FromPayloads(start.GetInput(), &request))
			require.Equal(t, migrationlink.UnlinkRequest{Manager: "demo", OrgID: testOrg, Timeout: "1h"}, request)
		})
	}
}

func TestABlockedLinkIsShownProminently(t *testing.T) {
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
