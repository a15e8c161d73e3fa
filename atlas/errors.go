package atlas

import (
	"errors"
	"net/http"

	"github.com/migrationlink/migrationlink/internal/adminapi"
)

// Operations, in the words in which errors name them.
const (
	OperationCreateToken = "create the link-token"
	OperationDeleteToken = "delete the link-token"
	OperationAvailable   = "read the available projects"
	// OperationAccess comes before each of the others with a service account.
	OperationAccess = adminapi.OperationAccess
)

// Error is a reply that is no success, or a success that cannot be read. It is
// the type that opsmanager has, too; Operation tells them apart.
type Error = adminapi.Error

// TransportError is a call without a reply.
type TransportError = adminapi.TransportError

// ErrAuthentication is found in a TransportError when what answers does not ask
// for the authentication of the API.
var ErrAuthentication = adminapi.ErrAuthentication

// ErrClientCertificate is found in a TransportError when the server asks for a
// client certificate and gets none, or none that it trusts.
var ErrClientCertificate = adminapi.ErrClientCertificate

// MayHaveTakenEffect tells whether the call that ended with err may have been
// carried out all the same: there may be a link-token that nobody knows.
func MayHaveTakenEffect(err error) bool {
	return adminapi.MayHaveTakenEffect(err, OperationAvailable)
}

// NoLinkToken tells whether err, of DeleteLinkToken, says that the organization
// has no link-token.
func NoLinkToken(err error) bool {
	apiError, ok := errors.AsType[*Error](err)
	return ok && apiError.Operation == OperationDeleteToken && apiError.StatusCode == http.StatusNotFound &&
		!apiError.OrgNotFound() && !apiError.WrongAPI()
}
