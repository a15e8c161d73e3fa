package reaper

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// testVariable makes this binary the victim.
const testVariable = "MIGRATIONLINK_REAPER_TEST"

func TestMain(m *testing.M) {
	Watch()
	if os.Getenv(testVariable) == "" {
		os.Exit(m.Run())
	}
	dir, release, err := Guard("reaper-test-")
	if err != nil {
		panic(err)
	}
	fmt.Fprintln(os.Stdout, dir)
	code := m.Run()
	if err := release(); err != nil {
		panic(err)
	}
	os.Exit(code)
}

// family starts processes that would survive and prints their ids: in the background,
// in another session, with a TMPDIR below, without any environment, and one without a
// parent that has a file open.
const family = `
sleep 600 & echo $!
setsid sleep 600 & echo $!
TMPDIR=$TMPDIR/below sleep 600 & echo $!
env -i sleep 600 & echo $!
sh -c 'env -i setsid sleep 600 3>$TMPDIR/open >/dev/null & echo $!'
echo started
wait
`

// TestTheVictim runs in the binary that is killed.
func TestTheVictim(t *testing.T) {
	end := os.Getenv(testVariable)
	if end == "" {
		t.Skip("it is started by the tests below")
	}
	require.NoError(t, os.WriteFile(filepath.Join(t.TempDir(), "large"), make([]byte, 1<<20), 0o600))
	shell := exec.Command("sh", "-c", family)
	output, err := shell.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, shell.Start())
	for lines := bufio.NewScanner(output); lines.Scan() && lines.Text() != "started"; {
		fmt.Fprintln(os.Stdout, lines.Text())
	}
	fmt.Fprintln(os.Stdout, "started")
	if end != "returns" {
		_ = shell.Wait()
	}
}

func TestNothingIsLeftOfATestBinary(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		ends string
		args []string
		kill func(*os.Process) error
	}{
		"that is killed":                {"killed", nil, (*os.Process).Kill},
		"that is interrupted":           {"interrupted", nil, func(p *os.Process) error { return p.Signal(os.Interrupt) }},
		"that reaches its time limit":   {"limited", []string{"-test.timeout=5s"}, nil},
		"that returns before they have": {"returns", nil, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			temporary := t.TempDir()
			victim, dir, pids := startVictim(t, temporary, test.ends, test.args...)
			if test.kill != nil {
				require.DirExists(t, dir)
				for _, pid := range pids {
					require.True(t, isAlive(pid))
				}
				require.NoError(t, test.kill(victim.Process))
			}
			for _, pid := range pids {
				require.Eventually(t, func() bool { return !isAlive(pid) }, 20*time.Second, 10*time.Millisecond)
			}
			require.Eventually(t, func() bool { return !exists(dir) }, 20*time.Second, 10*time.Millisecond)
			require.Empty(t, entries(t, temporary))
		})
	}
}

func TestFilesOfAKilledWatcherAreRemovedAtTheNextStart(t *testing.T) {
	t.Parallel()
	temporary := t.TempDir()
	_, used, _ := startVictim(t, temporary, "killed")
	abandoned := filepath.Join(temporary, "reaper-test-1")
	require.NoError(t, os.MkdirAll(filepath.Join(abandoned, "files"), 0o700))
	for _, dir := range []string{used, abandoned} {
		long := time.Now().Add(-time.Hour)
		require.NoError(t, os.Chtimes(dir, long, long))
	}
	startVictim(t, temporary, "killed")
	require.NoDirExists(t, abandoned)
	require.DirExists(t, used)
}

// startVictim returns once it has started its processes.
func startVictim(t *testing.T, temporary, ends string, args ...string) (_ *exec.Cmd, dir string, pids []int) {
	t.Helper()
	program, err := os.Executable()
	require.NoError(t, err)
	victim := exec.Command(program, append([]string{"-test.run=^TestTheVictim$"}, args...)...)
	victim.Env = append(os.Environ(), testVariable+"="+ends, "TMPDIR="+temporary)
	output, err := victim.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, victim.Start())
	t.Cleanup(func() {
		_ = victim.Process.Kill()
		_ = victim.Wait()
		require.Eventually(t, func() bool { return !exists(dir) }, 20*time.Second, 10*time.Millisecond)
	})
	lines := bufio.NewScanner(output)
	require.True(t, lines.Scan())
	dir = lines.Text()
	for lines.Scan() && lines.Text() != "started" {
		pid, err := strconv.Atoi(lines.Text())
		require.NoError(t, err, lines.Text())
		pids = append(pids, pid)
	}
	require.Len(t, pids, strings.Count(family, "echo $!"))
	return victim, dir, pids
}

func isAlive(pid int) bool {
	_, alive := parentOf(fmt.Sprintf("/proc/%d", pid))
	return alive && syscall.Kill(pid, 0) == nil
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

func entries(t *testing.T, dir string) []os.DirEntry {
	t.Helper()
	found, err := os.ReadDir(dir)
	require.NoError(t, err)
	return found
}
