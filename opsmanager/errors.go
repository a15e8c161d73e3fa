package opsmanager

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/migrationlink/migrationlink/redact"
)

// Error is a reply that is no success, or a success that cannot be read.
type Error struct {
	Operation  string // one of the Operation constants
	OrgID      string
	StatusCode int
	// Code is the manager's errorCode, which may be missing.
	Code string
	// Detail is the manager's own explanation, or what is wrong with the reply.
	Detail string
	// Parameters belong to Code; for a refusal by the access list the first is
	// the caller's address as the manager sees it.
	Parameters []string
	// RetryAfter is how long the manager asks to wait. Zero when it does not.
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
	// Sent says that the request may have reached the manager.
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
// carried out all the same.
func MayHaveTakenEffect(err error) bool {
	if transportError, ok := errors.AsType[*TransportError](err); ok {
		return transportError.Sent && transportError.Operation != OperationStatus
	}
	apiError, ok := errors.AsType[*Error](err)
	if !ok || apiError.Operation == OperationStatus { // CreateLink may have come no further
		return false
	}
	// A refusal is final; a gateway's error or an unreadable success says
	// nothing of what the manager did.
	return apiError.StatusCode < 300 || apiError.StatusCode >= 500 || apiError.StatusCode == http.StatusRequestTimeout
}

// NoLink tells whether err, of LinkStatus or DeleteLink, says that the
// organization has no link.
func NoLink(err error) bool {
	apiError, ok := errors.AsType[*Error](err)
	return ok && apiError.StatusCode == http.StatusNotFound && !apiError.OrgNotFound() && !apiError.WrongAPI()
}

// OrgNotFound tells whether the manager does not know the organization.
func (e *Error) OrgNotFound() bool {
	return e.StatusCode == http.StatusNotFound && (e.Code == "ORG_NOT_FOUND" || e.Code == "INVALID_ORG_ID")
}

// WrongAPI tells whether what answered is not the link API of a manager: Atlas,
// another path, or a server that redirects.
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

// AtlasOrg tells whether the manager takes the organization for one of Atlas.
func (e *Error) AtlasOrg() bool {
	return e.StatusCode == http.StatusNotFound && (e.Code == "EXPECTED_NON_ATLAS_ORG" || e.Code == "ATLAS_GROUP")
}

func (c *Client) transportError(ctx context.Context, call *call, err error) error {
	failed := &TransportError{Operation: call.operation, OrgID: call.orgID, Sent: call.sent.Load()}
	switch {
	case ctx.Err() != nil && (call.body == nil || !failed.Sent):
		err = ctx.Err() // what the caller waits for, whatever broke first
	case errors.Is(err, context.DeadlineExceeded):
		err = fmt.Errorf("the manager took longer than %s", c.timeout)
	}
	failed.Err = scrubbed{text: c.scrub(call, err.Error()), cause: err}
	return failed
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

func (c *Client) apiError(call *call, r *reply) error {
	body := parseErrorBody(r)
	e := &Error{
		Operation:  call.operation,
		OrgID:      call.orgID,
		StatusCode: r.status,
		Code:       c.scrub(call, body.Code),
		Detail:     c.scrub(call, body.Detail),
		RetryAfter: retryAfter(r.header, time.Now()),
	}
	for _, parameter := range body.Parameters {
		e.Parameters = append(e.Parameters, c.scrub(call, string(parameter)))
	}
	if e.Code == "" && e.Detail == "" {
		e.Detail = fmt.Sprintf("the reply is not the manager's own (%s, %d bytes)", c.scrub(call, contentType(r)), len(r.body))
	}
	if r.status >= 300 && r.status < 400 {
		e.Detail = "it redirects" + redirectTarget(r.header) + ", and redirects are not followed"
	}
	return e
}

// errorBody is the shape of an error. errorCode, or all of it, may be missing.
type errorBody struct {
	Code       string      `json:"errorCode"`
	Detail     string      `json:"detail"`
	Reason     string      `json:"reason"`
	Parameters []parameter `json:"parameters"`
}

func parseErrorBody(r *reply) errorBody {
	var body errorBody
	if json.Unmarshal(r.body, &body) != nil {
		body = errorBody{} // a proxy's page; part of it says nothing
	}
	if body.Code == "" {
		body.Code = r.header.Get("X-Error-Code")
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

func contentType(r *reply) string {
	if len(r.body) == 0 {
		return "empty"
	}
	if mediaType, _, err := mime.ParseMediaType(r.header.Get("Content-Type")); err == nil {
		return mediaType
	}
	return "no content type"
}

// redirectTarget tells the origin only: the rest may hold anything.
func redirectTarget(header http.Header) string {
	target, err := url.Parse(header.Get("Location"))
	if err != nil || target.Host == "" {
		return ""
	}
	return " to " + target.Scheme + "://" + redact.Scrub(target.Host)
}

// retryAfter reads the header in both its forms.
func retryAfter(header http.Header, now time.Time) time.Duration {
	value := header.Get("Retry-After")
	if seconds, err := strconv.Atoi(value); err == nil {
		return max(0, time.Duration(seconds)*time.Second)
	}
	if date, err := http.ParseTime(value); err == nil {
		return max(0, date.Sub(now))
	}
	return 0
}
