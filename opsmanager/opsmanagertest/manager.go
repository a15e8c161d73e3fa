package opsmanagertest

import (
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// Manager is a simulated manager, an http.Handler. It is safe for concurrent use.
type Manager struct {
	options Options
	nodes   *nodes    // of the manager
	atlas   *verifier // of Atlas's
	access  *accessTokens
	control http.Handler
	closed  chan struct{}
	closing sync.Once

	mu       sync.Mutex
	orgs     map[string]*organizationRecord
	issued   map[string]*issuedToken // of all organizations, by SHA-256
	owners   map[string]string       // the organizations of projects
	defaults OrgSettings
	totals   Totals
	oauth    OAuthCounts
	faults   []*activeFault
	random   *rand.Rand
}

// organizationRecord is the state of one organization, and its JSON in the state file.
type organizationRecord struct {
	Link     *link       `json:"link,omitempty"`
	Settings OrgSettings `json:"settings,omitzero"`
	Counts
	Events []Event `json:"events,omitempty"`
	// Before is the link before the last change, at ChangedAt. A zero ChangedAt makes
	// the current link visible at once.
	Before    *link       `json:"before,omitempty"`
	ChangedAt time.Time   `json:"changedAt,omitzero"`
	Atlas     atlasRecord `json:"atlas,omitzero"`
}

// New returns a simulated manager, with the links of its state file if it has one.
func New(options Options) (*Manager, error) {
	options = options.withDefaults()
	if err := options.Validate(); err != nil {
		return nil, err
	}
	m := &Manager{
		options: options,
		nodes:   newNodes(options),
		atlas:   newVerifier(options, options.AtlasPublicKey, options.AtlasPrivateKey),
		access:  &accessTokens{options: options, ends: map[[32]byte]time.Time{}},
		closed:  make(chan struct{}),
	}
	m.control = m.controlHandler()
	m.blank()
	if err := m.load(); err != nil {
		return nil, err
	}
	return m, nil
}

// Reset restores the state after New without a state file: no links, the settings of
// Options, no faults, zero counts and the initial seed. Nonces and access tokens stay.
func (m *Manager) Reset() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.blank()
	return m.save()
}

func (m *Manager) blank() {
	m.orgs = map[string]*organizationRecord{}
	m.issued = map[string]*issuedToken{}
	m.owners = map[string]string{}
	m.oauth = OAuthCounts{}
	m.defaults = m.options.Defaults
	m.totals = Totals{}
	m.faults = nil
	m.random = rand.New(rand.NewPCG(m.options.Seed, 0)) //nolint:gosec // repeatable on purpose
}

// Close ends deliberate delays, so that the server can shut down.
func (m *Manager) Close() {
	m.closing.Do(func() { close(m.closed) })
}

// ServeHTTP serves the manager's API under both its prefixes, the API of Atlas, and the
// control interface under /simulator/.
func (m *Manager) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if strings.HasPrefix(r.URL.Path, "/api/") {
		m.serveAPI(w, r)
		return
	}
	m.control.ServeHTTP(w, r)
}

// serveAPI answers one call: authentication, faults, effect.
func (m *Manager) serveAPI(w http.ResponseWriter, r *http.Request) {
	c := newCall(r)
	m.findOwner(c)
	c.verifier = m.atlas
	if !c.atlas {
		c.verifier = m.nodes.route(w, r)
	}
	m.countArrival(c, r)
	if fault, hit := m.nextFault(c, true); hit {
		c.readBody(w, r)
		fault.disturb(&exchange{m, w, r, c, func() reply { return m.answer(c, r) }})
		return
	}
	if denied, ok := m.authenticate(c, r); !ok {
		denied.write(w)
		return
	}
	c.readBody(w, r)
	fault, hit := m.nextFault(c, false)
	if !hit || !fault.refusesCredentials() {
		m.countCall(c)
	}
	if hit {
		fault.disturb(&exchange{m, w, r, c, func() reply { return m.perform(c).shaped(c) }})
		return
	}
	m.perform(c).shaped(c).write(w)
}

// answer returns the reply to a call without faults.
func (m *Manager) answer(c *call, r *http.Request) reply {
	if denied, ok := m.authenticate(c, r); !ok {
		return denied
	}
	m.countCall(c)
	return m.perform(c).shaped(c)
}

// authenticate reports whether a request has valid credentials. If not, it returns the
// reply.
func (m *Manager) authenticate(c *call, r *http.Request) (reply, bool) {
	switch {
	case c.resource == accessResource:
		return m.authenticateClient(r)
	case c.atlas && isBearer(c.authorization):
		return m.authenticateBearer(c)
	}
	verdict := c.verifier.verify(r)
	if verdict == granted {
		return reply{}, true
	}
	if verdict == unknownNonce {
		m.count(func() { m.totals.UnknownNonces++ })
	}
	return m.challenged(c, verdict == stale), false
}

func (m *Manager) challenged(c *call, isStale bool) reply {
	m.count(func() { m.totals.Challenges++ })
	return unauthorized(c.verifier.challenge(isStale))
}

// SetOrg replaces the settings of one organization, or with EveryOrg of all that have
// none of their own. If they are invalid, it returns an error and changes nothing.
func (m *Manager) SetOrg(orgID string, settings OrgSettings) error {
	if err := validateSetting(orgID, settings); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if orgID == EveryOrg {
		m.defaults = settings
		return m.save()
	}
	linked, to := settings.Linked, settings.LinkedTo
	settings.Linked, settings.LinkedTo = nil, "" // an act, performed here once
	org := m.org(orgID)
	org.Settings = settings
	now := m.options.Now()
	switch {
	case linked != nil && !*linked:
		org.change(nil, now, true)
	case linked != nil && org.Link == nil:
		org.change(&link{CreatedAt: now, SyncedAt: now, LinkedTo: to}, now, true)
	case org.Link != nil && settings.SyncDelay != nil:
		org.Link.SyncedAt = org.Link.CreatedAt.Add(time.Duration(*settings.SyncDelay))
	}
	return m.save()
}

// org returns the record of an organization, and creates it if necessary. The caller
// holds m.mu.
func (m *Manager) org(orgID string) *organizationRecord {
	record, ok := m.orgs[orgID]
	if !ok {
		record = &organizationRecord{}
		m.orgs[orgID] = record
	}
	return record
}

// settings returns the effective settings of an organization. The caller holds m.mu.
func (m *Manager) settings(orgID string) OrgSettings {
	s := m.defaults.over(builtin(m.options.SyncDelay))
	if record, ok := m.orgs[orgID]; ok {
		s = record.Settings.over(s)
	}
	return s
}

func (m *Manager) exists(orgID string) bool {
	return len(m.options.KnownOrgs) == 0 || slices.Contains(m.options.KnownOrgs, orgID)
}
