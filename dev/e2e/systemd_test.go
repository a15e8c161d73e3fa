package e2e_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/migrationlink/migrationlink/internal/config"
)

const unitFile = "../../deploy/systemd/migrationlink-worker.service"

// The unit starts, reloads and stops a worker as a service manager does it, with the variables that
// the page shows.
func TestAWorkerRunsAsAService(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	unit := readUnit(t)
	words := strings.Fields(unit["ExecStart"])
	require.Equal(t, "worker", filepath.Base(words[0]))
	require.Equal(t, "/etc/migrationlink/worker.toml", words[len(words)-1])
	base, err := os.ReadFile(filepath.Join(s.dir, "worker.toml"))
	require.NoError(t, err)
	file := filepath.Join(t.TempDir(), "worker.toml")
	require.NoError(t, os.WriteFile(file, base, 0o600))
	words[len(words)-1] = file

	shown := strings.NewReplacer("temporal.example.com:7233", s.variable("TEMPORAL_ADDRESS"), "=migrationlink", "=default")
	variables := shownTo(t, "systemd_test.go", "docs/how-to/run-with-systemd.md")["environment"]
	require.NotEmpty(t, variables)
	var env []string
	for _, line := range s.env {
		if !strings.HasPrefix(line, "TEMPORAL_") {
			env = append(env, line) // the demo's keys
		}
	}
	for _, line := range variables {
		env = append(env, shown.Replace(line))
	}
	w := start(t, env, workerProgram, words[1:]...)
	w.waitFor("worker ready")

	require.Equal(t, "/bin/kill -HUP $MAINPID", unit["ExecReload"])
	require.NoError(t, os.WriteFile(file, append(base, "\n# changed\n"...), 0o600))
	require.NoError(t, w.cmd.Process.Signal(syscall.SIGHUP))
	w.waitFor("configuration reloaded")
	require.Equal(t, 0, s.starter("link", "--manager", "demo", "--org", newOrg(), "--token-ref", "env:LINK_TOKEN_DEMO").code)
	w.stop()
}

func TestTheUnitIsValid(t *testing.T) {
	t.Parallel()
	unit := readUnit(t)
	limit, err := time.ParseDuration(unit["TimeoutStopSec"])
	require.NoError(t, err)
	require.Greater(t, limit, config.Default().Worker.StopTimeout)
	if _, err := exec.LookPath("systemd-analyze"); err != nil {
		t.Skip("systemd-analyze is missing: apt-get install systemd")
	}
	// It looks for the program, which is elsewhere here.
	text, err := os.ReadFile(unitFile)
	require.NoError(t, err)
	file := filepath.Join(t.TempDir(), filepath.Base(unitFile))
	require.NoError(t, os.WriteFile(file, []byte(strings.ReplaceAll(string(text), "/opt/migrationlink/bin/worker", workerProgram)), 0o600))
	done := runProgram(t, nil, "systemd-analyze", "verify", "--man=no", file)
	require.Zero(t, done.code, done.stderr)
	require.NotContains(t, done.stderr, filepath.Base(unitFile), "a warning")
}

func readUnit(t *testing.T) map[string]string {
	t.Helper()
	text, err := os.ReadFile(unitFile)
	require.NoError(t, err)
	values := map[string]string{}
	for line := range strings.Lines(string(text)) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), "="); ok && !strings.HasPrefix(line, "#") {
			values[name] = value
		}
	}
	return values
}
