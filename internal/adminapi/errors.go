package adminapi

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/migrationlink/migrationlink/redact"
)

// Error is a reply that is no success, or a success that cannot be read.
type Error struct {
	Operation  string // one of the client's Operation constants
	OrgID      string
	StatusCode int
	// Code is the server's errorCode, which may be missing.
	Code string
	// Detail is the server's own explanation, or what is wrong with the reply.
	Detail string
	// Parameters belong to Code; for a refusal by the access list the first is
	// the caller's address as the server sees it.
	Parameters []string
	// RetryAfter is how long the server asks to wait. Zero when it does not.
	RetryAfter time.Duration
}

// Error tells operation, organization, status, code and detail.
func (e *Error) Error() string {
	var text strings.Builder
	fmt.Fprintf(&text, "%s of organization %s: HTTP %d", e.Operation, e.OrgID, e.StatusCode)
	if e.Code != "" {
		text.WriteString(" " + e.Code)
	}
	if e.Detail != "" {
		text.WriteString(": " + e.Detail)
	}
	return text.String()
}

// TransportError is a call without a reply.
type TransportError struct {
	Operation string
	OrgID     string
	// Sent says that the request may have reached the server.
	Sent bool
	Err  error
}

// Error tells operation, organization and cause.
func (e *TransportError) Error() string {
	return fmt.Sprintf("%s of organization %s: no reply: %v", e.Operation, e.OrgID, e.Err)
}

// Unwrap returns the cause. A context's error is found in it.
func (e *TransportError) Unwrap() error { return e.Err }

// MayHaveTakenEffect tells whether the call that ended with err may have been
// carried out all the same. Of the operations in reads there is no effect.
func MayHaveTakenEffect(err error, reads ...string) bool {
	reads = append(reads, OperationAccess)
	if transportError, ok := errors.AsType[*TransportError](err); ok {
		return transportError.Sent && !slices.Contains(reads, transportError.Operation)
	}
	apiError, ok := errors.AsType[*Error](err)
	if !ok || slices.Contains(reads, apiError.Operation) { // it may have come no further
		return false
	}
	// A refusal is final; a gateway's error or an unreadable success says
	// nothing of what the server did.
	return apiError.StatusCode < 300 || apiError.StatusCode >= 500 || apiError.StatusCode == http.StatusRequestTimeout
}

// OrgNotFound tells whether the server does not know the organization.
func (e *Error) OrgNotFound() bool {
	return e.StatusCode == http.StatusNotFound && (e.Code == "ORG_NOT_FOUND" || e.Code == "INVALID_ORG_ID")
}

// WrongAPI tells whether what answered is not the API that was meant: Atlas in
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

// AtlasOrg tells whether a manager takes the organization for one of Atlas.
func (e *Error) AtlasOrg() bool {
	return e.StatusCode == http.StatusNotFound && (e.Code == "EXPECTED_NON_ATLAS_ORG" || e.Code == "ATLAS_GROUP")
}

// KeyRefused tells whether the API key or the service account itself is refused.
// OAuth 2.0 allows 400 for the latter.
func (e *Error) KeyRefused() bool {
	if e.Operation == OperationAccess && e.StatusCode == http.StatusBadRequest {
		return e.Code == "invalid_client" || e.Code == "unauthorized_client"
	}
	return e.StatusCode == http.StatusUnauthorized && !slices.Contains(roleCodes, e.Code)
}

// RoleMissing tells whether the key is good, but may not do this.
func (e *Error) RoleMissing() bool {
	return e.StatusCode == http.StatusUnauthorized && slices.Contains(roleCodes, e.Code)
}

var roleCodes = []string{"NOT_ORG_OWNER", "USER_UNAUTHORIZED", "USER_CANNOT_ACCESS_ORG", "NOT_ORG_ADMIN"}

func (c *Client) transportError(ctx context.Context, call *Call, err error) error {
	failed := &TransportError{Operation: call.Operation, OrgID: call.OrgID, Sent: call.sent.Load()}
	switch {
	case ended(ctx) != nil && (call.Body == nil || !failed.Sent):
		err = ended(ctx) // what the caller waits for, whatever broke first
	case errors.Is(err, context.DeadlineExceeded):
		err = fmt.Errorf("%s took longer than %s", c.config.Party, c.timeout)
	}
	failed.Err = scrubbed{text: c.Scrub(call, err.Error()), cause: err}
	return failed
}

// ended is why the context of a caller has ended. That of a request, which has the
// same deadline, may notice it a moment before.
func ended(ctx context.Context) error {
	if deadline, limited := ctx.Deadline(); limited && !time.Now().Before(deadline) {
		return cmp.Or(ctx.Err(), context.DeadlineExceeded)
	}
	return ctx.Err()
}

// scrubbed is an error whose text can be shown, and whose kind can still be
// found. It does not unwrap, so that nobody shows the text of its cause.
type scrubbed struct {
	text  string
	cause error
}

func (e scrubbed) Error() string        { return e.text }
func (e scrubbed) Is(target error) bool { return errors.Is(e.cause, target) }
func (e scrubbed) As(target any) bool   { return errors.As(e.cause, target) }

// Format keeps every verb to the text.
func (e scrubbed) Format(state fmt.State, _ rune) { _, _ = io.WriteString(state, e.text) }

// Scrub makes a text from the server fit to be shown.
func (c *Client) Scrub(call *Call, text string) string {
	return redact.Scrub(text, append(append(c.secrets(), call.bearers...), call.Secret)...)
}

// Clean is Scrub for a text that may hold long words by right.
func (c *Client) Clean(text string) string { return redact.Clean(text, c.secrets()...) }

func (c *Client) secrets() []redact.Secret {
	secrets := []redact.Secret{c.config.Credentials.PrivateKey, c.config.Credentials.ClientSecret}
	if c.access != nil {
		secrets = append(secrets, c.access.lastToken())
	}
	return secrets
}

func (c *Client) apiError(call *Call, r *Reply) error {
	body := parseErrorBody(r)
	e := &Error{
		Operation:  call.Operation,
		OrgID:      call.OrgID,
		StatusCode: r.Status,
		Code:       c.Scrub(call, body.Code),
		Detail:     c.Scrub(call, body.Detail),
		RetryAfter: retryAfter(r.Header, time.Now()),
	}
	for _, parameter := range body.Parameters {
		e.Parameters = append(e.Parameters, c.Scrub(call, string(parameter)))
	}
	if e.Code == "" && e.Detail == "" {
		e.Detail = fmt.Sprintf("the reply is not %s's own (%s, %d bytes)", c.config.Party, c.contentType(call, r), len(r.Body))
	}
	if r.Status >= 300 && r.Status < 400 {
		e.Detail = "it redirects" + c.redirectTarget(call, r.Header) + ", and redirects are not followed"
	}
	return e
}

// Decode reads the JSON of a success, or says in an error that it cannot.
func (c *Client) Decode(call *Call, r *Reply, into any) error {
	if r.BodyErr != nil {
		return c.Unreadable(call, r, r.BodyErr.Error())
	}
	if err := json.Unmarshal(r.Body, into); err != nil {
		// What encoding/json says may repeat a part of the reply.
		return c.Unreadable(call, r, fmt.Sprintf("it is not the JSON of the API (%s, %d bytes)", c.contentType(call, r), len(r.Body)))
	}
	return nil
}

// Unreadable is the error for a success that cannot be read.
func (c *Client) Unreadable(call *Call, r *Reply, why string) error {
	return &Error{
		Operation:  call.Operation,
		OrgID:      call.OrgID,
		StatusCode: r.Status,
		Detail:     "the reply cannot be read: " + c.Scrub(call, why),
		RetryAfter: retryAfter(r.Header, time.Now()),
	}
}

// errorBody is the shape of an error. errorCode, or all of it, may be missing.
type errorBody struct {
	Code       string      `json:"errorCode"`
	Detail     string      `json:"detail"`
	Reason     string      `json:"reason"`
	Parameters []parameter `json:"parameters"`
}

func parseErrorBody(r *Reply) errorBody {
	var body errorBody
	if json.Unmarshal(r.Body, &body) != nil {
		body = errorBody{} // a proxy's page; part of it says nothing
	}
	if body.Code == "" {
		body.Code = r.Header.Get("X-Error-Code")
	}
	if body.Detail == "" {
		body.Detail = body.Reason
	}
	return body
}

// parameter is a string or a number, as text.
type parameter string

// UnmarshalJSON accepts any value.
func (p *parameter) UnmarshalJSON(data []byte) error {
	var text string
	if json.Unmarshal(data, &text) != nil {
		text = string(bytes.TrimSpace(data))
	}
	*p = parameter(text)
	return nil
}

// contentType is scrubbed before it is parsed, which makes it lower case.
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

// redirectTarget tells the origin only: the rest may hold anything. So may the
// scheme, in lower case.
func (c *Client) redirectTarget(call *Call, header http.Header) string {
	target, err := url.Parse(header.Get("Location"))
	if err != nil || target.Host == "" || target.Scheme != "http" && target.Scheme != "https" {
		return ""
	}
	return " to " + c.Scrub(call, target.Scheme+"://"+target.Host)
}

// retryAfter reads the header in both its forms.
func retryAfter(header http.Header, now time.Time) time.Duration {
	value := header.Get("Retry-After")
	if seconds, err := strconv.Atoi(value); err == nil {
		return max(0, time.Duration(min(seconds, maxRetryAfter))*time.Second)
	}
	if date, err := http.ParseTime(value); err == nil {
		return max(0, date.Sub(now))
	}
	return 0
}

// maxRetryAfter in seconds, a day, keeps the sum in range.
const maxRetryAfter = 24 * 60 * 60
