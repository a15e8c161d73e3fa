package starter

import (
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"

	"github.com/migrationlink/migrationlink"
	"github.com/migrationlink/migrationlink/internal/console"
)

// impatient is a command that does not wait long for one call.
func impatient(f *fakeTemporal) *command {
	c := newCommand(f)
	c.limit = 2 * time.Second
	return c
}

// methods selects calls by their names.
func methods(names ...string) func(string) bool {
	return func(method string) bool { return slices.Contains(names, method) }
}

// refusingCalls refuses the calls of these names.
func refusingCalls(err error, names ...string) func(string) error {
	return func(method string) error {
		if slices.Contains(names, method) {
			return err
		}
		return nil
	}
}

var errLimited = serviceerror.NewResourceExhausted(enumspb.RESOURCE_EXHAUSTED_CAUSE_RPS_LIMIT, "namespace rate limit exceeded")

const (
	startCall    = "ExecuteMultiOperation"
	describeCall = "DescribeWorkflowExecution"
	signalCall   = "SignalWorkflowExecution"
	updateCall   = "UpdateWorkflowExecution"
	historyCall  = "GetWorkflowExecutionHistory"
	listCall     = "ListWorkflowExecutions"
)

func TestALostReplyIsReportedAsAnUnknownOutcome(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		args     []string
		held     []string
		says     string
		repeat   string
		underWay bool
	}{
		"link":        {linkArgs(), []string{startCall, describeCall}, "the link of organization " + testOrg + " was started", "an equal request joins", false},
		"link, later": {linkArgs(), []string{describeCall}, "is running, but it is not known what becomes of it", "an equal request joins", false},
		"unlink":      {args("unlink", "--yes"), []string{startCall, describeCall}, "the unlinking of organization " + testOrg + " was started", "an equal request joins", false},
		"cancel":      {args("cancel", "--reason", "x"), []string{signalCall}, "was asked to cancel", "a second cancel changes nothing", true},
		"retry":       {args("retry"), []string{updateCall, describeCall}, "was asked to continue", "Repeating the command is safe", true},
		"extend":      {args("extend", "--by", "1h"), []string{updateCall, describeCall}, "the deadline was moved", "--by would be added again", true},
		"extend to":   {args("extend", "--until", "14:00"), []string{updateCall, describeCall}, "the deadline was moved", "Repeating the command is safe", true},
		"check":       {args("check"), []string{updateCall, describeCall}, "the manager was asked", "Repeating the command is safe", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFakeTemporal(t)
			if test.underWay {
				f.running().status = blockedStatus()
			}
			holds := methods(test.held...)
			looks := int32(1) // before the request
			if name == "retry" {
				looks = 2
			}
			var looked atomic.Int32
			f.holdReply = func(method string) bool {
				early := method == describeCall && looked.Add(1) <= looks
				return holds(method) && (!early || !test.underWay)
			}
			done := impatient(f).run(t.Context(), test.args...)
			require.Equal(t, console.ExitUnknown, done.code, done.stderr)
			require.Contains(t, done.stderr, test.says)
			require.Contains(t, done.stderr, "not known")
			require.Contains(t, done.stderr, "starter status")
			require.Contains(t, done.stderr, test.repeat)
			require.NotContains(t, done.stderr, "cannot be reached")
			require.NotContains(t, done.stderr, "no worker")
		})
	}
}

func TestTheErrorOfAnUnknownOutcomeHasACodeInJSON(t *testing.T) {
	t.Parallel()
	f := newFakeTemporal(t)
	f.holdReply = methods(startCall, describeCall)
	done := impatient(f).run(t.Context(), linkArgs("-o", "json")...)
	require.Equal(t, console.ExitUnknown, done.code)
	require.Contains(t, done.stderr, `{"error":{"code":8,"message":"it is not known whether the link`)
	require.Empty(t, done.stdout)
}

func TestARateLimitIsReportedAsSuch(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		args     []string
		limited  string
		underWay bool
	}{
		"first call": {args("status"), "GetSystemInfo", false},
		"link":       {linkArgs(), startCall, false},
		"status":     {args("status"), describeCall, true},
		"list":       {[]string{"list"}, "ListWorkflowExecutions", true},
		"cancel":     {args("cancel", "--reason", "x"), signalCall, true},
		"retry":      {args("retry"), updateCall, true},
		"extend":     {args("extend", "--by", "1h"), updateCall, true},
		"check":      {args("check"), updateCall, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFakeTemporal(t)
			if test.underWay {
				f.running().status = blockedStatus()
			}
			f.refuseCall = refusingCalls(errLimited, test.limited)
			done := impatient(f).run(t.Context(), test.args...)
			require.Contains(t, done.stderr, "limits the rate of requests")
			if strings.Contains(done.stderr, "in time") { // the deadline has cut off the last attempt, whose outcome is not known
				require.Contains(t, []int{console.ExitOther, console.ExitUnknown}, done.code, done.stderr)
			} else {
				require.Equal(t, console.ExitOther, done.code, done.stderr)
				require.Contains(t, done.stderr, "namespace rate limit exceeded")
			}
			for _, other := range []string{"cannot be reached", "not found", "no worker", "no workflow", "TEMPORAL_ADDRESS"} {
				require.NotContains(t, done.stderr, other)
			}
		})
	}
}

func TestALimitAfterTheStartDoesNotHideTheLink(t *testing.T) {
	t.Parallel()
	f := newFakeTemporal(t)
	f.refuseCall = refusingCalls(errLimited, describeCall)
	done := impatient(f).run(t.Context(), linkArgs()...)
	require.Equal(t, console.ExitUnknown, done.code)
	require.Contains(t, done.stderr, "run "+testRunID+" is running")
	require.Contains(t, done.stderr, "limits the rate of requests")
}

func TestWithoutUpdatesLinksStartAndOtherCommandsNameTheRequirement(t *testing.T) {
	t.Parallel()
	disabled := serviceerror.NewPermissionDenied("UpdateWorkflowExecution operation is disabled on this namespace.", "")
	for name, refusal := range map[string]error{"disabled": disabled, "unknown call": serviceerror.NewUnimplemented("unknown method")} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFakeTemporal(t).ends(linked(), nil)
			f.refuseCall = refusingCalls(refusal, startCall, updateCall)
			done := impatient(f).run(t.Context(), linkArgs()...)
			require.Equal(t, console.ExitOK, done.code, done.stderr)
			require.Contains(t, done.stderr, "Started workflow")
			require.Len(t, f.starts, 1)
			require.Equal(t, enumspb.WORKFLOW_ID_CONFLICT_POLICY_USE_EXISTING, f.starts[0].GetWorkflowIdConflictPolicy())

			f = newFakeTemporal(t)
			f.refuseCall = refusingCalls(refusal, startCall, updateCall)
			done = impatient(f).run(t.Context(), linkArgs("--detach")...)
			require.Equal(t, console.ExitOK, done.code, done.stderr)
			require.Contains(t, done.stdout, "cannot wait for the manager: Temporal does not offer workflow updates")

			for _, command := range [][]string{args("extend", "--by", "1h"), args("check")} {
				done = impatient(f).run(t.Context(), command...)
				require.Equal(t, console.ExitOther, done.code)
				require.Contains(t, done.stderr, "this command needs workflow updates, which Temporal at "+f.address+" does not offer")
				require.Contains(t, done.stderr, "version 1.28 or later")
				require.NotContains(t, done.stderr, "credentials")
			}

			f = newFakeTemporal(t).running()
			f.asked = migrationlink.UnlinkRequest{Manager: "demo", OrgID: testOrg}
			f.refuseCall = refusingCalls(refusal, startCall)
			done = impatient(f).run(t.Context(), linkArgs()...)
			require.Equal(t, console.ExitDifferent, done.code, "what is under way is still compared")
		})
	}
}

func TestARateLimitedQueryIsNotReportedAsAMissingWorker(t *testing.T) {
	t.Parallel()
	f := newFakeTemporal(t).running()
	f.status = syncing()
	f.refuseCall = refusingCalls(errLimited, "QueryWorkflow")
	done := impatient(f).run(t.Context(), args("status")...)
	require.Equal(t, console.ExitOK, done.code, done.stderr)
	require.Contains(t, done.stdout, "limits the rate of requests (namespace rate limit exceeded), so the workflow itself could not be asked")
	require.NotContains(t, done.stdout, "no worker")
	done = impatient(f).run(t.Context(), args("status", "-o", "json")...)
	require.Contains(t, done.stdout, `"worker":"Temporal at `+f.address+` limits the rate`)
}

func TestARateLimitedWorkerIsNotReportedAsMissing(t *testing.T) {
	t.Parallel()
	for _, command := range [][]string{args("extend", "--by", "1h"), args("check"), linkArgs("--detach")} {
		f := newFakeTemporal(t).running()
		f.refuse[migrationlink.ExtendUpdate], f.refuse[migrationlink.CheckUpdate], f.refuse[migrationlink.AcceptUpdate] = errNoWorker, errNoWorker, errNoWorker
		limited := atomic.Bool{}
		f.refuseCall = func(method string) error {
			if slices.Contains([]string{startCall, updateCall}, method) && limited.CompareAndSwap(false, true) {
				return errLimited
			}
			return nil
		}
		done := newCommand(f).run(t.Context(), command...)
		require.Equal(t, console.ExitOther, done.code)
		require.Contains(t, done.stderr, "Temporal limits the rate of requests, including those of the workers")
		require.NotContains(t, done.stderr, "no worker")
	}
}
