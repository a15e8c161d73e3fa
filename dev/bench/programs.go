package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// programs are the executables that take part, built once.
type programs struct {
	server string // Temporal
	worker string // what is measured
	empty  string // workers/empty
	loop   string // workers/loop
}

// releaseFlags are those of .goreleaser.yaml, the same for every worker. The server is
// built without them: it would be compiled once more.
var releaseFlags = []string{"-trimpath", "-tags=grpcnotrace,testify_yaml_fail", "-ldflags=-s -w"}

// buildPrograms builds into dir, or uses what is already there. The flags are for the
// workers.
func buildPrograms(ctx context.Context, dir string, flags ...string) (programs, error) {
	built := programs{
		server: filepath.Join(dir, "server"), worker: filepath.Join(dir, "worker"),
		empty: filepath.Join(dir, "empty"), loop: filepath.Join(dir, "loop"),
	}
	modules, err := goCommand(ctx, "env", "GOMOD")
	if err != nil {
		return built, err
	}
	dev := filepath.Dir(strings.TrimSpace(modules))
	root := filepath.Dir(dev)
	// The rivals are built in the root module, with the SDK of the worker: that of dev is
	// older.
	for _, build := range []struct {
		module, output, source string
		flags                  []string
	}{
		{dev, built.server, "./bench/server", nil},
		{root, built.worker, "./worker", flags},
		{root, built.empty, "dev/bench/workers/empty/main.go", flags},
		{root, built.loop, "dev/bench/workers/loop/main.go", flags},
	} {
		if _, err := os.Stat(build.output); err == nil {
			continue
		}
		args := append([]string{"-C", build.module, "build", "-o", build.output}, build.flags...)
		if _, err := goCommand(ctx, append(args, build.source)...); err != nil {
			return built, err
		}
	}
	return built, nil
}

func goCommand(ctx context.Context, args ...string) (string, error) {
	output, err := exec.CommandContext(ctx, "go", args...).CombinedOutput() //nolint:gosec // arguments of this program
	if err != nil {
		return "", fmt.Errorf("go %s: %w\n%s", strings.Join(args, " "), err, output)
	}
	return string(output), nil
}
