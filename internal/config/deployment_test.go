package config_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/migrationlink/migrationlink/internal/config"
)

func TestAVersionNeedsANameAndABuild(t *testing.T) {
	for name, test := range map[string]struct {
		deployment, build string
		problem           string
	}{
		"none":         {},
		"both":         {deployment: "migrationlink", build: "1.4.0"},
		"no build":     {deployment: "migrationlink", problem: "TEMPORAL_WORKER_BUILD_ID: is not set, although TEMPORAL_DEPLOYMENT_NAME is"},
		"no name":      {build: "1.4.0", problem: "TEMPORAL_DEPLOYMENT_NAME: is not set, although TEMPORAL_WORKER_BUILD_ID is"},
		"a dot":        {deployment: "migration.link", build: "1.4.0", problem: "TEMPORAL_DEPLOYMENT_NAME: cannot be the name of a Worker Deployment"},
		"underscores":  {deployment: "__migrationlink", build: "1.4.0", problem: "leave out dots and colons, and underscores at its start"},
		"a bad build":  {deployment: "migrationlink", build: "__1", problem: "TEMPORAL_WORKER_BUILD_ID: cannot be the id of a build"},
		"a long build": {deployment: "migrationlink", build: "1.4.0-rc.1+7d3f"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("TEMPORAL_DEPLOYMENT_NAME", test.deployment)
			t.Setenv("TEMPORAL_WORKER_BUILD_ID", test.build)
			setKeys(t)
			cfg, err := load(t, smallest)
			if test.problem != "" {
				require.ErrorContains(t, err, test.problem)
				return
			}
			require.NoError(t, err)
			require.Equal(t, config.Deployment{Name: test.deployment, BuildID: test.build}, cfg.Deployment)
		})
	}
}
