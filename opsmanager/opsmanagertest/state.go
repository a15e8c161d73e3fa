package opsmanagertest

import (
	"context"
	"net"
	"net/http"
	"sync/atomic"
)

// State is the evidence of what the manager was asked. It never holds a link-token.
type State struct {
	Totals Totals `json:"totals"`
	// Orgs are the organizations that were asked for or have settings, by id.
	Orgs map[string]OrgState `json:"orgs"`
	// Atlas is what Atlas was asked.
	Atlas  AtlasState   `json:"atlas,omitzero"`
	Faults []FaultState `json:"faults"`
}

// Totals count requests to the manager and to Atlas since the start or Reset.
type Totals struct {
	Requests int `json:"requests"`
	// Connections are TCP connections that carried a request to the API. They are
	// counted on servers that Watch was called for.
	Connections                int `json:"connections"`
	RequestsWithoutCredentials int `json:"requestsWithoutCredentials"`
	// BodiesWithoutCredentials are requests that sent a body, so perhaps a
	// link-token, before they were challenged.
	BodiesWithoutCredentials int `json:"bodiesWithoutCredentials"`
	// PostsFirstOnConnection are connections that began with a POST, other than
	// for an access token.
	PostsFirstOnConnection int `json:"postsFirstOnConnection"`
	// Challenges are replies of 401 with a new nonce.
	Challenges int `json:"challenges"`
}

// Counts are of one organization. Posts, Gets and Deletes are calls that passed
// authentication, whatever became of them.
type Counts struct {
	Posts int `json:"posts"`
	// EffectivePosts made a link or replaced one.
	EffectivePosts int `json:"effectivePosts"`
	Gets           int `json:"gets"`
	Deletes        int `json:"deletes"`
	// EffectiveDeletes removed a link.
	EffectiveDeletes           int `json:"effectiveDeletes"`
	RequestsWithoutCredentials int `json:"requestsWithoutCredentials"`
	// ProjectReads are GETs of the projects, which Gets leaves out.
	ProjectReads int `json:"projectReads,omitempty"`
}

// OrgState is the evidence of one organization.
type OrgState struct {
	// LinkStatus is the true one: StatusSynced, StatusNotSynced or StatusNone.
	LinkStatus string `json:"linkStatus"`
	Counts
	// TokenSHA256 is in hexadecimal, of the token that made the link; empty
	// without one, or when somebody else made it.
	TokenSHA256 string `json:"tokenSha256,omitempty"`
}

// State returns the evidence so far.
func (m *Manager) State() State {
	m.mu.Lock()
	defer m.mu.Unlock()
	state := State{Totals: m.totals, Orgs: map[string]OrgState{}, Atlas: m.atlasState(), Faults: make([]FaultState, len(m.faults))}
	for id, org := range m.orgs {
		if org.isAtlas() {
			continue
		}
		shown := OrgState{LinkStatus: org.Link.status(m.settings(id), m.options.Now()), Counts: org.Counts}
		if org.Link != nil {
			shown.TokenSHA256 = org.Link.TokenSHA256
		}
		state.Orgs[id] = shown
	}
	for i, fault := range m.faults {
		state.Faults[i] = *fault
	}
	return state
}

// countArrival counts a request before anything is decided on it.
func (m *Manager) countArrival(c *call, r *http.Request) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.totals.Requests++
	if c.resource == accessResource {
		m.oauth.OAuthTokenRequests++
	}
	if isFirst(r) {
		m.totals.Connections++
		if c.method == http.MethodPost && c.resource != accessResource {
			m.totals.PostsFirstOnConnection++
		}
	}
	if r.Header.Get("Authorization") != "" {
		return
	}
	m.totals.RequestsWithoutCredentials++
	if r.ContentLength != 0 {
		m.totals.BodiesWithoutCredentials++
	}
	if !orgIDForm.MatchString(c.orgID) {
		return
	}
	if org := m.org(c.orgID); c.atlas {
		org.Atlas.RequestsWithoutCredentials++
	} else {
		org.RequestsWithoutCredentials++
	}
}

func (m *Manager) countChallenge() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.totals.Challenges++
}

// countCall counts a call that passed authentication.
func (m *Manager) countCall(c *call) {
	if c.resource == noResource || !orgIDForm.MatchString(c.orgID) {
		return // records of whatever ids somebody makes up would grow without end
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	org := m.org(c.orgID)
	switch {
	case c.atlas:
		org.Atlas.count(c.method)
	case c.resource == projectsResource:
		org.ProjectReads++
	case c.method == http.MethodPost:
		org.Posts++
	case c.method == http.MethodGet:
		org.Gets++
	case c.method == http.MethodDelete:
		org.Deletes++
	}
}

// connection is marked by the first request to the API that it carries.
type connection struct{ used atomic.Bool }

type connectionKey struct{}

// Watch makes the manager count the TCP connections of a server, which must not
// serve yet.
func (m *Manager) Watch(server *http.Server) {
	next := server.ConnContext
	server.ConnContext = func(ctx context.Context, conn net.Conn) context.Context {
		if next != nil {
			ctx = next(ctx, conn)
		}
		return context.WithValue(ctx, connectionKey{}, &connection{})
	}
}

func isFirst(r *http.Request) bool {
	conn, watched := r.Context().Value(connectionKey{}).(*connection)
	return watched && !conn.used.Swap(true)
}
