package config

import (
	"os"
	"strings"
)

// The variables are those of every program that takes part in a Worker
// Deployment, and those that the Temporal worker controller sets.
const (
	deploymentVariable = "TEMPORAL_DEPLOYMENT_NAME"
	buildVariable      = "TEMPORAL_WORKER_BUILD_ID"
)

// Deployment is the version of a Worker Deployment that this process is. The zero
// value stands for none: such a worker takes part in no versioning.
type Deployment struct{ Name, BuildID string }

// String is the version as Temporal writes it, empty for none.
func (d Deployment) String() string {
	if d == (Deployment{}) {
		return ""
	}
	return d.Name + ":" + d.BuildID
}

func readDeployment(file *section) Deployment {
	d := Deployment{Name: os.Getenv(deploymentVariable), BuildID: os.Getenv(buildVariable)}
	switch {
	case d.Name != "" && d.BuildID == "":
		file.report(buildVariable, "is not set, although "+deploymentVariable+" is; set both for a worker with a version, or none")
	case d.Name == "" && d.BuildID != "":
		file.report(deploymentVariable, "is not set, although "+buildVariable+" is; set both for a worker with a version, or none")
	case strings.ContainsAny(d.Name, ".:") || strings.HasPrefix(d.Name, "__"):
		file.report(deploymentVariable, "cannot be the name of a Worker Deployment; leave out dots and colons, and underscores at its start")
	case strings.HasPrefix(d.BuildID, "__"):
		file.report(buildVariable, "cannot be the id of a build; leave out the underscores at its start")
	}
	return d
}
