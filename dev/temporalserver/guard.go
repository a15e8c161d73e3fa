package temporalserver

import (
	"crypto/subtle"

	"go.temporal.io/server/common/authorization"
	"go.temporal.io/server/common/config"
)

// TLS are files in PEM form.
type TLS struct {
	CertFile, KeyFile string // of the frontend
	// ClientCAFile is the authority of the certificates that callers must present. Empty
	// means none.
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

// guarded reports whether callers need a certificate or a key.
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

// keyed lets callers with the API key use the namespaces and nothing else of the
// server, as Temporal Cloud does.
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
