package config

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/migrationlink/migrationlink"
	"github.com/migrationlink/migrationlink/opsmanager"
	"github.com/migrationlink/migrationlink/redact"
)

const (
	minRequestTimeout = time.Second
	// maxRequestTimeout keeps an attempt of an activity, which may take several
	// requests, below its own limit in the workflow.
	maxRequestTimeout = time.Minute
	// minRate is a call per 100 seconds: below it a link would time out before
	// its turn. maxRate is what Temporal takes for no limit.
	minRate, maxRate = 0.01, 100_000
)

// Manager is one section [managers.NAME].
type Manager struct {
	Name                  string
	BaseURL               string
	BasePath              string
	PublicKey, PrivateKey redact.Secret
	TLS                   TLS
	AllowInsecureHTTP     bool
	UnlinkedIs404         bool
	RequestTimeout        time.Duration
	// RequestsPerSecond limits the activities of the whole fleet of workers,
	// and the calls of each worker. Zero means no limit.
	RequestsPerSecond float64
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

func readManagers(s *section) []Manager {
	names := slices.Sorted(maps.Keys(s.values))
	if len(names) == 0 {
		s.report("", "has no manager; add a section [managers.NAME] with base_url, public_key and private_key")
	}
	managers := make([]Manager, 0, len(names))
	for _, name := range names {
		if !migrationlink.ValidManagerName(name) {
			s.report(fmt.Sprintf("%q", name), "is no name of a manager; use 1 to 63 lower-case letters, digits and inner hyphens")
		}
		managers = append(managers, readManager(s.table(name), name))
	}
	return managers
}

func readManager(s *section, name string) Manager {
	defer s.end()
	m := Manager{
		Name:              name,
		BaseURL:           s.text("base_url", ""),
		BasePath:          s.text("base_path", opsmanager.DefaultBasePath),
		PublicKey:         s.secret("public_key"),
		PrivateKey:        s.secret("private_key"),
		TLS:               readTLS(s),
		AllowInsecureHTTP: s.flag("allow_insecure_http"),
		UnlinkedIs404:     s.flag("unlinked_is_404"),
		RequestTimeout:    s.duration("request_timeout", opsmanager.DefaultTimeout, minRequestTimeout, maxRequestTimeout),
		RequestsPerSecond: s.number("requests_per_second", 0, minRate, maxRate),
	}
	checkManager(s, m)
	return m
}

// checkManager tries each setting in an otherwise good configuration, because
// the client says all that is wrong, but not with which setting.
func checkManager(s *section, m Manager) {
	good := redact.NewSecret("good")
	trials := map[string]Manager{
		"base_url":   {BaseURL: m.BaseURL, AllowInsecureHTTP: m.AllowInsecureHTTP, PublicKey: good, PrivateKey: good},
		"base_path":  {BaseURL: "https://good", BasePath: m.BasePath, PublicKey: good, PrivateKey: good},
		"public_key": {BaseURL: "https://good", PublicKey: m.PublicKey, PrivateKey: good},
	}
	for _, setting := range slices.Sorted(maps.Keys(trials)) {
		s.try(setting, func() (closer, error) { return trials[setting].Client() })
	}
}
