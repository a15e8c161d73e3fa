package assess

import (
	"cmp"
	"slices"
	"strings"

	"github.com/migrationlink/migrationlink"
)

const (
	// MaxDeployments limits the deployments that are kept in memory.
	MaxDeployments = 10_000
	// maxVersions limits the versions of one deployment.
	maxVersions = 8
)

// Host is a host as a manager shows it.
type Host struct{ ClusterID, ReplicaSet, TypeName, Version string }

// Inventory collects the deployments of one organization, host by host. It keeps no hosts.
type Inventory struct {
	hosts       int
	deployments map[deploymentKey]*deployment
	full        bool
}

// deploymentKey tells deployments apart: by the cluster of a host, or else by its replica set.
type deploymentKey struct{ projectID, clusterID, replicaSet string }

type deployment struct {
	key       deploymentKey
	name      string
	hosts     int
	sharded   bool
	replicas  bool
	single    bool
	versions  []string
	unversion int // hosts without a version
	tooMany   bool
}

// Add adds hosts of a project. It reports whether there is room for more.
func (i *Inventory) Add(projectID string, hosts []Host) (room bool) {
	if i.deployments == nil {
		i.deployments = map[deploymentKey]*deployment{}
	}
	for _, host := range hosts {
		key := deploymentKey{projectID, host.ClusterID, ""}
		if host.ClusterID == "" {
			key.replicaSet = host.ReplicaSet
		}
		found := i.deployments[key]
		if found == nil {
			if len(i.deployments) == MaxDeployments {
				i.full = true
				return false
			}
			found = &deployment{key: key}
			i.deployments[key] = found
		}
		i.hosts++
		found.add(host)
	}
	return !i.full
}

func (d *deployment) add(host Host) {
	d.hosts++
	d.name = cmp.Or(d.name, host.ReplicaSet)
	switch {
	case strings.HasPrefix(host.TypeName, "SHARD_"):
		d.sharded = true
	case strings.HasPrefix(host.TypeName, "REPLICA_"), host.ReplicaSet != "":
		d.replicas = true
	case host.TypeName == "STANDALONE":
		d.single = true
	}
	switch {
	case host.Version == "":
		d.unversion++
	case slices.Contains(d.versions, host.Version):
	case len(d.versions) == maxVersions:
		d.tooMany = true
	default:
		d.versions = append(d.versions, host.Version)
	}
}

// form returns the type of the deployment. One host of a shard makes a sharded cluster.
func (d *deployment) form() migrationlink.DeploymentType {
	switch {
	case d.sharded:
		return migrationlink.TypeSharded
	case d.replicas:
		return migrationlink.TypeReplicaSet
	case d.single:
		return migrationlink.TypeStandalone
	}
	return migrationlink.TypeUnknown
}
