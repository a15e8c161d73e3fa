package opsmanagertest_test

import (
	"bytes"
	"fmt"
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/migrationlink/migrationlink/opsmanager/opsmanagertest"
)

// curled is what curl printed with --include: the challenge and the reply.
type curled struct{ output string }

// curl runs the manual's line with other arguments behind it. The key goes in by
// standard input, as it should.
func curl(t *testing.T, arguments ...string) curled {
	t.Helper()
	user := opsmanagertest.DefaultPublicKey + ":" + opsmanagertest.DefaultPrivateKey
	return curlAs(t, user, arguments...)
}

func curlAs(t *testing.T, user string, arguments ...string) curled {
	t.Helper()
	arguments = append([]string{
		"--silent", "--show-error", "--max-time", "60", "--noproxy", "*", "--config", "-",
		"--header", "Accept: application/json", "--header", "Content-Type: application/json", "--include",
	}, arguments...)
	command := exec.CommandContext(t.Context(), "curl", arguments...)
	command.Stdin = strings.NewReader(fmt.Sprintf("user = %q\n", user))
	var output, problems bytes.Buffer
	command.Stdout, command.Stderr = &output, &problems
	require.NoError(t, command.Run(), "curl %v: %s", arguments, &problems)
	return curled{output.String()}
}

// last is the last of the replies, head and body.
func (c curled) last() string { return c.output[strings.LastIndex(c.output, "HTTP/1.1 "):] }

func (c curled) requireStatus(t *testing.T, status int) {
	t.Helper()
	require.Contains(t, c.last(), fmt.Sprintf("HTTP/1.1 %d ", status), c.output)
}

func TestTheManualsCurlLineLinksTheOrganization(t *testing.T) {
	t.Parallel()
	for _, algorithms := range [][]string{
		{opsmanagertest.MD5}, {opsmanagertest.SHA256}, {opsmanagertest.MD5, opsmanagertest.SHA256}, {opsmanagertest.SHA256, opsmanagertest.MD5},
	} {
		t.Run(strings.Join(algorithms, " and "), func(t *testing.T) {
			t.Parallel()
			server, _ := start(t, opsmanagertest.Options{StrictNonceCount: true, Algorithms: algorithms})
			url := server.URL + opsmanagertest.AtlasPrefix + "/orgs/" + orgID + "/liveExport/migrationLink?pretty=true"
			user := opsmanagertest.DefaultPublicKey + ":" + opsmanagertest.DefaultPrivateKey
			output, err := exec.CommandContext(t.Context(), "curl", "--user", user, "--digest",
				"--header", "Accept: application/json", "--header", "Content-Type: application/json",
				"--include", "--request", "POST", url, "--data", `{"linkToken": "`+token+`"}`).Output()
			require.NoError(t, err)
			reply := curled{string(output)}
			reply.requireStatus(t, 201)
			require.True(t, strings.HasSuffix(reply.output, "\r\n\r\n{\n  \"status\": \"SYNCED\"\n}"), reply.output)
			require.Equal(t, tokenSum(), server.State().Orgs[orgID].TokenSHA256)
			require.Zero(t, server.State().Totals.BodiesWithoutCredentials, "curl asks without a body first")
		})
	}
}

func TestCurlGoesThroughALink(t *testing.T) {
	t.Parallel()
	server, _ := start(t, opsmanagertest.Options{})
	for _, prefix := range []string{opsmanagertest.PublicPrefix, opsmanagertest.AtlasPrefix} {
		link := server.URL + prefix + "/orgs/" + orgID + "/liveExport/migrationLink"
		steps := []struct {
			status   int
			contains string
			args     []string
		}{
			{404, "X-Error-Code: UNEXPECTED_ERROR", []string{"--digest", link + "/status"}},
			{201, `{"status":"SYNCED"}`, []string{"--digest", "--data", body, link}},
			{200, `{"status":"SYNCED"}`, []string{"--digest", link + "/status"}},
			{200, `"content":{"status":"SYNCED"}`, []string{"--digest", link + "/status?envelope=true"}},
			{200, "{\n  \"status\": \"SYNCED\"\n}", []string{"--digest", link + "/status?pretty=true"}},
			{409, "ORG_LINK_ALREADY_EXISTS", []string{"--digest", "--data", body, link}},
			{204, "", []string{"--digest", "--request", "DELETE", link}},
			{404, "UNEXPECTED_ERROR", []string{"--digest", "--request", "DELETE", link}},
			{400, "MISSING_ATTRIBUTE", []string{"--digest", "--data", "{}", link}},
			{201, "", []string{"--anyauth", "--data", body, link}},
			{204, "", []string{"--anyauth", "--request", "DELETE", link}},
		}
		for _, step := range steps {
			reply := curl(t, step.args...)
			reply.requireStatus(t, step.status)
			require.Contains(t, reply.last(), step.contains)
		}
	}
	org := server.State().Orgs[orgID]
	require.Equal(t, 4, org.EffectivePosts)
	require.Equal(t, 8, org.Posts)
}

func TestCurlSendsTwoRequestsOverOneConnection(t *testing.T) {
	t.Parallel()
	server, _ := start(t, opsmanagertest.Options{StrictNonceCount: true})
	status := server.URL + linkPath + "/status"
	curl(t, "--digest", "--data", body, server.URL+linkPath)
	before := server.State().Totals
	curl(t, "--digest", status, status, status, status)
	after := server.State().Totals
	require.Equal(t, 1, after.Connections-before.Connections)
	require.Equal(t, 4, server.State().Orgs[orgID].Gets, "curl counts nc up, which the strict count accepts")
}

func TestCurlWithAWrongKeyIsRefused(t *testing.T) {
	t.Parallel()
	server, _ := start(t, opsmanagertest.Options{})
	reply := curlAs(t, opsmanagertest.DefaultPublicKey+":wrong", "--digest", server.URL+linkPath+"/status")
	reply.requireStatus(t, 401)
	require.Equal(t, 1, strings.Count(reply.output, `"detail" : "You are not authorized for this resource."`))
	require.Zero(t, server.State().Orgs[orgID].Gets)
}

func TestCurlUnderstandsASpoiledBody(t *testing.T) {
	t.Parallel()
	server, _ := start(t, opsmanagertest.Options{})
	curl(t, "--digest", "--data", body, server.URL+linkPath)
	for _, kind := range []opsmanagertest.FaultKind{opsmanagertest.GzipBody, opsmanagertest.ChunkedBody} {
		require.NoError(t, server.SetFaults(opsmanagertest.Faults{{Kind: kind}}))
		reply := curl(t, "--digest", "--compressed", server.URL+linkPath+"/status")
		reply.requireStatus(t, 200)
		require.Contains(t, reply.last(), `{"status":"SYNCED"}`, kind)
	}
}

func TestCurlControlsTheSimulator(t *testing.T) {
	t.Parallel()
	server, _ := start(t, opsmanagertest.Options{})
	put := curl(t, "--request", "PUT", server.URL+"/simulator/orgs/"+orgID, "--data", `{"refusal":"NOT_ORG_OWNER"}`)
	put.requireStatus(t, 200)
	refused := curl(t, "--digest", server.URL+linkPath+"/status")
	refused.requireStatus(t, 401)
	require.Contains(t, refused.last(), `"errorCode":"NOT_ORG_OWNER"`)
	curl(t, "--request", "POST", server.URL+"/simulator/reset").requireStatus(t, 204)
}

const curlVersion = "Accept: application/vnd.atlas.2023-01-01+json"

func TestCurlMakesALinkTokenAndLinksWithIt(t *testing.T) {
	t.Parallel()
	server, _ := start(t, opsmanagertest.Options{Joint: true})
	atlas := server.URL + opsmanagertest.AtlasAdminPrefix + "/orgs/" + atlasOrg + "/liveMigrations/"
	key := opsmanagertest.DefaultAtlasPublicKey + ":" + opsmanagertest.DefaultAtlasPrivateKey
	made := curlAs(t, key, "--digest", "--header", curlVersion, "--data", `{"accessListIps":["192.0.2.7"]}`, atlas+"linkTokens")
	made.requireStatus(t, 201)
	require.Contains(t, made.last(), "Content-Type: application/vnd.atlas.2023-01-01+json;charset=utf-8")
	_, issued, _ := strings.Cut(made.last(), "\r\n\r\n")
	curl(t, "--digest", "--data", issued, server.URL+linkPath).requireStatus(t, 201)
	available := curlAs(t, key, "--digest", "--header", curlVersion, atlas+"availableProjects")
	available.requireStatus(t, 200)
	require.Equal(t, 2, strings.Count(available.last(), `"name":"rs0","mongoDBVersion":"5.0.31"`))
	require.Equal(t, 2, strings.Count(available.last(), `"migrationHosts":[]`))
	curlAs(t, key, "--digest", "--header", curlVersion, "--request", "DELETE", atlas+"linkTokens").requireStatus(t, 204)
	curl(t, "--digest", server.URL+linkPath+"/status").requireStatus(t, 404)
}

func TestCurlUsesAServiceAccount(t *testing.T) {
	t.Parallel()
	server, _ := start(t, opsmanagertest.Options{})
	account := opsmanagertest.DefaultAtlasClientID + ":" + opsmanagertest.DefaultAtlasClientSecret
	form := []string{"--header", "Content-Type: application/x-www-form-urlencoded", "--data", "grant_type=client_credentials", server.URL + opsmanagertest.OAuthTokenPath}
	curlAs(t, account+"x", form...).requireStatus(t, 401)
	given := curlAs(t, account, form...)
	given.requireStatus(t, 200)
	_, rest, _ := strings.Cut(given.last(), `"access_token":"`)
	access, _, _ := strings.Cut(rest, `"`)
	reply := curlAs(t, "", "--oauth2-bearer", access, "--header", curlVersion, "--data", `{"accessListIps":[]}`,
		server.URL+linkTokensPath)
	reply.requireStatus(t, 201)
	require.Equal(t, 1, server.State().Atlas.Orgs[atlasOrg].LinkTokensMade)
}
