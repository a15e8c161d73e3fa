package e2e_test

import (
	"flag"
	"fmt"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// programs are built once, when a test first needs them, into one folder.
type programs func() (dir string, _ error)

// in returns the path of one of them.
func (p programs) in(t *testing.T, name string) string {
	t.Helper()
	dir, err := p()
	require.NoError(t, err)
	return filepath.Join(dir, name)
}

func goBuild(folder, module string, args ...string) programs {
	return sync.OnceValues(func() (string, error) {
		dir := filepath.Join(filepath.Dir(devProgram), folder)
		build := exec.Command("go", append([]string{"-C", module, "build", "-o", dir + "/"}, args...)...)
		if output, err := build.CombinedOutput(); err != nil {
			return "", fmt.Errorf("%s: %w\n%s", build, err, output)
		}
		return dir, nil
	})
}

var (
	examplePrograms = goBuild("examples", "../..", append(raceFlag, "./examples/child", "./examples/codec", "./examples/nexus")...)
	// guardedPrograms are a Temporal server with access control.
	guardedPrograms = goBuild("guarded", "..", "./temporalserver/guarded")
)

// buildAll builds what few tests need before any test runs, if all of them run: a compiler
// beside them takes the machine from tests with time limits.
func buildAll() {
	flag.Parse()
	if flag.Lookup("test.run").Value.String() != "" {
		return
	}
	for _, build := range []func() (string, error){examplePrograms, guardedPrograms, temporalProgram, wrongClockWorker} {
		_, _ = build() // the tests that need it report an error
	}
}
