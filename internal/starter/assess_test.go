package starter

import (
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/converter"

	"github.com/migrationlink/migrationlink"
	"github.com/migrationlink/migrationlink/internal/console"
)

func TestFlagsOfAssessAndProjectsAreChecked(t *testing.T) {
	t.Parallel()
	for args, want := range map[string]string{
		"assess":                        "--manager: required; --org: required",
		"assess --manager demo":         "--org: name an organization, or give --all",
		"assess --manager demo --org x": "--org: \"x\" is not an organization's id",
		"assess --manager demo --all --org " + testOrg: "--org: not with --all",
		"assess --all": "--manager: ",
		"assess --manager demo --org " + testOrg + " --atlas demo": "--atlas-org: required",
		"projects --manager demo --org " + testOrg:                 "--atlas: required; --atlas-org: required",
	} {
		done := newCommand(newFakeTemporal(t)).run(t.Context(), strings.Fields(args)...)
		require.Equal(t, console.ExitUsage, done.code, args)
		for part := range strings.SplitSeq(want, "; ") {
			require.Contains(t, done.stderr, part, args)
		}
	}
}

func TestAnAssessmentSaysWhyAndWhatToDo(t *testing.T) {
	t.Parallel()
	f := newFakeTemporal(t)
	f.assessment = worth(migrationlink.VerdictUseless)
	f.assessment.Deployments = []migrationlink.AssessedDeployment{{
		ProjectID: testOrg, Name: "rs\x1b[31m0", Type: migrationlink.TypeReplicaSet, Versions: []string{"6.0.1", "6.0.2"}, Hosts: 3, Verdict: migrationlink.VerdictUseless, Rule: "rule",
	}}
	done := newCommand(f).run(t.Context(), "assess", "--manager", "demo", "--org", testOrg)
	require.Equal(t, console.ExitOK, done.code, done.stderr)
	require.Equal(t, `organization  5f1b2c3d4e5f6a7b8c9d0e1f
manager       demo, ops-manager
verdict       useless
why           version 6.0 is not supported (https://example.com, 2026-11)
remedy        Use another.
projects      1, with 3 hosts
deployments   1 deployment: 1 useless

PROJECT                   DEPLOYMENT  TYPE         HOSTS  MONGODB      VERDICT  WHY
5f1b2c3d4e5f6a7b8c9d0e1f  rs [31m0    replica-set  3      6.0.1 6.0.2  useless  rule
`, done.stdout)

	f.assessment.Verdict = migrationlink.VerdictUnknown
	f.assessment.Problem = &migrationlink.Problem{Type: migrationlink.ErrManagerUnavailable, Message: "HTTP 503", Remedy: "Wait."}
	done = newCommand(f).run(t.Context(), "assess", "--manager", "demo", "--org", testOrg, "-o", "json")
	require.Equal(t, console.ExitOther, done.code)
	require.Contains(t, done.stderr, "not everything was read: HTTP 503")
	require.Contains(t, done.stdout, `"verdict":"unknown"`)
}

// A wait for a worker can end with the deadline of Temporal, that of this program, or the timeout of the workflow.
func TestACommandThatReadsTellsAMissingWorkerFromATemporalThatCannotBeReached(t *testing.T) {
	t.Parallel()
	const (
		missing = "no worker has answered on task queue migration-link within 5s\nStart a worker, or check its log.\n"
		nothing = "nothing was sent, because the organization could not be assessed: "
	)
	byTemporal := func(f *fakeTemporal) {
		f.refuseCall = refusingCalls(serviceerror.NewDeadlineExceeded("context deadline exceeded"), historyCall)
	}
	byProgram := func(f *fakeTemporal) { f.holdReply = methods(historyCall) }
	byTimeout := func(f *fakeTemporal) { f.endOfReads = closeEvent(migrationlink.LinkResult{}, errTimedOut) }
	for name, test := range map[string]struct {
		args []string
		end  func(*fakeTemporal)
		says string
	}{
		"assess":             {args("assess"), byTemporal, missing},
		"assess, by program": {args("assess"), byProgram, missing},
		"assess, by timeout": {args("assess"), byTimeout, missing},
		"assess all":         {[]string{"assess", "--manager", "demo", "--all"}, byTemporal, missing},
		"projects":           {args("projects", "--atlas", "demo", "--atlas-org", org(7)), byTemporal, missing},
		"link":               {linkArgs("--require-ready"), byTemporal, nothing + missing},
		"link, by timeout":   {linkArgs("--require-ready"), byTimeout, nothing + missing},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFakeTemporal(t)
			f.assessment = worth(migrationlink.VerdictReady)
			test.end(f)
			done := newCommand(f).run(t.Context(), test.args...)
			require.Equal(t, console.ExitOther, done.code, done.stderr)
			require.Equal(t, "starter: "+test.says, done.failure())
			require.Len(t, f.reads, 1, "it looks for a worker only")
			require.Empty(t, f.starts)
		})
	}
}

func TestAWorkerThatGoesDuringAnAssessmentIsReportedAsSuch(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		args []string
		says string
	}{
		"assess": {args("assess"), "starter: no worker has answered in time\nCheck the worker's log.\n"},
		"link":   {linkArgs("--require-ready"), "starter: nothing was sent, because the organization could not be assessed: no worker has answered in time\nCheck the worker's log.\n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFakeTemporal(t)
			f.assessment = worth(migrationlink.VerdictReady)
			var waits atomic.Int64
			f.refuseCall = func(method string) error {
				if method == historyCall && waits.Add(1) > 1 { // the first finds a worker
					return serviceerror.NewDeadlineExceeded("context deadline exceeded")
				}
				return nil
			}
			done := newCommand(f).run(t.Context(), test.args...)
			require.Equal(t, console.ExitOther, done.code, done.stderr)
			require.Equal(t, test.says, done.failure())
			require.Empty(t, f.starts)
		})
	}
}

func TestAssessHasTheManagerOfTheEnvironment(t *testing.T) {
	t.Parallel()
	for flags, want := range map[string]string{"--org " + testOrg: "demo", "--all": "demo", "--all --manager other": "other"} {
		f := newFakeTemporal(t)
		f.assessment = worth(migrationlink.VerdictReady)
		c := newCommand(f)
		c.env[managerVariable] = "demo"
		done := c.run(t.Context(), append([]string{"assess"}, strings.Fields(flags)...)...)
		require.Equal(t, console.ExitOK, done.code, done.stderr)
		var asked struct{ Manager string }
		require.NoError(t, converter.GetDefaultDataConverter().FromPayloads(f.reads[len(f.reads)-1].GetInput(), &asked))
		require.Equal(t, want, asked.Manager, flags)
	}
}

func TestAnErrorOfAssessAllAsJSONIsAloneOnStderr(t *testing.T) {
	t.Parallel()
	for _, terminal := range []bool{false, true} {
		f := newFakeTemporal(t)
		f.assessment = worth(migrationlink.VerdictReady)
		var starts atomic.Int64
		f.refuseCall = func(method string) error { // the first finds a worker, the second lists the organizations
			if method == "StartWorkflowExecution" && starts.Add(1) > 1 {
				return serviceerror.NewPermissionDenied("not yours", "")
			}
			return nil
		}
		c := newCommand(f)
		if terminal {
			c.terminal = &c.stderr
		}
		done := c.run(t.Context(), "assess", "--manager", "demo", "--all", "-o", "json")
		require.NotEqual(t, console.ExitOK, done.code)
		require.Equal(t, terminal, strings.Contains(done.stderr, "0 organizations: 0 ready"), done.stderr)
		if !terminal {
			require.Contains(t, asText(t, done.stderr), "not yours")
		}
	}
}
