package starter

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/migrationlink/migrationlink/internal/console"
)

func TestDoctorFindsATemporalThatOffersNoUpdates(t *testing.T) {
	t.Parallel()
	f := newFakeList(t)
	checks, _ := doctorSays(t, f.command())
	require.True(t, checks["updates"].OK)

	f.noUpdates = true
	checks, done := doctorSays(t, f.command())
	require.Equal(t, console.ExitOther, done.code)
	require.Contains(t, checks["updates"].Detail, "the namespace does not accept workflow updates: links work, but 'starter extend' and 'starter check'")
	require.Contains(t, checks["updates"].Remedy, "version 1.28 or later, with frontend.enableUpdateWorkflowExecution")

	f = newFakeList(t)
	f.noMultiOperation = true
	checks, _ = doctorSays(t, f.command())
	require.Contains(t, checks["updates"].Detail, "Temporal does not start a workflow with an update")
}
