package e2e_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"
	"golang.org/x/sys/unix"

	"github.com/migrationlink/migrationlink"
)

// withTokenFiles starts a worker with a directory of one link-token.
func (s *system) withTokenFiles(directory string) *process {
	s.t.Helper()
	settings, err := os.ReadFile(filepath.Join(s.dir, "worker.toml"))
	require.NoError(s.t, err)
	worker, _ := s.workerFrom(strings.Replace(string(settings), "[tokens]\n", fmt.Sprintf("[tokens]\ndirectory = %q\n", directory), 1))
	return worker
}

func tokenFiles(t *testing.T) (directory string) {
	t.Helper()
	directory = filepath.Join(t.TempDir(), "tokens")
	require.NoError(t, os.Mkdir(directory, 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(directory, "demo"), []byte("link-token-of-a-file"), 0o600))
	return directory
}

func fromFile(r *migrationlink.LinkRequest) {
	r.Token = migrationlink.TokenSource{Ref: "file:demo"}
	r.CreateTimeout = "3m"
}

// limitFiles sets how many files a process may have open. Open files stay open.
func (p *process) limitFiles(soft uint64) {
	p.t.Helper()
	var limit unix.Rlimit
	require.NoError(p.t, unix.Prlimit(p.cmd.Process.Pid, unix.RLIMIT_NOFILE, nil, &limit))
	limit.Cur = min(soft, limit.Max)
	require.NoError(p.t, unix.Prlimit(p.cmd.Process.Pid, unix.RLIMIT_NOFILE, &limit, nil))
}

// requireTrouble waits until the status shows why a link is stuck. The link must still
// run.
func (s *system) requireTrouble(run client.WorkflowRun, parts ...string) {
	s.t.Helper()
	s.eventually(func() bool {
		status := s.status(run)
		require.NotEqual(s.t, migrationlink.PhaseEnded, status.Phase, "%+v", status.Problem)
		return status.Problem != nil && containsAll(status.Problem.Message, parts...)
	})
}

func TestAWorkerWithoutFreeFileDescriptorsFailsNoLink(t *testing.T) {
	t.Parallel()
	for name, mend := range map[string]func(s *system, directory string, worker *process){
		"until it has some":       func(_ *system, _ string, worker *process) { worker.limitFiles(1 << 10) },
		"as another one has some": func(s *system, directory string, _ *process) { s.withTokenFiles(directory) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSystem(t, "--sync-delay", "1s")
			directory := tokenFiles(t)
			worker := s.withTokenFiles(directory)
			worker.limitFiles(3)
			org := newOrg()
			run := s.begin(org, fromFile)
			s.requireTrouble(run, "too many open files")
			mend(s, directory, worker)
			s.requireLinkedOnce(run, org)
		})
	}
}

func TestADirectoryOfLinkTokensThatIsMountedLateFailsNoLink(t *testing.T) {
	t.Parallel()
	s := newSystem(t, "--sync-delay", "1s")
	directory := tokenFiles(t)
	s.withTokenFiles(directory)
	require.NoError(t, os.Rename(directory, directory+"-elsewhere"))
	org := newOrg()
	run := s.begin(org, fromFile)
	s.requireTrouble(run, directory)
	require.NoError(t, os.Rename(directory+"-elsewhere", directory))
	s.requireLinkedOnce(run, org)

	// A missing file in an existing directory is a mistake of the request.
	problem := requireFailure(t, s.begin(newOrg(), func(r *migrationlink.LinkRequest) { r.Token.Ref = "file:other" }), migrationlink.OutcomeFailed)
	require.Equal(t, migrationlink.ErrTokenUnavailable, problem.Type)
}
