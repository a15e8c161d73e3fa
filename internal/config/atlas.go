package config

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/migrationlink/migrationlink"
	"github.com/migrationlink/migrationlink/atlas"
	"github.com/migrationlink/migrationlink/redact"
)

// Atlas is one section [atlas.NAME]. It has either the keys of an API key or the
// id and secret of a service account.
type Atlas struct {
	Name                   string
	BaseURL                string
	BasePath               string
	PublicKey, PrivateKey  redact.Secret
	ClientID, ClientSecret redact.Secret
	TLS                    TLS
	AllowInsecureHTTP      bool
	RequestTimeout         time.Duration
	// RequestsPerSecond limits the calls of each worker. Zero means no limit.
	RequestsPerSecond float64
}

// Client returns a new client of this Atlas.
func (a Atlas) Client() (*atlas.Client, error) {
	certificate, err := a.TLS.certificate()
	if err != nil {
		return nil, err
	}
	return atlas.New(atlas.Config{
		Name:              a.Name,
		BaseURL:           a.BaseURL,
		BasePath:          a.BasePath,
		PublicKey:         a.PublicKey.Reveal(),
		PrivateKey:        a.PrivateKey,
		ClientID:          a.ClientID.Reveal(),
		ClientSecret:      a.ClientSecret,
		RootCAs:           a.TLS.roots(),
		ClientCertificate: certificate,
		AllowInsecureHTTP: a.AllowInsecureHTTP,
		Timeout:           a.RequestTimeout,
		RequestsPerSecond: a.RequestsPerSecond,
	})
}

func readAtlas(s *section) []Atlas {
	var all []Atlas
	for _, name := range slices.Sorted(maps.Keys(s.values)) {
		if !migrationlink.ValidManagerName(name) {
			s.report(fmt.Sprintf("%q", name), "is no name of an Atlas; use 1 to 63 lower-case letters, digits and inner hyphens")
		}
		all = append(all, readOneAtlas(s.table(name), name))
	}
	return all
}

func readOneAtlas(s *section, name string) Atlas {
	defer s.end()
	a := Atlas{
		Name:              name,
		BaseURL:           s.text("base_url", atlas.DefaultBaseURL),
		BasePath:          s.text("base_path", atlas.DefaultBasePath),
		PublicKey:         s.optionalSecret("public_key"),
		PrivateKey:        s.optionalSecret("private_key"),
		ClientID:          s.optionalSecret("client_id"),
		ClientSecret:      s.optionalSecret("client_secret"),
		TLS:               readTLS(s),
		AllowInsecureHTTP: s.flag("allow_insecure_http"),
		RequestTimeout:    s.duration("request_timeout", atlas.DefaultTimeout, minRequestTimeout, maxRequestTimeout),
		RequestsPerSecond: s.number("requests_per_second", 0, minRate, maxRate),
	}
	if checkAtlasCredentials(s) {
		checkAtlas(s, a)
	}
	return a
}

// checkAtlasCredentials tells whether exactly one kind of credentials is there.
func checkAtlasCredentials(s *section) bool {
	key, account := s.has("public_key") || s.has("private_key"), s.has("client_id") || s.has("client_secret")
	switch {
	case key && account:
		s.report("", "has both an API key and a service account; set public_key and private_key, or client_id and client_secret")
		return false
	case !key && !account:
		s.report("", "has no credentials; set public_key and private_key of an API key, or client_id and client_secret of a service account")
		return false
	}
	pair := []string{"public_key", "private_key"}
	if account {
		pair = []string{"client_id", "client_secret"}
	}
	for _, setting := range pair {
		if !s.has(setting) {
			s.report(setting, `is missing; set it to "env:NAME" or "file:/path"`)
		}
	}
	return true
}

// checkAtlas is checkManager for an Atlas.
func checkAtlas(s *section, a Atlas) {
	good := redact.NewSecret("good")
	trials := map[string]Atlas{
		"base_url":  {BaseURL: a.BaseURL, AllowInsecureHTTP: a.AllowInsecureHTTP, ClientID: good, ClientSecret: good},
		"base_path": {BasePath: a.BasePath, ClientID: good, ClientSecret: good},
	}
	if s.has("public_key") {
		trials["public_key"] = Atlas{PublicKey: a.PublicKey, PrivateKey: good}
	}
	if s.has("client_id") {
		trials["client_id"] = Atlas{ClientID: a.ClientID, ClientSecret: good}
	}
	for _, setting := range slices.Sorted(maps.Keys(trials)) {
		s.try(setting, func() (closer, error) { return trials[setting].Client() })
	}
}
