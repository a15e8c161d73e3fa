package opsmanagertest

import (
	"context"
	"net"
	"net/http"
	"slices"
	"sync/atomic"
)

// State records the calls to the manager and to Atlas. It never contains a link-token.
type State struct {
	Totals Totals `json:"totals"`
	// Orgs are the organizations that were called for or have settings, by id.
	Orgs map[string]OrgState `json:"orgs"`
	// Atlas records the calls to Atlas.
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
	// BodiesWithoutCredentials are requests that sent a body, possibly a link-token,
	// before a challenge.
	BodiesWithoutCredentials int `json:"bodiesWithoutCredentials"`
	// PostsFirstOnConnection are connections that began with a POST, except for access
	// tokens.
	PostsFirstOnConnection int `json:"postsFirstOnConnection"`
	// Challenges are 401 replies with a new nonce.
	Challenges int `json:"challenges"`
	// UnknownNonces are requests with the correct key and a nonce that the node has not
	// issued. They get a new one, with stale=false.
	UnknownNonces int `json:"unknownNonces,omitempty"`
	// OrganizationReads are authenticated GETs of the organizations.
	OrganizationReads int `json:"organizationReads,omitempty"`
}

// Counts count calls for one organization. Posts, Gets and Deletes are authenticated
// calls, including those that failed.
type Counts struct {
	Posts int `json:"posts"`
	// EffectivePosts created or replaced a link.
	EffectivePosts int `json:"effectivePosts"`
	Gets           int `json:"gets"`
	Deletes        int `json:"deletes"`
	// EffectiveDeletes removed a link.
	EffectiveDeletes           int `json:"effectiveDeletes"`
	RequestsWithoutCredentials int `json:"requestsWithoutCredentials"`
	// ProjectReads are GETs of the projects, HostReads those of the hosts of a project. Gets
	// leaves both out.
	ProjectReads int `json:"projectReads,omitempty"`
	HostReads    int `json:"hostReads,omitempty"`
}

// OrgState records the calls for one organization.
type OrgState struct {
	// LinkStatus is the true status: StatusSynced, StatusNotSynced or StatusNone.
	LinkStatus string `json:"linkStatus"`
	Counts
	// TokenSHA256, in hexadecimal, identifies the token of the link. It is empty without
	// a link, or if someone else created it.
	TokenSHA256 string `json:"tokenSha256,omitempty"`
	// LinkedTo is the organization of Atlas that the link leads to, if Atlas here knows it.
	LinkedTo string `json:"linkedTo,omitempty"`
	// Events are the last 100 changes of the link, oldest first.
	Events []Event `json:"events,omitempty"`
}

// State returns the state and the counts so far.
func (m *Manager) State() State {
	m.mu.Lock()
	defer m.mu.Unlock()
	state := State{Totals: m.totals, Orgs: map[string]OrgState{}, Atlas: m.atlasState(), Faults: make([]FaultState, len(m.faults))}
	for id, org := range m.orgs {
		if org.isAtlas() {
			continue
		}
		shown := OrgState{LinkStatus: org.Link.status(m.settings(id), m.options.Now()), Counts: org.Counts, Events: slices.Clone(org.Events)}
		if org.Link != nil {
			shown.TokenSHA256, shown.LinkedTo = org.Link.TokenSHA256, org.Link.LinkedTo
		}
		state.Orgs[id] = shown
	}
	for i, fault := range m.faults {
		state.Faults[i] = fault.FaultState
	}
	return state
}

// countArrival counts a request on arrival.
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

// count changes counts under the lock.
func (m *Manager) count(change func()) {
	m.mu.Lock()
	defer m.mu.Unlock()
	change()
}

// countCall counts an authenticated call.
func (m *Manager) countCall(c *call) {
	if c.resource == orgsResource {
		m.count(func() { m.totals.OrganizationReads++ })
		return
	}
	if c.resource == noResource || !orgIDForm.MatchString(c.orgID) {
		return // invented ids would fill the memory
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	org := m.org(c.orgID)
	switch {
	case c.atlas:
		org.Atlas.count(c.method)
	case c.resource == projectsResource:
		org.ProjectReads++
	case c.resource == hostsResource:
		org.HostReads++
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

// Watch makes the manager count the TCP connections of a server. Call it before the
// server serves.
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
