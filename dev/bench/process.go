package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/prometheus/procfs"
)

const (
	readyLimit = time.Minute
	stopLimit  = time.Minute
)

// process is a running program and its output.
type process struct {
	name   string
	cmd    *exec.Cmd
	output lockedBuffer
	began  time.Time
	ended  chan struct{}
}

// startProcess starts a program. The watcher of this process kills it if this process
// ends in any way, see package reaper.
func startProcess(name, program string, env []string, args ...string) (*process, error) {
	p := &process{name: name, cmd: exec.CommandContext(context.Background(), program, args...), ended: make(chan struct{})} //nolint:gosec // a program that was built here
	p.cmd.Env = append(cleanEnviron(), env...)
	p.cmd.Stdout, p.cmd.Stderr = &p.output, &p.output
	p.began = time.Now()
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	go func() {
		_ = p.cmd.Wait()
		close(p.ended)
	}()
	return p, nil
}

// waitFor returns when the program has printed text.
func (p *process) waitFor(ctx context.Context, text string) error {
	err := waitUntil(ctx, readyLimit, 10*time.Millisecond, func() bool {
		return p.hasEnded() || strings.Contains(p.output.String(), text)
	})
	if err != nil || p.hasEnded() {
		return fmt.Errorf("%s did not print %q; it printed:\n%s", p.name, text, p.output.String())
	}
	return nil
}

func (p *process) hasEnded() bool {
	select {
	case <-p.ended:
		return true
	default:
		return false
	}
}

// stop asks the program to end, and kills it if it does not.
func (p *process) stop() {
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.ended:
	case <-time.After(stopLimit):
		p.kill()
	}
}

func (p *process) kill() {
	_ = p.cmd.Process.Kill()
	<-p.ended
}

// usage is what a process has used since its start, and holds now.
type usage struct {
	CPU float64 // seconds
	RSS float64 // bytes
}

func (p *process) usage() (usage, error) {
	proc, err := procfs.NewProc(p.cmd.Process.Pid)
	if err != nil {
		return usage{}, err
	}
	stat, err := proc.Stat()
	if err != nil {
		return usage{}, fmt.Errorf("%s: %w", p.name, err)
	}
	return usage{CPU: stat.CPUTime(), RSS: float64(stat.ResidentMemory())}, nil
}

// cleanEnviron returns the environment without variables that lead to another Temporal
// or change how a program runs.
func cleanEnviron() []string {
	return slices.DeleteFunc(os.Environ(), func(line string) bool {
		for _, prefix := range []string{"TEMPORAL_", "OTEL_", "GOMEMLIMIT=", "GOGC=", "MIGRATIONLINK_"} {
			if strings.HasPrefix(line, prefix) {
				return true
			}
		}
		return false
	})
}

// waitUntil returns when condition holds, or an error after limit.
func waitUntil(ctx context.Context, limit, every time.Duration, condition func() bool) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	looks := time.NewTicker(every)
	defer looks.Stop()
	for !condition() {
		select {
		case <-looks.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// pause waits for d.
func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
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

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buffer.String()
}
