package e2e_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/migrationlink/migrationlink"
	"github.com/migrationlink/migrationlink/opsmanager/opsmanagertest"
)

// More exit codes of the starter, as the README promises them.
const (
	exitNotFound = 10
	exitWaiting  = 11
)

func TestScriptsDistinguishLinksThatAreMissingBlockedOrStillRunning(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	s.worker("")
	expect := func(code int, args ...string) finished {
		t.Helper()
		done := s.starter(args...)
		require.Equal(t, code, done.code, "%v\n%s%s", args, done.stdout, done.stderr)
		return done
	}
	missing := newOrg()
	for _, args := range [][]string{
		target("status", missing), target("cancel", missing, "--reason", "x", "--detach"), target("retry", missing), target("extend", missing, "--by", "1d"), target("check", missing),
	} {
		require.Contains(t, expect(exitNotFound, args...).stderr, "has no workflow")
	}

	endless := newOrg()
	s.shape(endless, map[string]any{"sync": "never"})
	waited := expect(exitWaiting, linkOf(endless, "--sync-timeout", "2d", "--timeout", "6s")...)
	require.Empty(t, waited.stdout, "there is no result yet")
	require.True(t, containsAll(waited.stderr, "the link of organization "+endless+" continues", "starter status --watch"), waited.stderr)
	require.Contains(t, expect(exitWaiting, target("status", endless, "--watch", "--timeout", "1s", "-o", "json")...).stderr, `"code":11`)
	require.Equal(t, migrationlink.PhaseSyncing, s.shown(endless).Phase)
	require.Equal(t, 1, s.evidence(endless).Posts)
	require.Zero(t, s.evidence(endless).Deletes)
	expect(exitOK, target("cancel", endless, "--reason", "enough seen")...)
	require.Contains(t, expect(exitNotFound, target("cancel", endless, "--reason", "again")...).stderr, "its latest link is cancelled")

	blocked := newOrg()
	s.shape(blocked, map[string]any{"refusal": opsmanagertest.RefusedRole})
	asked := linkOf(blocked, "--on-blocked", "wait")
	expect(blockedCode, append(slices.Clone(asked), "--detach")...)
	require.Contains(t, expect(blockedCode, append(asked, "--timeout", "5s")...).stderr, "waits for a person: BLOCKED while creating")
	expect(blockedCode, target("status", blocked, "--watch", "--timeout", "5s")...)
	require.Equal(t, migrationlink.PhaseBlocked, s.shown(blocked).Phase)
	require.Zero(t, s.evidence(blocked).Posts)
}

func TestARemovalThatIsBlockedWhileCancelIsWaitingHasTheCodeForBlocked(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	s.worker("")
	org := newOrg()
	s.shape(org, map[string]any{"sync": "never", "runningMigrations": []string{"project-1"}})
	require.Zero(t, s.starter(linkOf(org, "--on-blocked", "wait", "--detach")...).code)
	s.eventually(func() bool { return s.shown(org).Phase == migrationlink.PhaseSyncing })
	done := s.starter(target("cancel", org, "--reason", "x", "--timeout", "8s")...)
	require.Equal(t, blockedCode, done.code, done.stderr)
	require.True(t, containsAll(done.stderr, "has not ended yet: BLOCKED while undoing", "project-1"), done.stderr)
}

func TestARequestThatWasPrintedLinksAndUnlinks(t *testing.T) {
	t.Parallel()
	s := newSystem(t, "--sync-delay", "0s")
	s.worker("")
	org := newOrg()
	flags := []string{"--undo", "always", "--sync-timeout", "1d"}
	printed := s.starter(linkOf(org, append(slices.Clone(flags), "--print-request")...)...)
	require.Zero(t, printed.code, printed.stderr)
	require.Zero(t, s.evidence(org).Posts, "nothing was sent")

	file := filepath.Join(t.TempDir(), "request.json")
	require.NoError(t, os.WriteFile(file, []byte("\ufeff"+strings.ReplaceAll(printed.stdout, "\n", "\r\n")), 0o600))
	linked := s.starter("link", "-f", file)
	require.Zero(t, linked.code, linked.stderr)
	require.Regexp(t, `^linked: organization `+org+` of manager demo is SYNCED after [^\n]+\n$`, linked.stdout, "stdout has the result alone")
	require.Contains(t, linked.stderr, "Started workflow link.demo."+org)

	removal := s.starter(target("unlink", org, "--timeout", "1d", "--print-request")...)
	require.JSONEq(t, `{"manager": "demo", "orgId": "`+org+`", "timeout": "24h0m0s"}`, removal.stdout)
	unlinked := runProgramWithInput(t, s.env, removal.stdout, starterProgram, "unlink", "-f", "-", "--wait-limit", "1d")
	require.Zero(t, unlinked.code, unlinked.stderr)
	require.Equal(t, opsmanagertest.StatusNone, s.evidence(org).LinkStatus)
}

// Temporal's command line runs temporal-NAME from PATH, and moves the flags that it knows itself
// before the others. Its version that does so cannot be built from the module proxy.
func TestTheStarterIsACommandOfTemporalsCommandLine(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	s.worker("")
	extension := filepath.Join(t.TempDir(), "temporal-migrationlink")
	require.NoError(t, os.Symlink(starterProgram, extension))
	s.program = extension
	s.env = append(slices.Clone(s.env), "MIGRATIONLINK_MANAGER=demo", "MIGRATIONLINK_ATLAS=demo")
	org := newOrg()
	s.shape(org, map[string]any{"sync": "never"})
	detached := s.starter("link", "--org", org, "--token-ref", "env:LINK_TOKEN_DEMO", "--detach")
	require.Zero(t, detached.code, detached.stderr)
	require.Contains(t, detached.stderr, "Watch it with 'temporal migrationlink status --watch --manager demo --org "+org+"'")
	status := s.starter("--output", "json", "status", "--org", org)
	require.Zero(t, status.code, status.stderr)
	require.Equal(t, "running", decoded[shown](t, status).State)
	text := s.starter("retry", "--org", newOrg())
	require.Equal(t, exitNotFound, text.code)
	require.True(t, strings.HasPrefix(text.stderr, "temporal migrationlink: organization "), text.stderr)
	require.NotContains(t, s.starter("cancel", "--org", org, "--reason", "x").stderr, "starter ")
}

func TestTheEnvironmentNamesTheAtlasThatCreatesTheLinkToken(t *testing.T) {
	t.Parallel()
	s := newSystem(t, "--sync-delay", "0s")
	s.worker("")
	s.env = append(slices.Clone(s.env), "MIGRATIONLINK_MANAGER=demo", "MIGRATIONLINK_ATLAS=demo")
	org := newOrg()
	done := s.starter("link", "--org", org, "--atlas-org", "6a1b2c3d4e5f6a7b8c9d0e1f", "-o", "json")
	require.Zero(t, done.code, done.stderr)
	require.True(t, decoded[printed](t, done).Atlas.TokenCreated)
}
