package config

import (
	"net/url"
	"strings"
	"time"

	"github.com/migrationlink/migrationlink"
	"github.com/migrationlink/migrationlink/opsmanager"
	"github.com/migrationlink/migrationlink/redact"
)

// Manager is one section [managers.NAME].
type Manager struct {
	Endpoint
	UnlinkedIs404 bool
	// MaxPollInterval is the longest time between two polls of a link that waits.
	MaxPollInterval time.Duration
	Kind            migrationlink.ManagerKind
}

const (
	defaultPollInterval = 45 * time.Second
	// minPollInterval is above what a poll takes. maxPollInterval is the shortest time in
	// which somebody would miss a link that is SYNCED.
	minPollInterval, maxPollInterval = 5 * time.Second, time.Hour
)

// cloudManagerHost is where Cloud Manager is.
const cloudManagerHost = "cloud.mongodb.com"

// kindAt returns the product at an address.
func kindAt(baseURL string) migrationlink.ManagerKind {
	if base, err := url.Parse(baseURL); err == nil && strings.EqualFold(base.Hostname(), cloudManagerHost) {
		return migrationlink.KindCloudManager
	}
	return migrationlink.KindOpsManager
}

// Client returns a new client of the manager.
func (m Manager) Client() (*opsmanager.Client, error) {
	certificate, err := m.TLS.certificate()
	if err != nil {
		return nil, err
	}
	return opsmanager.New(opsmanager.Config{
		Name:              m.Name,
		BaseURL:           m.BaseURL,
		BasePath:          m.BasePath,
		PublicKey:         m.PublicKey.Reveal(),
		PrivateKey:        m.PrivateKey,
		RootCAs:           m.TLS.roots(),
		ClientCertificate: certificate,
		AllowInsecureHTTP: m.AllowInsecureHTTP,
		UnlinkedIs404:     m.UnlinkedIs404,
		Timeout:           m.RequestTimeout,
		RequestsPerSecond: m.RequestsPerSecond,
	})
}

// Equal reports whether clients of both behave alike. The rate limit does not count:
// Temporal applies it to the whole fleet.
func (m Manager) Equal(other Manager) bool {
	other.RequestsPerSecond = m.RequestsPerSecond
	return equal(m, other, func(m *Manager) []*redact.Secret { return m.secrets() })
}

func readManagers(s *section) []Manager {
	if len(s.values) == 0 {
		s.report("", "has no manager; add a section [managers.NAME] with base_url, public_key and private_key")
	}
	return readEach(s, "manager", readManager)
}

func readManager(s *section, name string) Manager {
	m := Manager{
		Endpoint:        readEndpoint(s, name, "", opsmanager.DefaultBasePath, s.secret),
		UnlinkedIs404:   s.flag("unlinked_is_404"),
		MaxPollInterval: s.duration("max_poll_interval", defaultPollInterval, minPollInterval, maxPollInterval),
	}
	kinds := []string{string(migrationlink.KindOpsManager), string(migrationlink.KindCloudManager)}
	m.Kind = migrationlink.ManagerKind(s.oneOf("kind", string(kindAt(m.BaseURL)), kinds))
	trial := m
	trial.TLS = TLS{} // checked by its own rules
	client, err := trial.Client()
	m.check(s, client, err)
	return m
}
