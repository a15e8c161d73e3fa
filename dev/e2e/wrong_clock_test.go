package e2e_test

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// clockVariable names the variable with the seconds by which the worker's clock is
// ahead.
const clockVariable = "MIGRATIONLINK_CLOCK_AHEAD"

// wrongNow is added to package time. Only time.Now is wrong: timers and time.Since use
// the monotonic clock, as on a machine whose clock was wrong before its programs
// started.
const wrongNow = `
var clockAhead = func() (seconds int64) {
	text, _ := syscall.Getenv("` + clockVariable + `")
	digits, isBehind := text, false
	if digits != "" && digits[0] == '-' {
		digits, isBehind = digits[1:], true
	}
	for _, digit := range digits {
		seconds = seconds*10 + int64(digit-'0')
	}
	if isBehind {
		return -seconds
	}
	return seconds
}()

func wrongNow() (sec int64, nsec int32, mono int64) {
	sec, nsec, mono = runtimeNow()
	return sec + clockAhead, nsec, mono
}
`

// wrongClockWorker builds a worker whose clock can be wrong, once. The first build
// takes minutes because everything is compiled again.
var wrongClockWorker = sync.OnceValues(func() (program string, _ error) {
	output, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		return "", fmt.Errorf("go env GOROOT: %w", err)
	}
	original := filepath.Join(strings.TrimSpace(string(output)), "src", "time", "time.go")
	content, err := os.ReadFile(original)
	if err != nil {
		return "", err
	}
	source := string(content)
	for old, replacement := range map[string]string{
		"\nimport (\n":                          "\nimport (\n\t\"syscall\"\n",
		"\n\tsec, nsec, mono := runtimeNow()\n": "\n\tsec, nsec, mono := wrongNow()\n",
	} {
		if strings.Count(source, old) != 1 {
			return "", fmt.Errorf("%s does not contain %q once", original, old)
		}
		source = strings.Replace(source, old, replacement, 1)
	}
	dir, err := os.MkdirTemp("", "wrong-clock-")
	if err != nil {
		return "", err
	}
	changed, overlay := filepath.Join(dir, "time.go"), filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(changed, []byte(source+wrongNow), 0o600); err != nil {
		return "", err
	}
	replaced, err := json.Marshal(map[string]map[string]string{"Replace": {original: changed}})
	if err != nil {
		return "", err
	}
	if err := os.WriteFile(overlay, replaced, 0o600); err != nil {
		return "", err
	}
	program = filepath.Join(dir, "worker")
	if output, err := exec.Command("go", "-C", "../..", "build", "-overlay", overlay, "-o", program, "./worker").CombinedOutput(); err != nil {
		return "", fmt.Errorf("build a worker with a wrong clock: %w\n%s", err, output)
	}
	return program, nil
})

// workerAhead starts a worker whose clock is ahead, or behind if negative.
func (s *system) workerAhead(ahead time.Duration) *process {
	s.t.Helper()
	program, err := wrongClockWorker()
	require.NoError(s.t, err)
	copied := *s
	copied.workerProgram = program
	return copied.worker("", clockAheadBy(ahead))
}

func clockAheadBy(ahead time.Duration) string {
	return fmt.Sprintf("%s=%d", clockVariable, int64(ahead.Seconds()))
}

// Without this, the tests of wrong clocks would prove nothing.
func TestAWorkerWithAWrongClockLogsWrongTimes(t *testing.T) {
	t.Parallel()
	program, err := wrongClockWorker()
	require.NoError(t, err)
	s := newSystem(t)
	s.workerProgram = program
	settings, err := os.ReadFile(filepath.Join(s.dir, "worker.toml"))
	require.NoError(t, err)
	asJSON := strings.Replace(string(settings), `format = "console"`, `format = "json"`, 1)
	for _, ahead := range []time.Duration{10 * time.Minute, -10 * time.Minute, 0} {
		worker, _ := s.workerFrom(asJSON, clockAheadBy(ahead))
		line, _, _ := strings.Cut(worker.output.String(), "\n")
		logged := struct{ Time time.Time }{}
		require.NoError(t, json.Unmarshal([]byte(line), &logged), line)
		require.WithinDuration(t, time.Now().Add(ahead), logged.Time, time.Minute)
		worker.stop()
	}
}
