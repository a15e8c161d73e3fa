package e2e_test

import (
	"os"
	"os/exec"
	"testing"
)

// tool finds a program that uses ours as people do. make check needs all of them; make
// test skips tests whose tool is missing, and says so.
func tool(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		without(t, name)
	}
	return path
}

func without(t *testing.T, name string) {
	t.Helper()
	if os.Getenv("CI") != "" {
		t.Fatalf("%s is not installed: apt-get install %s", name, name)
	}
	t.Skipf("%s is not installed: apt-get install %s", name, name)
}
