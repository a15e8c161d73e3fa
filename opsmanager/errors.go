package opsmanager

import (
	"errors"
	"net/http"

	"github.com/migrationlink/migrationlink/internal/adminapi"
)

// Error is a reply that is no success, or a success that cannot be read.
type Error = adminapi.Error

// TransportError is a call without a reply.
type TransportError = adminapi.TransportError

// ErrAuthentication is found in a TransportError when what answers does not ask
// for the authentication of the link API.
var ErrAuthentication = adminapi.ErrAuthentication

// ErrClientCertificate is found in a TransportError when the server asks for a
// client certificate and gets none, or none that it trusts.
var ErrClientCertificate = adminapi.ErrClientCertificate

// MayHaveTakenEffect tells whether the call that ended with err may have been
// carried out all the same.
func MayHaveTakenEffect(err error) bool {
	return adminapi.MayHaveTakenEffect(err, OperationStatus, OperationProjects)
}

// NoLink tells whether err, of LinkStatus or DeleteLink, says that the
// organization has no link.
func NoLink(err error) bool {
	apiError, ok := errors.AsType[*Error](err)
	return ok && apiError.StatusCode == http.StatusNotFound && !apiError.OrgNotFound() && !apiError.WrongAPI()
}
