package e2e_test

import (
	"cmp"
	"encoding/json"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/migrationlink/migrationlink"
	"github.com/migrationlink/migrationlink/opsmanager/opsmanagertest"
)

// Exit codes of the starter, as the README promises them.
const (
	exitOK        = 0
	exitOther     = 1
	exitUsage     = 2
	exitFailed    = 3
	exitDifferent = 6
)

func target(command, orgID string, flags ...string) []string {
	return append([]string{command, "--manager", "demo", "--org", orgID}, flags...)
}

func linkOf(orgID string, flags ...string) []string {
	return target("link", orgID, append([]string{"--token-ref", "env:LINK_TOKEN_DEMO"}, flags...)...)
}

// shown is the output of `starter status -o json` and `starter link --detach -o json`.
type shown struct {
	RunID     string              `json:"runId"`
	Joined    bool                `json:"joined"`
	State     string              `json:"state"`
	Phase     migrationlink.Phase `json:"phase"`
	StartedBy string              `json:"startedBy"`
	Deadline  time.Time           `json:"deadline"`
}

func (s *system) shown(orgID string) shown {
	s.t.Helper()
	return decoded[shown](s.t, s.starter(target("status", orgID, "-o", "json")...))
}

func decoded[T any](t *testing.T, done finished) T {
	t.Helper()
	var value T
	require.NoError(t, json.Unmarshal([]byte(done.stdout), &value), "stdout: %s\nstderr: %s", done.stdout, done.stderr)
	return value
}

func TestTwoConcurrentStartersSendOnePostAndBothEndLinked(t *testing.T) {
	t.Parallel()
	s := newSystem(t, "--sync-delay", "2s")
	s.worker("")
	org := newOrg()
	var ended [2]finished
	var starters sync.WaitGroup
	for i := range ended {
		starters.Go(func() { ended[i] = s.starter(linkOf(org, "-o", "json")...) })
	}
	starters.Wait()
	var joined int
	runs := map[string]bool{}
	for _, done := range ended {
		require.Equal(t, exitOK, done.code, done.stderr)
		printed := decoded[shown](t, done)
		runs[printed.RunID] = true
		if printed.Joined {
			joined++
		}
	}
	require.Len(t, runs, 1)
	require.Equal(t, 1, joined, "one has started it, one has joined")
	require.Equal(t, 1, s.evidence(org).Posts)
}

func TestTheStarterRefusesADifferentRequestAndStartsAgainAfterTheEnd(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	s.worker("")
	org := newOrg()
	s.shape(org, map[string]any{"sync": "never"})
	first := decoded[shown](t, s.starter(linkOf(org, "--detach", "-o", "json")...))
	require.False(t, first.Joined)
	require.Contains(t, first.StartedBy, "@")
	equal := decoded[shown](t, s.starter(linkOf(org, "--undo", "on-cancel", "--detach", "-o", "json")...))
	require.True(t, equal.Joined, "what is left out counts as its default")
	require.Equal(t, first.RunID, equal.RunID)

	for difference, command := range map[string][]string{
		"--undo: running link: on-cancel; your request: never":                  linkOf(org, "--undo", "never"),
		"workflow: running: LinkOrganization; your request: UnlinkOrganization": target("unlink", org, "--yes"),
	} {
		refused := s.starter(command...)
		require.Equal(t, exitDifferent, refused.code, refused.stderr)
		require.Contains(t, refused.stderr, difference)
		require.Contains(t, refused.stderr, "starter cancel")
	}
	require.Equal(t, 1, s.evidence(org).Posts)

	require.Equal(t, exitOK, s.starter(target("cancel", org, "--reason", "to start again")...).code)
	restarted := decoded[shown](t, s.starter(linkOf(org, "--undo", "never", "--detach", "-o", "json")...))
	require.False(t, restarted.Joined)
	require.NotEqual(t, first.RunID, restarted.RunID)
}

func TestDetachReturnsWhenTheManagerHasAcceptedOrSaysWhyNot(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	s.worker("")
	for name, test := range map[string]struct {
		shape map[string]any
		flags []string
		fault opsmanagertest.FaultKind // of the POST, a stall of 2 s by default
		code  int
		says  string
	}{
		"not yet":  {fault: opsmanagertest.TooManyRequests, code: exitOther, says: "the manager has not accepted the link yet; it continues (creating)"},
		"accepted": {shape: map[string]any{"sync": "never"}, says: "Accepted by the manager: NOT_SYNCED, until "},
		"synced":   {shape: map[string]any{"syncDelay": "0s"}, says: "linked: organization"},
		"refused":  {shape: map[string]any{"refusal": opsmanagertest.RefusedRole}, code: exitFailed, says: "the role Organization Owner"},
		"blocked":  {shape: map[string]any{"refusal": opsmanagertest.RefusedRole}, flags: []string{"--on-blocked", "wait"}, code: 9, says: "BLOCKED while creating: "},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := s.in(t)
			org := newOrg()
			if test.shape != nil {
				s.shape(org, test.shape)
			}
			s.fault(opsmanagertest.Fault{Kind: cmp.Or(test.fault, opsmanagertest.StallBefore), Operation: "POST", OrgID: org, Duration: opsmanagertest.Duration(2 * time.Second)})
			done := s.starter(linkOf(org, append(test.flags, "--detach")...)...)
			require.Equal(t, test.code, done.code, done.stderr)
			require.Contains(t, done.stdout+done.stderr, test.says)
			if name == "accepted" {
				require.Equal(t, 1, s.evidence(org).EffectivePosts, "it has waited for the manager")
			}
		})
	}
}

func TestTheStarterSoonReportsAMissingWorkerAndNothingIsLost(t *testing.T) { // not parallel: it measures time
	s := newSystem(t, "--sync-delay", "0s")
	org := newOrg()
	detached := s.starter(linkOf(org, "--detach")...)
	require.Equal(t, exitOther, detached.code)
	require.Contains(t, detached.stderr, "Started workflow "+migrationlink.WorkflowID("demo", org))
	require.Contains(t, detached.stderr, "the link continues as soon as one runs")
	refused := s.starter(linkOf(org, "--sync-timeout", "2h")...)
	require.Equal(t, exitDifferent, refused.code)
	require.Contains(t, refused.stderr, "--sync-timeout: ")
	require.Less(t, refused.took, 10*time.Second)
	for _, done := range []finished{
		detached,
		s.starter(target("extend", org, "--by", "1h")...),
		s.starter(target("check", org)...),
		s.starter(target("retry", org)...),
		s.starter(target("status", org)...),
	} {
		require.Contains(t, done.stdout+done.stderr, migrationlink.TaskQueue)
		require.Less(t, done.took, 10*time.Second)
	}
	s.worker("")
	done := s.starter(linkOf(org)...)
	require.Equal(t, exitOK, done.code, done.stderr)
	require.Equal(t, 1, s.evidence(org).Posts)
}

func TestCtrlCOnTheStarterLeavesTheLinkRunning(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	s.worker("")
	for name, test := range map[string]struct {
		flags []string
		stall time.Duration // of the POST
		shows string
	}{
		"while watching":                {nil, 0, "syncing"},
		"while waiting for the manager": {[]string{"--detach"}, 10 * time.Second, "creating"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := s.in(t)
			org := newOrg()
			s.shape(org, map[string]any{"sync": "never"})
			if test.stall > 0 {
				s.fault(opsmanagertest.Fault{Kind: opsmanagertest.StallBefore, Operation: "POST", OrgID: org, Duration: opsmanagertest.Duration(test.stall)})
			}
			p := start(t, s.env, starterProgram, linkOf(org, test.flags...)...)
			p.waitFor(" " + test.shows + ",")
			require.NoError(t, p.cmd.Process.Signal(syscall.SIGINT))
			select {
			case <-p.ended:
			case <-time.After(5 * time.Second):
				t.Fatal("it waits on after Ctrl-C")
			}
			require.Equal(t, exitOther, p.cmd.ProcessState.ExitCode())
			printed := p.output.String()
			require.True(t, containsAll(printed, "the link of organization "+org+" continues", "starter status --watch", "starter cancel"), printed)

			s.eventually(func() bool { return s.shown(org).Phase == migrationlink.PhaseSyncing })
			require.Equal(t, 1, s.evidence(org).Posts)
			require.Zero(t, s.evidence(org).Deletes)
		})
	}
}

func TestExtendCheckAndUnlinkByTheStarter(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	s.worker("")
	org := newOrg()
	s.shape(org, map[string]any{"sync": "never"})
	require.Equal(t, exitOK, s.starter(linkOf(org, "--detach")...).code)
	before := s.shown(org).Deadline
	extended := s.starter(target("extend", org, "--by", "90m")...)
	require.Equal(t, exitOK, extended.code, extended.stderr)
	require.Contains(t, extended.stdout, "The deadline of phase syncing is now ")
	require.WithinDuration(t, before.Add(90*time.Minute), s.shown(org).Deadline, time.Second)
	wrong := s.starter(target("extend", org, "--until", "2020-01-01 08:00")...)
	require.Equal(t, exitUsage, wrong.code)
	require.Contains(t, wrong.stderr, "--until: ")

	checked := s.starter(target("check", org)...)
	require.Equal(t, exitOK, checked.code, checked.stderr)
	require.Contains(t, checked.stdout, "NOT_SYNCED, seen at ")

	require.Equal(t, exitOK, s.starter(target("cancel", org, "--reason", "enough seen")...).code)
	s.shape(org, map[string]any{"linked": true})
	for _, says := range []string{"unlinked: ", "not linked: "} {
		done := s.starter(target("unlink", org, "--yes")...)
		require.Equal(t, exitOK, done.code, done.stderr)
		require.Contains(t, done.stdout, says)
	}
	require.Equal(t, opsmanagertest.StatusNone, s.evidence(org).LinkStatus)
}

func TestStatusAnswersInLessThan150Milliseconds(t *testing.T) {
	s := newSystem(t)
	s.program = quickStarterProgram
	s.worker("")
	org := newOrg()
	s.shape(org, map[string]any{"sync": "never"})
	require.Equal(t, exitOK, s.starter(linkOf(org, "--detach")...).code)
	var took []time.Duration
	for range 8 {
		done := s.starter(target("status", org)...)
		require.Equal(t, exitOK, done.code, done.stderr)
		require.True(t, strings.Contains(done.stdout, "syncing"), done.stdout)
		took = append(took, done.took)
	}
	took = took[1:] // the first warms the server
	slices.Sort(took)
	t.Logf("status: median %s of %v", took[len(took)/2], took)
	require.Less(t, took[len(took)/2], 150*time.Millisecond)
}
