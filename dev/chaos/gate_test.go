package chaos_test

import (
	"fmt"
	"net/http"
	"path"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/migrationlink/migrationlink/opsmanager/opsmanagertest"
)

// rememberedCalls bounds how many calls of one organization are kept for reports.
const rememberedCalls = 60

// gate is a proxy in front of a simulated manager. It springs traps at chosen moments
// of a call, and records the calls.
type gate struct {
	*opsmanagertest.Manager
	mu    sync.Mutex
	traps []trap
	calls map[string][]string
}

// trap springs once, at the next call that matches.
type trap struct {
	method string
	after  bool // after the effect and before the reply, not before both
	spring func(worker int)
}

func newGate(m *opsmanagertest.Manager) *gate {
	return &gate{Manager: m, calls: map[string][]string{}}
}

func (g *gate) set(t trap) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.traps = append(g.traps, t)
}

// disarm removes all traps that have not sprung.
func (g *gate) disarm() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.traps = nil
}

// of returns the handler for the calls of one worker.
func (g *gate) of(worker int) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") == "" || !strings.Contains(r.URL.Path, "/migrationLink") {
			g.ServeHTTP(w, r)
			return
		}
		g.pass(worker, r.Method, false)
		seen := &statusWriter{ResponseWriter: w}
		defer func() { g.remember(worker, r, seen.status) }()
		g.ServeHTTP(seen, r)
		g.pass(worker, r.Method, true)
	})
}

// pass springs the first matching trap. When the handler of a small reply returns,
// net/http has not sent the reply yet.
func (g *gate) pass(worker int, method string, after bool) {
	g.mu.Lock()
	var sprung *trap
	for i, t := range g.traps {
		if t.method == method && t.after == after {
			sprung = &t
			g.traps = slices.Delete(g.traps, i, i+1)
			break
		}
	}
	g.mu.Unlock()
	if sprung != nil {
		sprung.spring(worker)
	}
}

func (g *gate) remember(worker int, r *http.Request, status int) {
	org := path.Base(strings.Split(r.URL.Path, "/liveExport/")[0])
	line := fmt.Sprintf("%s worker %d: %s → %d", time.Now().UTC().Format("15:04:05.000"), worker+1, r.Method, status)
	g.mu.Lock()
	defer g.mu.Unlock()
	g.calls[org] = append(g.calls[org], line)
	g.calls[org] = g.calls[org][max(0, len(g.calls[org])-rememberedCalls):]
}

func (g *gate) callsOf(org string) []string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return slices.Clone(g.calls[org])
}

// statusWriter records the status of a reply, 0 for none.
type statusWriter struct {
	http.ResponseWriter
	status int
}

func (w *statusWriter) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

// Unwrap is for http.ResponseController.
func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
