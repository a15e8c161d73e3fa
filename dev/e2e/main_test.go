// Package e2e_test checks the promises of the application on real parts: the embedded
// Temporal server, the simulated manager over real HTTP with digest authentication, and
// the worker and the starter as processes.
package e2e_test

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/migrationlink/migrationlink/dev/reaper"
)

// Programs under test, built once.
var devProgram, workerProgram, starterProgram, quickWorkerProgram, quickStarterProgram string

func TestMain(m *testing.M) {
	reaper.Watch()
	// All tests start at once; takeMachine limits how many run.
	if err := flag.Set("test.parallel", "1000"); err != nil {
		panic(err)
	}
	os.Exit(run(m))
}

// programsVariable names a folder with programs that are already built.
const programsVariable = "MIGRATIONLINK_E2E_PROGRAMS"

func run(m *testing.M) (code int) {
	dir, release, err := reaper.Guard("mlink-e2e-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() {
		if err := release(); err != nil {
			fmt.Fprintln(os.Stderr, "clean up:", err)
			code = 1
		}
	}()
	programs := os.Getenv(programsVariable)
	if programs == "" {
		programs = filepath.Join(dir, "programs")
		if err := buildPrograms(programs); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
	}
	devProgram = filepath.Join(programs, "dev")
	workerProgram = filepath.Join(programs, "worker")
	starterProgram = filepath.Join(programs, "starter")
	quickWorkerProgram = filepath.Join(programs, "quick", "worker")
	quickStarterProgram = filepath.Join(programs, "quick", "starter")
	buildAll()
	return m.Run()
}

func buildPrograms(dir string) error {
	// The server is a separate program: with the race detector it would take long to
	// build, and the detector would find only races of others.
	for _, build := range [][]string{
		{"-C", "..", "build", "-o", dir + "/", "."},
		append(append([]string{"-C", "../..", "build"}, raceFlag...), "-o", dir+"/", "./worker", "./starter"),
		// The tests measure the released program.
		{"-C", "../..", "build", "-o", dir + "/quick/", "./worker", "./starter"},
	} {
		if output, err := exec.Command("go", build...).CombinedOutput(); err != nil {
			return fmt.Errorf("go %v: %w\n%s", build, err, output)
		}
	}
	return nil
}
