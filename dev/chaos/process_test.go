package chaos_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"time"
)

// launch starts cmd on a thread that lives as long as this process: the kernel
// ends the child with that thread, see dieWithParent.
func launch(cmd *exec.Cmd) error {
	dieWithParent(cmd)
	done := make(chan error)
	launches <- func() { done <- cmd.Start() }
	return <-done
}

var launches = func() chan func() {
	queue := make(chan func())
	go func() {
		runtime.LockOSThread()
		for start := range queue {
			start()
		}
	}()
	return queue
}()

// program is a process that the campaign ends and restarts.
type program struct {
	path  string
	args  []string
	env   []string
	log   string // its output, over all starts
	ready string // what it prints when it is ready

	mu    sync.Mutex
	cmd   *exec.Cmd
	ended chan struct{}
	rests time.Time // until when the supervisor leaves it ended
}

// supervise restarts the program whenever it has ended, as a supervisor in production
// does, until ctx ends.
func (p *program) supervise(ctx context.Context, failed func(error)) {
	for pause(ctx, 100*time.Millisecond) {
		p.mu.Lock()
		rests := time.Now().Before(p.rests)
		p.mu.Unlock()
		if !rests {
			if err := p.start(); err != nil {
				failed(err)
				return
			}
		}
	}
}

// rest makes the supervisor wait before it restarts the program.
func (p *program) rest(d time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.rests = time.Now().Add(d)
}

// start starts the program unless it runs.
func (p *program) start() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cmd != nil && !isClosed(p.ended) {
		return nil
	}
	log, err := os.OpenFile(p.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	cmd := exec.Command(p.path, p.args...)
	cmd.Env, cmd.Stdout, cmd.Stderr = p.env, log, log
	if err := launch(cmd); err != nil {
		return err
	}
	ended := make(chan struct{})
	go func() {
		_ = cmd.Wait()
		close(ended)
	}()
	p.cmd, p.ended = cmd, ended
	p.rests = time.Now().Add(time.Second) // a program that ends at once is restarted after a pause
	return nil
}

// signal sends a signal and reports whether the program was running.
func (p *program) signal(s syscall.Signal) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.cmd != nil && !isClosed(p.ended) && p.cmd.Process.Signal(s) == nil
}

// stop ends the program, and kills it after the grace.
func (p *program) stop(s syscall.Signal, grace time.Duration) {
	p.mu.Lock()
	cmd, ended := p.cmd, p.ended
	p.mu.Unlock()
	if cmd == nil {
		return
	}
	_ = cmd.Process.Signal(s)
	select {
	case <-ended:
		return
	case <-time.After(grace):
	}
	_ = cmd.Process.Kill()
	<-ended
}

// waitReady returns when the program has printed n times that it is ready.
func (p *program) waitReady(ctx context.Context, times int) error {
	for {
		printed, err := os.ReadFile(p.log)
		if err == nil && strings.Count(string(printed), p.ready) >= times {
			return nil
		}
		p.mu.Lock()
		ended := isClosed(p.ended)
		p.mu.Unlock()
		if !pause(ctx, 20*time.Millisecond) || ended {
			return fmt.Errorf("%s is not ready; it printed:\n%s", p.path, printed)
		}
	}
}

func isClosed(c chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// pause waits for d and reports whether ctx is still valid.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// environment returns the environment of this process without variables that lead to
// another Temporal.
func environment(extra ...string) []string {
	var kept []string
	for _, line := range os.Environ() {
		if !strings.HasPrefix(line, "TEMPORAL_") {
			kept = append(kept, line)
		}
	}
	return append(kept, extra...)
}
