package starter

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	workflowpb "go.temporal.io/api/workflow/v1"
	"go.temporal.io/sdk/temporal"

	"github.com/migrationlink/migrationlink"
	"github.com/migrationlink/migrationlink/internal/console"
	"github.com/migrationlink/migrationlink/internal/links"
)

// asked is a command on whose terminal somebody types an answer.
func asked(c *command, answer string) *command {
	c.stdin, c.hidden = strings.NewReader(answer), func(context.Context) ([]byte, error) { return nil, nil }
	return c
}

func TestABulkCommandAsksOnATerminalAndOnlyYesConfirms(t *testing.T) {
	t.Parallel()
	f := newFakeList(t, everyState()...)
	for answer, code := range map[string]int{"": console.ExitOther, "\n": console.ExitOther, "n\n": console.ExitOther, "yesterday\n": console.ExitOther} {
		done := asked(f.command(), answer).run(t.Context(), "retry", "--state", "blocked")
		require.Equal(t, code, done.code)
		require.Contains(t, done.stderr, "demo     link  blocked  AccessListRefused  1      "+org(2)+"\nRetry 1 link? [y/N] ")
		require.Contains(t, done.stderr, "not confirmed; nothing was sent")
		require.Empty(t, done.stdout)
	}
	for _, answer := range []string{"y\n", " YES \n", "y"} { // this Temporal takes no updates, and no signals
		done := asked(f.command(), answer).run(t.Context(), "retry", "--state", "blocked")
		require.Equal(t, console.ExitOther, done.code)
		require.Contains(t, done.stdout, "Retried 0 of 1 link\n")
		require.Contains(t, done.stderr, "organization "+org(2)+" of manager demo: ")
		require.Contains(t, done.stderr, "1 of 1 link could not be retried")
	}
}

func TestABulkCommandChoosesOnlyWhatItCanWorkOn(t *testing.T) {
	t.Parallel()
	f := newFakeList(t, everyState()...)
	for command, count := range map[string]string{
		"retry --older-than 1m":                 "2 links would be retried",
		"cancel --older-than 1m":                "2 links would be cancelled",
		"extend --older-than 1m --until 23:59":  "2 links would be extended",
		"unlink --older-than 1m":                "6 links would be unlinked",
		"unlink --outcome linked":               "1 link would be unlinked",
		"cancel --started-by ann":               "1 link would be cancelled",
		"retry --state blocked --org " + org(2): "1 link would be retried",
	} {
		done := f.command().run(t.Context(), strings.Fields(command)...)
		require.Equal(t, console.ExitUsage, done.code, command)
		require.Contains(t, done.stderr, count+"; nothing was sent", command)
	}
	for command, verb := range map[string]string{"retry --state failed": "retry", "unlink --state running": "unlink"} {
		done := f.command().run(t.Context(), strings.Fields(command)...)
		require.Equal(t, console.ExitOK, done.code)
		require.Contains(t, done.stderr, "No matching links to "+verb+".")
	}
}

func TestADryRunThatChoosesNothingPrintsThatItSendsNothing(t *testing.T) {
	t.Parallel()
	f := newFakeList(t, everyState()...)
	for _, command := range []string{"retry --state failed", "unlink --state running"} {
		done := f.command().run(t.Context(), append(strings.Fields(command), "--dry-run", "-o", "json")...)
		require.Equal(t, console.ExitOK, done.code, done.stderr)
		require.JSONEq(t, `{"dryRun":true,"sends":[]}`, done.stdout)
	}
}

func TestABulkCommandRefusesFlagsForOneLinkOnly(t *testing.T) {
	t.Parallel()
	for command, says := range map[string]string{
		"retry --state blocked --token-ref file:a":                             "--token-ref: works on one link only",
		"extend --state blocked --by 1h":                                       "--by: works on one link only",
		"extend --state blocked":                                               "--by, a duration",
		"extend --state blocked --until 11:59":                                 "--until: 2026-03-01T11:59:00Z is in the past",
		"cancel --state lost":                                                  "--state: not a state",
		"cancel --state=":                                                      "--state: the value is empty",
		"unlink --problem= --manager demo":                                     "--problem: the value is empty",
		"unlink --outcome=":                                                    "--outcome: the value is empty",
		"cancel --state running --org x":                                       "--org: not an organization's id",
		"unlink --state completed --timeout 1ms":                               "--timeout: ",
		"unlink --state completed --reason=":                                   "--reason: the value is empty",
		"retry --problem AccessListRefused --manager=":                         "--manager: invalid manager name",
		"retry --problem AccessListRefused --access-list-ip 203.0.113.7 --yes": "--access-list-ip: works on one link only",
		"retry --state blocked --atlas-org " + testOrg + " --yes":              "--atlas-org: works on one link only",
		"retry --state blocked --recipient " + testRecipient + " --yes":        "--recipient: works on one link only",
	} {
		done := newCommand(nil).run(t.Context(), strings.Fields(command)...)
		require.Equal(t, console.ExitUsage, done.code, command)
		require.Contains(t, done.stderr, says, command)
	}
}

func TestAReasonThatMayBeASecretIsRefusedAndNotRepeated(t *testing.T) {
	t.Parallel()
	secret := strings.Repeat("aB3", 64) // as long as a link-token
	const key = "AGE-SECRET-KEY-1ABCDEF"
	for _, command := range []string{"cancel", "unlink"} {
		for _, text := range []string{secret, key} {
			done := newCommand(nil).run(t.Context(), args(command, "--reason", "it is "+text)...)
			require.Equal(t, console.ExitUsage, done.code)
			require.Contains(t, done.stderr, "--reason: a word of more than 100 characters may be a secret, and a key is one")
			require.NotContains(t, done.stderr, text)
		}
	}
	c := newCommand(nil)
	c.stdin = strings.NewReader(`{"manager": "demo", "orgId": "` + testOrg + `", "reason": "it is ` + secret + `"}`)
	done := c.run(t.Context(), "unlink", "-f", "-")
	require.Equal(t, console.ExitUsage, done.code)
	require.Contains(t, done.stderr, "reason: a word of more than 100 characters may be a secret")
	require.NotContains(t, done.stderr, secret)
}

func TestAReasonIsOptionalAndBounded(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("s", migrationlink.MaxReason+1)
	for _, command := range []string{"cancel", "unlink"} {
		done := newCommand(nil).run(t.Context(), args(command, "--reason", long)...)
		require.Equal(t, console.ExitUsage, done.code)
		require.Contains(t, done.stderr, "--reason: ")
		require.NotContains(t, done.stderr, "ssss")
	}
	f := newFakeTemporal(t).running()
	require.Equal(t, console.ExitOK, newCommand(f).run(t.Context(), args("cancel", "--detach")...).code)
	require.Len(t, f.signals, 1)
}

func TestUnlinkAsksOnATerminal(t *testing.T) {
	t.Parallel()
	for outcome, asks := range map[migrationlink.Outcome]bool{migrationlink.OutcomeUnlinked: true, migrationlink.OutcomeLinked: false} {
		result := withOutcome(outcome, nil)
		result.Created = outcome == migrationlink.OutcomeLinked
		f := newFakeTemporal(t).ends(result, nil)
		done := asked(newCommand(f), "n\n").run(t.Context(), args("unlink")...)
		require.Equal(t, asks, strings.Contains(done.stderr, "Remove it anyway? [y/N]"), done.stderr)
		require.Equal(t, asks, len(f.starts) == 0)
	}
}

// The open run decides: it is joined, or refuses.
func TestUnlinkAsksNothingWhileARunIsOpen(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		running any
		refuses error
		code    int
		says    string
	}{
		"an equal unlink": {migrationlink.UnlinkRequest{Manager: "demo", OrgID: testOrg}, nil, console.ExitOK, "Joined the running unlinking: workflow " + testRun.WorkflowID()},
		"another unlink":  {migrationlink.UnlinkRequest{Manager: "demo", OrgID: testOrg, Timeout: "2h"}, errNoWorker, console.ExitDifferent, "\n  --timeout: "},
		"a link":          {nil, errNoWorker, console.ExitDifferent, "\n  workflow: running: LinkOrganization; your request: UnlinkOrganization\n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFakeTemporal(t).running()
			f.asked, f.listed = test.running, []*workflowpb.WorkflowExecutionInfo{}
			f.refuse[migrationlink.AcceptUpdate], f.answers[migrationlink.AcceptUpdate] = test.refuses, *syncing()
			for _, c := range []*command{newCommand(f), asked(newCommand(f), "n\n")} {
				done := c.run(t.Context(), args("unlink", "--detach")...)
				require.Equal(t, test.code, done.code, done.stderr)
				require.Contains(t, done.stderr, test.says)
				for _, untrue := range []string{"knows no run", "[y/N]", "--yes", "no terminal"} {
					require.NotContains(t, done.stderr, untrue)
				}
			}
			require.Empty(t, f.starts)
		})
	}
}

func TestEachTellsEveryLinkOnceAndStopsWhenItIsInterrupted(t *testing.T) {
	t.Parallel()
	chosen := make([]links.Listed, 1000)
	for i := range chosen {
		chosen[i].Run.RunID = fmt.Sprint(i)
	}
	told := map[string]error{}
	odd := errors.New("odd")
	links.Each(t.Context(), chosen, 7, func(_ context.Context, l links.Listed) error {
		if strings.HasSuffix(l.Run.RunID, "1") {
			return odd
		}
		return nil
	}, func(l links.Listed, err error) { told[l.Run.RunID] = err })
	require.Len(t, told, len(chosen))
	require.ErrorIs(t, told["21"], odd)
	require.NoError(t, told["22"])

	ctx, interrupt := context.WithCancel(t.Context())
	count := 0
	links.Each(ctx, chosen, 7, func(context.Context, links.Listed) error { return nil }, func(links.Listed, error) {
		if count++; count == 20 {
			interrupt()
		}
	})
	require.GreaterOrEqual(t, count, 20)
	require.Less(t, count, 100)
}

func TestABulkWaitThatEndsEarlySaysThatAllWereSentAndGoOn(t *testing.T) {
	t.Parallel()
	for command, code := range map[string]int{
		"unlink --outcome linked --yes":             console.ExitOther, // interrupted
		"cancel --state running --yes":              console.ExitOther,
		"cancel --state running --yes --timeout 1s": console.ExitWaiting,
	} {
		t.Run(command, func(t *testing.T) {
			t.Parallel()
			f := newFakeTemporal(t)
			f.answers[migrationlink.AcceptUpdate] = *syncing()
			f.listed = []*workflowpb.WorkflowExecutionInfo{listedRun(1, 5)}
			if strings.HasPrefix(command, "unlink") {
				f.listed = []*workflowpb.WorkflowExecutionInfo{listedRun(1, 5, ended(6, completed))}
			} else {
				f.running()
			}
			ctx, interrupt := context.WithCancel(t.Context())
			defer interrupt()
			f.refuseCall = func(method string) error {
				if method == "GetWorkflowExecutionHistory" && code == console.ExitOther {
					interrupt() // while it waits for the end
				}
				return nil
			}
			done := newCommand(f).run(ctx, strings.Fields(command)...)
			require.Equal(t, code, done.code, done.stderr)
			require.Contains(t, done.stderr, "1 of 1 link were not ")
			require.Contains(t, done.stderr, "All were sent, and continue without this command. To wait for their ends, repeat it: it is safe.")
		})
	}
}

// More links than are awaited at once: with a limit for each, the others would get another one.
func TestABulkCancelHasOneLimitForAllWaits(t *testing.T) {
	t.Parallel()
	const chosen = 2*awaitingAtOnce + 1
	f := newFakeTemporal(t).running()
	for n := range chosen {
		f.listed = append(f.listed, listedRun(n, 5))
	}
	var waits atomic.Int64
	f.refuseCall = func(method string) error {
		if method == historyCall {
			waits.Add(1)
		}
		return nil
	}
	done := newCommand(f).run(t.Context(), "cancel", "--state", "running", "--yes", "--timeout", "1s")
	require.Equal(t, console.ExitWaiting, done.code, done.stderr)
	require.Contains(t, done.stderr, fmt.Sprintf("the time limit has passed; %d of %d links were not cancelled", chosen, chosen))
	require.Contains(t, done.stderr, "All were sent, and continue without this command.")
	require.Len(t, f.signals, chosen)
	require.Less(t, waits.Load(), int64(chosen))
}

func TestABulkRetryReportsTheRefusalOfALinkThatIsEnding(t *testing.T) {
	t.Parallel()
	f := newFakeTemporal(t).running() // it does not end in time
	f.listed = []*workflowpb.WorkflowExecutionInfo{listedRun(1, 5, noted(migrationlink.PhaseMemo, "blocked"))}
	f.refuse[migrationlink.RetryUpdate] = refusedWith(migrationlink.ErrAlreadyEnded, migrationlink.Problem{
		Type: migrationlink.ErrAlreadyEnded, Message: "it is ending", Remedy: "Wait for its end."})
	c := newCommand(f)
	c.limit = time.Second
	done := c.run(t.Context(), "retry", "--state", "blocked", "--yes")
	require.Equal(t, console.ExitNotFound, done.code, done.stderr)
	require.Contains(t, done.stderr, "organization "+org(1)+" of manager demo: nothing was done for the link of organization "+org(1)+" of manager demo: it is ending. Wait for its end.\n")
	require.NotContains(t, done.stderr, "cannot be reached")

	f.ends(linked(), nil)
	require.Equal(t, console.ExitOK, newCommand(f).run(t.Context(), "retry", "--state", "blocked", "--yes").code, "it has ended well meanwhile")
}

// unlinkedBefore are four organizations that were linked: the removal of the first is running, that of
// the second has failed, somebody has cancelled that of the third, and the fourth is unlinked.
func unlinkedBefore() []*workflowpb.WorkflowExecutionInfo {
	linked := ended(6, completed)
	return []*workflowpb.WorkflowExecutionInfo{
		listedRun(1, 60, unlinking),
		listedRun(2, 60, unlinking, ended(63, broke), noted(migrationlink.PhaseMemo, "failed"), noted(migrationlink.ProblemMemo, migrationlink.ErrMigrationRunning)),
		listedRun(3, 60, unlinking, ended(62, enumspb.WORKFLOW_EXECUTION_STATUS_CANCELED)),
		listedRun(4, 60, unlinking, ended(61, completed)),
		listedRun(2, 30, unlinking, ended(31, broke)),
		listedRun(1, 5, linked), listedRun(2, 5, linked), listedRun(3, 5, linked), listedRun(4, 5, linked),
	}
}

func TestARepeatedUnlinkChoosesTheRemovalsThatRunOrHaveFailed(t *testing.T) {
	t.Parallel()
	f := newFakeList(t, unlinkedBefore()...)
	for _, command := range []string{"unlink --outcome linked", "unlink --state completed --older-than 80m"} {
		done := f.command().run(t.Context(), strings.Fields(command)...)
		require.Contains(t, done.stderr, "demo     unlink  running                    1      "+org(1)+"\n", command)
		require.Contains(t, done.stderr, "demo     unlink  failed   MigrationRunning  1      "+org(2)+"\n", command)
	}
	done := f.command().run(t.Context(), "unlink", "--outcome", "linked")
	require.Equal(t, console.ExitUsage, done.code)
	require.Contains(t, done.stderr, "1 link would be unlinked, with 1 unlink already running; nothing was sent")
	asks := asked(f.command(), "n\n").run(t.Context(), "unlink", "--outcome", "linked")
	require.Contains(t, asks.stderr, "1 unlink already running. Unlink 1 link? [y/N]")
	shown := f.command().run(t.Context(), "unlink", "--newer-than", "3h") // a list shows the removals with these flags, too
	require.Contains(t, shown.stderr, "1 link would be unlinked, with 1 unlink already running; nothing was sent")
	dry := f.command().run(t.Context(), "unlink", "--outcome", "linked", "--dry-run")
	require.Contains(t, dry.stdout, "start workflow link.demo."+org(2))
	require.NotContains(t, dry.stdout, org(1))

	for _, other := range []string{"list --outcome linked", "unlink --outcome already-linked", "cancel --outcome linked", "unlink --problem KeyRejected"} {
		done := f.command().run(t.Context(), strings.Fields(other)...)
		require.Equal(t, console.ExitOK, done.code, other)
		require.Contains(t, done.stderr, "No matching links", other)
	}
}

func TestARepeatedUnlinkWaitsForWhatRunsAndSendsNothing(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		flags   string
		outcome migrationlink.Outcome
		code    int
		stdout  string
	}{
		"unlinked":      {"", migrationlink.OutcomeUnlinked, console.ExitOK, "Unlinked 1 of 1 link\n"},
		"failed":        {"", migrationlink.OutcomeFailed, console.ExitFailed, "Unlinked 0 of 1 link\n"},
		"still running": {" --wait-limit 2s", "", console.ExitWaiting, "Unlinked 0 of 1 link\n"},
		"detached":      {" --detach", "", console.ExitOK, "Asked to unlink 1 of 1 link\n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFakeTemporal(t)
			f.asked = migrationlink.UnlinkRequest{Manager: "demo", OrgID: testOrg}
			f.running()
			f.listed = []*workflowpb.WorkflowExecutionInfo{listedRun(1, 60, unlinking), listedRun(1, 5, ended(6, completed))}
			if test.outcome != "" {
				f.ends(withOutcome(test.outcome, &migrationlink.Problem{Type: migrationlink.ErrMigrationRunning, Message: "a migration is running"}), nil)
			}
			done := newCommand(f).run(t.Context(), strings.Fields("unlink --outcome linked"+test.flags)...)
			require.Equal(t, test.code, done.code, done.stderr)
			require.Equal(t, test.stdout, done.stdout)
			require.Contains(t, done.stderr, "1 unlink already running; nothing is sent\n")
			require.Empty(t, f.starts)
		})
	}
}

func TestALinkWhoseEndWasNotSeenIsUnknown(t *testing.T) {
	t.Parallel()
	f := newFakeTemporal(t)
	f.asked = migrationlink.UnlinkRequest{Manager: "demo", OrgID: testOrg}
	f.running()
	f.listed = []*workflowpb.WorkflowExecutionInfo{listedRun(1, 60, unlinking), listedRun(1, 5, ended(6, completed))}
	done := newCommand(f).run(t.Context(), strings.Fields("unlink --outcome linked --wait-limit 1s -o json")...)
	require.Equal(t, console.ExitWaiting, done.code, done.stderr)
	require.JSONEq(t, `{"chosen":1,"succeeded":0,"failed":[],"unknown":[{"manager":"demo","orgId":"`+org(1)+`"}]}`, done.stdout)
}

func TestABulkUnlinkLeavesALinkThatIsNewerThanWhatWasChosen(t *testing.T) {
	t.Parallel()
	f := newFakeTemporal(t).ends(withOutcome(migrationlink.OutcomeLinked, nil), nil)
	f.listed = []*workflowpb.WorkflowExecutionInfo{listedRun(1, 5, ended(6, completed))}
	done := newCommand(f).run(t.Context(), strings.Fields("unlink --outcome linked --yes")...)
	require.Equal(t, console.ExitOther, done.code, done.stderr)
	require.Contains(t, done.stderr, "was linked again after the links were chosen; nothing was sent")
	require.Empty(t, f.starts)
}

func TestARepeatedCancelChoosesWhatWasBlockedWhenItWasCancelled(t *testing.T) {
	t.Parallel()
	f := newFakeList(t, listedRun(1, 30, noted(migrationlink.PhaseMemo, "undoing"), noted(migrationlink.ProblemMemo, migrationlink.ErrAccessListRefused)))
	for _, command := range []string{"cancel --state blocked", "cancel --problem AccessListRefused", "cancel --state running"} {
		require.Contains(t, f.command().run(t.Context(), strings.Fields(command)...).stderr, "1 link would be cancelled", command)
	}
	for _, command := range []string{"cancel --problem KeyRejected", "retry --state blocked", "list --problem AccessListRefused"} {
		require.Contains(t, f.command().run(t.Context(), strings.Fields(command)...).stderr, "No matching links", command)
	}
}

// More links than are sent at once: the others are left out.
func TestABulkCommandThatIsInterruptedWhileItSendsTellsWhatIsKnown(t *testing.T) {
	t.Parallel()
	const chosen, until = 4 * sendingAtOnce, sendingAtOnce + 5
	for name, flags := range map[string][]string{"text": nil, "json": {"-o", "json"}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFakeTemporal(t).running()
			for n := range chosen {
				f.listed = append(f.listed, listedRun(n, 5))
			}
			ctx, interrupt := context.WithCancel(t.Context())
			defer interrupt()
			var sent atomic.Int64
			f.refuseCall = func(method string) error {
				if method == "SignalWorkflowExecution" && sent.Add(1) == until {
					interrupt()
				}
				return nil
			}
			done := newCommand(f).run(ctx, append([]string{"cancel", "--state", "running", "--yes"}, flags...)...)
			require.Equal(t, console.ExitOther, done.code)
			require.GreaterOrEqual(t, sent.Load(), int64(until))
			require.LessOrEqual(t, sent.Load(), int64(until+sendingAtOnce), "nothing is begun any more")
			says := []string{
				"interrupted; 128 of 128 links were not cancelled, or it is unknown whether they were",
				"What was sent continues without this command. To send the rest and wait for all, repeat it: it is safe.",
			}
			if name == "text" {
				require.Equal(t, "Cancelled 0 of 128 links\n", done.stdout)
				require.Contains(t, done.stderr, says[0])
				require.Contains(t, done.stderr, says[1])
				require.NotContains(t, done.stderr, "organization ", "nothing has failed")
				return
			}
			var counted struct {
				Chosen, Succeeded int
				Failed, Unknown   []any
			}
			require.NoError(t, json.Unmarshal([]byte(done.stdout), &counted))
			require.Equal(t, 128, counted.Chosen)
			require.Zero(t, counted.Succeeded)
			require.Empty(t, counted.Failed)
			require.Len(t, counted.Unknown, 128)
			require.Equal(t, 1, strings.Count(done.stderr, "\n"), "one object: %s", done.stderr)
			var printed struct{ Error console.Failure }
			require.NoError(t, json.Unmarshal([]byte(done.stderr), &printed))
			require.Equal(t, says, []string{printed.Error.Message, printed.Error.Remedy})
		})
	}
}

func TestADeadlineThatIsLaterAlreadyIsNotCountedAsExtended(t *testing.T) {
	t.Parallel()
	until := testStart.Add(time.Hour)
	refusal := temporal.NewApplicationError("until: not after the present deadline", migrationlink.ErrInvalidUpdate)
	for deadline, test := range map[time.Time]struct {
		code         int
		stdout, json string
	}{
		until:                  {console.ExitOK, "Extended 1 of 1 link\n", `{"chosen":1,"succeeded":1,"failed":[]}`},
		until.Add(time.Minute): {console.ExitOK, "Extended 0 of 1 link; 1 unchanged\n", `{"chosen":1,"succeeded":0,"unchanged":[{"manager":"demo","orgId":"` + org(1) + `","message":"its deadline is later: 2026-03-01T13:01:00Z"}],"failed":[]}`},
		until.Add(-time.Hour):  {console.ExitOther, "Extended 0 of 1 link\n", ""},
	} {
		f := newFakeTemporal(t).running()
		f.listed = []*workflowpb.WorkflowExecutionInfo{listedRun(1, 5)}
		f.refuse[migrationlink.ExtendUpdate] = refusal
		f.status = syncing()
		f.status.Deadline = deadline
		extend := []string{"extend", "--state", "running", "--until", until.Format(time.RFC3339), "--yes"}
		done := newCommand(f).run(t.Context(), extend...)
		require.Equal(t, test.code, done.code, done.stderr)
		require.Equal(t, test.stdout, done.stdout)
		if deadline.After(until) {
			require.Contains(t, done.stderr, "organization "+org(1)+" of manager demo: unchanged, because its deadline is later: 2026-03-01T13:01:00Z\n")
		}
		if test.json != "" {
			require.JSONEq(t, test.json, newCommand(f).run(t.Context(), append(extend, "-o", "json")...).stdout)
		}
	}
}

func TestABulkWaitThatFindsNothingNamesTheListOfWhatIsRunning(t *testing.T) {
	t.Parallel()
	f := newFakeList(t, listedRun(1, 5, unlinking))
	done := f.command().run(t.Context(), "unlink", "--outcome", "linked", "--yes")
	require.Equal(t, console.ExitOK, done.code, done.stderr)
	require.Contains(t, done.stderr, "No matching links to unlink. To list running links: starter list --state running\n")
}

func TestALimitThatPassesBeforeTemporalAnswersHasItsOwnExitCode(t *testing.T) {
	t.Parallel()
	for command, method := range map[string]string{
		"retry --timeout 50ms --manager demo --org " + testOrg:     "DescribeWorkflowExecution",
		"retry --timeout 50ms --state blocked":                     "ListWorkflowExecutions",
		"extend --until 23:59 --timeout 50ms --state blocked":      "ListWorkflowExecutions",
		"unlink --wait-limit 50ms --outcome linked --manager demo": "ListWorkflowExecutions",
	} {
		t.Run(command, func(t *testing.T) {
			t.Parallel()
			f := newFakeTemporal(t).running()
			var calls atomic.Int64
			f.holdReply = func(called string) bool { // the first look finds what is running, and has no limit
				return called == method && (method == "ListWorkflowExecutions" || calls.Add(1) > 1)
			}
			done := newCommand(f).run(t.Context(), strings.Fields(command)...)
			require.Equal(t, console.ExitWaiting, done.code, done.stderr)
			require.Contains(t, done.stderr, "the time limit has passed before Temporal answered")
		})
	}
}

func TestListWatchPrintsEachChangeOnceWhereThereIsNoTerminal(t *testing.T) {
	t.Parallel()
	f := newFakeList(t, everyState()[:2]...)
	ctx, interrupt := context.WithTimeout(t.Context(), time.Second)
	defer interrupt()
	done := f.command().run(ctx, "list", "--watch")
	require.Equal(t, console.ExitOK, done.code)
	require.Equal(t, orgs(1, 2), column1(done.stdout))
}

// shownList runs list --watch with these flags until it has shown the links once.
func shownList(t *testing.T, change func(*command), flags ...string) finished {
	t.Helper()
	f := newFakeTemporal(t)
	for n := range links.MaxPhases + 3 {
		f.listed = append(f.listed, listedRun(n, 0))
	}
	ctx, interrupt := context.WithCancel(t.Context())
	defer interrupt()
	f.onDescribe = interrupt // what was listed is shown nevertheless
	c := newCommand(f)
	change(c)
	done := c.run(ctx, append([]string{"list", "--watch"}, flags...)...)
	require.Equal(t, console.ExitOK, done.code, done.stderr)
	return done
}

func TestListWatchShowsEveryLinkWhereThereIsNoTerminal(t *testing.T) {
	t.Parallel()
	plain := func(*command) {}
	require.Len(t, column1(shownList(t, plain).stdout), links.MaxPhases+3)
	require.Equal(t, links.MaxPhases+3, strings.Count(shownList(t, plain, "-o", "jsonl").stdout, "\n"))
	require.Len(t, column1(shownList(t, plain, "--limit", "5").stdout), 5)
}

func TestListWatchShowsWhatFitsATerminal(t *testing.T) {
	t.Parallel()
	terminal := func(c *command) { c.terminal = &c.stdout } // 24 lines, as it does not know its size
	shown := shownList(t, terminal).stdout
	require.Contains(t, shown, "20 links at ")
	require.Contains(t, shown, "These are the first 20: the terminal has no lines for more.\n")
	require.Less(t, strings.Count(shown, "\n"), 24)
	require.Contains(t, shownList(t, terminal, "--limit", "5").stdout, "5 links at ")
	for _, more := range [][]string{{"--limit", "30"}, {"--all"}} { // could not be replaced
		require.Contains(t, shownList(t, terminal, more...).stdout, "20 links at ")
	}
}

func TestListWatchEndsWithAPermanentError(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		err  error
		says string
	}{
		"no namespace":  {serviceerror.NewNamespaceNotFound("default"), "has no namespace"},
		"not found":     {serviceerror.NewNotFound("namespace is gone"), "namespace is gone"},
		"no permission": {serviceerror.NewPermissionDenied("not yours", ""), "refuses these credentials"},
	} {
		for _, flags := range [][]string{{"-o", "jsonl"}, nil} {
			t.Run(name+strings.Join(flags, " "), func(t *testing.T) {
				t.Parallel()
				f := newFakeTemporal(t)
				f.refuseCall = refusingCalls(test.err, listCall)
				ctx, stop := context.WithTimeout(t.Context(), 10*time.Second) // a watch does not end by itself
				defer stop()
				done := newCommand(f).run(ctx, append([]string{"list", "--watch"}, flags...)...)
				require.Equal(t, console.ExitOther, done.code)
				require.Contains(t, done.stderr, test.says)
				require.NotContains(t, done.stderr, "warning")
				require.Empty(t, done.stdout)
			})
		}
	}
}

func TestListWatchGivesUpAfterAnOutageOfTwoMinutes(t *testing.T) {
	t.Parallel()
	f := newFakeTemporal(t)
	var looks atomic.Int64
	f.refuseCall = func(method string) error {
		if method != listCall {
			return nil
		}
		looks.Add(1)
		return serviceerror.NewDeadlineExceeded("restarting")
	}
	c := newCommand(f)
	c.now = func() time.Time { // the first look is at the start, the second after the outage
		if looks.Load() > 0 {
			return testStart.Add(2*time.Minute + time.Second)
		}
		return testStart
	}
	ctx, stop := context.WithTimeout(t.Context(), 20*time.Second)
	defer stop()
	done := c.run(ctx, "list", "--watch", "-o", "jsonl")
	require.Equal(t, console.ExitUnreachable, done.code, done.stderr)
	require.Contains(t, asText(t, done.stderr), "Temporal cannot be reached at "+f.address)
	require.EqualValues(t, 2, looks.Load(), "a short outage is bridged")
}
