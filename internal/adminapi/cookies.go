package adminapi

import (
	"net/http"
	"path"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/migrationlink/migrationlink/redact"
)

const (
	// maxCookies and maxCookie, in bytes, limit what is kept. Load balancers set one or
	// two short cookies.
	maxCookies, maxCookie = 16, 1024
	// minSecretCookie is the length in bytes from which the value of a cookie is removed
	// from errors: shorter ones, such as "a", occur everywhere.
	minSecretCookie = 8
)

// cookies are the cookies of a client's origin. A load balancer that pins clients by a
// cookie needs it back, or the nonce of one node reaches another.
type cookies struct {
	mu   sync.Mutex
	kept []cookie // the oldest first
}

type cookie struct {
	name, path string
	value      redact.Secret
	quoted     bool
	until      time.Time // zero if it does not expire
}

// add adds the cookies for the path of a request.
func (c *cookies) add(request *http.Request) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	for _, kept := range c.kept {
		if (kept.until.IsZero() || now.Before(kept.until)) && pathMatches(request.URL.Path, kept.path) {
			request.AddCookie(&http.Cookie{Name: kept.name, Value: kept.value.Reveal(), Quoted: kept.quoted}) //nolint:gosec // a request carries no attributes
		}
	}
}

// keep keeps the cookies of a reply of the origin, but not those of a forward proxy.
func (c *cookies) keep(request *http.Request, reply *Reply) {
	if reply.Status == http.StatusProxyAuthRequired {
		return
	}
	response := http.Response{Header: reply.Header}
	for _, set := range response.Cookies() {
		if acceptable(request, set) {
			c.set(request, set)
		}
	}
}

func acceptable(request *http.Request, set *http.Cookie) bool {
	host, domain := request.URL.Hostname(), strings.ToLower(strings.TrimPrefix(set.Domain, "."))
	switch {
	case len(set.Name)+len(set.Value) > maxCookie:
		return false
	case set.Secure && request.URL.Scheme != "https":
		return false
	}
	return domain == "" || host == domain || strings.HasSuffix(host, "."+domain)
}

func (c *cookies) set(request *http.Request, set *http.Cookie) {
	found := cookie{name: set.Name, path: set.Path, value: redact.NewSecret(set.Value), quoted: set.Quoted, until: set.Expires}
	if !strings.HasPrefix(found.path, "/") {
		found.path = path.Dir(request.URL.Path)
	}
	if set.MaxAge > 0 {
		found.until = time.Now().Add(time.Duration(min(set.MaxAge, maxCookieAge)) * time.Second)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.kept = slices.DeleteFunc(c.kept, func(old cookie) bool { return old.name == found.name && old.path == found.path })
	if set.MaxAge < 0 || !found.until.IsZero() && !time.Now().Before(found.until) {
		return // the server deletes the cookie
	}
	if c.kept = append(c.kept, found); len(c.kept) > maxCookies {
		c.kept = slices.Delete(c.kept, 0, 1)
	}
}

// maxCookieAge, a year in seconds, keeps the sum in range.
const maxCookieAge = 365 * 24 * 60 * 60

// secrets returns the values that must not be in an error.
func (c *cookies) secrets() []redact.Secret {
	c.mu.Lock()
	defer c.mu.Unlock()
	var secrets []redact.Secret
	for _, kept := range c.kept {
		if len(kept.value.Reveal()) >= minSecretCookie {
			secrets = append(secrets, kept.value)
		}
	}
	return secrets
}

// pathMatches implements RFC 6265, section 5.1.4.
func pathMatches(requested, ofCookie string) bool {
	if !strings.HasPrefix(requested, ofCookie) {
		return false
	}
	return len(requested) == len(ofCookie) || strings.HasSuffix(ofCookie, "/") || requested[len(ofCookie)] == '/'
}
