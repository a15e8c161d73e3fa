package link_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"

	"github.com/migrationlink/migrationlink"
)

func TestAWorkflowUnderTheKeyOfAnotherOrganizationIsRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.SetStartWorkflowOptions(client.StartWorkflowOptions{ID: migrationlink.WorkflowID("demo", "000000000000000000000001")})
	w.ExecuteWorkflow(migrationlink.LinkWorkflow, request())

	errorType, result := w.failure(t)
	require.Equal(t, migrationlink.ErrInvalidRequest, errorType)
	require.Contains(t, result.Problem.Remedy, migrationlink.WorkflowID("demo", orgID))
	require.Zero(t, w.creates)
}
