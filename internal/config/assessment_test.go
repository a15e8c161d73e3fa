package config_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/migrationlink/migrationlink"
	"github.com/migrationlink/migrationlink/internal/assess"
	"github.com/migrationlink/migrationlink/internal/config"
)

func TestTheKindOfAManagerComesFromItsAddressUnlessItIsSet(t *testing.T) {
	setKeys(t)
	for settings, want := range map[string]migrationlink.ManagerKind{
		`base_url = "https://cloud.mongodb.com"`:                                  migrationlink.KindCloudManager,
		`base_url = "https://Cloud.MongoDB.com:443"`:                              migrationlink.KindCloudManager,
		`base_url = "https://opsmanager.example.com:8443"`:                        migrationlink.KindOpsManager,
		`base_url = "https://cloud.mongodb.com.example.com"`:                      migrationlink.KindOpsManager,
		`base_url = "https://gateway.example.com"` + "\nkind = \"cloud-manager\"": migrationlink.KindCloudManager,
		`base_url = "https://cloud.mongodb.com"` + "\nkind = \"ops-manager\"":     migrationlink.KindOpsManager,
	} {
		c, err := load(t, "[managers.demo]\n"+settings+"\npublic_key = \"env:DEMO_PUBLIC_KEY\"\nprivate_key = \"env:DEMO_PRIVATE_KEY\"\n")
		require.NoError(t, err, settings)
		require.Equal(t, want, c.Managers[0].Kind, settings)
	}
	_, err := load(t, smallest+"kind = \"atlas\"\n")
	require.Contains(t, requireProblems(t, err), "managers.demo.kind: must be one of ops-manager, cloud-manager")
}

func TestTheVersionsOfTheRulesCanBeSet(t *testing.T) {
	setKeys(t)
	assessment := func(settings string) (config.Config, error) {
		return load(t, "[assessment]\n"+settings+"\n"+smallest)
	}
	c, err := assessment("")
	require.NoError(t, err)
	require.Equal(t, assess.DefaultMinimums(), c.Assessment)
	c, err = assessment(`ops_manager_below = "7.0"` + "\n" + `cloud_manager_from = ["6.0.8", "7.0.1", "8.0.4"]`)
	require.NoError(t, err)
	require.Equal(t, assess.Minimums{OpsManagerBelow: assess.Version{7, 0, 0}, CloudManager: []assess.Version{{6, 0, 8}, {7, 0, 1}, {8, 0, 4}}}, c.Assessment)

	for settings, want := range map[string]string{
		`ops_manager_below = "soon"`:                "assessment.ops_manager_below: must be a version of MongoDB",
		`ops_manager_below = 6.0`:                   "assessment.ops_manager_below: must be text in double quotes",
		`ops_manager_below = ""`:                    "assessment.ops_manager_below: must be a version of MongoDB",
		`cloud_manager_from = []`:                   "assessment.cloud_manager_from: is empty; leave it out",
		`cloud_manager_from = ["7.0.13", "6.0.17"]`: "assessment.cloud_manager_from: must be at most 20 versions of MongoDB",
		`cloud_manager_from = ["6.0.17", "6.0.18"]`: "assessment.cloud_manager_from: must be at most 20 versions of MongoDB",
		`cloud_manager_from = ["6.0.17", "7.x"]`:    "assessment.cloud_manager_from: must be at most 20 versions of MongoDB",
		`cloud_manager_from = "6.0.17"`:             "assessment.cloud_manager_from: must be a list of texts",
		`minimum = "6.0"`:                           "assessment.minimum: unknown key; known here are ops_manager_below, cloud_manager_from",
		"cloud_manager_from = [" + series(21) + "]": "assessment.cloud_manager_from: must be at most 20 versions of MongoDB",
	} {
		_, err := assessment(settings)
		problems := requireProblems(t, err)
		require.Len(t, problems, 1, settings)
		require.Contains(t, problems[0], want)
	}
}

// series are versions of so many release series.
func series(count int) string {
	var versions []string
	for n := range count {
		versions = append(versions, `"6.`+strings.Repeat("1", n/9)+string(rune('1'+n%9))+`.0"`)
	}
	return strings.Join(versions, ",")
}
