package migrationlink_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/migrationlink/migrationlink"
)

// Callers in other languages write these by hand.
func TestTheNamesOfTheNexusServiceStay(t *testing.T) {
	t.Parallel()
	require.Equal(t, []string{"migration-link", "link", "unlink", "status"}, []string{
		migrationlink.NexusService, migrationlink.LinkOperation.Name(), migrationlink.UnlinkOperation.Name(), migrationlink.StatusOperation.Name(),
	})
}

func TestAStatusIsAskedForOneOrganization(t *testing.T) {
	t.Parallel()
	require.NoError(t, migrationlink.StatusRequest{Manager: "demo", OrgID: "5f1b2c3d4e5f6a7b8c9d0e1f"}.Validate())
	var invalid *migrationlink.ValidationError
	require.ErrorAs(t, migrationlink.StatusRequest{}.Validate(), &invalid)
	require.Equal(t, "manager", invalid.Problems[0].Field)
	require.Equal(t, "orgId", invalid.Problems[1].Field)
}
