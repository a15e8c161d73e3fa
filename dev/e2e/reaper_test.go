package e2e_test

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// doomedVariable enables TestDoomed in a test binary that is killed.
const doomedVariable = "MIGRATIONLINK_E2E_DOOMED"

const allStarted = "all programs are started"

// TestDoomed starts every kind of program that tests start, if it is installed.
func TestDoomed(t *testing.T) {
	if os.Getenv(doomedVariable) == "" {
		t.Skip("it is started by TestAKilledTestBinaryLeavesNothingBehind")
	}
	s := newSystem(t)
	s.worker("")
	if _, err := exec.LookPath("prometheus"); err == nil {
		s.prometheus()
	}
	if npm, err := exec.LookPath("npm"); err == nil {
		start(t, nil, npm, "exec", "--call", "echo started by npm; sleep 600").waitFor("started by npm")
	}
	if browser, err := exec.LookPath("chromium"); err == nil {
		s.webUI(browser).open("")
	}
	fmt.Fprintln(os.Stdout, allStarted)
	select {}
}

func TestAKilledTestBinaryLeavesNothingBehind(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		limit string
		kill  bool
	}{
		"killed":                   {limit: "10m", kill: true},
		"at the limit of its time": {limit: "1m"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			takeMachine(t)
			// Short: Chromium creates a socket in it, whose path can have at most 107 bytes.
			temporary, err := os.MkdirTemp("", "") //nolint:usetesting // its path would be too long
			require.NoError(t, err)
			program, err := os.Executable()
			require.NoError(t, err)
			doomed := exec.Command(program, "-test.run=^TestDoomed$", "-test.timeout="+test.limit)
			doomed.Env = append(os.Environ(), doomedVariable+"=yes", "TMPDIR="+temporary, programsVariable+"="+filepath.Dir(devProgram))
			doomed.Stderr = t.Output()
			output, err := doomed.StdoutPipe()
			require.NoError(t, err)
			require.NoError(t, doomed.Start())
			lines := bufio.NewScanner(output)
			for lines.Scan() && lines.Text() != allStarted {
				t.Log(lines.Text())
			}
			require.Equal(t, allStarted, lines.Text())
			started := descendants(t, doomed.Process.Pid)
			require.GreaterOrEqual(t, len(started), 3, "dev, the worker and what watches them")
			if test.kill {
				require.NoError(t, doomed.Process.Kill())
			}
			require.Error(t, doomed.Wait())
			for _, process := range started {
				require.Eventually(t, func() bool { return hasEnded(process) }, 20*time.Second, 10*time.Millisecond, process)
			}
			require.EventuallyWithT(t, func(c *assert.CollectT) {
				left, err := filepath.Glob(filepath.Join(temporary, "*"))
				require.NoError(c, err)
				require.Empty(c, left)
			}, 30*time.Second, 50*time.Millisecond)
		})
	}
}

// descendants returns the folders in /proc of the descendants of a process.
func descendants(t *testing.T, pid int) []string {
	t.Helper()
	lists, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	require.NoError(t, err)
	var found []string
	for _, list := range lists {
		content, err := os.ReadFile(list)
		require.NoError(t, err)
		for child := range strings.FieldsSeq(string(content)) {
			number, err := strconv.Atoi(child)
			require.NoError(t, err)
			found = append(append(found, "/proc/"+child), descendants(t, number)...)
		}
	}
	return found
}

// hasEnded reports whether a process is gone or a zombie.
func hasEnded(process string) bool {
	content, err := os.ReadFile(process + "/stat")
	return err != nil || strings.Contains(string(content), ") Z ")
}
