// Package reaper ends the processes of a test binary and removes its temporary
// files, however the binary ends. A second process watches it, because a binary
// that is killed, or that reaches the time limit of go test, cleans up nothing.
package reaper

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

// watchVariable names the folder of the watched binary in the environment of the
// process that watches.
const watchVariable = "MIGRATIONLINK_REAPER_DIR"

// settled is the age from which a folder without a lock is abandoned. A younger one may
// be about to be locked.
const settled = time.Minute

// Watch does not return in the process that Guard started. Call it first in TestMain.
func Watch() {
	dir := os.Getenv(watchVariable)
	if dir == "" {
		return
	}
	_, _ = io.Copy(io.Discard, os.Stdin) // ends with the watched process
	if err := cleanUp(dir); err != nil {
		os.Exit(1)
	}
	os.Exit(0)
}

// Guard creates a temporary folder and starts a process that watches this one. The
// folder becomes TMPDIR, which marks the processes that inherit it. When release is
// called, or this process ends in any other way, the marked processes and their
// descendants are killed and the folder is removed.
//
// Guard also removes folders with the same prefix whose watchers were killed.
func Guard(prefix string) (dir string, release func() error, err error) {
	if err := removeAbandoned(prefix); err != nil {
		return "", nil, err
	}
	if dir, err = os.MkdirTemp("", prefix); err != nil {
		return "", nil, err
	}
	lock, err := lockFolder(dir)
	if err != nil {
		return "", nil, err
	}
	program, err := os.Executable()
	if err != nil {
		return "", nil, err
	}
	watcher := exec.CommandContext(context.Background(), program) //nolint:gosec // this program
	watcher.Env = []string{watchVariable + "=" + dir}
	watcher.ExtraFiles = []*os.File{lock}
	watcher.SysProcAttr = &syscall.SysProcAttr{Setsid: true} // out of reach of Ctrl-C
	alive, err := watcher.StdinPipe()
	if err != nil {
		return "", nil, err
	}
	if err := watcher.Start(); err != nil {
		return "", nil, fmt.Errorf("start the process that watches this one: %w", err)
	}
	release = func() error { return errors.Join(alive.Close(), watcher.Wait(), lock.Close()) }
	return dir, release, os.Setenv("TMPDIR", dir)
}

// cleanUp ends the processes of a folder and removes it.
func cleanUp(dir string) error {
	return errors.Join(endProcesses(dir), remove(dir))
}

// remove retries for a while: a killed process may write until its last thread has
// ended.
func remove(dir string) error {
	limit := time.After(endLimit)
	looks := time.NewTicker(50 * time.Millisecond)
	defer looks.Stop()
	for {
		err := os.RemoveAll(dir) //nolint:gosec // a folder of ours
		if err == nil {
			return nil
		}
		select {
		case <-looks.C:
		case <-limit:
			return err
		}
	}
}

func removeAbandoned(prefix string) error {
	dirs, err := filepath.Glob(filepath.Join(os.TempDir(), prefix+"*"))
	if err != nil {
		return err
	}
	for _, dir := range dirs {
		info, err := os.Stat(dir)
		if err != nil || time.Since(info.ModTime()) < settled {
			continue
		}
		lock, err := lockFolder(dir)
		if err != nil {
			continue // in use, or of another user
		}
		err = cleanUp(dir)
		_ = lock.Close()
		if err != nil {
			return err
		}
	}
	return nil
}

// lockFolder fails if a living process has the folder locked.
func lockFolder(dir string) (*os.File, error) {
	folder, err := os.Open(dir) //nolint:gosec // a folder of ours
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(folder.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		_ = folder.Close()
		return nil, fmt.Errorf("lock %s: %w", dir, err)
	}
	return folder, nil
}
