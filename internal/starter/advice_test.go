package starter

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/serviceerror"

	"github.com/migrationlink/migrationlink"
	"github.com/migrationlink/migrationlink/internal/console"
)

// worth is an assessment with one reason.
func worth(verdict migrationlink.Verdict) *migrationlink.Assessment {
	return &migrationlink.Assessment{
		Manager: "demo", OrgID: testOrg, Kind: migrationlink.KindOpsManager, Verdict: verdict, Projects: 1, Hosts: 3, Useless: 1,
		Reasons: []migrationlink.Reason{{
			Verdict: verdict, Rule: "rule", Message: "version 6.0 is not supported", Remedy: "Use another.", Source: "https://example.com", AsOf: "2026-11", Count: 1,
		}},
	}
}

const notSupported = "version 6.0 is not supported (https://example.com, 2026-11)"

func TestALinkOfAUselessOrganizationIsWarnedOfAndGoesOn(t *testing.T) {
	t.Parallel()
	for verdict, want := range map[migrationlink.Verdict]string{
		migrationlink.VerdictUseless: "starter: warning: a link of organization " + testOrg + " is useless: " + notSupported + ". Use another.\n",
		migrationlink.VerdictReady:   "",
		migrationlink.VerdictUnknown: "",
	} {
		f := newFakeTemporal(t).ends(linked(), nil)
		f.assessment = worth(verdict)
		done := newCommand(f).run(t.Context(), linkArgs()...)
		require.Equal(t, console.ExitOK, done.code, done.stderr)
		require.Contains(t, done.stderr, want)
		require.Equal(t, want != "", strings.Contains(done.stderr, "warning"))
		require.Contains(t, done.stdout, "linked: ")
	}
}

func TestRequireReadySendsNothingUnlessTheOrganizationIsReady(t *testing.T) {
	t.Parallel()
	for verdict, code := range map[migrationlink.Verdict]int{
		migrationlink.VerdictUseless: console.ExitOther, migrationlink.VerdictUnknown: console.ExitOther, migrationlink.VerdictReady: console.ExitOK,
	} {
		f := newFakeTemporal(t).ends(linked(), nil)
		f.assessment = worth(verdict)
		done := newCommand(f).run(t.Context(), linkArgs("--require-ready")...)
		require.Equal(t, code, done.code, done.stderr)
		if code == console.ExitOK {
			require.Len(t, f.starts, 1)
			continue
		}
		require.Empty(t, f.starts)
		require.Empty(t, done.stdout)
		require.Equal(t, "starter: nothing was sent, because organization "+testOrg+" is not ready to migrate ("+string(verdict)+"): "+notSupported+"\nUse another.\n", done.stderr)
	}

	f := newFakeTemporal(t).ends(linked(), nil)
	f.refuseCall = func(method string) error {
		if method == "StartWorkflowExecution" {
			return serviceerror.NewPermissionDenied("no assessments", "")
		}
		return nil
	}
	done := newCommand(f).run(t.Context(), linkArgs("--require-ready")...)
	require.NotEqual(t, console.ExitOK, done.code)
	require.Contains(t, done.stderr, "nothing was sent, because the organization could not be assessed: ")
	require.Empty(t, f.starts)
}
