package opsmanagertest_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/migrationlink/migrationlink/opsmanager/opsmanagertest"
)

// listed is a page of any list.
type listed struct {
	Results []struct {
		ID, ClusterID, TypeName, ReplicaSetName, Version, OrgID string
	}
	TotalCount int
}

func (c *caller) list(path string) (page listed) {
	c.t.Helper()
	reply := c.call(http.MethodGet, path, "")
	require.Equal(c.t, http.StatusOK, reply.StatusCode, reply.body)
	require.NoError(c.t, json.Unmarshal([]byte(reply.body), &page))
	return page
}

func TestHostsOfAProjectComeInPages(t *testing.T) {
	t.Parallel()
	server, c := start(t, opsmanagertest.Options{})
	require.NoError(t, server.SetOrg(orgID, opsmanagertest.OrgSettings{Deployments: []opsmanagertest.Deployment{
		{Name: "main", Type: opsmanagertest.ShardedCluster, Versions: []string{"6.0.17", "7.0.13"}, Hosts: 600},
		{Type: opsmanagertest.Standalone},
	}}))
	project := c.list(groupsPath).Results[0].ID
	hosts := opsmanagertest.PublicPrefix + "/groups/" + project + "/hosts?itemsPerPage=500&pageNum="
	first, second, third := c.list(hosts+"1"), c.list(hosts+"2"), c.list(hosts+"3")
	require.Len(t, first.Results, 500)
	require.Len(t, second.Results, 101)
	require.Empty(t, third.Results)
	require.Equal(t, 601, first.TotalCount)
	require.Equal(t, "SHARD_MONGOS", first.Results[0].TypeName)
	require.Equal(t, "7.0.13", first.Results[1].Version)
	require.Equal(t, first.Results[0].ClusterID, second.Results[0].ClusterID)
	require.Equal(t, "STANDALONE", second.Results[100].TypeName)
	require.Equal(t, 3, server.State().Orgs[orgID].HostReads)

	require.NoError(t, server.SetOrg(orgID, opsmanagertest.OrgSettings{Refusal: opsmanagertest.RefusedAddress}))
	require.Equal(t, http.StatusForbidden, c.call(http.MethodGet, hosts+"1", "").StatusCode)
	unknown := c.call(http.MethodGet, opsmanagertest.PublicPrefix+"/groups/"+otherOrg+"/hosts", "")
	require.Equal(t, http.StatusNotFound, unknown.StatusCode)
	require.Contains(t, unknown.body, "GROUP_NOT_FOUND")
}

func TestADeploymentWithAnEmptyListOfVersionsHasTheDefault(t *testing.T) {
	t.Parallel()
	server, c := start(t, opsmanagertest.Options{})
	set := c.call(http.MethodPut, "/simulator/orgs/"+orgID, `{"linked":true,"linkedTo":"`+atlasOrg+`","projects":1,"deployments":[{"versions":[]}]}`)
	require.Equal(t, http.StatusOK, set.StatusCode, set.body)
	hosts := c.list(opsmanagertest.PublicPrefix + "/groups/" + c.projects()[0] + "/hosts").Results
	require.Len(t, hosts, 3)
	for _, host := range hosts {
		require.Equal(t, opsmanagertest.DefaultVersion, host.Version)
	}
	available := atlasCaller(t, server.URL).call(http.MethodGet, availablePath, "")
	require.Contains(t, available.body, `"mongoDBVersion":"`+opsmanagertest.DefaultVersion+`"`)
}

func TestTheOrganizationsThatAKeySeesComeInPages(t *testing.T) {
	t.Parallel()
	var known []string
	for n := range 501 {
		known = append(known, fmt.Sprintf("%024x", n))
	}
	server, c := start(t, opsmanagertest.Options{KnownOrgs: known})
	orgs := opsmanagertest.PublicPrefix + "/orgs?itemsPerPage=500&pageNum="
	first, second := c.list(orgs+"1"), c.list(orgs+"2")
	require.Len(t, first.Results, 500)
	require.Equal(t, known[500], second.Results[0].ID)
	require.Equal(t, 501, second.TotalCount)
	require.Equal(t, 2, server.State().Totals.OrganizationReads)

	server, c = start(t, opsmanagertest.Options{})
	require.Empty(t, c.list(orgs+"1").Results)
	require.NoError(t, server.SetOrg(orgID, opsmanagertest.OrgSettings{}))
	require.Len(t, c.list(orgs+"1").Results, 1, "one that has settings")
}

func TestWrongDeploymentsAreRefused(t *testing.T) {
	t.Parallel()
	server, _ := start(t, opsmanagertest.Options{})
	for _, wrong := range []opsmanagertest.OrgSettings{
		{Deployments: []opsmanagertest.Deployment{{}, {Type: "cluster"}}},
		{Deployments: []opsmanagertest.Deployment{{Hosts: -1}}},
		{Deployments: make([]opsmanagertest.Deployment, 1001)},
		{MigrationHosts: new(-1)},
	} {
		require.Error(t, server.SetOrg(orgID, wrong))
	}
}
