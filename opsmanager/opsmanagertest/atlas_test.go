package opsmanagertest_test

import (
	"bytes"
	"encoding/json"
	"maps"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/icholy/digest"
	"github.com/stretchr/testify/require"

	"github.com/migrationlink/migrationlink/opsmanager/opsmanagertest"
)

const (
	atlasOrg       = "6a1b2c3d4e5f6a7b8c9d0e1f"
	linkTokensPath = opsmanagertest.AtlasAdminPrefix + "/orgs/" + atlasOrg + "/liveMigrations/linkTokens"
	availablePath  = opsmanagertest.AtlasAdminPrefix + "/orgs/" + atlasOrg + "/liveMigrations/availableProjects"
	groupsPath     = opsmanagertest.PublicPrefix + "/orgs/" + orgID + "/groups"
	noAddresses    = `{"accessListIps":[]}`
	atlasVersion   = "application/vnd.atlas.2023-01-01+json"
)

// headers adds headers to each request.
type headers struct {
	http.Header
	next http.RoundTripper
}

func (h headers) RoundTrip(request *http.Request) (*http.Response, error) {
	request = request.Clone(request.Context())
	maps.Copy(request.Header, h.Header)
	return h.next.RoundTrip(request)
}

// atlasCaller is a caller with Atlas's API key, which asks for the version.
func atlasCaller(t *testing.T, url string) *caller {
	t.Helper()
	c := callerOf(t, url)
	authenticated := c.client.Transport.(*digest.Transport)
	authenticated.Username, authenticated.Password = opsmanagertest.DefaultAtlasPublicKey, opsmanagertest.DefaultAtlasPrivateKey
	c.client.Transport = headers{http.Header{"Accept": {atlasVersion}}, authenticated}
	return c
}

func (c *caller) makeToken() string {
	c.t.Helper()
	reply := c.call(http.MethodPost, linkTokensPath, noAddresses)
	require.Equal(c.t, http.StatusCreated, reply.StatusCode, reply.body)
	var made struct {
		LinkToken string `json:"linkToken"`
	}
	require.NoError(c.t, json.Unmarshal([]byte(reply.body), &made))
	return made.LinkToken
}

func (c *caller) linkWith(org, token string) answered {
	c.t.Helper()
	return c.call(http.MethodPost, strings.Replace(linkPath, orgID, org, 1), `{"linkToken":"`+token+`"}`)
}

// available are the ids of the projects that Atlas shows.
func (c *caller) available() []string {
	c.t.Helper()
	var shown []struct {
		ProjectID string `json:"projectId"`
	}
	require.NoError(c.t, json.Unmarshal([]byte(c.call(http.MethodGet, availablePath, "").body), &shown))
	ids := []string{}
	for _, project := range shown {
		ids = append(ids, project.ProjectID)
	}
	return ids
}

// projects are the ids of the projects that the manager shows.
func (c *caller) projects() []string {
	c.t.Helper()
	var page struct {
		Results []struct {
			ID string `json:"id"`
		} `json:"results"`
	}
	require.NoError(c.t, json.Unmarshal([]byte(c.call(http.MethodGet, groupsPath, "").body), &page))
	ids := []string{}
	for _, project := range page.Results {
		ids = append(ids, project.ID)
	}
	return ids
}

func TestAtlasMakesAnotherLinkTokenEachTimeAndDeletesTheNewest(t *testing.T) {
	t.Parallel()
	server, _ := start(t, opsmanagertest.Options{})
	atlas := atlasCaller(t, server.URL)
	reply := atlas.call(http.MethodPost, linkTokensPath, `{"accessListIps":["192.0.2.7","2001:db8::/32"]}`)
	require.Equal(t, http.StatusCreated, reply.StatusCode)
	require.Regexp(t, `^\{"linkToken":"[A-Za-z0-9_-]{192}"\}$`, reply.body)
	require.Equal(t, "application/vnd.atlas.2023-01-01+json;charset=utf-8", reply.Header.Get("Content-Type"))
	second := atlas.makeToken()
	require.NotContains(t, reply.body, second)

	for _, status := range []int{http.StatusNoContent, http.StatusNoContent, http.StatusNotFound} {
		reply = atlas.call(http.MethodDelete, linkTokensPath, "")
		require.Equal(t, status, reply.StatusCode)
	}
	require.Contains(t, reply.body, `"errorCode":"UNEXPECTED_ERROR","detail":"Could not find the requested external organization link."`)
	require.Equal(t, opsmanagertest.AtlasCounts{Posts: 2, Deletes: 3, LinkTokensMade: 2, LinkTokensDeleted: 2, RequestsWithoutCredentials: 1},
		server.State().Atlas.Orgs[atlasOrg].AtlasCounts)
	require.Empty(t, server.State().Orgs, "an organization of Atlas is none of the manager")
}

func TestAtlasRefusesWhatTheRealOneRefuses(t *testing.T) {
	t.Parallel()
	server, manager := start(t, opsmanagertest.Options{})
	require.NoError(t, server.SetOrg(otherOrg, opsmanagertest.OrgSettings{Refusal: opsmanagertest.RefusedAddress}))
	atlas, other := atlasCaller(t, server.URL), strings.Replace(linkTokensPath, atlasOrg, otherOrg, 1)
	unversioned := atlasCaller(t, server.URL)
	unversioned.client.Transport = unversioned.client.Transport.(headers).next
	tests := map[string]struct {
		caller             *caller
		method, path, body string
		status             int
		says               string
	}{
		"the manager's key":    {manager, http.MethodGet, availablePath, "", 401, "You are not authorized for this resource."},
		"Atlas's key":          {atlas, http.MethodGet, linkPath + "/status", "", 401, "You are not authorized for this resource."},
		"no version":           {unversioned, http.MethodGet, availablePath, "", 406, "application/vnd.atlas.2023-01-01+json"},
		"settings":             {atlas, http.MethodPost, other, noAddresses, 403, `"IP_ADDRESS_NOT_ON_ACCESS_LIST"`},
		"no body":              {atlas, http.MethodPost, linkTokensPath, "", 400, "MALFORMED_JSON"},
		"no list":              {atlas, http.MethodPost, linkTokensPath, "{}", 400, `"parameters":["accessListIps"]`},
		"no array":             {atlas, http.MethodPost, linkTokensPath, `{"accessListIps":"192.0.2.7"}`, 400, "INVALID_JSON"},
		"no address":           {atlas, http.MethodPost, linkTokensPath, `{"accessListIps":["example.com"]}`, 400, "INVALID_ATTRIBUTE"},
		"unknown field":        {atlas, http.MethodPost, linkTokensPath, `{"accessListIps":[],"comment":""}`, 400, `"parameters":["comment"]`},
		"no organization":      {atlas, http.MethodGet, strings.Replace(availablePath, atlasOrg, "demo", 1), "", 404, "INVALID_ORG_ID"},
		"other method":         {atlas, http.MethodGet, linkTokensPath, "", 405, "METHOD_NOT_ALLOWED"},
		"the manager's path":   {atlas, http.MethodGet, opsmanagertest.AtlasAdminPrefix + "/orgs/" + atlasOrg + "/groups", "", 404, "RESOURCE_NOT_FOUND"},
		"Atlas's at a manager": {manager, http.MethodGet, opsmanagertest.PublicPrefix + "/orgs/" + orgID + "/liveMigrations/linkTokens", "", 404, "RESOURCE_NOT_FOUND"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			reply := test.caller.call(test.method, test.path, test.body)
			require.Equal(t, test.status, reply.StatusCode, reply.body)
			require.Contains(t, reply.body, test.says)
		})
	}
	t.Cleanup(func() { require.Zero(t, server.State().Atlas.Orgs[atlasOrg].LinkTokensMade) })
}

func TestAnAcceptedVersionIsTheOneServedOrLater(t *testing.T) {
	t.Parallel()
	server, _ := start(t, opsmanagertest.Options{})
	c := atlasCaller(t, server.URL)
	for accept, status := range map[string]int{
		"application/vnd.atlas.2024-05-30+json": 200, "text/html, application/vnd.atlas.2023-01-01+json;q=0.5": 200,
		"application/vnd.atlas.2022-12-31+json": 406, "application/vnd.atlas.2023-01-01+csv": 406, "application/vnd.atlas.now+json": 406,
		"application/json": 406, "*/*": 406, "": 406,
	} {
		c.client.Transport = headers{http.Header{"Accept": {accept}}, c.client.Transport.(headers).next}
		require.Equal(t, status, c.call(http.MethodGet, availablePath, "").StatusCode, accept)
	}
}

func TestProjectsComeInPages(t *testing.T) {
	t.Parallel()
	server, c := start(t, opsmanagertest.Options{})
	require.NoError(t, server.SetOrg(otherOrg, opsmanagertest.OrgSettings{Projects: new(0)}))
	require.Len(t, c.projects(), 2)
	require.JSONEq(t, `{"links":[],"results":[],"totalCount":0}`, c.call(http.MethodGet, strings.Replace(groupsPath, orgID, otherOrg, 1), "").body)

	require.NoError(t, server.SetOrg(orgID, opsmanagertest.OrgSettings{Projects: new(1003)}))
	seen := map[string]bool{}
	for query, size := range map[string]int{"?itemsPerPage=500": 500, "?itemsPerPage=500&pageNum=2": 500, "?itemsPerPage=500&pageNum=3": 3, "?itemsPerPage=500&pageNum=4": 0} {
		var page struct {
			Results []struct {
				ID, Name, OrgID string
			}
			TotalCount int
		}
		require.NoError(t, json.Unmarshal([]byte(c.call(http.MethodGet, groupsPath+query, "").body), &page))
		require.Len(t, page.Results, size)
		require.Equal(t, 1003, page.TotalCount)
		for _, project := range page.Results {
			require.Regexp(t, `^[a-f0-9]{24}$`, project.ID)
			require.Equal(t, orgID, project.OrgID)
			seen[project.ID] = true
		}
	}
	require.Len(t, seen, 1003)
	require.Len(t, c.projects(), 100)
	for _, query := range []string{"?itemsPerPage=501", "?itemsPerPage=0", "?pageNum=0", "?pageNum=x"} {
		require.Equal(t, http.StatusBadRequest, c.call(http.MethodGet, groupsPath+query, "").StatusCode, query)
	}
	require.Equal(t, 10, server.State().Orgs[orgID].ProjectReads)
	require.Zero(t, server.State().Orgs[orgID].Gets, "those are of the link's status")
}

func TestInJointModeOnlyIssuedLinkTokensLink(t *testing.T) {
	t.Parallel()
	server, manager := start(t, opsmanagertest.Options{Joint: true})
	atlas := atlasCaller(t, server.URL)
	first, second := atlas.makeToken(), atlas.makeToken()
	steps := []struct {
		what   string
		reply  func() answered
		status int
	}{
		{"somebody else's", manager.post, 400},
		{"an issued one", func() answered { return manager.linkWith(orgID, first) }, 201},
		{"of another source", func() answered { return manager.linkWith(otherOrg, first) }, 400},
		{"a fresh one", func() answered { return manager.linkWith(otherOrg, second) }, 201},
		{"removal of a link", manager.delete, 204},
		{"the same source again", func() answered { return manager.linkWith(orgID, first) }, 201},
		{"deletion of the newest", func() answered { return atlas.call(http.MethodDelete, linkTokensPath, "") }, 204},
		{"a deleted one", func() answered { return manager.linkWith(otherOrg, second) }, 400},
	}
	for _, step := range steps {
		reply := step.reply()
		require.Equal(t, step.status, reply.StatusCode, step.what)
		if step.status == http.StatusBadRequest {
			require.Equal(t, "INVALID_ATTRIBUTE", reply.code(t), step.what)
			require.NotContains(t, reply.body, first)
		}
	}
	require.Equal(t, opsmanagertest.StatusNone, server.State().Orgs[otherOrg].LinkStatus, "the link goes with its link-token")
	require.Equal(t, opsmanagertest.StatusSynced, server.State().Orgs[orgID].LinkStatus)
}

func TestAtlasShowsTheProjectsOfALinkThatWorks(t *testing.T) {
	t.Parallel()
	for name, joint := range map[string]bool{"joint": true, "apart": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			now := newClock()
			options := opsmanagertest.Options{Joint: joint, SyncDelay: time.Minute, NonceLifetime: time.Hour, Now: now.Now,
				StateFile: filepath.Join(t.TempDir(), "state.json")}
			server, manager := start(t, options)
			atlas := atlasCaller(t, server.URL)
			require.NoError(t, server.SetOrg(orgID, opsmanagertest.OrgSettings{AvailableDelay: opsmanagertest.After(10 * time.Second)}))
			manager.linkWith(orgID, atlas.makeToken())
			now.Advance(70*time.Second - 1)
			require.Contains(t, manager.get().body, `"SYNCED"`)
			require.Empty(t, atlas.available())

			server.Close()
			server, manager = start(t, options)
			atlas = atlasCaller(t, server.URL)
			now.Advance(1)
			require.Equal(t, manager.projects(), atlas.available())
			state := server.State().Atlas.Orgs[atlasOrg]
			require.Equal(t, 2, state.AvailableProjects)
			require.Equal(t, []string{orgID}, state.LinkTokens[0].Sources)

			manager.delete()
			require.Empty(t, atlas.available())
		})
	}
}

func TestAtlasShowsTheProjectsInTheOrganizationThatTheLinkLeadsTo(t *testing.T) {
	t.Parallel()
	const elsewhere = "6a1b2c3d4e5f6a7b8c9d0e2f"
	now := newClock()
	options := opsmanagertest.Options{Joint: true, NonceLifetime: time.Hour, Now: now.Now, StateFile: filepath.Join(t.TempDir(), "state.json")}
	server, manager := start(t, options)
	atlas := atlasCaller(t, server.URL)
	inAtlas := func(org string) string {
		return atlas.call(http.MethodGet, strings.Replace(availablePath, atlasOrg, org, 1), "").body
	}
	require.NoError(t, server.SetOrg(orgID, opsmanagertest.OrgSettings{Linked: new(true), LinkedTo: elsewhere, AvailableDelay: opsmanagertest.After(10 * time.Second)}))
	now.Advance(10*time.Second - 1)
	require.Equal(t, "[]", inAtlas(elsewhere))
	now.Advance(1)
	require.Contains(t, inAtlas(elsewhere), manager.projects()[0])
	require.Equal(t, "[]", inAtlas(atlasOrg))
	require.Equal(t, elsewhere, server.State().Orgs[orgID].LinkedTo)
	require.Equal(t, 2, server.State().Atlas.Orgs[elsewhere].AvailableProjects)

	server.Close()
	server, manager = start(t, options)
	atlas = atlasCaller(t, server.URL)
	require.Equal(t, elsewhere, server.State().Orgs[orgID].LinkedTo, "a restart keeps it")
	require.Equal(t, http.StatusNoContent, manager.delete().StatusCode)
	require.Equal(t, http.StatusCreated, manager.linkWith(orgID, atlas.makeToken()).StatusCode)
	now.Advance(time.Minute)
	require.Equal(t, "[]", inAtlas(elsewhere))
	require.Equal(t, manager.projects(), atlas.available())
	require.Equal(t, atlasOrg, server.State().Orgs[orgID].LinkedTo)
}

func TestAtlasShowsNothingOfForeignLinkTokens(t *testing.T) {
	t.Parallel()
	server, manager := start(t, opsmanagertest.Options{})
	atlas := atlasCaller(t, server.URL)
	atlas.makeToken()
	require.Equal(t, http.StatusCreated, manager.post().StatusCode, "any link-token is taken")
	require.Equal(t, "[]", atlas.call(http.MethodGet, availablePath, "").body)
}

func TestIssuedLinkTokensAreNowhereInTheEvidence(t *testing.T) {
	t.Parallel()
	options := opsmanagertest.Options{Joint: true, StateFile: filepath.Join(t.TempDir(), "state.json")}
	server, _ := start(t, options)
	issued := atlasCaller(t, server.URL).makeToken()
	var shown bytes.Buffer
	require.NoError(t, json.NewEncoder(&shown).Encode(server.State()))
	shown.Write(readFile(t, options.StateFile))
	require.NotContains(t, shown.String(), issued[:20])

	server.Close()
	_, manager := start(t, options)
	require.Equal(t, http.StatusCreated, manager.linkWith(orgID, issued).StatusCode, "a restart keeps what was issued")
}

func TestAFaultCanTargetOneCall(t *testing.T) {
	t.Parallel()
	server, manager := start(t, opsmanagertest.Options{})
	atlas := atlasCaller(t, server.URL)
	calls := map[string]func() int{
		opsmanagertest.CreateLink:        func() int { return manager.post().StatusCode },
		opsmanagertest.ReadLinkStatus:    func() int { return manager.get().StatusCode },
		opsmanagertest.DeleteLink:        func() int { return manager.delete().StatusCode },
		opsmanagertest.ReadProjects:      func() int { return manager.call(http.MethodGet, groupsPath, "").StatusCode },
		opsmanagertest.CreateLinkToken:   func() int { return atlas.call(http.MethodPost, linkTokensPath, noAddresses).StatusCode },
		opsmanagertest.DeleteLinkToken:   func() int { return atlas.call(http.MethodDelete, linkTokensPath, "").StatusCode },
		opsmanagertest.AvailableProjects: func() int { return atlas.call(http.MethodGet, availablePath, "").StatusCode },
		opsmanagertest.OAuthToken:        func() int { return manager.access().StatusCode },
	}
	ofAtlas := []string{opsmanagertest.CreateLinkToken, opsmanagertest.DeleteLinkToken, opsmanagertest.AvailableProjects, opsmanagertest.OAuthToken}
	for name := range calls {
		require.NoError(t, server.SetFaults(opsmanagertest.Faults{{Kind: opsmanagertest.ServerError, Operation: name}}))
		for other, call := range calls {
			require.Equal(t, name == other, call() == http.StatusInternalServerError, "%s of %s", other, name)
		}
		for _, side := range []string{opsmanagertest.ToAtlas, opsmanagertest.ToManager} {
			require.NoError(t, server.SetFaults(opsmanagertest.Faults{{Kind: opsmanagertest.ServerError, Operation: side}}))
			require.Equal(t, slices.Contains(ofAtlas, name) == (side == opsmanagertest.ToAtlas), calls[name]() == http.StatusInternalServerError, "%s of %s", name, side)
		}
	}
}
