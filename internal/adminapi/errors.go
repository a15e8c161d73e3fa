package adminapi

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/migrationlink/migrationlink/redact"
)

// Error is a reply that is not a success, or a success that cannot be read.
type Error struct {
	Operation  string // one of the client's Operation constants
	OrgID      string // empty for a call about all organizations
	StatusCode int
	// Code is the server's errorCode, which may be missing.
	Code string
	// Detail is the server's own explanation, or what is wrong with the reply.
	Detail string
	// Parameters belong to Code: at most the first 20. For a rejection by the access
	// list the first is the caller's address as the server sees it.
	Parameters []string
	// RetryAfter is how long the server asks to wait. Zero if it does not.
	RetryAfter time.Duration
	// Own reports whether the body is from the API itself, not from a proxy or another
	// server in front of it.
	Own bool
	// Cause says who answered in place of the API, if that is known.
	Cause Cause
}

// Error returns operation, organization, status, code and detail.
func (e *Error) Error() string {
	var text strings.Builder
	fmt.Fprintf(&text, "%s: HTTP %d", describe(e.Operation, e.OrgID), e.StatusCode)
	if e.Code != "" {
		text.WriteString(" " + e.Code)
	}
	if e.Detail != "" {
		text.WriteString(": " + e.Detail)
	}
	return text.String()
}

// describe names a call.
func describe(operation, orgID string) string {
	if orgID == "" {
		return operation
	}
	return operation + " of organization " + orgID
}

// TransportError is a call without a reply, or without a usable one.
type TransportError struct {
	Operation string
	OrgID     string
	// Sent reports whether the request may have reached the server.
	Sent bool
	Err  error
}

// Error returns operation, organization and cause.
func (e *TransportError) Error() string {
	if errors.Is(e.Err, ErrAcceptedKeyRefused) { // there were replies
		return fmt.Sprintf("%s: %v", describe(e.Operation, e.OrgID), e.Err)
	}
	return fmt.Sprintf("%s: no reply: %v", describe(e.Operation, e.OrgID), e.Err)
}

// Unwrap returns the cause, in which a context's error can be found.
func (e *TransportError) Unwrap() error { return e.Err }

// MayHaveTakenEffect reports whether the call that failed with err may have taken
// effect. The operations in reads have none.
func MayHaveTakenEffect(err error, reads ...string) bool {
	reads = append(reads, OperationAccess)
	if transportError, ok := errors.AsType[*TransportError](err); ok {
		return transportError.Sent && !slices.Contains(reads, transportError.Operation)
	}
	apiError, ok := errors.AsType[*Error](err)
	if !ok || slices.Contains(reads, apiError.Operation) { // the call may have failed there
		return false
	}
	// A rejection is final; a gateway's error or an unreadable success does not say what
	// the server did.
	return apiError.StatusCode < 300 || apiError.StatusCode >= 500 || apiError.StatusCode == http.StatusRequestTimeout
}

// OrgNotFound reports whether the server does not know the organization.
func (e *Error) OrgNotFound() bool {
	return e.StatusCode == http.StatusNotFound && (e.Code == "ORG_NOT_FOUND" || e.Code == "INVALID_ORG_ID")
}

// WrongAPI reports whether another API than the configured one answered: Atlas in
// place of a manager or the other way round, another path, or a server that
// redirects.
func (e *Error) WrongAPI() bool {
	if e.StatusCode >= 300 && e.StatusCode < 400 {
		return true
	}
	switch e.Code {
	case "NOT_ATLAS_ORG", "EXPECTED_NON_ATLAS_ORG", "ATLAS_GROUP", "RESOURCE_NOT_FOUND":
		return e.StatusCode == http.StatusNotFound
	}
	return false
}

// SaysNothing reports whether the status may mean only that there is nothing to read:
// it is not documented what a server answers then.
func (e *Error) SaysNothing() bool {
	return slices.Contains([]int{http.StatusBadRequest, http.StatusNotFound, http.StatusConflict}, e.StatusCode)
}

// KeyRefused reports whether the API key or the service account itself is rejected.
// OAuth 2.0 allows 400 for the latter.
func (e *Error) KeyRefused() bool {
	if e.Operation == OperationAccess && e.StatusCode == http.StatusBadRequest {
		return e.Code == "invalid_client" || e.Code == "unauthorized_client"
	}
	return e.StatusCode == http.StatusUnauthorized && !slices.Contains(roleCodes, e.Code)
}

// RoleMissing reports whether the key is valid, but lacks a role.
func (e *Error) RoleMissing() bool {
	return e.StatusCode == http.StatusUnauthorized && slices.Contains(roleCodes, e.Code)
}

var roleCodes = []string{"NOT_ORG_OWNER", "USER_UNAUTHORIZED", "USER_CANNOT_ACCESS_ORG", "NOT_ORG_ADMIN"}

// Assign sets *target to value if target is a pointer to a T, as the As method of an
// error does.
func Assign[T any](target any, value T) bool {
	to, ok := target.(*T)
	if ok {
		*to = value
	}
	return ok
}

func (c *Client) transportError(ctx context.Context, call *Call, err error) error {
	failed := &TransportError{Operation: call.Operation, OrgID: call.OrgID, Sent: call.sent.Load()}
	switch {
	case callerErr(ctx) != nil && (call.Body == nil || !failed.Sent):
		err = callerErr(ctx) // the caller's context decides, whatever failed first
	case errors.Is(err, context.DeadlineExceeded) && !isConnecting(err):
		err = fmt.Errorf("%s took longer than %s", c.config.Party, c.timeout)
	}
	failed.Err = scrubbed{text: c.Scrub(call, err.Error()), cause: err}
	return failed
}

// isConnecting reports whether an error is of the connection, to the server or a proxy, or of a name server. Its
// timeouts look like those of a context.
func isConnecting(err error) bool {
	failed, ok := errors.AsType[*net.OpError](err)
	_, unresolved := errors.AsType[*net.DNSError](err)
	return unresolved || ok && failed.Op != "read" && failed.Op != "write"
}

// callerErr returns why the caller's context has ended. The request's context has the
// same deadline and may notice it a moment earlier.
func callerErr(ctx context.Context) error {
	if deadline, limited := ctx.Deadline(); limited && !time.Now().Before(deadline) {
		return cmp.Or(ctx.Err(), context.DeadlineExceeded)
	}
	return ctx.Err()
}

// scrubbed is an error without secrets in its text. errors.Is and errors.As look into
// its cause, but it does not unwrap, so that nobody shows the cause's text.
type scrubbed struct {
	text  string
	cause error
}

func (e scrubbed) Error() string        { return e.text }
func (e scrubbed) Is(target error) bool { return errors.Is(e.cause, target) }
func (e scrubbed) As(target any) bool   { return errors.As(e.cause, target) }

// Format writes the text for every verb.
func (e scrubbed) Format(state fmt.State, _ rune) { _, _ = io.WriteString(state, e.text) }

// Scrub removes secrets from a text of the server and makes it printable.
func (c *Client) Scrub(call *Call, text string) string {
	return redact.Scrub(text, append(append(c.secrets(), call.bearers...), call.Secret)...)
}

func (c *Client) secrets() []redact.Secret {
	secrets := []redact.Secret{c.config.Credentials.PrivateKey, c.config.Credentials.ClientSecret}
	if c.access != nil {
		secrets = append(secrets, c.access.lastToken())
	}
	return append(secrets, c.cookies.secrets()...)
}

func (c *Client) apiError(call *Call, r *Reply) error {
	body := parseErrorBody(r)
	// The API asks for credentials before it answers anything.
	own := call.authorized && body.own() && r.Status != http.StatusProxyAuthRequired
	e := &Error{
		Operation:  call.Operation,
		OrgID:      call.OrgID,
		StatusCode: r.Status,
		Code:       truncate(c.Scrub(call, body.Code), maxErrorCode),
		Detail:     c.Scrub(call, body.Detail),
		RetryAfter: retryAfter(r.Header),
		Own:        own,
		Cause:      c.replyCause(call, r, own),
	}
	for _, parameter := range body.Parameters {
		e.Parameters = append(e.Parameters, truncate(c.Scrub(call, parameter), maxErrorParameter))
	}
	if e.Code == "" && e.Detail == "" {
		e.Detail = c.notOwn(call, r, e.Cause)
	}
	if r.Status >= 300 && r.Status < 400 {
		e.Detail = "it redirects" + c.redirectTarget(call, r.Header) + ", and redirects are not followed"
	}
	return e
}

// Decode decodes the JSON of a success.
func (c *Client) Decode(call *Call, r *Reply, into any) error {
	err := json.Unmarshal(r.content, into)
	switch {
	case errors.Is(err, errTooMany):
		return c.Unreadable(call, r, err.Error())
	case err != nil:
		return c.notJSON(call, r)
	}
	return nil
}

// Unreadable returns the error for a success that cannot be read.
func (c *Client) Unreadable(call *Call, r *Reply, why string) *Error {
	return &Error{
		Operation:  call.Operation,
		OrgID:      call.OrgID,
		StatusCode: r.Status,
		Detail:     "the reply cannot be read: " + c.Scrub(call, why),
		RetryAfter: retryAfter(r.Header),
	}
}

// errorBody is the JSON of an error. All fields are optional.
type errorBody struct {
	Error      json.RawMessage `json:"error"`
	Code       string          `json:"errorCode"`
	Detail     string          `json:"detail"`
	Reason     string          `json:"reason"`
	Parameters parameters      `json:"parameters"`
}

func parseErrorBody(r *Reply) errorBody {
	var body errorBody
	content := r.Body
	if envelope := readHead(content); envelope.wraps() {
		content = envelope.content()
	}
	if json.Unmarshal(content, &body) != nil {
		body = errorBody{} // a proxy's page: part of it is meaningless
	}
	body.Code = cmp.Or(body.Code, r.Header.Get("X-Error-Code"))
	body.Detail = cmp.Or(body.Detail, body.Reason)
	return body
}

// own reports whether the body can only be from the API.
func (body errorBody) own() bool { return body.Code != "" || valueOf[int](body.Error) > 0 }

// parameters are the first parameters of an error: strings, and other values as their
// JSON.
type parameters []string

// UnmarshalJSON accepts any value and ignores what is not a list. It stops after the
// last parameter that is kept.
func (p *parameters) UnmarshalJSON(data []byte) error {
	*p = nil
	_ = eachElement(data, func(decode func(any) error) (bool, error) {
		var one json.RawMessage
		if len(*p) == maxErrorParameters || decode(&one) != nil {
			return false, nil
		}
		word := ""
		if json.Unmarshal(one, &word) != nil {
			word = string(one)
		}
		*p = append(*p, word)
		return true, nil
	})
	return nil
}

// contentType returns the media type of a reply. It is scrubbed before parsing, which
// changes its case.
func (c *Client) contentType(call *Call, r *Reply) string {
	if len(r.Body) == 0 {
		return "empty"
	}
	header, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";")
	if mediaType, _, err := mime.ParseMediaType(c.Scrub(call, header)); err == nil {
		return mediaType
	}
	return "no content type"
}

// redirectTarget returns the origin only: the rest may hold anything.
func (c *Client) redirectTarget(call *Call, header http.Header) string {
	target, err := url.Parse(header.Get("Location"))
	if err != nil || target.Host == "" || target.Scheme != "http" && target.Scheme != "https" {
		return ""
	}
	return " to " + c.Scrub(call, target.Scheme+"://"+target.Host)
}

// retryAfter reads the header in both its forms. A date is compared with the server's
// Date: this machine's clock may be wrong.
func retryAfter(header http.Header) time.Duration {
	value := header.Get("Retry-After")
	if seconds, err := strconv.Atoi(value); err == nil {
		return max(0, time.Duration(min(seconds, maxRetryAfter))*time.Second)
	}
	if date, err := http.ParseTime(value); err == nil {
		sent, err := http.ParseTime(header.Get("Date"))
		if err != nil {
			sent = time.Now()
		}
		return min(max(0, date.Sub(sent)), maxRetryAfter*time.Second)
	}
	return 0
}

// maxRetryAfter, a day in seconds, keeps the sum in range.
const maxRetryAfter = 24 * 60 * 60
