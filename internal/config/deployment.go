package config

import (
	"fmt"
	"os"
	"strings"
)

// These variables are the standard ones for Worker Deployments. The Temporal worker
// controller sets them, too.
const (
	deploymentVariable = "TEMPORAL_DEPLOYMENT_NAME"
	buildVariable      = "TEMPORAL_WORKER_BUILD_ID"
)

// longestVersion is Temporal's limit for build ids and names, in bytes. It rejects the
// polls of a worker with a longer one.
const longestVersion = 255

// Deployment is the Worker Deployment version of this process. The zero value means an
// unversioned worker.
type Deployment struct{ Name, BuildID string }

// String returns the version as Temporal writes it, or "" for none.
func (d Deployment) String() string {
	if d == (Deployment{}) {
		return ""
	}
	return d.Name + ":" + d.BuildID
}

func readDeployment(file *section) Deployment {
	d := Deployment{Name: os.Getenv(deploymentVariable), BuildID: os.Getenv(buildVariable)}
	switch {
	case len(d.Name) > longestVersion:
		file.report(deploymentVariable, fmt.Sprintf("has %d bytes, and Temporal takes at most %d", len(d.Name), longestVersion))
	case len(d.BuildID) > longestVersion:
		file.report(buildVariable, fmt.Sprintf("has %d bytes, and Temporal takes at most %d; use a shorter one, such as a commit", len(d.BuildID), longestVersion))
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
