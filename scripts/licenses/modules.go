package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
)

// What is released: these programs, for these systems. See .goreleaser.yaml.
var (
	programs = []string{"./worker", "./starter", "./simulator"}
	systems  = []string{"linux", "darwin", "windows"}
)

// module is one whose code is in a program, with the directory of its source.
type module struct {
	Path, Version, Dir string
	// Packages are the directories of those that are in a program: some of them
	// come from elsewhere, under a licence of their own.
	Packages []string `json:"-"`
}

// linked are the modules of which at least one package is in a program on at
// least one system, by path, and Go's own library.
func linked(ctx context.Context) ([]module, error) {
	found := map[string]module{}
	for _, system := range systems {
		if err := addLinked(ctx, system, found); err != nil {
			return nil, err
		}
	}
	root, err := output(ctx, "", "env", "GOROOT")
	if err != nil {
		return nil, err
	}
	// Without its version: the text is the same in all.
	modules := []module{{Path: "Go's standard library and runtime", Dir: strings.TrimSpace(string(root))}}
	for _, m := range found {
		modules = append(modules, m)
	}
	slices.SortFunc(modules[1:], func(a, b module) int { return strings.Compare(a.Path, b.Path) })
	return modules, nil
}

func addLinked(ctx context.Context, system string, to map[string]module) error {
	listed, err := output(ctx, system, append([]string{"list", "-deps", "-json=Dir,Module"}, programs...)...)
	if err != nil {
		return err
	}
	decoder := json.NewDecoder(bytes.NewReader(listed))
	for {
		var listed struct {
			Dir    string
			Module *struct {
				module
				Main    bool
				Replace *module
			}
		}
		switch err := decoder.Decode(&listed); {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return fmt.Errorf("read the output of go list: %w", err)
		case listed.Module == nil || listed.Module.Main: // Go's own, or ours
			continue
		case listed.Module.Replace != nil:
			return fmt.Errorf("%s is replaced; say here under which licence", listed.Module.Path)
		}
		m := listed.Module.module
		m.Packages = slices.Concat(to[m.Path].Packages, []string{listed.Dir})
		to[m.Path] = m
	}
}

// output is that of a command of Go, for a system or, if empty, this one.
func output(ctx context.Context, system string, arguments ...string) ([]byte, error) {
	if system == "" {
		system = runtime.GOOS
	}
	command := exec.CommandContext(ctx, "go", arguments...) // #nosec G204 -- arguments of this program's own
	// As it is released, wherever this runs.
	command.Env = append(os.Environ(), "GOOS="+system, "GOARCH=amd64", "CGO_ENABLED=0")
	var problems bytes.Buffer
	command.Stderr = &problems
	listed, err := command.Output()
	if err != nil {
		return nil, fmt.Errorf("go %s: %w\n%s", strings.Join(arguments, " "), err, &problems)
	}
	return listed, nil
}
