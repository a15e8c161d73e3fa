package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/migrationlink/migrationlink/opsmanager/opsmanagertest"
)

// never is the sync delay of links that wait for as long as the benchmark runs.
const never = 1000 * time.Hour

// manager is the simulated manager, with the time of every call. It makes a link SYNCED
// at a certain read instead of after a certain time, so that all contenders poll equally
// often on a slow machine, too.
type manager struct {
	*opsmanagertest.Manager
	url    string
	server *http.Server
	polls  atomic.Int64 // answered reads of a status

	mu   sync.Mutex
	orgs map[string]*organization
}

// organization is what happened to one link.
type organization struct {
	syncedAt int       // the read after the creation that sees SYNCED; 0 means any
	reads    int       // since the creation
	created  time.Time // zero before
	lastRead time.Time
}

func startManager(ctx context.Context) (*manager, error) {
	simulated, err := opsmanagertest.New(opsmanagertest.Options{SyncDelay: never})
	if err != nil {
		return nil, err
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	m := &manager{Manager: simulated, url: "http://" + listener.Addr().String(), orgs: map[string]*organization{}}
	m.server = &http.Server{Handler: m, ReadHeaderTimeout: 10 * time.Second}
	simulated.Watch(m.server)
	go func() {
		if err := m.server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			panic(fmt.Sprintf("the simulated manager ended: %v", err))
		}
	}()
	return m, nil
}

func (m *manager) stop() {
	m.Close()
	_ = m.server.Close()
}

// expect makes the link of an organization SYNCED at once (0), or at the n-th read
// after its creation. Other links stay NOT_SYNCED.
func (m *manager) expect(orgID string, read int) error {
	if read == 0 {
		return m.SetOrg(orgID, opsmanagertest.OrgSettings{SyncDelay: opsmanagertest.After(0)})
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.organization(orgID).syncedAt = read
	return nil
}

// organization returns the record of an organization. The caller holds m.mu.
func (m *manager) organization(orgID string) *organization {
	found, known := m.orgs[orgID]
	if !known {
		found = &organization{}
		m.orgs[orgID] = found
	}
	return found
}

// ServeHTTP implements http.Handler.
func (m *manager) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	_, rest, ofOrg := strings.Cut(r.URL.Path, "/orgs/")
	orgID, _, _ := strings.Cut(rest, "/")
	isRead := r.Method == http.MethodGet && strings.HasSuffix(rest, "/status")
	if ofOrg && isRead && m.isDue(orgID) {
		_ = m.SetOrg(orgID, opsmanagertest.OrgSettings{SyncDelay: opsmanagertest.After(0)}) // valid
	}
	seen := &statusWriter{ResponseWriter: w, status: http.StatusOK}
	m.Manager.ServeHTTP(seen, r)
	switch {
	case !ofOrg || seen.status >= http.StatusBadRequest:
	case isRead:
		m.noteRead(orgID)
	case r.Method == http.MethodPost:
		m.mu.Lock()
		m.organization(orgID).created = time.Now()
		m.mu.Unlock()
	}
}

// isDue reports whether the next read of a status is the one that sees SYNCED.
func (m *manager) isDue(orgID string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	org := m.organization(orgID)
	return !org.created.IsZero() && org.reads+1 == org.syncedAt
}

func (m *manager) noteRead(orgID string) {
	m.polls.Add(1)
	m.mu.Lock()
	defer m.mu.Unlock()
	if org := m.organization(orgID); !org.created.IsZero() {
		org.reads++
		org.lastRead = time.Now()
	}
}

// count returns how many organizations fit.
func (m *manager) count(fits func(organization) bool) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	n := 0
	for _, org := range m.orgs {
		if fits(*org) {
			n++
		}
	}
	return n
}

func (m *manager) createdLinks() int {
	return m.count(func(o organization) bool { return !o.created.IsZero() })
}

func (m *manager) isCreated(orgID string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return !m.organization(orgID).created.IsZero()
}

// calls returns the HTTP requests so far, and the calls that they were for.
func (m *manager) calls() (requests, calls float64) {
	state := m.State()
	for _, org := range state.Orgs {
		calls += float64(org.Posts + org.Gets + org.Deletes)
	}
	return float64(state.Totals.Requests), calls
}

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
