package atlas_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/migrationlink/migrationlink/atlas"
)

const wantedProject, otherProject = "5f1b2c3d4e5f6a7b8c9d0e1f", "6f1b2c3d4e5f6a7b8c9d0e1f"

func wanted(projectID string) bool { return projectID == wantedProject }

func TestTheInventoryIsWhatAtlasShowsOfTheProjectsThatAreWanted(t *testing.T) {
	t.Parallel()
	const deployment = `{"name":"orders","mongoDBVersion":"7.0.13","sharded":true,"managed":true,"tlsEnabled":true,"agentVersion":"1"}`
	list := `[{"projectId":"` + otherProject + `","name":"other"},{"projectId":"` + wantedProject + `","name":"shop","deployments":[` + deployment + `],"migrationHosts":["m1.example.com"]}]`
	want := []atlas.ProjectInventory{{
		ID: wantedProject, Name: "shop", DeploymentCount: 1, MigrationHostCount: 1, MigrationHosts: []string{"m1.example.com"},
		Deployments: []atlas.Deployment{{Name: "orders", Version: "7.0.13", Sharded: true, Managed: true, TLS: true}},
	}}
	for _, form := range []string{"%s", `{"results":%s}`, `{"status":200,"content":%s}`} {
		for name, client := range answering(t, body(fmt.Sprintf(form, list))) {
			found, err := client.Inventory(t.Context(), orgID, wanted)
			require.NoError(t, err, name)
			require.Equal(t, want, found, name)
		}
	}
}

func TestTheInventoryOfAHostileAtlasIsSmall(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		project string
		want    atlas.ProjectInventory
	}{
		"wrong types": {`"name":1,"deployments":{"a":1},"migrationHosts":"m1"`, atlas.ProjectInventory{}},
		"odd elements": {
			`"deployments":[1,"x",null,{"name":[],"mongoDBVersion":7,"sharded":"yes"}],"migrationHosts":[1,"m1"]`,
			atlas.ProjectInventory{DeploymentCount: 4, MigrationHostCount: 2, Deployments: make([]atlas.Deployment, 2), MigrationHosts: []string{"m1"}},
		},
		"secrets and long names": {
			`"name":"` + privateKey + ` ` + clientSecret + `","migrationHosts":["` + strings.Repeat("x", 65) + `"]`,
			atlas.ProjectInventory{Name: "[redacted] [redacted]", MigrationHostCount: 1},
		},
		"many": {
			`"deployments":[` + strings.Repeat(`{},`, 100_000) + `{}],"migrationHosts":["a"` + strings.Repeat(`,"m"`, 100_000) + `]`,
			atlas.ProjectInventory{DeploymentCount: 100_001, MigrationHostCount: 100_001, Deployments: make([]atlas.Deployment, 10), MigrationHosts: []string{"a", "m", "m", "m", "m"}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test.want.ID = wantedProject
			for credentials, client := range answering(t, body(`[{"projectId":"`+wantedProject+`",`+test.project+`}]`)) {
				found, err := client.Inventory(t.Context(), orgID, wanted)
				require.NoError(t, err)
				if name == "secrets and long names" { // each client knows its own secret
					require.Contains(t, found[0].Name, "[redacted]", credentials)
					found[0].Name = test.want.Name
				}
				require.Equal(t, []atlas.ProjectInventory{test.want}, found)
			}
		})
	}
	for _, reply := range []string{`{"results":5}`, `{"message":"maintenance"}`, `"x"`, `[` + strings.Repeat(`{},`, 50_000) + `{}]`} {
		for _, client := range answering(t, body(reply)) {
			_, err := client.Inventory(t.Context(), orgID, wanted)
			require.ErrorContains(t, err, "the reply cannot be read")
		}
	}
}
