package activities

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"

	"github.com/migrationlink/migrationlink"
	"github.com/migrationlink/migrationlink/opsmanager"
	"github.com/migrationlink/migrationlink/opsmanager/opsmanagertest"
	"github.com/migrationlink/migrationlink/redact"
)

func TestEveryReplyHasItsMeaning(t *testing.T) {
	t.Parallel()
	const create, status, remove = opsmanager.OperationCreate, opsmanager.OperationStatus, opsmanager.OperationDelete
	for _, test := range []struct {
		operation string
		status    int
		code      string
		errorType string
		final     bool
	}{
		{create, 200, "", migrationlink.ErrManagerUnavailable, false},
		{status, 302, "", migrationlink.ErrWrongAPI, true},
		{create, 400, "INVALID_JSON", migrationlink.ErrTokenRejected, true},
		{create, 400, "", migrationlink.ErrTokenRejected, true},
		{status, 400, "INVALID_ATTRIBUTE", migrationlink.ErrRequestRefused, true},
		{status, 401, "UNEXPECTED_ERROR", migrationlink.ErrKeyRejected, true},
		{status, 401, "", migrationlink.ErrKeyRejected, true},
		{status, 401, "NOT_ORG_OWNER", migrationlink.ErrRoleMissing, true},
		{status, 401, "USER_UNAUTHORIZED", migrationlink.ErrRoleMissing, true},
		{status, 401, "USER_CANNOT_ACCESS_ORG", migrationlink.ErrRoleMissing, true},
		{status, 401, "NOT_ORG_ADMIN", migrationlink.ErrRoleMissing, true},
		{status, 402, "ACCOUNT_SUSPENDED", migrationlink.ErrAccountSuspended, true},
		{status, 403, "IP_ADDRESS_NOT_ON_ACCESS_LIST", migrationlink.ErrAccessListRefused, true},
		{status, 403, "ORG_REQUIRES_WHITELIST", migrationlink.ErrAccessListRefused, true},
		{status, 403, "FEATURE_UNSUPPORTED", migrationlink.ErrForbidden, true},
		{status, 403, "", migrationlink.ErrForbidden, true},
		{status, 404, "ORG_NOT_FOUND", migrationlink.ErrOrgNotFound, true},
		{status, 404, "INVALID_ORG_ID", migrationlink.ErrOrgNotFound, true},
		{status, 404, "NOT_ATLAS_ORG", migrationlink.ErrWrongAPI, true},
		{status, 404, "RESOURCE_NOT_FOUND", migrationlink.ErrWrongAPI, true},
		{create, 404, "", migrationlink.ErrWrongAPI, true},
		{create, 405, "WRITES_NOT_ALLOWED_DURING_APP_UPGRADES", migrationlink.ErrManagerUnavailable, false},
		{create, 405, "", migrationlink.ErrWrongAPI, true},
		{status, 408, "", migrationlink.ErrManagerUnavailable, false},
		{create, 409, "", migrationlink.ErrRequestRefused, true},
		{remove, 409, "CANNOT_DELETE_ORG_LINK_WITH_RUNNING_LIVE_EXPORT", migrationlink.ErrMigrationRunning, true},
		{status, 429, "RATE_LIMITED", migrationlink.ErrManagerUnavailable, false},
		{status, 500, "UNEXPECTED_ERROR", migrationlink.ErrManagerUnavailable, false},
		{status, 502, "", migrationlink.ErrManagerUnavailable, false},
		{status, 503, "", migrationlink.ErrManagerUnavailable, false},
		{status, 504, "", migrationlink.ErrManagerUnavailable, false},
	} {
		t.Run(fmt.Sprintf("%s %d %s", test.operation, test.status, test.code), func(t *testing.T) {
			t.Parallel()
			found := managerParty(Target{Manager: "demo", OrgID: "org"}).meaning(&opsmanager.Error{Operation: test.operation, StatusCode: test.status, Code: test.code})
			require.Equal(t, test.errorType, found.Type)
			require.Equal(t, test.final, found.final)
			require.NotEmpty(t, found.Remedy)
			require.Contains(t, found.Message, fmt.Sprint(test.status))
			require.Equal(t, test.status, found.HTTPStatus)
		})
	}
}

// Around it, retry and delay would be lost: Temporal looks at the outermost
// error only.
// Nothing is wrong with the manager, or it will not come again.
func TestWhatAWorkerDelaysAndWhatBreaksOffIsRepeated(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		rate   float64
		fault  opsmanagertest.FaultKind
		says   string
		remedy string
	}{
		"too many requests": {0.1, "", "too many requests wait, because requests_per_second is 0.1", "requests_per_second of [managers.demo]"},
		"broke off":         {0, opsmanagertest.TruncatedBody, "it broke off after", "Check the network"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			linked := true
			server := opsmanagertest.NewServer(opsmanagertest.Options{})
			t.Cleanup(server.Close)
			require.NoError(t, server.SetOrg("5f1b2c3d4e5f6a7b8c9d0e1f", opsmanagertest.OrgSettings{Linked: &linked}))
			if test.fault != "" {
				require.NoError(t, server.SetFaults([]opsmanagertest.Fault{{Kind: test.fault, Operation: "GET"}}))
			}
			client, err := opsmanager.New(opsmanager.Config{
				BaseURL: server.URL, PublicKey: opsmanagertest.DefaultPublicKey, PrivateKey: redact.NewSecret(opsmanagertest.DefaultPrivateKey), RequestsPerSecond: test.rate,
			})
			require.NoError(t, err)
			t.Cleanup(client.Close)
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
			t.Cleanup(cancel)
			_, err = client.LinkStatus(ctx, "5f1b2c3d4e5f6a7b8c9d0e1f") // two requests
			require.ErrorContains(t, err, test.says)
			found := demo(err)
			require.Equal(t, migrationlink.ErrManagerUnavailable, found.Type)
			require.False(t, found.final)
			require.Contains(t, found.Remedy, test.remedy)
		})
	}
}

func TestApplicationErrorsAreNeverWrapped(t *testing.T) {
	t.Parallel()
	manager := managerParty(Target{})
	found := manager.meaning(&opsmanager.Error{StatusCode: 503})
	_, bare := found.activityError(context.Background(), minDelay).(*temporal.ApplicationError) //nolint:errorlint // the point
	require.True(t, bare)

	ctx, cancel := context.WithCancelCause(context.Background())
	cancel(temporal.NewCanceledError())
	found = manager.meaning(&opsmanager.TransportError{Err: ctx.Err()})
	require.True(t, temporal.IsCanceledError(found.activityError(ctx, 0)), "a cancellation is no failure")
	lost, cancel := context.WithCancelCause(context.Background())
	cancel(errors.New("Temporal cannot be reached"))
	found = manager.meaning(&opsmanager.TransportError{Err: lost.Err()})
	requireNotCancelled(t, found.activityError(lost, 0))
	requireNotCancelled(t, manager.meaning(&opsmanager.Error{StatusCode: 503}).activityError(ctx, 0))
}

func requireNotCancelled(t *testing.T, err error) {
	t.Helper()
	require.Error(t, err)
	require.NotErrorIs(t, err, context.Canceled)
	require.False(t, temporal.IsCanceledError(err))
}
