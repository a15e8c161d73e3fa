package opsmanagertest_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/icholy/digest"
	"github.com/stretchr/testify/require"

	"github.com/migrationlink/migrationlink/opsmanager/opsmanagertest"
)

const (
	orgID    = "5f1b2c3d4e5f6a7b8c9d0e1f"
	otherOrg = "aaaaaaaaaaaaaaaaaaaaaaaa"
	token    = "canary-link-token-0123456789"
	linkPath = opsmanagertest.PublicPrefix + "/orgs/" + orgID + "/liveExport/migrationLink"
	body     = `{"linkToken":"` + token + `"}`
)

// clock is a time that only moves when told to.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func newClock() *clock { return &clock{now: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)} }

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// caller is a client with the right key.
type caller struct {
	t      *testing.T
	url    string
	client *http.Client
}

// answered is a reply whose body was read.
type answered struct {
	*http.Response
	body string
}

func start(t *testing.T, options opsmanagertest.Options) (*opsmanagertest.Server, *caller) {
	t.Helper()
	server := opsmanagertest.NewServer(options)
	t.Cleanup(server.Close)
	return server, callerOf(t, server.URL)
}

func callerOf(t *testing.T, url string) *caller {
	t.Helper()
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	return &caller{t, url, &http.Client{
		Transport:     &digest.Transport{Username: opsmanagertest.DefaultPublicKey, Password: opsmanagertest.DefaultPrivateKey, Transport: transport},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Timeout:       30 * time.Second,
	}}
}

// try sends a request and reads all of the reply.
func (c *caller) try(method, path, content string) (answered, error) {
	c.t.Helper()
	request, err := http.NewRequestWithContext(c.t.Context(), method, c.url+path, strings.NewReader(content))
	require.NoError(c.t, err)
	response, err := c.client.Do(request)
	if err != nil {
		return answered{}, err
	}
	defer response.Body.Close()
	read, err := io.ReadAll(response.Body)
	return answered{response, string(read)}, err
}

func (c *caller) call(method, path, content string) answered {
	c.t.Helper()
	reply, err := c.try(method, path, content)
	require.NoError(c.t, err)
	return reply
}

func (c *caller) post() answered   { c.t.Helper(); return c.call(http.MethodPost, linkPath, body) }
func (c *caller) get() answered    { c.t.Helper(); return c.call(http.MethodGet, linkPath+"/status", "") }
func (c *caller) delete() answered { c.t.Helper(); return c.call(http.MethodDelete, linkPath, "") }

func (a answered) code(t *testing.T) string {
	t.Helper()
	var decoded struct {
		ErrorCode string `json:"errorCode"`
	}
	require.NoError(t, json.Unmarshal([]byte(a.body), &decoded), a.body)
	require.Equal(t, decoded.ErrorCode, a.Header.Get("X-Error-Code"))
	return decoded.ErrorCode
}

func tokenSum() string {
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:])
}

func TestALinkIsMadeSyncsAndIsRemoved(t *testing.T) {
	t.Parallel()
	for _, prefix := range []string{opsmanagertest.PublicPrefix, opsmanagertest.AtlasPrefix} {
		t.Run(prefix, func(t *testing.T) {
			t.Parallel()
			now := newClock()
			server, c := start(t, opsmanagertest.Options{SyncDelay: time.Minute, Now: now.Now, NonceLifetime: time.Hour})
			path := prefix + "/orgs/" + orgID + "/liveExport/migrationLink"

			created := c.call(http.MethodPost, path, body)
			require.Equal(t, http.StatusCreated, created.StatusCode)
			require.JSONEq(t, `{"status":"NOT_SYNCED"}`, created.body)

			now.Advance(time.Minute - 1)
			require.JSONEq(t, `{"status":"NOT_SYNCED"}`, c.call(http.MethodGet, path+"/status", "").body)
			now.Advance(1)
			require.JSONEq(t, `{"status":"SYNCED"}`, c.call(http.MethodGet, path+"/status", "").body)
			require.Equal(t, opsmanagertest.OrgState{
				LinkStatus:  opsmanagertest.StatusSynced,
				Counts:      opsmanagertest.Counts{Posts: 1, EffectivePosts: 1, Gets: 2, RequestsWithoutCredentials: 1},
				TokenSHA256: tokenSum(),
				Events:      []opsmanagertest.Event{{At: newClock().Now(), Kind: opsmanagertest.LinkMade, TokenSHA256: tokenSum()}},
			}, server.State().Orgs[orgID])

			require.Equal(t, http.StatusNoContent, c.call(http.MethodDelete, path, "").StatusCode)
			require.Equal(t, http.StatusNotFound, c.call(http.MethodGet, path+"/status", "").StatusCode)
			require.Equal(t, opsmanagertest.StatusNone, server.State().Orgs[orgID].LinkStatus)
			require.Empty(t, server.State().Orgs[orgID].TokenSHA256)
		})
	}
}

func TestBodiesOfPostAreReadStrictly(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ body, code, parameter string }{
		"empty":         {``, "MALFORMED_JSON", ""},
		"no JSON":       {`{"linkToken":`, "MALFORMED_JSON", ""},
		"array":         {`["` + token + `"]`, "INVALID_JSON", ""},
		"number":        {`{"linkToken":5}`, "INVALID_JSON", ""},
		"nothing in it": {`{}`, "MISSING_ATTRIBUTE", "linkToken"},
		"null":          {`{"linkToken":null}`, "MISSING_ATTRIBUTE", "linkToken"},
		"empty token":   {`{"linkToken":""}`, "INVALID_ATTRIBUTE", "linkToken"},
		"unknown field": {`{"linkToken":"` + token + `","name":"x"}`, "INVALID_ATTRIBUTE", "name"},
		"other case":    {`{"linktoken":"` + token + `"}`, "INVALID_ATTRIBUTE", "linktoken"},
		"too large":     {`{"linkToken":"` + strings.Repeat("x", 2<<20) + `"}`, "MALFORMED_JSON", ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server, c := start(t, opsmanagertest.Options{})
			c.get() // the challenge, so that no large body goes unread
			reply := c.call(http.MethodPost, linkPath, test.body)
			require.Equal(t, http.StatusBadRequest, reply.StatusCode)
			require.Equal(t, test.code, reply.code(t))
			require.NotContains(t, reply.body, token)
			if test.parameter != "" {
				require.Contains(t, reply.body, `"parameters":["`+test.parameter+`"]`)
			}
			require.Zero(t, server.State().Orgs[orgID].EffectivePosts)
		})
	}
}

func TestErrorsHaveTheRecordedShape(t *testing.T) {
	t.Parallel()
	_, c := start(t, opsmanagertest.Options{KnownOrgs: []string{otherOrg}})
	require.Equal(t,
		`{"error":404,"errorCode":"ORG_NOT_FOUND","detail":"No organization with this ID exists.","reason":"Not Found","parameters":["`+orgID+`"]}`,
		c.get().body)

	response, err := http.Get(c.url + linkPath)
	require.NoError(t, err)
	defer response.Body.Close()
	content, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	require.Equal(t, http.StatusUnauthorized, response.StatusCode)
	require.Equal(t, "{\n  \"error\" : 401,\n  \"reason\" : \"Unauthorized\",\n  \"detail\" : \"You are not authorized for this resource.\",\n  \"errorCode\" : \"UNEXPECTED_ERROR\"\n}", string(content))
	require.Regexp(t, `^Digest realm="MMS Public API", domain="", nonce="[A-Za-z0-9+/]{32}", algorithm=MD5, qop="auth", stale=false$`,
		response.Header.Get("WWW-Authenticate"))
}

func TestUnknownPathsAreReported(t *testing.T) {
	t.Parallel()
	_, c := start(t, opsmanagertest.Options{})
	base := opsmanagertest.PublicPrefix + "/orgs/"
	tests := map[string]struct {
		method, path string
		status       int
		code         string
	}{
		"upper case":      {http.MethodGet, base + strings.ToUpper(orgID) + "/liveExport/migrationLink/status", 404, "INVALID_ORG_ID"},
		"too short":       {http.MethodPost, base + "5f1b/liveExport/migrationLink", 404, "INVALID_ORG_ID"},
		"other resource":  {http.MethodGet, base + orgID + "/liveExport", 404, "RESOURCE_NOT_FOUND"},
		"other base path": {http.MethodGet, "/api/public/v2.0/orgs/" + orgID + "/liveExport/migrationLink/status", 404, "RESOURCE_NOT_FOUND"},
		"other method":    {http.MethodPut, linkPath, 405, "METHOD_NOT_ALLOWED"},
		"GET of the link": {http.MethodGet, linkPath, 405, "METHOD_NOT_ALLOWED"},
		"POST of status":  {http.MethodPost, linkPath + "/status", 405, "METHOD_NOT_ALLOWED"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			reply := c.call(test.method, test.path, "")
			require.Equal(t, test.status, reply.StatusCode)
			require.Equal(t, test.code, reply.code(t))
		})
	}
}

func TestPrettyAndEnvelopeShapeTheReply(t *testing.T) {
	t.Parallel()
	_, c := start(t, opsmanagertest.Options{})
	require.Equal(t, "{\n  \"status\": \"SYNCED\"\n}", c.call(http.MethodPost, linkPath+"?pretty=true", body).body)
	require.Equal(t, `{"status":200,"content":{"status":"SYNCED"}}`, c.call(http.MethodGet, linkPath+"/status?envelope=true", "").body)
	require.Equal(t, `{"status":"SYNCED"}`, c.call(http.MethodGet, linkPath+"/status?pretty=false&envelope=no", "").body)
	removed := c.call(http.MethodDelete, linkPath+"?envelope=true", "")
	require.Equal(t, http.StatusOK, removed.StatusCode, "a 204 could not carry the envelope")
	require.Equal(t, `{"status":204,"content":null}`, removed.body)
	missing := c.call(http.MethodGet, linkPath+"/status?envelope=true", "")
	require.Equal(t, http.StatusNotFound, missing.StatusCode)
	require.Contains(t, missing.body, `{"status":404,"content":{"error":404,`)
}

func TestConnectionsAndUnsafePostsAreCounted(t *testing.T) {
	t.Parallel()
	server, _ := start(t, opsmanagertest.Options{})
	for _, method := range []string{http.MethodPost, http.MethodGet} {
		c := callerOf(t, server.URL) // a connection of its own
		c.call(method, linkPath, body)
		c.post()
	}
	_, err := http.Get(server.URL + "/simulator/state") //nolint:bodyclose // only that it is not counted
	require.NoError(t, err)
	require.Equal(t, opsmanagertest.Totals{
		Requests: 6, Connections: 2, RequestsWithoutCredentials: 2, BodiesWithoutCredentials: 2, PostsFirstOnConnection: 1, Challenges: 2,
	}, server.State().Totals)
}

func TestTheTokenIsNowhereInTheEvidence(t *testing.T) {
	t.Parallel()
	file := t.TempDir() + "/state.json"
	server, c := start(t, opsmanagertest.Options{StateFile: file, Defaults: opsmanagertest.OrgSettings{EchoToken: new(true)}})
	require.Contains(t, c.post().body, token)
	var shown bytes.Buffer
	require.NoError(t, json.NewEncoder(&shown).Encode(server.State()))
	shown.Write(readFile(t, file))
	require.NotContains(t, shown.String(), token)
	require.Equal(t, 4, strings.Count(shown.String(), tokenSum()), "the link and its event, in the evidence and in the file")
}

func TestATLSServerIsTheSame(t *testing.T) {
	t.Parallel()
	server := opsmanagertest.NewTLSServer(opsmanagertest.Options{})
	t.Cleanup(server.Close)
	require.NotNil(t, server.Certificate())
	c := &caller{t, server.URL, &http.Client{Transport: &digest.Transport{
		Username: opsmanagertest.DefaultPublicKey, Password: opsmanagertest.DefaultPrivateKey, Transport: server.Client().Transport,
	}}}
	require.Equal(t, http.StatusCreated, c.post().StatusCode)
	require.NoError(t, server.SetFaults(opsmanagertest.Faults{{Kind: opsmanagertest.LostReply}}))
	_, err := c.try(http.MethodDelete, linkPath, "")
	require.Error(t, err)
	require.Equal(t, 1, server.State().Totals.Connections)
	require.Equal(t, 1, server.State().Orgs[orgID].EffectiveDeletes)
}
