package e2e_test

import (
	"strings"
	"sync"
	"testing"
)

// atOnce bounds how many tests, with their subtests, use the machine at the same time.
// These tests wait more than they compute. The bound of go test does not fit: with it,
// the subtests of a test would wait, together with the processes that they share, until
// all other tests have begun.
const atOnce = 3

var (
	machine = make(chan struct{}, atOnce)
	users   sync.Map // the names of the tests that have taken it
)

// takeMachine waits for a place on the machine. The test and its subtests keep it until
// they end.
func takeMachine(t *testing.T) {
	t.Helper()
	for name, isSubtest := t.Name(), true; isSubtest; name, isSubtest = parentOf(name) {
		if _, taken := users.Load(name); taken {
			return
		}
	}
	machine <- struct{}{}
	users.Store(t.Name(), nil)
	t.Cleanup(func() {
		users.Delete(t.Name())
		<-machine
	})
}

func parentOf(test string) (parent string, isSubtest bool) {
	if end := strings.LastIndexByte(test, '/'); end >= 0 {
		return test[:end], true
	}
	return "", false
}

// oneAtATime is for tests with hundreds of links. One of them runs beside the others, from
// the first moment on: one after the other, they take as long as all others together.
func oneAtATime(t *testing.T) {
	t.Helper()
	t.Parallel()
	crowded.Lock()
	users.Store(t.Name(), nil)
	t.Cleanup(func() {
		users.Delete(t.Name())
		crowded.Unlock()
	})
}

var crowded sync.Mutex
