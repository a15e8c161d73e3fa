package opsmanagertest_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/migrationlink/migrationlink/opsmanager/opsmanagertest"
)

// access asks for an access token with the service account.
func (c *caller) access() answered {
	c.t.Helper()
	return c.accessAs(opsmanagertest.DefaultAtlasClientID, opsmanagertest.DefaultAtlasClientSecret, "grant_type=client_credentials")
}

func (c *caller) accessAs(id, secret, form string) answered {
	c.t.Helper()
	return c.plain(http.MethodPost, opsmanagertest.OAuthTokenPath, form, func(request *http.Request) {
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		request.SetBasicAuth(id, secret)
	})
}

// plain makes a call without digest authentication.
func (c *caller) plain(method, path, content string, prepare func(*http.Request)) answered {
	c.t.Helper()
	request, err := http.NewRequestWithContext(c.t.Context(), method, c.url+path, strings.NewReader(content))
	require.NoError(c.t, err)
	request.Header.Set("Accept", atlasVersion)
	prepare(request)
	client := http.Client{CheckRedirect: c.client.CheckRedirect}
	response, err := client.Do(request)
	require.NoError(c.t, err)
	defer response.Body.Close()
	read, err := io.ReadAll(response.Body)
	require.NoError(c.t, err)
	return answered{response, string(read)}
}

func (c *caller) bearer(token string) answered {
	c.t.Helper()
	return c.plain(http.MethodGet, availablePath, "", func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+token) })
}

func accessToken(t *testing.T, reply answered) string {
	t.Helper()
	require.Equal(t, http.StatusOK, reply.StatusCode, reply.body)
	var given struct {
		AccessToken string `json:"access_token"`
		ExpiresIn   int    `json:"expires_in"`
		TokenType   string `json:"token_type"`
	}
	require.NoError(t, json.Unmarshal([]byte(reply.body), &given))
	require.Equal(t, "Bearer", given.TokenType)
	require.Equal(t, 3600, given.ExpiresIn)
	return given.AccessToken
}

func TestAServiceAccountGetsAccessForAnHour(t *testing.T) {
	t.Parallel()
	now := newClock()
	server, c := start(t, opsmanagertest.Options{Now: now.Now})
	token := accessToken(t, c.access())
	require.Equal(t, http.StatusOK, c.bearer(token).StatusCode)
	require.Equal(t, http.StatusUnauthorized, c.bearer(token+"x").StatusCode)
	managers := c.plain(http.MethodGet, linkPath+"/status", "", func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+token) })
	require.Equal(t, http.StatusUnauthorized, managers.StatusCode, "a manager knows API keys only")

	now.Advance(time.Hour - 1)
	require.Equal(t, http.StatusOK, c.bearer(token).StatusCode)
	now.Advance(1)
	ended := c.bearer(token)
	require.Equal(t, http.StatusUnauthorized, ended.StatusCode)
	require.Contains(t, ended.Header.Get("WWW-Authenticate"), `error="invalid_token"`)
	require.Equal(t, 2, server.State().Atlas.Orgs[atlasOrg].Gets)
	require.Equal(t, opsmanagertest.OAuthCounts{OAuthTokenRequests: 1, OAuthTokensGiven: 1}, server.State().Atlas.OAuthCounts)
}

func TestAccessIsRejectedInTheFormatOfOAuth(t *testing.T) {
	t.Parallel()
	server, c := start(t, opsmanagertest.Options{AtlasClientID: "an id", AtlasClientSecret: "s+e c%ret"})
	tests := map[string]struct {
		id, secret, form string
		status           int
		says             string
	}{
		"as it is":       {"an id", "s+e c%ret", "grant_type=client_credentials", 200, `"token_type":"Bearer"`},
		"encoded":        {url.QueryEscape("an id"), url.QueryEscape("s+e c%ret"), "grant_type=client_credentials", 200, `"token_type":"Bearer"`},
		"another id":     {"an", "s+e c%ret", "grant_type=client_credentials", 401, `"error":"invalid_client"`},
		"another secret": {"an id", "s+e", "grant_type=client_credentials", 401, `"error":"invalid_client"`},
		"no grant":       {"an id", "s+e c%ret", "", 400, `"error":"invalid_request"`},
		"another grant":  {"an id", "s+e c%ret", "grant_type=password", 400, `"error":"unsupported_grant_type"`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			reply := c.accessAs(test.id, test.secret, test.form)
			require.Equal(t, test.status, reply.StatusCode)
			require.Contains(t, reply.body, test.says)
		})
	}
	t.Cleanup(func() {
		require.Equal(t, opsmanagertest.OAuthCounts{OAuthTokenRequests: 6, OAuthTokensGiven: 2}, server.State().Atlas.OAuthCounts)
	})
}

func TestTooManyRequestsForAccessHaveToWait(t *testing.T) {
	t.Parallel()
	now := newClock()
	server, c := start(t, opsmanagertest.Options{Now: now.Now, AccessTokensPerMinute: 2})
	accessToken(t, c.access())
	now.Advance(20 * time.Second)
	accessToken(t, c.access())
	limited := c.access()
	require.Equal(t, http.StatusTooManyRequests, limited.StatusCode)
	require.Equal(t, "40", limited.Header.Get("Retry-After"))
	now.Advance(40 * time.Second)
	accessToken(t, c.access())
	require.Equal(t, opsmanagertest.OAuthCounts{OAuthTokenRequests: 4, OAuthTokensGiven: 3, OAuthTokensLimited: 1}, server.State().Atlas.OAuthCounts)
	require.Zero(t, server.State().Totals.PostsFirstOnConnection, "they hold no link-token")
}
