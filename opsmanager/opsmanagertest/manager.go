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
	options  Options
	verifier *verifier // of the manager's API key
	atlas    *verifier // of Atlas's
	access   *accessTokens
	control  http.Handler
	closed   chan struct{}
	closing  sync.Once

	mu       sync.Mutex
	orgs     map[string]*organizationRecord
	issued   map[string]*issuedToken // of all organizations, by their SHA-256
	defaults OrgSettings
	totals   Totals
	oauth    OAuthCounts
	faults   []*FaultState
	random   *rand.Rand
}

// organizationRecord is all that is known of one organization. Its JSON is the
// state file's.
type organizationRecord struct {
	Link     *link       `json:"link,omitempty"`
	Settings OrgSettings `json:"settings,omitzero"`
	Counts
	Atlas atlasRecord `json:"atlas,omitzero"`
}

// New makes a simulated manager, with the links of its state file if it has one.
func New(options Options) (*Manager, error) {
	options = options.withDefaults()
	if err := options.Validate(); err != nil {
		return nil, err
	}
	m := &Manager{
		options:  options,
		verifier: newVerifier(options, options.PublicKey, options.PrivateKey),
		atlas:    newVerifier(options, options.AtlasPublicKey, options.AtlasPrivateKey),
		access:   &accessTokens{options: options, ends: map[[32]byte]time.Time{}},
		closed:   make(chan struct{}),
	}
	m.control = m.controlHandler()
	m.blank()
	if err := m.load(); err != nil {
		return nil, err
	}
	return m, nil
}

// Reset makes everything as it was after New with no state file: no links, the
// settings of Options, no faults, counts of zero, the seed at its start. Nonces and
// access tokens stay.
func (m *Manager) Reset() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.blank()
	return m.save()
}

func (m *Manager) blank() {
	m.orgs = map[string]*organizationRecord{}
	m.issued = map[string]*issuedToken{}
	m.oauth = OAuthCounts{}
	m.defaults = m.options.Defaults
	m.totals = Totals{}
	m.faults = nil
	m.random = rand.New(rand.NewPCG(m.options.Seed, 0)) //nolint:gosec // repeatable on purpose
}

// Close ends the replies that wait on purpose, so that the server under the
// manager can shut down.
func (m *Manager) Close() {
	m.closing.Do(func() { close(m.closed) })
}

// ServeHTTP answers the manager's API under both its prefixes, that of Atlas, and
// the control interface under /simulator/.
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

// answer is what a call gets when nothing but itself decides.
func (m *Manager) answer(c *call, r *http.Request) reply {
	if denied, ok := m.authenticate(c, r); !ok {
		return denied
	}
	m.countCall(c)
	return m.perform(c).shaped(c)
}

// authenticate returns the reply to a request without the right credentials, or
// true.
func (m *Manager) authenticate(c *call, r *http.Request) (reply, bool) {
	switch {
	case c.resource == accessResource:
		return m.authenticateClient(r)
	case c.atlas && isBearer(c.authorization):
		return m.authenticateBearer(c)
	}
	verdict := m.verifierOf(c).verify(r)
	if verdict == granted {
		return reply{}, true
	}
	return m.challenged(c, verdict == stale), false
}

func (m *Manager) verifierOf(c *call) *verifier {
	if c.atlas {
		return m.atlas
	}
	return m.verifier
}

func (m *Manager) challenged(c *call, isStale bool) reply {
	m.countChallenge()
	return unauthorized(m.verifierOf(c).challenge(isStale))
}

// SetOrg replaces the settings of one organization, or of all that have none of
// their own with EveryOrg. Settings that cannot be are refused, and nothing changes.
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
	linked := settings.Linked
	settings.Linked = nil // an act: done once, here
	org := m.org(orgID)
	org.Settings = settings
	now := m.options.Now()
	switch {
	case linked != nil && !*linked:
		org.Link = nil
	case linked != nil && org.Link == nil:
		org.Link = &link{CreatedAt: now, SyncedAt: now}
	case org.Link != nil && settings.SyncDelay != nil:
		org.Link.SyncedAt = org.Link.CreatedAt.Add(time.Duration(*settings.SyncDelay))
	}
	return m.save()
}

// org returns the record of an organization, new if need be. The caller holds m.mu.
func (m *Manager) org(orgID string) *organizationRecord {
	record, ok := m.orgs[orgID]
	if !ok {
		record = &organizationRecord{}
		m.orgs[orgID] = record
	}
	return record
}

// settings are those in force for an organization. The caller holds m.mu.
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
