package opsmanager

import (
	"context"
	"iter"
	"net/http"
	"net/url"
	"regexp"

	"github.com/migrationlink/migrationlink/internal/adminapi"
)

// OperationHosts is the operation of the errors of Hosts.
const OperationHosts = "read the hosts"

const (
	// maxHostsBytes limits all pages of the hosts of one project together.
	maxHostsBytes = 128 << 20
	// maxHostID is above the 32 digits of an id, in bytes.
	maxHostID = 64
)

// Host is a MongoDB process that a manager monitors. A field is empty if the manager has not
// sent it, or nothing that can be one.
type Host struct {
	// ClusterID is the deployment of the host, 24 lower-case hexadecimal digits.
	ClusterID string
	// ReplicaSet is the name of its replica set.
	ReplicaSet string
	// TypeName is what the host is, such as REPLICA_PRIMARY or SHARD_MONGOS.
	TypeName string
	// Version is the version of MongoDB, such as 6.0.17 or 6.0.17-ent.
	Version string
}

type hostEntry struct {
	ID             adminapi.Word `json:"id"`
	ClusterID      adminapi.Word `json:"clusterId"`
	ReplicaSetName adminapi.Word `json:"replicaSetName"`
	TypeName       adminapi.Word `json:"typeName"`
	Version        adminapi.Word `json:"version"`
}

var (
	typeWord    = regexp.MustCompile(`^[A-Z][A-Z_]{0,31}$`)
	versionWord = regexp.MustCompile(`^[0-9]{1,3}(\.[0-9]{1,3}){1,3}(-[a-z0-9]{1,10})?$`)
)

// Hosts yields the hosts of a project page by page: at most 500 at once, and 50,000 together.
// An error ends it.
//
// GET /groups/{projectId}/hosts
func (c *Client) Hosts(ctx context.Context, orgID, projectID string) iter.Seq2[[]Host, error] {
	call := func(query url.Values) *adminapi.Call {
		return &adminapi.Call{
			Operation: OperationHosts, Method: http.MethodGet, OrgID: orgID, ProjectID: projectID, Path: []string{"hosts"}, Query: query,
		}
	}
	list := list[hostEntry]{noun: "hosts", one: "a host", maxBytes: maxHostsBytes, call: call, id: func(h hostEntry) string {
		if len(h.ID) > maxHostID {
			return ""
		}
		return string(h.ID)
	}}
	return func(yield func([]Host, error) bool) {
		for page, err := range list.pages(ctx, c) {
			publish(&err)
			hosts, names := make([]Host, len(page)), map[adminapi.Word]string{} // hosts of a replica set come together
			for i, entry := range page {
				if _, known := names[entry.ReplicaSetName]; !known {
					names[entry.ReplicaSetName] = c.api.Name(call(nil), string(entry.ReplicaSetName))
				}
				hosts[i] = Host{
					ClusterID:  validID(string(entry.ClusterID)),
					ReplicaSet: names[entry.ReplicaSetName],
					TypeName:   matching(typeWord, entry.TypeName),
					Version:    matching(versionWord, entry.Version),
				}
			}
			if !yield(hosts, err) {
				return
			}
		}
	}
}

// matching returns a word of a form, or "": any other text could be anything.
func matching(form *regexp.Regexp, word adminapi.Word) string {
	if !form.MatchString(string(word)) {
		return ""
	}
	return string(word)
}
