// Package atlas is a client of the link-token API of MongoDB Atlas: it creates and
// deletes the link-token of one target organization, and reads which projects of its
// sources are available for migration. It never retries a failed call; its callers do.
package atlas

import (
	"cmp"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"time"

	"github.com/migrationlink/migrationlink/internal/adminapi"
	"github.com/migrationlink/migrationlink/redact"
)

const (
	// DefaultBaseURL is the address of Atlas.
	DefaultBaseURL = "https://cloud.mongodb.com"
	// DefaultBasePath is the path of the API.
	DefaultBasePath = "/api/atlas/v2"
	// DefaultTimeout limits one HTTP request with its reply.
	DefaultTimeout = adminapi.DefaultTimeout

	// mediaType names the version of the API.
	mediaType = "application/vnd.atlas.2023-01-01+json"
)

// Config says how to reach Atlas: with an API key (PublicKey and PrivateKey, HTTP
// digest) or with a service account (ClientID and ClientSecret, OAuth 2.0 client
// credentials), either with the role Organization Owner in every target
// organization.
type Config struct {
	// Name identifies it in metrics and traces. Empty means its host.
	Name string
	// BaseURL is scheme, host and port. Empty means DefaultBaseURL.
	BaseURL string
	// BasePath is the path of the API. Empty means DefaultBasePath.
	BasePath     string
	PublicKey    string
	PrivateKey   redact.Secret
	ClientID     string
	ClientSecret redact.Secret
	// RootCAs verify the certificate of Atlas. Nil means the system's roots.
	RootCAs *x509.CertPool
	// ClientCertificate is presented to a server that asks for one. Nil means none.
	ClientCertificate *tls.Certificate
	// AllowInsecureHTTP permits plain http to hosts other than loopback.
	AllowInsecureHTTP bool
	// Timeout limits one HTTP request with its reply. Zero means DefaultTimeout.
	Timeout time.Duration
	// RequestsPerSecond limits the requests of this client. Zero means no limit.
	RequestsPerSecond float64
}

// Client calls Atlas. It is safe for concurrent use.
type Client struct{ api *adminapi.Client }

// New returns a client, or an error that lists everything wrong with config.
func New(config Config) (*Client, error) {
	api, err := adminapi.New(adminapi.Config{
		Party:             "Atlas",
		Kind:              "atlas",
		Name:              config.Name,
		BaseURL:           cmp.Or(config.BaseURL, DefaultBaseURL),
		ExampleURL:        DefaultBaseURL,
		BasePath:          config.BasePath,
		DefaultBasePath:   DefaultBasePath,
		MediaType:         mediaType,
		Credentials:       config.credentials(),
		RootCAs:           config.RootCAs,
		ClientCertificate: config.ClientCertificate,
		AllowInsecureHTTP: config.AllowInsecureHTTP,
		Timeout:           config.Timeout,
		RequestsPerSecond: config.RequestsPerSecond,
	})
	if err := errors.Join(err, config.checkCredentials()); err != nil {
		return nil, err
	}
	return &Client{api: api}, nil
}

// Close closes idle connections. It does not interrupt running calls; their connections
// are closed when they end.
func (c *Client) Close() { c.api.Close() }

// Answered reports whether Atlas has ever accepted the API key or the service account of
// this client.
func (c *Client) Answered() bool { return c.api.Answered() }

// Streak returns how many calls for the organization have ended in a row with a Doubtful
// error, and the time since the first of them. Ask directly after such a call: reads and
// writes are counted separately, and Streak returns the row of the last. A proper reply
// ends a row; timeouts, 429 and 5xx neither extend nor end it.
func (c *Client) Streak(orgID string) (inARow int, lasting time.Duration) { return c.api.Streak(orgID) }

func (config Config) credentials() adminapi.Credentials {
	return adminapi.Credentials{
		PublicKey:    config.PublicKey,
		PrivateKey:   config.PrivateKey,
		ClientID:     config.ClientID,
		ClientSecret: config.ClientSecret,
	}
}

func (config Config) checkCredentials() error {
	key := config.PublicKey != "" || !config.PrivateKey.IsZero()
	account := config.ClientID != "" || !config.ClientSecret.IsZero()
	switch {
	case key && account:
		return errors.New("there are an API key and a service account; leave out the public and the private key, or the client id and the client secret")
	case key:
		return config.credentials().Check()
	case !account:
		return errors.New("there are no credentials; give a public and a private key, or the client id and the client secret of a service account")
	case config.ClientID == "":
		return adminapi.FieldError{Field: "client_id", Problem: "the client id is empty"}
	case config.ClientSecret.IsZero():
		return adminapi.FieldError{Field: "client_secret", Problem: "the client secret is empty"}
	}
	return nil
}
