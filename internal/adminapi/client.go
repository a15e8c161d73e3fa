// Package adminapi makes the calls of MongoDB's administration APIs, which Ops
// Manager, Cloud Manager and Atlas have in common: authentication with an API
// key (HTTP digest) or a service account (OAuth 2.0), bounded replies, errors
// that can be shown, and no credential anywhere but at the configured origin. It
// makes one call at a time and never retries a failed one; its callers do.
package adminapi

import (
	"cmp"
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

// DefaultTimeout bounds one HTTP request with its reply.
const DefaultTimeout = 30 * time.Second

// Config says how to reach one API, and in which words to speak of it.
type Config struct {
	// Party is who answers, as errors name it: "the manager" or "Atlas".
	Party string
	// Kind and Name are what metrics and traces call it, such as "manager" and the
	// name in a configuration. Without a name it is the host.
	Kind, Name string
	// BaseURL is scheme, host and port; ExampleURL is a good one, for errors.
	BaseURL, ExampleURL string
	// BasePath is the path of the API. Empty means DefaultBasePath.
	BasePath, DefaultBasePath string
	// MediaType is that of requests and replies.
	MediaType string
	// Credentials are an API key or a service account.
	Credentials Credentials
	// RootCAs verify the certificate of the server. Nil means the system's.
	RootCAs *x509.CertPool
	// ClientCertificate is shown to a server that asks for one. Nil means none.
	ClientCertificate *tls.Certificate
	// AllowInsecureHTTP permits plain http to hosts other than loopback.
	AllowInsecureHTTP bool
	// Timeout bounds one HTTP request with its reply. Zero means DefaultTimeout.
	Timeout time.Duration
	// RequestsPerSecond bounds the calls of this client. Zero means no bound.
	RequestsPerSecond float64
}

// Credentials are either an API key or, with a ClientID, a service account.
type Credentials struct {
	PublicKey    string
	PrivateKey   redact.Secret
	ClientID     string
	ClientSecret redact.Secret
}

// Client calls one API with one set of credentials. It is safe for concurrent
// use.
type Client struct {
	config  Config
	base    *url.URL // with the base path
	timeout time.Duration
	limiter *rate.Limiter
	lanes   *lanes
	// telemetry tells of the calls to whoever measures them.
	telemetry telemetry
	// access is that of a service account, nil with an API key.
	access *access
}

// New returns a client, or an error that names everything wrong with config
// except its credentials, which the caller has checked.
func New(config Config) (*Client, error) {
	base, err := config.endpoint()
	if err != nil {
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
	c := &Client{
		config:    config,
		base:      base,
		timeout:   timeout,
		limiter:   rate.NewLimiter(limit, max(1, int(config.RequestsPerSecond))),
		lanes:     newLanes(config.tls()),
		telemetry: newTelemetry(config.Kind, cmp.Or(config.Name, base.Host)),
	}
	if config.Credentials.ClientID != "" {
		c.access = newAccess(base)
	}
	return c, nil
}

// Close closes idle connections. Calls that are under way are not cut off; what
// they leave behind is closed, too.
func (c *Client) Close() { c.lanes.close() }

// Check names what is wrong with an API key.
func (credentials Credentials) Check() error {
	var problems []error
	if credentials.PublicKey == "" {
		problems = append(problems, errors.New("the public key is empty"))
	}
	if credentials.PrivateKey.IsZero() {
		problems = append(problems, errors.New("the private key is empty"))
	}
	// A colon would end the user name inside the digest.
	if strings.Contains(credentials.PublicKey, ":") {
		problems = append(problems, errors.New("the public key must not contain a colon"))
	}
	return errors.Join(problems...)
}

func (config Config) tls() *tls.Config {
	settings := &tls.Config{RootCAs: config.RootCAs, MinVersion: tls.VersionTLS12}
	if config.ClientCertificate != nil {
		settings.Certificates = []tls.Certificate{*config.ClientCertificate}
	}
	return settings
}

func (config Config) endpoint() (*url.URL, error) {
	base, err := url.Parse(config.BaseURL)
	if err != nil || base.Host == "" || (base.Scheme != "https" && base.Scheme != "http") {
		return nil, fmt.Errorf("the base URL must look like %q", config.ExampleURL)
	}
	if base.User != nil || base.RawQuery != "" || base.Fragment != "" || strings.Trim(base.Path, "/") != "" {
		return nil, errors.New("the base URL must be scheme, host and port only; put a path into the base path, and keys into the key settings")
	}
	if base.Scheme == "http" && !config.AllowInsecureHTTP && !isLoopback(base.Hostname()) {
		return nil, fmt.Errorf("plain http to %s would show the link-token to the network; use https, or allow_insecure_http = true", base.Hostname())
	}
	path := config.BasePath
	if path == "" {
		path = config.DefaultBasePath
	}
	if !strings.HasPrefix(path, "/") || strings.ContainsAny(path, "?#") {
		return nil, fmt.Errorf("the base path must start with a slash and hold no query, like %q", config.DefaultBasePath)
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
