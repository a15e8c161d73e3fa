// Package e2e_test shows the promises of the application on real parts: the
// embedded Temporal server, the simulated manager over real HTTP with real
// digest authentication, and the worker and the starter as processes.
package e2e_test

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// Programs under test, built once.
var devProgram, workerProgram, starterProgram, quickStarterProgram string

func TestMain(m *testing.M) {
	// These tests wait more than they compute.
	if err := flag.Set("test.parallel", "8"); err != nil {
		panic(err)
	}
	os.Exit(run(m))
}

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "migrationlink-e2e-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	// The server is a program of its own: with the race detector it would take
	// long to build, and what it would find is not ours.
	for _, build := range [][]string{
		{"-C", "..", "build", "-o", dir + "/", "."},
		append(append([]string{"-C", "../..", "build"}, raceFlag...), "-o", dir+"/", "./worker", "./starter"),
		// What is measured is the program that people have.
		{"-C", "../..", "build", "-o", dir + "/quick/", "./starter"},
	} {
		if output, err := exec.Command("go", build...).CombinedOutput(); err != nil {
			fmt.Fprintf(os.Stderr, "go %v: %v\n%s", build, err, output)
			return 1
		}
	}
	devProgram = filepath.Join(dir, "dev")
	workerProgram = filepath.Join(dir, "worker")
	starterProgram = filepath.Join(dir, "starter")
	quickStarterProgram = filepath.Join(dir, "quick", "starter")
	return m.Run()
}
