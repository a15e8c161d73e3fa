package e2e_test

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
)

// The version of Temporal's command line. v1.9.1 needs the module cliext, which is not
// published.
const (
	temporalVersion = "v1.5.1"
	temporalSum     = "h1:0RZMk14BWxz44Xg6ciDQvpfAMffoG3J7/K03ql80teY="
)

// temporalProgram builds the command `temporal` into bin/, without its development
// server: that is a second Temporal server of another version, and takes four minutes to
// build.
var temporalProgram = sync.OnceValues(func() (program string, _ error) {
	program, err := filepath.Abs("../../bin/temporal-" + temporalVersion + "/temporal")
	if err != nil {
		return "", err
	}
	if _, err := os.Stat(program); err == nil {
		return program, nil
	}
	temporary, err := os.MkdirTemp("", "temporal-cli-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(temporary)
	sources := filepath.Join(temporary, "cli")
	if err := temporalSources(sources); err != nil {
		return "", err
	}
	built := filepath.Join(temporary, "temporal")
	build := exec.Command("go", "build", "-C", sources, "-o", built, "./cmd/temporal")
	if output, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%s: %w\n%s", build, err, output)
	}
	return program, install(built, program)
})

// temporalSources writes the sources without the development server.
func temporalSources(dir string) error {
	download := exec.Command("go", "mod", "download", "-json", "github.com/temporalio/cli@"+temporalVersion)
	download.Dir = filepath.Dir(dir) // in no module
	printed, err := download.Output()
	if err != nil {
		return fmt.Errorf("%s: %w", download, err)
	}
	module := struct{ Dir, Sum string }{}
	if err := json.Unmarshal(printed, &module); err != nil {
		return err
	}
	if module.Sum != temporalSum {
		return fmt.Errorf("temporal %s has the checksum %s, want %s", temporalVersion, module.Sum, temporalSum)
	}
	if err := os.CopyFS(dir, os.DirFS(module.Dir)); err != nil { // the module cache is read-only
		return err
	}
	if err := os.RemoveAll(filepath.Join(dir, "temporalcli", "devserver")); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "temporalcli", "commands.server.go"), []byte(`package temporalcli

import "errors"

func (*TemporalServerStartDevCommand) run(*CommandContext, []string) error {
	return errors.New("this build has no development server")
}
`), 0o600)
}

// install copies a program to a path where another process never sees half of it.
func install(built, program string) error {
	content, err := os.ReadFile(built)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(program), 0o750); err != nil {
		return err
	}
	unfinished := fmt.Sprintf("%s.%d", program, os.Getpid())
	if err := os.WriteFile(unfinished, content, 0o755); err != nil {
		return err
	}
	return os.Rename(unfinished, program)
}
