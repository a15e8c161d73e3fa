package e2e_test

import (
	"encoding/json"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/migrationlink/migrationlink"
	"github.com/migrationlink/migrationlink/opsmanager/opsmanagertest"
)

// The Go examples run as their README says, on a system like that of `make dev`.
func TestTheGoExamplesLink(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	s.worker("")

	t.Run("child", func(t *testing.T) {
		t.Parallel()
		s, program := s.in(t), examplePrograms.in(t, "child")
		done := runProgram(t, s.env, program)
		require.Zero(t, done.code, done.stderr)
		require.Contains(t, done.stdout, "is SYNCED, its migration starts")
		require.Contains(t, runProgram(t, s.env, program).stdout, string(migrationlink.OutcomeAlreadyLinked)+": ")
		s.requireExplains(program)
		org, printed := s.requireUndoneOnInterrupt(program)
		interrupted := shownTo(t, "examples_test.go", "examples/README.md")["interrupted"]
		shown := strings.NewReplacer("5f1b2c3d4e5f6a7b8c9d0e41", org, "^C", "").Replace(strings.Join(interrupted, "\n"))
		require.True(t, containsAll(shown, `{"sync":"never"}`, "/examples/child -org "+org+"\n"+printed+"exit status 1"), "%s\n%s", shown, printed)
	})
	t.Run("nexus", func(t *testing.T) {
		t.Parallel()
		s, program := s.in(t), examplePrograms.in(t, "nexus")
		done := runProgram(t, s.env, program)
		require.Zero(t, done.code, done.stderr)
		var status migrationlink.Status
		require.NoError(t, json.Unmarshal([]byte(done.stdout), &status), done.stdout)
		require.Equal(t, migrationlink.LinkSynced, status.LinkStatus)
		require.Equal(t, migrationlink.OutcomeLinked, status.Result.Outcome)
		s.requireExplains(program)
		s.requireUndoneOnInterrupt(program)
	})
}

func (s *system) requireExplains(program string) {
	s.t.Helper()
	for flag, explained := range map[string]string{
		"-manager=nobody": `no worker has "nobody" in its configuration`,
		"-org=bad":        `orgId: "bad" is not an organization's id`,
	} {
		done := runProgram(s.t, s.env, program, flag)
		require.Equal(s.t, 1, done.code)
		require.Contains(s.t, done.stderr, explained)
		require.Equal(s.t, 1, strings.Count(done.stderr, "\n"), "one line: %s", done.stderr)
	}
}

func (s *system) requireUndoneOnInterrupt(program string) (org, printed string) {
	s.t.Helper()
	org = newOrg()
	s.shape(org, map[string]any{"sync": "never"})
	p := start(s.t, s.env, program, "-org", org)
	s.eventually(func() bool { return s.evidence(org).EffectivePosts == 1 })
	require.NoError(s.t, p.cmd.Process.Signal(syscall.SIGINT))
	<-p.ended
	require.Contains(s.t, p.output.String(), "cancelled, link removed: true")
	require.Equal(s.t, opsmanagertest.StatusNone, s.evidence(org).LinkStatus)
	return org, p.output.String()
}
