package e2e_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/migrationlink/migrationlink"
	"github.com/migrationlink/migrationlink/opsmanager/opsmanagertest"
)

// The examples in Go are run as their README says, against a system as `make dev` has
// it.
func TestTheExamplesInGoLink(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	s.worker("")
	programs := t.TempDir()
	build := append(append([]string{"-C", "../..", "build"}, raceFlag...), "-o", programs+"/", "./examples/child", "./examples/nexus")
	output, err := exec.Command("go", build...).CombinedOutput()
	require.NoError(t, err, "%s", output)

	t.Run("child", func(t *testing.T) {
		t.Parallel()
		s, program := s.in(t), filepath.Join(programs, "child")
		done := runProgram(t, s.env, program)
		require.Zero(t, done.code, done.stderr)
		readme, err := os.ReadFile("../../examples/README.md")
		require.NoError(t, err)
		require.Contains(t, string(readme), "$ go run ./examples/child\n"+done.stdout, "the README shows what it prints")
		require.Contains(t, done.stdout, "is SYNCED, its migration starts")
		require.Contains(t, runProgram(t, s.env, program).stdout, string(migrationlink.OutcomeAlreadyLinked)+": ")
		s.requireExplains(program)
		s.requireUndoneOnInterrupt(program)
	})
	t.Run("nexus", func(t *testing.T) {
		t.Parallel()
		s, program := s.in(t), filepath.Join(programs, "nexus")
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

func (s *system) requireUndoneOnInterrupt(program string) {
	s.t.Helper()
	org := newOrg()
	s.shape(org, map[string]any{"sync": "never"})
	p := start(s.t, s.env, program, "-org", org)
	s.eventually(func() bool { return s.evidence(org).EffectivePosts == 1 })
	require.NoError(s.t, p.cmd.Process.Signal(syscall.SIGINT))
	<-p.ended
	require.Contains(s.t, p.output.String(), "cancelled, link removed: true")
	require.Equal(s.t, opsmanagertest.StatusNone, s.evidence(org).LinkStatus)
}
