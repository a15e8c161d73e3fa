package e2e_test

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// process is a program under test and its output so far.
type process struct {
	t      *testing.T
	name   string
	cmd    *exec.Cmd
	output *lockedBuffer
	ended  chan struct{}
}

// start starts a program that runs until it is stopped.
func start(t *testing.T, env []string, program string, args ...string) *process {
	t.Helper()
	takeMachine(t)
	p := &process{t: t, name: program, output: &lockedBuffer{}, ended: make(chan struct{})}
	p.cmd = exec.Command(program, args...)
	p.cmd.Env = append(cleanEnviron(), env...)
	p.cmd.Stdout, p.cmd.Stderr = p.output, p.output
	require.NoError(t, p.cmd.Start())
	go func() {
		_ = p.cmd.Wait()
		close(p.ended)
	}()
	t.Cleanup(func() {
		p.stop()
		if t.Failed() {
			t.Logf("%s printed:\n%s", program, p.output.String())
		}
	})
	return p
}

// waitFor returns when the program has printed text.
func (p *process) waitFor(text string) {
	p.t.Helper()
	require.Eventually(p.t, func() bool {
		return strings.Contains(p.output.String(), text) || p.hasEnded()
	}, time.Minute, 10*time.Millisecond, "%s did not print %q", p.name, text)
	require.Contains(p.t, p.output.String(), text)
}

func (p *process) hasEnded() bool {
	select {
	case <-p.ended:
		return true
	default:
		return false
	}
}

// kill ends the program with SIGKILL.
func (p *process) kill() {
	_ = p.cmd.Process.Kill()
	<-p.ended
}

// stop asks the program to end.
func (p *process) stop() {
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.ended:
	case <-time.After(time.Minute):
		p.kill()
		p.t.Errorf("%s did not end on SIGTERM", p.name)
	}
}

// finished is a program that has ended.
type finished struct {
	code           int
	stdout, stderr string
	took           time.Duration
}

// runProgram runs a program to its end.
func runProgram(t *testing.T, env []string, program string, args ...string) finished {
	t.Helper()
	return runProgramWithInput(t, env, "", program, args...)
}

// runProgramWithInput also provides standard input.
func runProgramWithInput(t *testing.T, env []string, input, program string, args ...string) finished {
	t.Helper()
	takeMachine(t)
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Env = append(cleanEnviron(), env...)
	var stdout, stderr bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(input), &stdout, &stderr
	began := time.Now()
	err := cmd.Run()
	require.NoError(t, ctx.Err(), "%s %v took too long\n%s\n%s", program, args, &stdout, &stderr)
	if _, isExit := err.(*exec.ExitError); !isExit { //nolint:errorlint // exec returns it bare
		require.NoError(t, err)
	}
	return finished{cmd.ProcessState.ExitCode(), stdout.String(), stderr.String(), time.Since(began)}
}

// cleanEnviron returns the environment of this process without variables that lead to
// another Temporal.
func cleanEnviron() []string {
	var kept []string
	for _, line := range os.Environ() {
		if !strings.HasPrefix(line, "TEMPORAL_") {
			kept = append(kept, line)
		}
	}
	return kept
}

type lockedBuffer struct {
	mu     sync.Mutex
	buffer bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buffer.Write(p)
}

// count returns how often something was printed.
func (b *lockedBuffer) count(text string) int { return strings.Count(b.String(), text) }

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buffer.String()
}
