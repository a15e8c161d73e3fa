package activities

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/migrationlink/migrationlink"
	"github.com/migrationlink/migrationlink/atlas"
)

var askedOfAtlas = migrationlink.AtlasToken{Name: "prod", OrgID: "6a1b2c3d4e5f6a7b8c9d0e1f"}

func TestEveryReplyOfAtlasHasItsMeaningAndNamesItsSetting(t *testing.T) {
	t.Parallel()
	const create, available, access = atlas.OperationCreateToken, atlas.OperationAvailable, atlas.OperationAccess
	for _, test := range []struct {
		operation string
		status    int
		code      string
		errorType string
		names     string
	}{
		{create, 201, "", migrationlink.ErrAtlasUnavailable, ""}, // unreadable
		{create, 307, "", migrationlink.ErrWrongAPI, "base_url"},
		{create, 400, "INVALID_ATTRIBUTE", migrationlink.ErrRequestRefused, "token.atlas.accessListIps"},
		{access, 400, "invalid_client", migrationlink.ErrKeyRejected, "client_id"},
		{access, 400, "invalid_scope", migrationlink.ErrKeyRejected, "base_url"},
		{access, 401, "invalid_client", migrationlink.ErrKeyRejected, "client_id"},
		{create, 401, "UNEXPECTED_ERROR", migrationlink.ErrKeyRejected, "public_key"},
		{create, 401, "NOT_ORG_OWNER", migrationlink.ErrRoleMissing, "Organization Owner"},
		{create, 401, "USER_CANNOT_ACCESS_ORG", migrationlink.ErrRoleMissing, "token.atlas.orgId"},
		{create, 402, "ACCOUNT_SUSPENDED", migrationlink.ErrAccountSuspended, ""},
		{create, 403, "IP_ADDRESS_NOT_ON_ACCESS_LIST", migrationlink.ErrAccessListRefused, "192.0.2.9"},
		{create, 403, "FEATURE_UNSUPPORTED", migrationlink.ErrForbidden, "Organization Owner"},
		{available, 404, "ORG_NOT_FOUND", migrationlink.ErrOrgNotFound, "token.atlas.orgId"},
		{available, 404, "NOT_ATLAS_ORG", migrationlink.ErrWrongAPI, "token.atlas.orgId"},
		{available, 404, "RESOURCE_NOT_FOUND", migrationlink.ErrWrongAPI, "base_path"},
		{available, 404, "", migrationlink.ErrWrongAPI, "base_path"},
		{create, 404, "UNEXPECTED_ERROR", migrationlink.ErrWrongAPI, "base_path"},
		{access, 404, "", migrationlink.ErrWrongAPI, "base_url"},
		{available, 406, "", migrationlink.ErrWrongAPI, "base_path"},
		{create, 409, "", migrationlink.ErrRequestRefused, ""},
		{create, 429, "RATE_LIMITED_TOKEN_BUCKET", migrationlink.ErrAtlasUnavailable, ""},
		{access, 503, "", migrationlink.ErrAtlasUnavailable, ""},
	} {
		t.Run(fmt.Sprintf("%s %d %s", test.operation, test.status, test.code), func(t *testing.T) {
			t.Parallel()
			found := atlasParty(askedOfAtlas, atlasOrgField).meaning(&atlas.Error{
				Operation: test.operation, StatusCode: test.status, Code: test.code, Parameters: []string{"192.0.2.9"}, RetryAfter: 7 * time.Second,
			})
			require.Equal(t, test.errorType, found.Type)
			require.Equal(t, test.errorType != migrationlink.ErrAtlasUnavailable, found.final)
			require.Equal(t, !found.final, found.retryAfter == 7*time.Second)
			require.Contains(t, found.Remedy, test.names)
			require.Contains(t, found.Message, `Atlas "prod": `)
			require.Equal(t, test.status, found.HTTPStatus)
			require.NotContains(t, found.Remedy, "manager")
			require.False(t, strings.Contains(found.Remedy, "public_key") && strings.Contains(found.Remedy, "client_id"), "an Atlas has one of them")
		})
	}
}

func TestAWrongServerIsDistinguishedFromOneThatIsDown(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		cause                        error
		ofAtlas, ofManager, inRemedy string
	}{
		{&tls.CertificateVerificationError{Err: x509.UnknownAuthorityError{}}, migrationlink.ErrCertificateInvalid, migrationlink.ErrCertificateInvalid, "ca_file"},
		{atlas.ErrClientCertificate, migrationlink.ErrCertificateInvalid, migrationlink.ErrCertificateInvalid, "client_cert_file"},
		{atlas.ErrAuthentication, migrationlink.ErrWrongAPI, migrationlink.ErrWrongAPI, "base_url"},
		{fmt.Errorf("connection refused"), migrationlink.ErrAtlasUnavailable, migrationlink.ErrManagerUnavailable, "retried"},
	} {
		failed := &atlas.TransportError{Operation: atlas.OperationCreateToken, Err: test.cause}
		found := atlasParty(askedOfAtlas, atlasOrgField).meaning(failed)
		require.Equal(t, test.ofAtlas, found.Type)
		require.Contains(t, found.Remedy, test.inRemedy)
		found = managerParty(Target{Manager: "demo"}).meaning(failed)
		require.Equal(t, test.ofManager, found.Type)
		require.Contains(t, found.Remedy, test.inRemedy)
	}
}
