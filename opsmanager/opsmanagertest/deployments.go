package opsmanagertest

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
)

// Values of Deployment.Type.
const (
	ReplicaSet     = "replica-set"
	ShardedCluster = "sharded"
	Standalone     = "standalone"
)

var deploymentTypes = []string{ReplicaSet, ShardedCluster, Standalone}

const (
	// DefaultVersion is the version of MongoDB that hosts have by default. A link is of use for
	// it from both products.
	DefaultVersion = "5.0.31"
	defaultHosts   = 3
	// maxHosts limits the hosts of a deployment, maxDeployments the deployments of a project.
	maxHosts, maxDeployments = 100_000, 1_000
)

// Deployment is a replica set, a sharded cluster or a standalone.
type Deployment struct {
	// Name is "rs0", "rs1" and so on by default.
	Name string `json:"name,omitempty"`
	// Type is ReplicaSet by default.
	Type string `json:"type,omitempty"`
	// Versions are the versions of MongoDB that the hosts have in turn; DefaultVersion by
	// default. An empty one stands for a host that is not monitored.
	Versions []string `json:"versions,omitempty"`
	// Hosts is the number of hosts; three by default, one for a standalone.
	Hosts int `json:"hosts,omitempty"`
}

func validateDeployments(deployments []Deployment) error {
	if len(deployments) > maxDeployments {
		return fmt.Errorf("deployments cannot be %d; there are at most %d", len(deployments), maxDeployments)
	}
	for i, d := range deployments {
		if d.Type != "" && !slices.Contains(deploymentTypes, d.Type) {
			return fmt.Errorf("deployments[%d].type cannot be %q; it is one of %s", i, d.Type, strings.Join(deploymentTypes, ", "))
		}
		if d.Hosts < 0 || d.Hosts > maxHosts {
			return fmt.Errorf("deployments[%d].hosts cannot be %d; it is a number from 1 to %d", i, d.Hosts, maxHosts)
		}
	}
	return nil
}

func (d Deployment) withDefaults(number int) Deployment {
	hosts := defaultHosts
	if d.Type == Standalone {
		hosts = 1
	}
	if len(d.Versions) == 0 {
		d.Versions = nil // fill takes an empty list for one
	}
	return fill(d, Deployment{Name: fmt.Sprintf("rs%d", number), Type: ReplicaSet, Versions: []string{DefaultVersion}, Hosts: hosts})
}

// host is a host as the manager shows it.
type host struct {
	ID             string `json:"id"`
	GroupID        string `json:"groupId"`
	ClusterID      string `json:"clusterId"`
	Hostname       string `json:"hostname"`
	Port           int    `json:"port"`
	TypeName       string `json:"typeName"`
	ReplicaSetName string `json:"replicaSetName,omitempty"`
	Version        string `json:"version,omitempty"`
	Deactivated    bool   `json:"deactivated"`
	Links          []any  `json:"links"`
}

// hosts answers with one page of the hosts of a project.
func hosts(c *call, s OrgSettings) reply {
	count := 0
	for i, d := range s.Deployments {
		count += d.withDefaults(i).Hosts
	}
	return listed(c, count, func(n int) any {
		for i, d := range s.Deployments {
			d = d.withDefaults(i)
			if n < d.Hosts {
				return d.host(c.projectID, i, n)
			}
			n -= d.Hosts
		}
		return nil
	})
}

// clusterID returns the id of a deployment of a project.
func clusterID(projectID string, deployment int) string { return idOf(12, projectID, deployment) }

func idOf(bytes int, parts ...any) string {
	sum := sha256.Sum256(fmt.Append(nil, parts...))
	return hex.EncodeToString(sum[:bytes])
}

// host returns the n-th host of a deployment, from 0.
func (d Deployment) host(projectID string, deployment, n int) host {
	h := host{
		ID: idOf(16, projectID, deployment, "/", n), GroupID: projectID, ClusterID: clusterID(projectID, deployment),
		Hostname: fmt.Sprintf("host-%d.%s.example.com", n, d.Name), Port: 27017, TypeName: d.typeName(n),
		Version: d.Versions[n%len(d.Versions)], Links: []any{},
	}
	if d.Type != Standalone && h.TypeName != "SHARD_MONGOS" {
		h.ReplicaSetName = d.Name
	}
	return h
}

func (d Deployment) typeName(n int) string {
	sharded := []string{"SHARD_MONGOS", "SHARD_CONFIG", "SHARD_PRIMARY"}
	switch {
	case d.Type == Standalone:
		return "STANDALONE"
	case d.Type == ShardedCluster && n < len(sharded):
		return sharded[n]
	case d.Type == ShardedCluster:
		return "SHARD_SECONDARY"
	case n == 0:
		return "REPLICA_PRIMARY"
	}
	return "REPLICA_SECONDARY"
}

// availableDeployment is a deployment as Atlas shows it.
type availableDeployment struct {
	ClusterID  string `json:"clusterId"`
	Name       string `json:"name"`
	Version    string `json:"mongoDBVersion"`
	FCV        string `json:"featureCompatibilityVersion"`
	Sharded    bool   `json:"sharded"`
	Managed    bool   `json:"managed"`
	TLSEnabled bool   `json:"tlsEnabled"`
}

// availableDeployments returns the deployments of a project without the standalones, which
// cannot be migrated.
func availableDeployments(projectID string, s OrgSettings) []availableDeployment {
	found := []availableDeployment{}
	for i, d := range s.Deployments {
		if d = d.withDefaults(i); d.Type != Standalone {
			release := strings.SplitN(d.Versions[0]+"..", ".", 3)
			found = append(found, availableDeployment{
				ClusterID: clusterID(projectID, i), Name: d.Name, Version: d.Versions[0], FCV: cmp.Or(release[0], "0") + "." + cmp.Or(release[1], "0"),
				Sharded: d.Type == ShardedCluster, Managed: true,
			})
		}
	}
	return found
}

func migrationHosts(s OrgSettings) []string {
	found := []string{}
	for n := range *s.MigrationHosts {
		found = append(found, fmt.Sprintf("migration-%d.example.com", n+1))
	}
	return found
}
