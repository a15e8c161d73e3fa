// Package atlas is a client of the link-token API of MongoDB Atlas: it makes and
// deletes the link-token of one target organization, and reads which projects
// of its sources are available for migration. It makes one call at a time and
// never retries a failed one; its callers do.
package atlas

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"time"

	"github.com/migrationlink/migrationlink/redact"
)

const (
	// DefaultBaseURL is where Atlas is.
	DefaultBaseURL = "https://cloud.mongodb.com"
	// DefaultBasePath is the path of the API.
	DefaultBasePath = "/api/atlas/v2"
)

// Config says how to reach Atlas: with an API key (PublicKey and PrivateKey, HTTP
// digest) or with a service account (ClientID and ClientSecret, OAuth 2.0 client
// credentials), either with the role Organization Owner in every target
// organization.
type Config struct {
	// BaseURL is scheme, host and port. Empty means DefaultBaseURL.
	BaseURL string
	// BasePath is the path of the API. Empty means DefaultBasePath.
	BasePath     string
	PublicKey    string
	PrivateKey   redact.Secret
	ClientID     string
	ClientSecret redact.Secret
	// RootCAs verify the certificate of Atlas. Nil means the system's.
	RootCAs *x509.CertPool
	// ClientCertificate is shown to a server that asks for one. Nil means none.
	ClientCertificate *tls.Certificate
	// AllowInsecureHTTP permits plain http to hosts other than loopback.
	AllowInsecureHTTP bool
	// Timeout bounds one HTTP request with its reply. Zero means 30 s.
	Timeout time.Duration
	// RequestsPerSecond bounds the calls of this client. Zero means no bound.
	RequestsPerSecond float64
}

// Client calls Atlas. It is safe for concurrent use.
type Client struct{}

// Project is a project of a source organization.
type Project struct {
	ID   string // 24 lower-case hexadecimal digits
	Name string
}

// New returns a client, or an error that names everything wrong with config.
func New(Config) (*Client, error) { return nil, errors.New("to be written") }

// Close closes idle connections.
func (c *Client) Close() {}

// CreateLinkToken makes a link-token for the target organization.
//
// beforeSending, if not nil, is called directly before the request leaves that
// may make one; its error is returned in a TransportError, and nothing is sent.
//
// POST /orgs/{orgId}/liveMigrations/linkTokens
func (c *Client) CreateLinkToken(ctx context.Context, orgID string, accessListIPs []string, beforeSending func() error) (redact.Secret, error) {
	return redact.Secret{}, errors.New("to be written")
}

// DeleteLinkToken removes one link of the target organization and its API key:
// Atlas takes no id of a link-token. NoLinkToken tells of the error whether there
// was none.
//
// DELETE /orgs/{orgId}/liveMigrations/linkTokens
func (c *Client) DeleteLinkToken(ctx context.Context, orgID string) error {
	return errors.New("to be written")
}

// AvailableProjects are the projects of all sources that Atlas can migrate to
// the target organization.
//
// GET /orgs/{orgId}/liveMigrations/availableProjects
func (c *Client) AvailableProjects(ctx context.Context, orgID string) ([]Project, error) {
	return nil, errors.New("to be written")
}
