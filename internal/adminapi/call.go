package adminapi

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

	"github.com/migrationlink/migrationlink/redact"
)

// DefaultMaxBody is the most that is read of a reply in bytes, unless the call
// says more. Most replies are below 1 KiB.
const DefaultMaxBody = 1 << 20

// Call is one call of the API. It is used once.
type Call struct {
	Operation string // in words, for errors
	Method    string
	OrgID     string
	Path      []string // below the organization
	Query     url.Values
	// Body makes the call one that must not be sent twice: an Opening goes first,
	// and what was sent is waited for.
	Body []byte
	// Opening is what a call with a Body reads first, so that the body never leaves
	// on a connection that has not carried an authenticated reply, nor twice for want
	// of a challenge. GoOn tells of its error whether the call can be made all the
	// same.
	Opening func() *Call
	GoOn    func(*Error) bool
	// BeforeSending is called each time before the body leaves, and can keep it.
	BeforeSending func() error
	// Secret is scrubbed from every error, besides the credentials.
	Secret redact.Secret
	// MaxBody is the most that is read of the reply. Zero means DefaultMaxBody.
	MaxBody int64

	// bearers are the access tokens that it was sent with: they are no secrets of
	// the client any more once the server has refused them, but are scrubbed still.
	bearers []redact.Secret
	sent    atomic.Bool // a request of this call may have reached the server
}

// Reply is a reply that was read to its end, or to the limit.
type Reply struct {
	Status  int
	Header  http.Header
	Body    []byte
	BodyErr error // why Body is not all of it
}

func (r *Reply) success() bool { return r.Status >= 200 && r.Status <= 299 }

// Do makes the call on a connection of its own. On a reply that is no success it
// returns a *Error, without one a *TransportError.
func (c *Client) Do(ctx context.Context, call *Call) (*Reply, error) {
	l := c.lanes.take()
	defer c.lanes.give(l)
	if call.Body == nil {
		return c.finish(ctx, l, call)
	}
	if l.challenge == nil && !l.opened {
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
	// The server has closed the connection since its last use. If it closes
	// each after one reply, there is no other way than a new one.
	if err := c.open(ctx, l, call); err != nil {
		return nil, err
	}
	return c.finish(ctx, l, call)
}

func (c *Client) open(ctx context.Context, l *lane, call *Call) error {
	_, err := c.finish(ctx, l, call.Opening())
	if apiError, ok := errors.AsType[*Error](err); ok && call.GoOn(apiError) {
		err = nil
	}
	if err == nil && l.challenge == nil && c.access == nil {
		err = c.transportError(ctx, call, errNotAsked)
	}
	return err
}

func (c *Client) finish(ctx context.Context, l *lane, call *Call) (reply *Reply, failed error) {
	ctx, end := c.telemetry.call(ctx, call.Operation)
	defer func() { end(reply, failed) }()
	r, err := c.authenticated(ctx, l, call)
	if other, ok := errors.AsType[otherCall](err); ok {
		return nil, other.err
	}
	if err != nil {
		return nil, c.transportError(ctx, call, err)
	}
	if !r.success() {
		return nil, c.apiError(call, r)
	}
	return r, nil
}

// otherCall is why a call that came before this one has failed, as a *Error or a
// *TransportError of its own.
type otherCall struct{ err error }

func (e otherCall) Error() string { return e.err.Error() }

func (c *Client) authenticated(ctx context.Context, l *lane, call *Call) (*Reply, error) {
	if c.access != nil {
		return c.withAccess(ctx, l, call)
	}
	return c.withDigest(ctx, l, call)
}

// send makes one HTTP request, to which authorize adds credentials, and reads
// its reply.
func (c *Client) send(ctx context.Context, l *lane, call *Call, authorize func(*http.Request) error) (*Reply, error) {
	if err := c.wait(ctx); err != nil {
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
	if err := authorize(request); err != nil {
		return nil, err
	}
	return l.roundTrip(request, max(call.MaxBody, DefaultMaxBody))
}

// forSending returns the context of one request.
func (c *Client) forSending(ctx context.Context, call *Call) (context.Context, context.CancelFunc, error) {
	deadline, limited := ctx.Deadline()
	if call.Body != nil {
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
func (call *Call) permitted(ctx context.Context) error {
	if call.BeforeSending != nil {
		if err := call.BeforeSending(); err != nil {
			return err
		}
	}
	return ctx.Err()
}

func (c *Client) request(ctx context.Context, call *Call) (*http.Request, error) {
	target := c.base.JoinPath(append([]string{"orgs", url.PathEscape(call.OrgID)}, call.Path...)...)
	target.RawQuery = call.Query.Encode()
	var body io.Reader
	if call.Body != nil {
		body = bytes.NewReader(call.Body)
	}
	request, err := http.NewRequestWithContext(ctx, call.Method, target.String(), body)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Accept", c.config.MediaType)
	request.Header.Set("User-Agent", userAgent)
	if call.Body != nil {
		request.Header.Set("Content-Type", c.config.MediaType)
	}
	return request, nil
}

const userAgent = "migrationlink"

func readBody(body io.Reader, maxBody int64) ([]byte, error) {
	content, err := io.ReadAll(io.LimitReader(body, maxBody+1))
	if int64(len(content)) > maxBody {
		return nil, fmt.Errorf("it is larger than %d bytes", maxBody)
	}
	if err != nil {
		return content, fmt.Errorf("it broke off after %d bytes", len(content))
	}
	return content, nil
}
