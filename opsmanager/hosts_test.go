package opsmanager_test

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/migrationlink/migrationlink/opsmanager"
	"github.com/migrationlink/migrationlink/opsmanager/opsmanagertest"
	"github.com/migrationlink/migrationlink/redact"
)

const projectID = "6f1b2c3d4e5f6a7b8c9d0e1f"

// hostsOf reads all hosts.
func hostsOf(t *testing.T, client *opsmanager.Client) (hosts []opsmanager.Host, _ error) {
	t.Helper()
	for page, err := range client.Hosts(t.Context(), orgID, projectID) {
		if err != nil {
			return hosts, err
		}
		hosts = append(hosts, page...)
	}
	return hosts, nil
}

func TestHostsAreReadPageByPage(t *testing.T) {
	t.Parallel()
	server := opsmanagertest.NewServer(opsmanagertest.Options{})
	t.Cleanup(server.Close)
	require.NoError(t, server.SetOrg(orgID, opsmanagertest.OrgSettings{Deployments: []opsmanagertest.Deployment{{Name: "orders", Versions: []string{"6.0.17-ent"}, Hosts: 1201}}}))
	client := newClient(t, opsmanager.Config{BaseURL: server.URL, PublicKey: opsmanagertest.DefaultPublicKey, PrivateKey: redact.NewSecret(opsmanagertest.DefaultPrivateKey)})
	projects, err := client.Projects(t.Context(), orgID)
	require.NoError(t, err)
	var sizes []int
	for page, err := range client.Hosts(t.Context(), orgID, projects[1].ID) {
		require.NoError(t, err)
		sizes = append(sizes, len(page))
		require.Equal(t, "orders", page[0].ReplicaSet)
		require.Equal(t, "6.0.17-ent", page[0].Version)
		require.Regexp(t, `^[a-f0-9]{24}$`, page[0].ClusterID)
	}
	require.Equal(t, []int{500, 500, 201}, sizes)
	require.Equal(t, 3, server.State().Orgs[orgID].HostReads)
	for _, err := range client.Hosts(t.Context(), orgID, projects[0].ID) {
		require.NoError(t, err)
		break // the reader has enough
	}
	require.Equal(t, 4, server.State().Orgs[orgID].HostReads)

	orgs, err := client.Organizations(t.Context(), 1)
	require.NoError(t, err)
	require.Equal(t, opsmanager.Organizations{IDs: []string{orgID}, TotalCount: 1}, orgs)
}

// One odd field must not hide all other hosts.
func TestFieldsOfHostsThatAreNotThoseOfAHostAreEmpty(t *testing.T) {
	t.Parallel()
	for entry, want := range map[string]opsmanager.Host{
		`{"id":"1","typeName":"REPLICA_PRIMARY","version":"7.0.13","replicaSetName":"rs0","clusterId":"` + projectID + `"}`: {
			ClusterID: projectID, ReplicaSet: "rs0", TypeName: "REPLICA_PRIMARY", Version: "7.0.13",
		},
		`{"id":"1","typeName":5,"version":7.0,"replicaSetName":["rs0"],"clusterId":{}}`:                                          {},
		`{"id":"1","typeName":null,"version":null}`:                                                                              {},
		`{"id":"1","typeName":"<b>","version":"<script>","clusterId":"../x","replicaSetName":"` + strings.Repeat("x", 65) + `"}`: {},
		`{"id":"1","replicaSetName":"a\u001b[31m\nb","version":"6.0.1.2.3.4"}`:                                                   {ReplicaSet: "a [31m b"},
		`{"id":"1","replicaSetName":"key private-key-canary","version":"1.0-private-key-canary"}`:                                {ReplicaSet: "key [redacted]"},
	} {
		hosts, err := hostsOf(t, replying(t, body(`{"results":[`+entry+`],"totalCount":1}`)))
		require.NoError(t, err, entry)
		require.Equal(t, []opsmanager.Host{want}, hosts, entry)
	}
}

func TestHostsOfAHostileManagerAreBounded(t *testing.T) {
	t.Parallel()
	const host = `{"id":"%d","version":"7.0.13"}`
	for name, test := range map[string]struct {
		page     func(number int) string
		requests int
		want     string
	}{
		"always the same page": {func(int) string { return fmt.Sprintf(host, 1) }, 2, ""},
		"more pages than any":  {func(number int) string { return fmt.Sprintf(host, number) }, opsmanager.MaxPages, "read the hosts of organization " + orgID + ": HTTP 200: the reply cannot be read: it continues after 100 pages"},
		"more than a page":     {func(int) string { return strings.Repeat(`{"id":"1"},`, 500) + `{"id":"2"}` }, 1, "more than 500 elements in a list"},
		"no id":                {func(int) string { return `{"version":"7.0.13"}` }, 1, "it holds a host without an id"},
		"an endless id":        {func(int) string { return `{"id":"` + strings.Repeat("1", 65) + `"}` }, 1, "it holds a host without an id"},
		"a page too large":     {func(int) string { return `{"id":"1","x":"` + strings.Repeat("x", 9<<20) + `"}` }, 1, "it is larger than 8388608 bytes"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			requests := 0
			client := replying(t, func(w http.ResponseWriter, r *http.Request) {
				requests++
				number, _ := strconv.Atoi(r.URL.Query().Get("pageNum"))
				if r.URL.Path != opsmanager.DefaultBasePath+"/groups/"+projectID+"/hosts" || r.URL.Query().Get("itemsPerPage") != "500" {
					t.Errorf("it asked for %s", r.URL)
				}
				body(`{"results":[`+test.page(number)+`]}`)(w, r)
			})
			_, err := hostsOf(t, client)
			require.Equal(t, test.requests, requests)
			if test.want == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, test.want)
			require.False(t, opsmanager.MayHaveTakenEffect(err))
		})
	}
	for _, reply := range []string{``, `{}`, `null`, `[]`, `{"results":{}}`, `{"results":[[]]}`} {
		_, err := hostsOf(t, replying(t, body(reply)))
		require.ErrorContains(t, err, "the reply cannot be read", reply)
	}
}

func TestOrganizationsAreNamedInNoErrorOfTheirList(t *testing.T) {
	t.Parallel()
	_, err := replying(t, body(`{"results":[{"id":"../x"}]}`)).Organizations(t.Context(), 1)
	require.EqualError(t, err, "read the organizations: HTTP 200: the reply cannot be read: it holds an organization without an id")
	for _, err := range replying(t, body(`{}`)).Hosts(t.Context(), orgID, "../x") {
		require.EqualError(t, err, "read the hosts: the project id is not 24 lower-case hexadecimal digits, so nothing was sent")
	}
}

// The calls of an assessment must not make the wait of a link end sooner.
func TestAFailureOfOneProjectIsNotCountedAgainstTheOrganization(t *testing.T) {
	t.Parallel()
	client := replying(t, func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no such page", http.StatusNotFound) })
	for range 3 {
		_, err := hostsOf(t, client)
		require.True(t, opsmanager.Doubtful(err))
	}
	inARow, _ := client.Streak(orgID)
	require.Zero(t, inARow)
	_, err := client.Projects(t.Context(), orgID)
	require.Error(t, err)
	inARow, _ = client.Streak(orgID)
	require.Equal(t, 1, inARow)
}
