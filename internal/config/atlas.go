package config

import (
	"github.com/migrationlink/migrationlink/atlas"
	"github.com/migrationlink/migrationlink/redact"
)

// Atlas is one section [atlas.NAME]. It has either the keys of an API key or the
// id and secret of a service account.
type Atlas struct {
	Endpoint
	ClientID, ClientSecret redact.Secret
}

// Client returns a new client of Atlas.
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

// Equal reports whether clients of both behave alike.
func (a Atlas) Equal(other Atlas) bool {
	return equal(a, other, func(a *Atlas) []*redact.Secret { return append(a.secrets(), &a.ClientID, &a.ClientSecret) })
}

func readAtlas(s *section, name string) Atlas {
	a := Atlas{
		Endpoint:     readEndpoint(s, name, atlas.DefaultBaseURL, atlas.DefaultBasePath, s.optionalSecret),
		ClientID:     s.optionalSecret("client_id"),
		ClientSecret: s.optionalSecret("client_secret"),
	}
	if checkAtlasCredentials(s) {
		trial := a
		trial.TLS = TLS{} // checked by its own rules
		client, err := trial.Client()
		a.check(s, client, err)
	}
	return a
}

// checkAtlasCredentials reports whether there is exactly one kind of credentials.
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
