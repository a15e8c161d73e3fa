package activities

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/migrationlink/migrationlink"
	"github.com/migrationlink/migrationlink/atlas"
)

// classifyAtlas is classify for what Atlas answers: the same types, with the
// remedies of its settings.
func classifyAtlas(asked migrationlink.AtlasToken, err error) finding {
	found := atlasFinding(asked, err)
	found.Message = fmt.Sprintf("Atlas %q: %v", asked.Name, err)
	if apiError, ok := errors.AsType[*atlas.Error](err); ok {
		found.HTTPStatus, found.Code = apiError.StatusCode, apiError.Code
	}
	return found
}

func atlasFinding(asked migrationlink.AtlasToken, err error) finding {
	if apiError, ok := errors.AsType[*atlas.Error](err); ok {
		return atlasReply(asked, apiError)
	}
	section := section(asked)
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return permanent(migrationlink.ErrCertificateInvalid, "",
			"Set ca_file of "+section+" to the authority that signed its certificate, and base_url to a name that the certificate holds.")
	}
	if errors.Is(err, atlas.ErrClientCertificate) {
		return permanent(migrationlink.ErrCertificateInvalid, "",
			"Set client_cert_file and client_key_file of "+section+" to a certificate that it trusts.")
	}
	if errors.Is(err, atlas.ErrAuthentication) {
		return permanent(migrationlink.ErrWrongAPI, "", "Check base_url and base_path of "+section+".")
	}
	return atlasUnavailable(err)
}

func atlasReply(asked migrationlink.AtlasToken, err *atlas.Error) finding {
	section := section(asked)
	switch status := err.StatusCode; {
	case status < 300, status == http.StatusRequestTimeout, status == http.StatusTooManyRequests, status >= 500:
		found := atlasUnavailable(err)
		found.retryAfter = min(err.RetryAfter, maxRetryAfter)
		return found
	case err.Code == "NOT_ATLAS_ORG" && status == http.StatusNotFound:
		return permanent(migrationlink.ErrWrongAPI, "",
			"Check token.atlas.orgId: it must be the target organization's in Atlas, not the source's. If it is, check base_url and base_path of "+section+".")
	case err.WrongAPI(), status == http.StatusMethodNotAllowed, status == http.StatusNotAcceptable:
		return permanent(migrationlink.ErrWrongAPI, "", "Check base_url and base_path of "+section+": they must lead to the API of Atlas.")
	case err.KeyRefused():
		// Only with a service account is an access token asked for, and with a wrong
		// one nothing else is.
		pair := "public_key and private_key"
		if err.Operation == atlas.OperationAccess {
			pair = "client_id and client_secret"
		}
		return permanent(migrationlink.ErrKeyRejected, "", "Check "+pair+" of "+section+" in the worker's configuration.")
	case err.RoleMissing():
		return permanent(migrationlink.ErrRoleMissing, "",
			fmt.Sprintf("Give the API key or service account of %s the role Organization Owner in the target organization %s (token.atlas.orgId).", section, asked.OrgID))
	case status == http.StatusPaymentRequired:
		return permanent(migrationlink.ErrAccountSuspended, "", "Settle the account with MongoDB.")
	case status == http.StatusForbidden:
		return atlasForbidden(section, err)
	case err.OrgNotFound():
		return permanent(migrationlink.ErrOrgNotFound, "",
			fmt.Sprintf("Check token.atlas.orgId: %s has no organization %s that its API key or service account can see.", section, asked.OrgID))
	case status == http.StatusNotFound && err.Operation == atlas.OperationAccess:
		return permanent(migrationlink.ErrWrongAPI, "", "Check base_url of "+section+".")
	case status == http.StatusNotFound:
		return permanent(migrationlink.ErrWrongAPI, "", "Check base_url and base_path of "+section+": they must lead to the API of Atlas.")
	case err.Operation == atlas.OperationAccess:
		return permanent(migrationlink.ErrKeyRejected, "", "Check client_id, client_secret and base_url of "+section+" in the worker's configuration.")
	}
	return permanent(migrationlink.ErrRequestRefused, "",
		"Check token.atlas.accessListIps and token.atlas.orgId, and look up the code in the API documentation of Atlas.")
}

func atlasForbidden(section string, err *atlas.Error) finding {
	if !strings.Contains(err.Code, "ACCESS_LIST") && !strings.Contains(err.Code, "WHITELIST") {
		return permanent(migrationlink.ErrForbidden, "",
			"Give the API key or service account of "+section+" the role Organization Owner in the target organization, and ask its owner whether live migration is allowed.")
	}
	address := "the worker's address"
	if len(err.Parameters) > 0 {
		address = err.Parameters[0] + ", the worker's address as Atlas sees it,"
	}
	return permanent(migrationlink.ErrAccessListRefused, "",
		fmt.Sprintf("Add %s to the access list of the API key or service account of %s.", address, section))
}

func atlasUnavailable(err error) finding {
	return finding{
		cause: err,
		Problem: migrationlink.Problem{
			Type:   migrationlink.ErrAtlasUnavailable,
			Remedy: "Check that Atlas is up and that the worker reaches it. Until the limit of the request it is tried again.",
		},
	}
}

func section(asked migrationlink.AtlasToken) string { return "[atlas." + asked.Name + "]" }
