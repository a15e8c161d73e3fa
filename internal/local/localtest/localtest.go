// Package localtest makes trouble of the machine for tests.
package localtest

import (
	"syscall"
	"testing"
)

// WithoutFiles calls do while the process can open no file and no connection. The
// caller's test must not be parallel: the limit is that of the process.
func WithoutFiles(t *testing.T, do func()) {
	t.Helper()
	t.Setenv("LOCALTEST", "refuses parallel tests")
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	none := limit
	none.Cur = 0
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &none); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
			t.Fatal(err)
		}
	}()
	do()
}
