package temporalserver

import (
	"crypto/subtle"

	"go.temporal.io/server/common/authorization"
	"go.temporal.io/server/common/config"
)

// TLS are files in PEM form.
type TLS struct {
	CertFile, KeyFile string // of the frontend
	// ClientCAFile is the authority of the certificates that callers must show.
	// Empty means that they need none.
	ClientCAFile string
}

func (t *TLS) config() config.RootTLS {
	if t == nil {
		return config.RootTLS{}
	}
	server := config.ServerTLS{CertFile: t.CertFile, KeyFile: t.KeyFile}
	if t.ClientCAFile != "" {
		server.RequireClientAuth = true
		server.ClientCAFiles = []string{t.ClientCAFile}
	}
	return config.RootTLS{Frontend: config.GroupTLS{Server: server}}
}

// guarded tells whether not everybody who reaches the frontend may use it.
func (o Options) guarded() bool { return o.TLS != nil || !o.APIKey.IsZero() }

func (o Options) authorizer() authorization.Authorizer {
	if o.APIKey.IsZero() {
		return authorization.NewNoopAuthorizer()
	}
	return authorization.NewDefaultAuthorizer()
}

func (o Options) claimMapper() authorization.ClaimMapper {
	if o.APIKey.IsZero() {
		return authorization.NewNoopClaimMapper()
	}
	return keyed{o}
}

// keyed gives who shows the API key the namespaces, and nothing else of the
// server: no more than a key of Temporal Cloud does.
type keyed struct{ options Options }

func (k keyed) GetClaims(info *authorization.AuthInfo) (*authorization.Claims, error) {
	want := []byte("Bearer " + k.options.APIKey.Reveal())
	if subtle.ConstantTimeCompare([]byte(info.AuthToken), want) != 1 {
		return &authorization.Claims{}, nil
	}
	roles := map[string]authorization.Role{}
	for _, namespace := range k.options.Namespaces {
		roles[namespace] = authorization.RoleAdmin
	}
	return &authorization.Claims{Namespaces: roles}, nil
}
