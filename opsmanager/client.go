// Package opsmanager is a client of the link API of MongoDB Ops Manager and
// Cloud Manager: it creates, reads and deletes the link of one source
// organization. It makes one call at a time and never retries a failed one;
// its callers do.
package opsmanager

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"golang.org/x/time/rate"

	"github.com/migrationlink/migrationlink/redact"
)

const (
	// DefaultBasePath is the path of the API, the same in both products.
	DefaultBasePath = "/api/public/v1.0"
	// DefaultTimeout bounds one HTTP request with its reply.
	DefaultTimeout = 30 * time.Second

	// maxBody is the most that is read of any reply. Real ones are below 1 KiB.
	maxBody = 1 << 20
)

// Config says how to reach one manager.
type Config struct {
	// BaseURL is scheme, host and port, for example
	// "https://opsmanager.example.com:8443" or "https://cloud.mongodb.com".
	BaseURL string
	// BasePath is the path of the API. Empty means DefaultBasePath.
	BasePath string
	// PublicKey and PrivateKey are a programmatic API key with the role
	// Organization Owner in every organization to link.
	PublicKey  string
	PrivateKey redact.Secret
	// RootCAs verify the manager's certificate. Nil means the system's.
	RootCAs *x509.CertPool
	// ClientCertificate is shown to a manager that asks for one. Nil means none.
	ClientCertificate *tls.Certificate
	// AllowInsecureHTTP permits plain http to hosts other than loopback.
	AllowInsecureHTTP bool
	// Timeout bounds one HTTP request with its reply. Zero means
	// DefaultTimeout.
	Timeout time.Duration
	// UnlinkedIs404 says that the manager answers 404 to the status of an
	// organization without a link, so that NOT_SYNCED is the status of one. What
	// managers do is not documented.
	UnlinkedIs404 bool
	// RequestsPerSecond bounds the calls of this client. Zero means no bound.
	RequestsPerSecond float64
}

// Client calls one manager with one API key. It is safe for concurrent use.
type Client struct {
	base       *url.URL // with the base path
	publicKey  string
	privateKey redact.Secret
	timeout    time.Duration
	limiter    *rate.Limiter
	// unlinkedIs404 is that of Config.
	unlinkedIs404 bool
	lanes         *lanes
}

// New returns a client, or an error that names everything wrong with config.
func New(config Config) (*Client, error) {
	base, err := config.endpoint()
	if err := errors.Join(err, config.checkCredentials()); err != nil {
		return nil, err
	}
	timeout := config.Timeout
	if timeout == 0 {
		timeout = DefaultTimeout
	}
	limit := rate.Inf
	if config.RequestsPerSecond > 0 {
		limit = rate.Limit(config.RequestsPerSecond)
	}
	return &Client{
		base:          base,
		publicKey:     config.PublicKey,
		privateKey:    config.PrivateKey,
		timeout:       timeout,
		unlinkedIs404: config.UnlinkedIs404,
		limiter:       rate.NewLimiter(limit, max(1, int(config.RequestsPerSecond))),
		lanes:         newLanes(&tls.Config{RootCAs: config.RootCAs, MinVersion: tls.VersionTLS12}),
	}, nil
}

// Close closes idle connections.
func (c *Client) Close() { c.lanes.close() }

func (config Config) checkCredentials() error {
	var problems []error
	if config.PublicKey == "" {
		problems = append(problems, errors.New("the public key is empty"))
	}
	if config.PrivateKey.IsZero() {
		problems = append(problems, errors.New("the private key is empty"))
	}
	// A colon would end the user name inside the digest.
	if strings.Contains(config.PublicKey, ":") {
		problems = append(problems, errors.New("the public key must not contain a colon"))
	}
	return errors.Join(problems...)
}

func (config Config) endpoint() (*url.URL, error) {
	base, err := url.Parse(config.BaseURL)
	if err != nil || base.Host == "" || (base.Scheme != "https" && base.Scheme != "http") {
		return nil, errors.New(`the base URL must look like "https://opsmanager.example.com:8443"`)
	}
	if base.User != nil || base.RawQuery != "" || base.Fragment != "" || strings.Trim(base.Path, "/") != "" {
		return nil, errors.New("the base URL must be scheme, host and port only; put a path into the base path, and keys into the key settings")
	}
	if base.Scheme == "http" && !config.AllowInsecureHTTP && !isLoopback(base.Hostname()) {
		return nil, fmt.Errorf("plain http to %s would show the link-token to the network; use https, or allow_insecure_http = true", base.Hostname())
	}
	path := config.BasePath
	if path == "" {
		path = DefaultBasePath
	}
	if !strings.HasPrefix(path, "/") || strings.ContainsAny(path, "?#") {
		return nil, fmt.Errorf("the base path must start with a slash and hold no query, like %q", DefaultBasePath)
	}
	base.Path = ""
	return base.JoinPath(path), nil
}

// isLoopback does not resolve names: a resolver could be made to answer
// anything.
func isLoopback(host string) bool {
	if host == "localhost" {
		return true
	}
	address, err := netip.ParseAddr(host)
	return err == nil && address.IsLoopback()
}
