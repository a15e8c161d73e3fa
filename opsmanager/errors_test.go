package opsmanager_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/migrationlink/migrationlink/atlas"
	"github.com/migrationlink/migrationlink/internal/adminapi"
	"github.com/migrationlink/migrationlink/opsmanager"
)

func TestAnErrorIsFoundAsItsOwnAndAsTheSharedType(t *testing.T) {
	t.Parallel()
	failed := fmt.Errorf("link: %w", &opsmanager.Error{Operation: opsmanager.OperationStatus, StatusCode: http.StatusNotFound, Code: "ORG_NOT_FOUND"})
	var own *opsmanager.Error
	require.ErrorAs(t, failed, &own)
	require.True(t, own.OrgNotFound())
	var shared *adminapi.Error
	require.ErrorAs(t, failed, &shared)
	require.Equal(t, own.Error(), shared.Error())
	var others *atlas.Error
	require.False(t, errors.As(failed, &others), "it is not an error of Atlas")

	lost := fmt.Errorf("link: %w", &opsmanager.TransportError{Operation: opsmanager.OperationCreate, Sent: true, Err: context.DeadlineExceeded})
	var ownLost *opsmanager.TransportError
	require.ErrorAs(t, lost, &ownLost)
	var sharedLost *adminapi.TransportError
	require.ErrorAs(t, lost, &sharedLost)
	require.Equal(t, ownLost.Error(), sharedLost.Error())
	require.ErrorIs(t, lost, context.DeadlineExceeded)
	require.True(t, opsmanager.MayHaveTakenEffect(lost))
}
