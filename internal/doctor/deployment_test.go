package doctor

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/migrationlink/migrationlink/internal/config"
)

func TestDoctorShowsTheCurrentVersionAndLinksWithoutAWorker(t *testing.T) {
	t.Parallel()
	none, v1, v2 := config.Deployment{}, config.Deployment{Name: "links", BuildID: "v1"}, config.Deployment{Name: "links", BuildID: "v2"}
	for name, test := range map[string]struct {
		found          deployment
		detail, remedy string // a good one has no remedy
	}{
		"without versions": {deployment{current: none, polls: map[config.Deployment]bool{none: true}}, "new links go to workers without versions", ""},
		"a current one":    {deployment{current: v2, polls: map[config.Deployment]bool{v1: true, v2: true}}, "new links go to version links:v2", ""},
		"nobody":           {deployment{current: v1}, "not checked: no worker polls", ""},
		"the first one": {
			deployment{current: none, polls: map[config.Deployment]bool{v2: true, v1: true}},
			"no version is current, so new links go to workers without a version, but there are none; there are workers of links:v1, links:v2",
			"Run: temporal worker deployment set-current-version --deployment-name links --build-id v1 --yes",
		},
		"back to none": {
			deployment{current: v1, polls: map[config.Deployment]bool{none: true}},
			"new links go to version links:v1, which has no worker; there are workers of no version",
			"Start workers of that version, or let new links go to workers that are there: temporal worker deployment set-current-version --deployment-name links --build-id BUILD --yes (--unversioned for those without versions).",
		},
		"a ramp without workers": {
			deployment{current: v1, ramping: &v2, polls: map[config.Deployment]bool{v1: true}},
			"some new links go to links:v2, which has no worker",
			"Start workers of that version, or end the ramp: temporal worker deployment set-ramping-version --deployment-name links --delete --yes",
		},
		"a ramp back to none": {
			deployment{current: v1, ramping: &none, polls: map[config.Deployment]bool{v1: true}},
			"some new links go to no version, which has no worker",
			"Start workers of that version, or end the ramp: temporal worker deployment set-ramping-version --deployment-name links --delete --yes",
		},
		"links without workers": {
			deployment{current: v2, polls: map[config.Deployment]bool{v2: true}, stranded: map[string]int{"links:v1": 2, "links:v0": 1}},
			"no worker is left for 1 link of version links:v0, 2 links of version links:v1",
			"Start a worker of each version, for example with TEMPORAL_DEPLOYMENT_NAME=links TEMPORAL_WORKER_BUILD_ID=v0, and keep it until its links have ended.",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := test.found.check()
			require.Equal(t, test.detail, c.Detail)
			require.Equal(t, test.remedy, c.Remedy)
			require.Equal(t, test.remedy != "" || c.Skipped, !c.OK)
		})
	}
}
