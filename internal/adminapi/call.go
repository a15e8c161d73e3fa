package adminapi

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"regexp"
	"sync/atomic"
	"time"

	"github.com/migrationlink/migrationlink/redact"
)

// DefaultMaxBody limits the body of a reply, in bytes, unless the call allows more. Most
// replies are below 1 KiB.
const DefaultMaxBody = 1 << 20

// Call is one call of the API. It is used once.
type Call struct {
	Operation string // in words, for errors
	Method    string
	OrgID     string
	// ProjectID, when set, is the project of the organization that the path is below, in
	// place of the organization.
	ProjectID string
	// AllOrgs is for a call about all organizations that the key can see. It has no OrgID.
	AllOrgs bool
	Path    []string // below the organization or the project
	Query   url.Values
	// A call with a Body must not be sent twice: a Preflight goes first, and a
	// cancellation does not interrupt the call once it is sent.
	Body []byte
	// Preflight is the read that precedes a call with a Body, so that the body is only
	// sent on a connection that has carried an authenticated reply, and not twice for
	// want of a challenge. Proceed reports whether to make the call despite the
	// Preflight's error.
	Preflight func() *Call
	Proceed   func(*Error) bool
	// BeforeSending is called each time before the body is sent, and can prevent that.
	BeforeSending func() error
	// WaitUntil is when the reply to the Body is given up, in place of the deadline of
	// the context: what must be read first may have less time. Zero means that deadline.
	WaitUntil time.Time
	// Secret is scrubbed from every error, besides the credentials.
	Secret redact.Secret
	// MaxBody limits the body of the reply, in bytes. Zero means DefaultMaxBody.
	MaxBody int64

	// bearers are the access tokens that the call was sent with. They are scrubbed even
	// after the client has dropped them.
	bearers []redact.Secret
	sent    atomic.Bool // a request of this call may have reached the server
	// authorized reports whether the last request carried credentials, and
	// preflightFailed whether the Preflight was the last.
	authorized, preflightFailed bool
	// begun reports whether a request of this call, or of its Preflight, was sent.
	begun bool
}

// place returns the segments of the path before Path, or what is wrong with an id in them.
func (call *Call) place() ([]string, error) {
	switch {
	case call.AllOrgs:
		return []string{"orgs"}, nil
	case !idForm.MatchString(call.OrgID):
		return nil, ErrInvalidOrgID
	case call.ProjectID == "":
		return []string{"orgs", call.OrgID}, nil
	case !idForm.MatchString(call.ProjectID):
		return nil, errInvalidProjectID
	}
	return []string{"groups", call.ProjectID}, nil
}

// writes reports whether the call may change something.
func (call *Call) writes() bool { return call.Method != http.MethodGet }

// ErrInvalidOrgID is the error of a call with an invalid organization id. It does not
// contain the id, which may be anything.
var ErrInvalidOrgID = errors.New("the organization id is not 24 lower-case hexadecimal digits, so nothing was sent")

var errInvalidProjectID = errors.New("the project id is not 24 lower-case hexadecimal digits, so nothing was sent")

// idForm is the form of all ids of the API in paths.
var idForm = regexp.MustCompile(`^[a-f0-9]{24}$`)

// Reply is a reply that was read to its end or to the size limit.
type Reply struct {
	Status  int
	Header  http.Header
	Body    []byte
	BodyErr error // why Body is not all of it
	// content is the JSON of a success, without its envelope.
	content json.RawMessage
	proxy   string // the address of the forward proxy that may have answered
}

func (r *Reply) success() bool { return r.Status >= 200 && r.Status <= 299 }

// Do makes the call on a connection that no other call uses meanwhile. It returns an
// *Error for a reply that is not a success of the API, and a *TransportError if there is
// no reply. A success is a complete JSON value, an object unless the call is a GET. Only
// a DELETE may also be answered with 204. Do sends nothing for an invalid id, which would
// become part of the path.
func (c *Client) Do(ctx context.Context, call *Call) (*Reply, error) {
	if _, err := call.place(); err != nil {
		return nil, fmt.Errorf("%s: %w", call.Operation, err)
	}
	conn := c.conns.take()
	defer c.conns.give(conn)
	if call.Body == nil {
		return c.finish(ctx, conn, call)
	}
	if len(conn.nonces) == 0 && !conn.opened {
		if err := c.preflight(ctx, conn, call); err != nil {
			return nil, err
		}
	}
	conn.connected.Store(true)
	r, err := c.finish(ctx, conn, call)
	conn.connected.Store(false)
	if !errors.Is(err, errNoConnection) {
		return r, err
	}
	// The server has closed the connection since its last use. If it closes every
	// connection after one reply, only a new one helps.
	if err := c.preflight(ctx, conn, call); err != nil {
		return nil, err
	}
	return c.finish(ctx, conn, call)
}

func (c *Client) preflight(ctx context.Context, conn *conn, call *Call) error {
	read := call.Preflight()
	read.begun = call.begun
	_, err := c.attempt(ctx, conn, read)
	call.begun = call.begun || read.begun
	failed := err
	if apiError, ok := errors.AsType[*Error](err); ok && call.Proceed(apiError) {
		err = nil
	}
	if err == nil && len(conn.nonces) == 0 && c.access == nil {
		err = c.transportError(ctx, call, errNotAsked)
		failed = err
	}
	c.note(read, failed)
	return err
}

// finish makes the call and records the outcome, unless the preflight failed.
func (c *Client) finish(ctx context.Context, conn *conn, call *Call) (*Reply, error) {
	r, err := c.attempt(ctx, conn, call)
	if !call.preflightFailed {
		c.note(call, err)
	}
	return r, err
}

func (c *Client) attempt(ctx context.Context, conn *conn, call *Call) (reply *Reply, failed error) {
	ctx, end := c.telemetry.call(ctx, call.Operation)
	defer func() { end(reply, failed) }()
	if call.MaxBody > DefaultMaxBody {
		if err := c.large.take(ctx); err != nil {
			return nil, c.transportError(ctx, call, err)
		}
		defer c.large.give()
	}
	send := c.withDigest
	if c.access != nil {
		send = c.withAccess
	}
	r, err := send(ctx, conn, call)
	if other, ok := errors.AsType[otherCall](err); ok {
		return nil, other.err
	}
	if err != nil {
		return nil, c.transportError(ctx, call, err)
	}
	if !r.success() {
		return nil, c.apiError(call, r)
	}
	r.content, err = c.readContent(call, r)
	return r, err
}

// otherCall is the *Error or *TransportError of a call that had to precede this one.
type otherCall struct{ err error }

func (e otherCall) Error() string { return e.err.Error() }

// send makes one HTTP request, to which authorize adds credentials, and reads the reply.
func (c *Client) send(ctx context.Context, conn *conn, call *Call, authorize func(*http.Request) error) (*Reply, error) {
	if err := c.wait(ctx, call.begun); err != nil {
		return nil, err
	}
	call.begun = true
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
	return c.exchange(conn, request, max(call.MaxBody, DefaultMaxBody))
}

// exchange makes one request, with the cookies that the origin has set.
func (c *Client) exchange(conn *conn, request *http.Request, maxBody int64) (*Reply, error) {
	c.cookies.add(request)
	r, err := conn.roundTrip(request, func(body io.Reader) ([]byte, error) {
		return c.readBody(request.Context(), body, maxBody)
	})
	if err != nil {
		return nil, err
	}
	c.cookies.keep(request, r)
	return r, nil
}

// forSending returns the context of one request.
func (c *Client) forSending(ctx context.Context, call *Call) (context.Context, context.CancelFunc, error) {
	deadline, limited := ctx.Deadline()
	if call.Body != nil {
		if err := call.permitted(ctx); err != nil {
			return nil, nil, err
		}
		// A cancellation does not interrupt the request, so that the caller's next one
		// cannot overtake it.
		ctx = context.WithoutCancel(ctx)
		if !call.WaitUntil.IsZero() {
			deadline, limited = call.WaitUntil, true
		}
	}
	end := time.Now().Add(c.timeout) // not earlier: permitted may take a while
	if limited && deadline.Before(end) {
		end = deadline
	}
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		WroteHeaders: func() { call.sent.Store(true) },
	})
	ctx, cancel := context.WithDeadline(ctx, end)
	return ctx, cancel, nil
}

// permitted asks the caller whether to send.
func (call *Call) permitted(ctx context.Context) error {
	if call.BeforeSending != nil {
		if err := call.BeforeSending(); err != nil {
			return err
		}
	}
	return ctx.Err()
}

func (c *Client) request(ctx context.Context, call *Call) (*http.Request, error) {
	place, err := call.place()
	if err != nil {
		return nil, err
	}
	target := c.base.JoinPath(append(place, call.Path...)...)
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

var errBrokeOff = errors.New("broke off")

// readBody reads a body and drops the byte order mark that some servers put before their
// JSON.
func (c *Client) readBody(ctx context.Context, body io.Reader, maxBody int64) ([]byte, error) {
	content, err := io.ReadAll(io.LimitReader(body, shortBody))
	if err == nil && len(content) == shortBody {
		if err = c.takeLong(ctx); err == nil {
			defer c.giveLong()
			var rest []byte
			rest, err = io.ReadAll(io.LimitReader(body, maxBody+1-shortBody))
			content = append(content, rest...)
		}
	}
	if int64(len(content)) > maxBody {
		return nil, fmt.Errorf("it is larger than %d bytes", maxBody)
	}
	if errors.Is(err, errBusy) {
		return content, err
	}
	if err != nil {
		return content, fmt.Errorf("it %w after %d bytes", errBrokeOff, len(content))
	}
	return bytes.TrimPrefix(content, byteOrderMark), nil
}
