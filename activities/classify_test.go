package activities

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"

	"github.com/migrationlink/migrationlink"
	"github.com/migrationlink/migrationlink/opsmanager"
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
