package adminapi

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"

	"github.com/migrationlink/migrationlink/redact"
)

// OperationAccess is the operation of the errors of getting an access token.
const OperationAccess = "get an access token for the service account, on behalf"

// accessPath is the path for access tokens, whatever the base path.
const accessPath = "/api/oauth/token"

// renewEarly is how long before it expires an access token is replaced, at most.
const renewEarly = time.Minute

// maxAccessToken, in bytes, is far above any access token. It bounds what the redaction of one
// costs.
const maxAccessToken = 16 << 10

// access is the access token of a service account. All connections share it.
type access struct {
	url string

	fetching chan struct{} // holds one element: the goroutine that takes it may fetch
	mu       sync.Mutex
	token    redact.Secret
	until    time.Time // zero if it does not expire
	failure  error     // of the last fetch, at failedAt
	failedAt time.Time
}

func newAccess(base *url.URL) *access {
	endpoint := &url.URL{Scheme: base.Scheme, Host: base.Host, Path: accessPath}
	a := &access{url: endpoint.String(), fetching: make(chan struct{}, 1)}
	a.fetching <- struct{}{}
	return a
}

// current returns the token, and reports whether it can be used.
func (a *access) current() (redact.Secret, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	good := !a.token.IsZero() && (a.until.IsZero() || time.Now().Before(a.until))
	return a.token, good
}

// lastToken returns the token even if it has expired.
func (a *access) lastToken() redact.Secret {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.token
}

func (a *access) keep(token *oauth2.Token, asked time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.token, a.until = redact.NewSecret(token.AccessToken), time.Time{}
	if !token.Expiry.IsZero() {
		life := token.Expiry.Sub(asked)
		a.until = asked.Add(life - min(renewEarly, life/10))
	}
}

// forget drops a rejected token, unless it has already been replaced.
func (a *access) forget(refused redact.Secret) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.token.Reveal() == refused.Reveal() {
		a.token = redact.Secret{}
	}
}

func (a *access) fail(err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.failure, a.failedAt = err, time.Now()
}

// failedSince returns the error of a fetch that ended after begin: the calls that waited
// for it need not try one after the other.
func (a *access) failedSince(begin time.Time) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.failedAt.After(begin) {
		return a.failure
	}
	return nil
}

// withAccess sends the call with the access token. If the server rejects a cached token,
// it sends the call once more with a new one.
func (c *Client) withAccess(ctx context.Context, conn *conn, call *Call) (*Reply, error) {
	for again := false; ; again = true {
		token, kept, err := c.accessToken(ctx, call)
		if err != nil {
			call.authorized = false
			return nil, otherCall{err}
		}
		call.bearers = append(call.bearers, token)
		r, err := c.send(ctx, conn, call, func(request *http.Request) error {
			request.Header.Set("Authorization", "Bearer "+token.Reveal())
			return nil
		})
		if err != nil {
			return nil, err
		}
		conn.opened, call.authorized = true, true
		if r.Status != http.StatusUnauthorized || slices.Contains(roleCodes, parseErrorBody(r).Code) {
			return r, nil
		}
		call.sent.Store(false) // it was refused
		c.access.forget(token)
		if !kept || again {
			return r, nil
		}
	}
}

// accessToken returns the access token, and whether it was cached.
func (c *Client) accessToken(ctx context.Context, call *Call) (token redact.Secret, kept bool, err error) {
	if token, good := c.access.current(); good {
		return token, true, nil
	}
	fetch := &Call{Operation: OperationAccess, OrgID: call.OrgID, authorized: true}
	begin := time.Now()
	select {
	case <-c.access.fetching:
		defer func() { c.access.fetching <- struct{}{} }()
	case <-ctx.Done():
		return redact.Secret{}, false, c.transportError(ctx, fetch, ctx.Err())
	}
	if token, good := c.access.current(); good {
		return token, false, nil // another call has just fetched it
	}
	if err := c.access.failedSince(begin); err != nil {
		return redact.Secret{}, false, withOrgID(err, call.OrgID)
	}
	if err := c.fetch(ctx, fetch); err != nil {
		if ctx.Err() == nil {
			c.access.fail(err)
		}
		return redact.Secret{}, false, err
	}
	return c.access.lastToken(), false, nil
}

// withOrgID returns err, of a fetch by another organization's call, for this
// organization.
func withOrgID(err error, orgID string) error {
	if apiError, ok := errors.AsType[*Error](err); ok {
		shared := *apiError
		shared.OrgID = orgID
		return &shared
	}
	if transportError, ok := errors.AsType[*TransportError](err); ok {
		shared := *transportError
		shared.OrgID = orgID
		return &shared
	}
	return err
}

// fetch fetches a new access token.
func (c *Client) fetch(ctx context.Context, call *Call) error {
	transport := &accessTransport{client: c}
	config := clientcredentials.Config{
		ClientID:     c.config.Credentials.ClientID,
		ClientSecret: c.config.Credentials.ClientSecret.Reveal(),
		TokenURL:     c.access.url,
		AuthStyle:    oauth2.AuthStyleInHeader, // otherwise it also tries others
	}
	asked := time.Now()
	token, err := config.Token(context.WithValue(ctx, oauth2.HTTPClient, &http.Client{
		Transport:     transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}))
	// The library's error contains the body of the reply, so it is not used.
	switch r := transport.reply; {
	case r == nil && transport.err != nil:
		return c.transportError(ctx, call, transport.err)
	case r == nil:
		return c.transportError(ctx, call, errors.New("the request for an access token could not be made"))
	case !r.success():
		return c.accessError(call, r)
	case r.BodyErr != nil:
		return c.Unreadable(call, r, r.BodyErr.Error())
	case err != nil || !strings.EqualFold(token.Type(), "Bearer") || strings.ContainsFunc(token.AccessToken, notInHeader):
		return c.Unreadable(call, r, "it holds no access token")
	case len(token.AccessToken) > maxAccessToken:
		return c.Unreadable(call, r, fmt.Sprintf("its access token is longer than %d bytes", maxAccessToken))
	}
	c.access.keep(token, asked)
	return nil
}

func notInHeader(r rune) bool { return r <= ' ' || r > '~' }

// accessErrors are the codes of RFC 6749, section 5.2. A gateway may have an "error" of its own.
var accessErrors = []string{"invalid_request", "invalid_client", "invalid_grant", "unauthorized_client", "unsupported_grant_type", "invalid_scope"}

// accessError returns the error of a rejection, in the format of OAuth 2.0 or of the
// API.
func (c *Client) accessError(call *Call, r *Reply) error {
	var body struct {
		Error       string `json:"error"`
		Description string `json:"error_description"`
	}
	err := c.apiError(call, r)
	apiError, ok := errors.AsType[*Error](err)
	if !ok || json.Unmarshal(r.Body, &body) != nil || !slices.Contains(accessErrors, body.Error) {
		return err
	}
	apiError.Code = c.Scrub(call, body.Error)
	if r.Status >= 400 && r.Status != http.StatusProxyAuthRequired {
		apiError.Detail = c.Scrub(call, body.Description)
		apiError.Own, apiError.Cause = true, CauseNone
	}
	return apiError
}

// accessTransport sends the request for an access token on a connection of the client,
// and keeps the result.
type accessTransport struct {
	client *Client
	reply  *Reply
	err    error
}

// RoundTrip sends one request to the configured endpoint only.
func (t *accessTransport) RoundTrip(request *http.Request) (*http.Response, error) {
	if t.reply, t.err = t.send(request); t.err != nil {
		return nil, t.err
	}
	return &http.Response{
		StatusCode: t.reply.Status,
		Header:     t.reply.Header,
		Body:       io.NopCloser(bytes.NewReader(t.reply.Body)),
		Request:    request,
	}, nil
}

func (t *accessTransport) send(request *http.Request) (*Reply, error) {
	c := t.client
	if request.URL.String() != c.access.url {
		return nil, errors.New("the request for an access token would go elsewhere")
	}
	if err := c.wait(request.Context(), true); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(request.Context(), c.timeout)
	defer cancel()
	request = request.Clone(ctx)
	request.Header.Set("Accept", "application/json")
	request.Header.Set("User-Agent", userAgent)
	conn := c.conns.take()
	defer c.conns.give(conn)
	return c.exchange(conn, request, DefaultMaxBody)
}
