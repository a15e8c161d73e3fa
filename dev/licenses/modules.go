package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
)

// The released programs and systems, see .goreleaser.yaml.
var (
	programs = []string{"./worker", "./starter", "./simulator"}
	systems  = []string{"linux", "darwin", "windows"}
)

// module is one whose code is in a program.
type module struct {
	path, version, dir string
	// packages are the directories of its packages that are in a program. Some of
	// them were copied from elsewhere and have a licence of their own.
	packages []string
}

const format = `{{with .Module}}{{if not .Main}}{{.Path}}	{{.Version}}	{{.Dir}}	{{$.Dir}}	{{.Replace}}{{end}}{{end}}`

// linked returns Go's own library, then the modules with at least one package in a
// program on at least one system, by path.
func linked(ctx context.Context, root string) ([]module, error) {
	found := map[string]module{}
	for _, system := range systems {
		listed, err := runGo(ctx, root, system, append([]string{"list", "-deps", "-f", format}, programs...)...)
		if err != nil {
			return nil, err
		}
		for line := range strings.Lines(listed) {
			fields := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
			if fields[4] != "<nil>" {
				return nil, fmt.Errorf("%s is replaced: decide here which licence applies", fields[0])
			}
			found[fields[0]] = module{fields[0], fields[1], fields[2], append(found[fields[0]].packages, fields[3])}
		}
	}
	goroot, err := runGo(ctx, root, systems[0], "env", "GOROOT")
	if err != nil {
		return nil, err
	}
	modules := make([]module, 0, len(found)+1)
	for _, m := range found {
		modules = append(modules, m)
	}
	slices.SortFunc(modules, func(a, b module) int { return strings.Compare(a.path, b.path) })
	// Without its version: the text is the same in all.
	return slices.Insert(modules, 0, module{path: "Go's standard library and runtime", dir: strings.TrimSpace(goroot)}), nil
}

// runGo returns the output of a go command for a system, with the settings of a release.
func runGo(ctx context.Context, directory, system string, arguments ...string) (string, error) {
	command := exec.CommandContext(ctx, "go", arguments...) // #nosec G204 -- arguments are fixed
	command.Dir, command.Stderr = directory, os.Stderr
	command.Env = append(os.Environ(), "GOOS="+system, "GOARCH=amd64", "CGO_ENABLED=0")
	output, err := command.Output()
	if err != nil {
		return "", fmt.Errorf("go %s: %w", strings.Join(arguments, " "), err)
	}
	return string(output), nil
}
