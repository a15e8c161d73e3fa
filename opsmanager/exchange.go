package opsmanager

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"sync/atomic"
	"time"

	"github.com/icholy/digest"

	"github.com/migrationlink/migrationlink/redact"
)

const (
	// maxRequests bounds what one call sends: nonces may expire on the way, or
	// be unknown to the next node behind a load balancer.
	maxRequests = 8
	// maxRefusals is how many correct answers to fresh nonces must be refused
	// before the key is taken to be wrong. One is no proof: Ops Manager's
	// nonces are known to get lost between its nodes.
	maxRefusals = 3
)

// errNonces: no 401 of these says anything about the key.
var errNonces = errors.New("the manager kept declaring its own new nonces stale")

// errNotAsked: no manager does this, so it is none.
var errNotAsked = fmt.Errorf("%w: it answered without asking for the API key, so the link-token was not sent", ErrAuthentication)

var errNoChallenge = fmt.Errorf("%w: it answers 401 without a challenge", ErrAuthentication)

// call is one call of the API.
type call struct {
	operation string // in words, for errors
	method    string
	orgID     string
	path      string // below the organization's migrationLink
	body      []byte
	secret    redact.Secret // scrubbed from every error
	// beforeSending is called each time before the body leaves, and can keep it.
	beforeSending func() error

	sent atomic.Bool // a request of this call may have reached the manager
}

// reply is a reply that was read to its end, or to maxBody.
type reply struct {
	status  int
	header  http.Header
	body    []byte
	bodyErr error // why body is not all of it
}

// do makes the call on a lane of its own. On a reply that is no success it
// returns a *Error, without one a *TransportError.
func (c *Client) do(ctx context.Context, call *call) (*reply, error) {
	l := c.lanes.take()
	defer c.lanes.give(l)
	if call.body == nil {
		return c.finish(ctx, l, call)
	}
	if l.challenge == nil {
		if err := c.open(ctx, l, call); err != nil {
			return nil, err
		}
	}
	l.connected.Store(true)
	r, err := c.finish(ctx, l, call)
	l.connected.Store(false)
	if !errors.Is(err, errNoConnection) {
		return r, err
	}
	// The manager has closed the connection since its last use. If it closes
	// each after one reply, there is no other way than a new one.
	if err := c.open(ctx, l, call); err != nil {
		return nil, err
	}
	return c.finish(ctx, l, call)
}

// open reads the link's status first, so that the link-token never leaves on a
// connection that has not carried an authenticated reply, nor twice for want of
// a challenge.
func (c *Client) open(ctx context.Context, l *lane, call *call) error {
	_, err := c.finish(ctx, l, statusCall(call.orgID))
	if apiError, ok := errors.AsType[*Error](err); ok && apiError.StatusCode == http.StatusNotFound {
		err = nil // no link yet; an unknown organization is for the call itself to tell
	}
	if err == nil && l.challenge == nil {
		err = c.transportError(ctx, call, errNotAsked)
	}
	return err
}

func (c *Client) finish(ctx context.Context, l *lane, call *call) (*reply, error) {
	r, err := c.authenticated(ctx, l, call)
	if err != nil {
		return nil, c.transportError(ctx, call, err)
	}
	if r.status < 200 || r.status > 299 {
		return nil, c.apiError(call, r)
	}
	return r, nil
}

// authenticated sends the call until it is not answered by a 401 that a fresh
// nonce could heal.
func (c *Client) authenticated(ctx context.Context, l *lane, call *call) (*reply, error) {
	refusals, answeredOnce := 0, false
	for range maxRequests {
		answered, fresh := l.challenge != nil, l.count == 0
		r, err := c.send(ctx, l, call)
		if errors.Is(err, errNoConnection) {
			return nil, err // nothing was sent; the challenge is still good
		}
		if err != nil {
			// The manager may or may not have counted this use of the nonce.
			l.challenge = nil
			return nil, err
		}
		if r.status != http.StatusUnauthorized || answered && keyAccepted(r) {
			return r, nil
		}
		call.sent.Store(false) // it was refused
		answeredOnce = answeredOnce || answered
		challenge, err := findChallenge(r.header)
		if err != nil {
			return nil, err
		}
		if challenge == nil || answered && fresh && !challenge.Stale {
			refusals++
		}
		l.challenge, l.count = challenge, 0
		switch {
		case refusals == maxRefusals && !answeredOnce:
			return nil, errNoChallenge // nothing of ours was refused
		case refusals == maxRefusals:
			return r, nil
		case challenge == nil && call.body != nil:
			if err := c.open(ctx, l, call); err != nil {
				return nil, err
			}
		}
	}
	return nil, errNonces
}

// keyAccepted tells a 401 for a missing role, which has a code of its own, from
// one for the key.
func keyAccepted(r *reply) bool {
	code := parseErrorBody(r).Code
	return code != "" && code != "UNEXPECTED_ERROR"
}

// send makes one HTTP request and reads its reply.
func (c *Client) send(ctx context.Context, l *lane, call *call) (*reply, error) {
	if err := c.limiter.Wait(ctx); err != nil {
		return nil, err
	}
	ctx, cancel, err := c.forSending(ctx, call)
	if err != nil {
		return nil, err
	}
	defer cancel()
	request, err := c.request(ctx, call)
	if err != nil {
		return nil, err
	}
	if err := c.authorize(l, request); err != nil {
		return nil, err
	}
	response, err := l.transport.RoundTrip(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	r := &reply{status: response.StatusCode, header: response.Header}
	r.body, r.bodyErr = readBody(response.Body)
	return r, nil
}

// forSending returns the context of one request.
func (c *Client) forSending(ctx context.Context, call *call) (context.Context, context.CancelFunc, error) {
	deadline, limited := ctx.Deadline()
	if call.body != nil {
		if err := call.permitted(ctx); err != nil {
			return nil, nil, err
		}
		// A cancellation does not cut it short: what was sent is waited for, so
		// that nothing that the caller does next can overtake it.
		ctx = context.WithoutCancel(ctx)
	}
	end := time.Now().Add(c.timeout) // not before: being permitted may take a while
	if limited && deadline.Before(end) {
		end = deadline
	}
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		WroteHeaders: func() { call.sent.Store(true) },
	})
	ctx, cancel := context.WithDeadline(ctx, end)
	return ctx, cancel, nil
}

// permitted asks the caller for the last time.
func (call *call) permitted(ctx context.Context) error {
	if call.beforeSending != nil {
		if err := call.beforeSending(); err != nil {
			return err
		}
	}
	return ctx.Err()
}

func (c *Client) request(ctx context.Context, call *call) (*http.Request, error) {
	target := c.base.JoinPath("orgs", url.PathEscape(call.orgID), "liveExport", "migrationLink", call.path)
	var body io.Reader
	if call.body != nil {
		body = bytes.NewReader(call.body)
	}
	request, err := http.NewRequestWithContext(ctx, call.method, target.String(), body)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Accept", "application/json")
	request.Header.Set("User-Agent", "migrationlink")
	if call.body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	return request, nil
}

func (c *Client) authorize(l *lane, request *http.Request) error {
	if l.challenge == nil {
		return nil
	}
	l.count++
	credentials, err := digest.Digest(l.challenge, digest.Options{
		Method:   request.Method,
		URI:      request.URL.RequestURI(),
		GetBody:  request.GetBody,
		Count:    l.count,
		Username: c.publicKey,
		Password: c.privateKey.Reveal(),
	})
	if err != nil {
		return err
	}
	request.Header.Set("Authorization", credentials.String())
	return nil
}

func readBody(body io.Reader) ([]byte, error) {
	content, err := io.ReadAll(io.LimitReader(body, maxBody+1))
	if len(content) > maxBody {
		return nil, fmt.Errorf("it is larger than %d bytes", maxBody)
	}
	if err != nil {
		return content, fmt.Errorf("it broke off after %d bytes", len(content))
	}
	return content, nil
}
