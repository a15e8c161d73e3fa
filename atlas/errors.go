package atlas

import (
	"errors"
	"net/http"
	"time"

	"github.com/migrationlink/migrationlink/internal/adminapi"
)

// Operations, as errors name them.
const (
	OperationCreateToken = "create the link-token"
	OperationDeleteToken = "delete the link-token"
	OperationAvailable   = "read the available projects"
	// OperationAccess comes before each of the others with a service account.
	OperationAccess = adminapi.OperationAccess
)

// Error is a reply that is not a success, or a success that cannot be read.
type Error struct {
	Operation  string // one of the Operation constants
	OrgID      string
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
func (e *Error) Error() string { return e.reply().Error() }

// OrgNotFound reports whether Atlas does not know the organization.
func (e *Error) OrgNotFound() bool { return e.reply().OrgNotFound() }

// WrongAPI reports whether an API other than the configured one answered: a manager,
// another path, or a server that redirects.
func (e *Error) WrongAPI() bool { return e.reply().WrongAPI() }

// KeyRefused reports whether the API key or the service account itself is rejected.
func (e *Error) KeyRefused() bool { return e.reply().KeyRefused() }

// RoleMissing reports whether the API key or the service account is valid, but lacks a
// role.
func (e *Error) RoleMissing() bool { return e.reply().RoleMissing() }

// As lets errors.As find the error that the clients of all APIs share.
func (e *Error) As(target any) bool { return adminapi.Assign(target, e.reply()) }

func (e *Error) reply() *adminapi.Error { return (*adminapi.Error)(e) }

// TransportError is a call without a reply, or without a usable one.
type TransportError struct {
	Operation string // one of the Operation constants
	OrgID     string
	// Sent reports whether the request may have reached the server.
	Sent bool
	Err  error
}

// Error returns operation, organization and cause.
func (e *TransportError) Error() string { return (*adminapi.TransportError)(e).Error() }

// Unwrap returns the cause, in which a context's error can be found.
func (e *TransportError) Unwrap() error { return e.Err }

// As lets errors.As find the error that the clients of all APIs share.
func (e *TransportError) As(target any) bool {
	return adminapi.Assign(target, (*adminapi.TransportError)(e))
}

// publish replaces an error of adminapi by the one of this package.
func publish(err *error) {
	switch found := (*err).(type) { //nolint:errorlint // the error itself, not one that it wraps
	case *adminapi.Error:
		*err = (*Error)(found)
	case *adminapi.TransportError:
		*err = (*TransportError)(found)
	}
}

// ErrAuthentication is in a TransportError if the server does not ask for the
// authentication of the API.
var ErrAuthentication = adminapi.ErrAuthentication

// ErrClientCertificate is in a TransportError if the server asks for a client
// certificate and gets none that it trusts.
var ErrClientCertificate = adminapi.ErrClientCertificate

// ErrInvalidOrgID is the error of a call with an organization id that is not 24
// lower-case hexadecimal digits. Nothing is sent then.
var ErrInvalidOrgID = adminapi.ErrInvalidOrgID

// ErrAcceptedKeyRefused is in a TransportError if every answer of a call was rejected
// although the same API key was accepted before.
var ErrAcceptedKeyRefused = adminapi.ErrAcceptedKeyRefused

// Cause says why a call failed without an answer of the API itself.
type Cause = adminapi.Cause

// CauseOf returns the cause of err, or "".
func CauseOf(err error) Cause { return adminapi.CauseOf(err) }

// Doubtful reports whether err looks final, but may be temporary or come from another
// server, so that only its repetition proves that it is final. Examples are a redirect,
// a rejection that is not the API's own, a 401 for the API key, and a certificate that
// was not accepted.
func Doubtful(err error) bool { return adminapi.Doubtful(err) }

// MayHaveTakenEffect reports whether the call that failed with err may have taken
// effect: there may be a link-token that nobody knows.
func MayHaveTakenEffect(err error) bool {
	return adminapi.MayHaveTakenEffect(err, OperationAvailable)
}

// NoLinkToken reports whether err, of DeleteLinkToken, says that the organization
// has no link-token. The 404 of another server does not.
func NoLinkToken(err error) bool {
	apiError, ok := errors.AsType[*Error](err)
	return ok && apiError.Operation == OperationDeleteToken && apiError.StatusCode == http.StatusNotFound &&
		apiError.Cause == "" && !apiError.OrgNotFound() && !apiError.WrongAPI()
}
