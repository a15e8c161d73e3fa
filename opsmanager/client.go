// Package opsmanager is a client of the link API of MongoDB Ops Manager and Cloud
// Manager: it creates, reads and deletes the link of one source organization. It never
// retries a failed call; its callers do.
package opsmanager

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"time"

	"github.com/migrationlink/migrationlink/internal/adminapi"
	"github.com/migrationlink/migrationlink/redact"
)

const (
	// DefaultBasePath is the path of the API, the same in both products.
	DefaultBasePath = "/api/public/v1.0"
	// DefaultTimeout limits one HTTP request with its reply.
	DefaultTimeout = adminapi.DefaultTimeout
)

// Config says how to reach one manager.
type Config struct {
	// Name identifies it in metrics and traces. Empty means its host.
	Name string
	// BaseURL is scheme, host and port, for example
	// "https://opsmanager.example.com:8443" or "https://cloud.mongodb.com".
	BaseURL string
	// BasePath is the path of the API. Empty means DefaultBasePath.
	BasePath string
	// PublicKey and PrivateKey are a programmatic API key with the role
	// Organization Owner in every organization to link.
	PublicKey  string
	PrivateKey redact.Secret
	// RootCAs verify the manager's certificate. Nil means the system's roots.
	RootCAs *x509.CertPool
	// ClientCertificate is presented to a manager that asks for one. Nil means none.
	ClientCertificate *tls.Certificate
	// AllowInsecureHTTP permits plain http to hosts other than loopback.
	AllowInsecureHTTP bool
	// Timeout limits one HTTP request with its reply. Zero means DefaultTimeout.
	Timeout time.Duration
	// UnlinkedIs404 reports whether the manager answers 404 to the status of an organization
	// without a link, so that NOT_SYNCED means that there is a link. This is not
	// documented and differs between managers.
	UnlinkedIs404 bool
	// RequestsPerSecond limits the requests of this client. Zero means no limit.
	RequestsPerSecond float64
}

// Client calls one manager with one API key. It is safe for concurrent use.
type Client struct {
	api           *adminapi.Client
	unlinkedIs404 bool
	// projectsBytes limits all pages of projects together.
	projectsBytes int
}

// New returns a client, or an error that lists everything wrong with config.
func New(config Config) (*Client, error) {
	key := adminapi.Credentials{PublicKey: config.PublicKey, PrivateKey: config.PrivateKey}
	api, err := adminapi.New(adminapi.Config{
		Party:             "the manager",
		Kind:              "manager",
		Name:              config.Name,
		BaseURL:           config.BaseURL,
		ExampleURL:        "https://opsmanager.example.com:8443",
		BasePath:          config.BasePath,
		DefaultBasePath:   DefaultBasePath,
		MediaType:         "application/json",
		Credentials:       key,
		RootCAs:           config.RootCAs,
		ClientCertificate: config.ClientCertificate,
		AllowInsecureHTTP: config.AllowInsecureHTTP,
		Timeout:           config.Timeout,
		RequestsPerSecond: config.RequestsPerSecond,
	})
	if err := errors.Join(err, key.Check()); err != nil {
		return nil, err
	}
	return &Client{api: api, unlinkedIs404: config.UnlinkedIs404, projectsBytes: maxProjectsBytes}, nil
}

// Close closes idle connections. It does not interrupt running calls; their connections
// are closed when they end.
func (c *Client) Close() { c.api.Close() }

// Answered reports whether the manager has ever accepted the API key of this client.
func (c *Client) Answered() bool { return c.api.Answered() }

// Streak returns how many calls for the organization have ended in a row with a Doubtful
// error, and the time since the first of them. Ask directly after such a call: reads and
// writes are counted separately, and Streak returns the row of the last. A proper reply
// ends a row; timeouts, 429 and 5xx neither extend nor end it.
func (c *Client) Streak(orgID string) (inARow int, lasting time.Duration) { return c.api.Streak(orgID) }
