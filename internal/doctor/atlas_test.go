package doctor

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/migrationlink/migrationlink"
)

func TestDoctorChecksTheRoleOfAnAtlas(t *testing.T) {
	t.Parallel()
	problem := &migrationlink.Problem{Type: migrationlink.ErrRoleMissing, Message: "HTTP 401", Remedy: "Give it the role."}
	seen := atlasSeen{name: "prod", asked: true, said: migrationlink.AtlasInspection{Name: "prod", WorkerVersion: "v1", KeyAccepted: true, Problem: problem}}
	require.Equal(t, good("atlas prod: key", "accepted"), seen.key(testAtlasOrg))
	require.Equal(t, bad("atlas prod: role", "HTTP 401", "Give it the role."), seen.role(testAtlasOrg))
	require.Equal(t, bad("atlas prod: key", "HTTP 401", "Give it the role."), seen.key(""), "a suspended account")

	other := atlasSeen{name: "prod", asked: true}
	require.Contains(t, other.key("").Remedy, "[atlas.prod]")
	require.False(t, other.key("").OK || other.key("").Skipped, "the workers differ")
	nobody := atlasSeen{name: "prod"}
	require.True(t, nobody.key("").Skipped && nobody.role("").Skipped)
}
