package opsmanagertest

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"
)

// accessTokens are the access tokens of the service account, by SHA-256.
type accessTokens struct {
	options Options

	mu       sync.Mutex
	ends     map[[32]byte]time.Time
	answered []time.Time // within the last minute, oldest first
}

// give issues an access token in the form of a JSON Web Token with random parts.
func (a *accessTokens) give() string {
	encode := base64.RawURLEncoding.EncodeToString
	token := encode([]byte(`{"alg":"ES512","typ":"JWT"}`)) + "." + encode(randomBytes(96)) + "." + encode(randomBytes(48))
	a.options.Issued(token)
	a.mu.Lock()
	defer a.mu.Unlock()
	now := a.options.Now()
	for sum, end := range a.ends {
		if !now.Before(end) {
			delete(a.ends, sum)
		}
	}
	a.ends[sha256.Sum256([]byte(token))] = now.Add(a.options.AccessTokenLifetime)
	return token
}

func randomBytes(size int) []byte {
	random := make([]byte, size)
	_, _ = rand.Read(random) // never fails
	return random
}

// accepts reports whether a token was issued and has not expired.
func (a *accessTokens) accepts(token string) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.options.Now().Before(a.ends[sha256.Sum256([]byte(token))])
}

// admit counts a request against the limit. If there were too many, it returns how long
// to wait.
func (a *accessTokens) admit() time.Duration {
	a.mu.Lock()
	defer a.mu.Unlock()
	limit, now := a.options.AccessTokensPerMinute, a.options.Now()
	for len(a.answered) > 0 && now.Sub(a.answered[0]) >= time.Minute {
		a.answered = a.answered[1:]
	}
	if limit > 0 && len(a.answered) >= limit {
		return a.answered[0].Add(time.Minute).Sub(now)
	}
	a.answered = append(a.answered, now)
	return 0
}

// authenticateClient checks the id and the secret of the service account.
func (m *Manager) authenticateClient(r *http.Request) (reply, bool) {
	id, secret, sent := r.BasicAuth()
	if sent && sameText(id, m.options.AtlasClientID) && sameText(secret, m.options.AtlasClientSecret) {
		return reply{}, true
	}
	denied := oauthError(http.StatusUnauthorized, "invalid_client", "Client authentication failed.")
	denied.header = http.Header{"Www-Authenticate": {`Basic realm="` + realm + `"`}}
	return denied, false
}

// sameText compares a credential that was sent as it is, or encoded as in RFC 6749.
func sameText(sent, right string) bool {
	decoded, err := url.QueryUnescape(sent)
	return subtle.ConstantTimeCompare([]byte(sent), []byte(right)) == 1 ||
		err == nil && subtle.ConstantTimeCompare([]byte(decoded), []byte(right)) == 1
}

func isBearer(authorization string) bool {
	scheme, _, _ := strings.Cut(authorization, " ")
	return strings.EqualFold(scheme, "Bearer")
}

// authenticateBearer checks an access token. Atlas's answer to an invalid one is
// unknown; this one follows RFC 6750.
func (m *Manager) authenticateBearer(c *call) (reply, bool) {
	_, token, _ := strings.Cut(c.authorization, " ")
	if m.access.accepts(strings.TrimSpace(token)) {
		return reply{}, true
	}
	return unauthorized([]string{`Bearer realm="` + realm + `", error="invalid_token"`}), false
}

// giveAccess answers an authenticated request for an access token.
func (m *Manager) giveAccess(c *call) reply {
	if c.method != http.MethodPost {
		return methodNotAllowed()
	}
	if wait := m.access.admit(); wait > 0 {
		m.count(func() { m.oauth.OAuthTokensLimited++ })
		limited := apiError(http.StatusTooManyRequests, "RATE_LIMITED", "Too many requests for an access token.")
		limited.header.Set("Retry-After", strconv.Itoa(int((wait+time.Second-1)/time.Second)))
		return limited
	}
	form, err := url.ParseQuery(string(c.body))
	switch {
	case err != nil || c.bodyErr != nil || !form.Has("grant_type"):
		return oauthError(http.StatusBadRequest, "invalid_request", "The parameter grant_type is missing.")
	case form.Get("grant_type") != "client_credentials":
		return oauthError(http.StatusBadRequest, "unsupported_grant_type", "The grant type is not client_credentials.")
	}
	m.count(func() { m.oauth.OAuthTokensGiven++ })
	given := success(http.StatusOK, struct {
		AccessToken string `json:"access_token"`
		ExpiresIn   int    `json:"expires_in"`
		TokenType   string `json:"token_type"`
	}{m.access.give(), int(m.options.AccessTokenLifetime / time.Second), "Bearer"})
	given.header, given.verbatim = http.Header{"Cache-Control": {"no-store"}}, true
	return given
}

// oauthError returns an error in the format of RFC 6749.
func oauthError(status int, code, description string) reply {
	r := success(status, struct {
		Error       string `json:"error"`
		Description string `json:"error_description"`
	}{code, description})
	r.verbatim = true
	return r
}
