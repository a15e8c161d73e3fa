package e2e_test

import (
	"strings"
	"sync"
	"testing"
	"time"
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
	use(t, func() { <-machine })
}

// longest is far above what any test takes: one that waits for ever must not take the machine
// until the limit of all tests.
const longest = 12 * time.Minute

// use counts a test as one that has taken the machine, until its end.
func use(t *testing.T, giveBack func()) {
	t.Helper()
	users.Store(t.Name(), nil)
	watch := time.AfterFunc(longest, func() { panic(t.Name() + " has not ended within " + longest.String()) })
	t.Cleanup(func() {
		watch.Stop()
		users.Delete(t.Name())
		giveBack()
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
	use(t, crowded.Unlock)
}

var crowded sync.Mutex
