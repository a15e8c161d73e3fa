// Package adminapi calls MongoDB's administration APIs. It has what Ops Manager, Cloud
// Manager and Atlas share: authentication with an API key (HTTP digest) or a service
// account (OAuth 2.0), size limits for replies, errors without secrets, and credentials
// that only go to the configured origin. It never retries a failed call; its callers do.
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
	"unicode"

	"golang.org/x/time/rate"

	"github.com/migrationlink/migrationlink/redact"
)

// DefaultTimeout limits one HTTP request with its reply.
const DefaultTimeout = 30 * time.Second

// Config says how to reach one API, and how errors and metrics name it.
type Config struct {
	// Party is the name of the other side in errors: "the manager" or "Atlas".
	Party string
	// Kind and Name identify the API in metrics and traces, such as "manager" and the
	// name in a configuration. An empty Name means the host.
	Kind, Name string
	// BaseURL is scheme, host and port. ExampleURL is a valid one, for errors.
	BaseURL, ExampleURL string
	// BasePath is the path of the API. Empty means DefaultBasePath.
	BasePath, DefaultBasePath string
	// MediaType is the media type of requests and replies.
	MediaType string
	// Credentials are an API key or a service account.
	Credentials Credentials
	// RootCAs verify the certificate of the server. Nil means the system's roots.
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
	// queueLimit is how long a call may wait for its first request.
	queueLimit time.Duration
	conns      *connPool
	cookies    cookies
	// large, long and lists limit the memory for replies.
	large, long, lists slots
	history            history
	telemetry          telemetry
	// access is nil with an API key.
	access *access
}

// New returns a client, or the FieldErrors of config. It does not check the credentials;
// the caller does.
func New(config Config) (*Client, error) {
	base, err := config.endpoint()
	if err != nil {
		return nil, err
	}
	limit := rate.Inf
	if config.RequestsPerSecond > 0 {
		limit = rate.Limit(config.RequestsPerSecond)
	}
	c := &Client{
		config:     config,
		base:       base,
		timeout:    cmp.Or(config.Timeout, DefaultTimeout),
		limiter:    rate.NewLimiter(limit, max(1, int(config.RequestsPerSecond))),
		queueLimit: queueLimit,
		conns:      newConnPool(config.tls()),
		large:      make(slots, maxLarge),
		long:       make(slots, maxLong),
		lists:      make(slots, maxLarge),
		telemetry:  newTelemetry(config.Kind, cmp.Or(config.Name, base.Host)),
	}
	if config.Credentials.ClientID != "" {
		c.access = newAccess(base)
	}
	return c, nil
}

// Close closes idle connections. It does not interrupt running calls; their connections
// are closed when they end.
func (c *Client) Close() { c.conns.close() }

// Check returns what is wrong with an API key.
func (credentials Credentials) Check() error {
	var problems []error
	if credentials.PublicKey == "" {
		problems = append(problems, FieldError{"public_key", "the public key is empty"})
	}
	if credentials.PrivateKey.IsZero() {
		problems = append(problems, FieldError{"private_key", "the private key is empty"})
	}
	// In the digest, a colon ends the user name.
	if strings.Contains(credentials.PublicKey, ":") {
		problems = append(problems, FieldError{"public_key", "the public key must not contain a colon"})
	}
	return errors.Join(problems...)
}

// FieldError is a problem with one field of a Config.
type FieldError struct {
	Field   string // its key in the worker's configuration file
	Problem string
}

func (e FieldError) Error() string { return e.Problem }

// FieldErrors returns the FieldErrors in err, which may be joined.
func FieldErrors(err error) (found []FieldError) {
	switch err := err.(type) { //nolint:errorlint // joined errors are taken apart
	case FieldError:
		return []FieldError{err}
	case interface{ Unwrap() []error }:
		for _, joined := range err.Unwrap() {
			found = append(found, FieldErrors(joined)...)
		}
	}
	return found
}

func (config Config) tls() *tls.Config {
	settings := &tls.Config{RootCAs: config.RootCAs, MinVersion: tls.VersionTLS12}
	if config.ClientCertificate != nil {
		settings.Certificates = []tls.Certificate{*config.ClientCertificate}
	}
	return settings
}

func (config Config) endpoint() (*url.URL, error) {
	base, urlProblem := config.baseURL()
	path, pathProblem := config.basePath()
	var problems []error
	if pathProblem != "" {
		problems = append(problems, FieldError{"base_path", pathProblem})
	}
	if urlProblem != "" {
		problems = append(problems, FieldError{"base_url", urlProblem})
	}
	if len(problems) > 0 {
		return nil, errors.Join(problems...)
	}
	return base.JoinPath(path), nil
}

func (config Config) baseURL() (_ *url.URL, problem string) {
	base, err := url.Parse(config.BaseURL)
	switch {
	case err != nil || base.Host == "" || base.Scheme != "https" && base.Scheme != "http":
		return nil, fmt.Sprintf("the base URL must look like %q", config.ExampleURL)
	case base.User != nil || base.RawQuery != "" || base.Fragment != "" || strings.Trim(base.Path, "/") != "":
		return nil, "the base URL must be scheme, host and port only; put a path into the base path, and keys into the key settings"
	case base.Hostname() == "" || strings.ContainsFunc(base.Hostname(), notGraphic):
		return nil, fmt.Sprintf("the base URL must name a host, like %q", config.ExampleURL)
	case strings.HasSuffix(base.Host, ":") || !ValidPort(base.Port()):
		return nil, "the base URL must have a port from 1 to 65535, or none"
	case base.Scheme == "http" && !config.AllowInsecureHTTP && !IsLoopback(base.Hostname()):
		return nil, fmt.Sprintf("plain http to %s would show the link-token to the network; use https, or allow_insecure_http = true", base.Hostname())
	}
	base.Path, base.RawPath = "", ""
	return base, ""
}

func (config Config) basePath() (path, problem string) {
	path = cmp.Or(config.BasePath, config.DefaultBasePath)
	if !strings.HasPrefix(path, "/") || strings.ContainsAny(path, "?#") {
		return "", fmt.Sprintf("the base path must start with a slash and hold no query, like %q", config.DefaultBasePath)
	}
	plain, err := url.PathUnescape(path)
	if err != nil || strings.ContainsFunc(plain, notGraphic) || strings.Contains(plain, `\`) || strings.Contains(plain, "%") {
		return "", fmt.Sprintf("the base path must hold no space, control character, backslash or percent sign that is no escape, like %q", config.DefaultBasePath)
	}
	for segment := range strings.SplitSeq(plain, "/") {
		if segment == "." || segment == ".." {
			return "", `the base path must hold no "." or ".." between its slashes`
		}
	}
	return path, ""
}

func notGraphic(r rune) bool {
	return r == ' ' || r == unicode.ReplacementChar || !unicode.IsGraphic(r)
}

// IsLoopback reports whether host is localhost or a loopback address. It does not
// resolve names: a resolver could be made to answer anything.
func IsLoopback(host string) bool {
	address, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && address.IsLoopback()
}
