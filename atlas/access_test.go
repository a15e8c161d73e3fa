package atlas_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/migrationlink/migrationlink/atlas"
	"github.com/migrationlink/migrationlink/redact"
)

// account is a server with a service account, whose endpoints a test replaces.
type account struct {
	*httptest.Server
	tokens, calls atomic.Int64
	token, api    http.HandlerFunc
}

func newAccount(t *testing.T) *account {
	t.Helper()
	a := &account{api: body(`[]`)}
	a.token = func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		body(fmt.Sprintf(`{"access_token":"%s-%d","token_type":"Bearer","expires_in":3600}`, accessToken, a.tokens.Load()))(w, r)
	}
	a.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/api/oauth/token" {
			a.calls.Add(1)
			a.api(w, r)
			return
		}
		a.tokens.Add(1)
		id, secret, ok := r.BasicAuth()
		if !ok || id != "mdb_sa_id" || secret != "client%2Bsecret%2Fcanary%262" || r.PostFormValue("grant_type") != "client_credentials" || r.PostFormValue("client_secret") != "" {
			t.Errorf("token request: %v %v", r.Header, r.PostForm)
		}
		a.token(w, r)
	}))
	t.Cleanup(a.Close)
	return a
}

func (a *account) client(t *testing.T) *atlas.Client {
	t.Helper()
	return newClient(t, atlas.Config{BaseURL: a.URL, ClientID: "mdb_sa_id", ClientSecret: redact.NewSecret(clientSecret)})
}

func TestTheAccessTokenIsFetchedOnceForAllCalls(t *testing.T) {
	t.Parallel()
	server := newAccount(t)
	client := server.client(t)
	var calls sync.WaitGroup
	for range 50 {
		calls.Go(func() {
			if _, err := client.AvailableProjects(t.Context(), orgID); err != nil {
				t.Error(err)
			}
		})
	}
	calls.Wait()
	require.EqualValues(t, 1, server.tokens.Load())
	require.EqualValues(t, 50, server.calls.Load())
}

func TestAFailedFetchIsTheFailureOfAllWhoWaitedForIt(t *testing.T) {
	t.Parallel()
	const waiting = 20
	server := newAccount(t)
	client := server.client(t)
	release := make(chan struct{})
	server.token = func(w http.ResponseWriter, _ *http.Request) {
		<-release
		w.Header().Set("Retry-After", "7")
		w.WriteHeader(http.StatusTooManyRequests)
	}
	var begun atomic.Int64
	failures := make(chan error, waiting)
	for range waiting {
		go func() {
			begun.Add(1)
			_, err := client.AvailableProjects(t.Context(), orgID)
			failures <- err
		}()
	}
	require.Eventually(t, func() bool { return begun.Load() == waiting && server.tokens.Load() == 1 }, 10*time.Second, time.Millisecond)
	close(release)
	for range waiting {
		var apiError *atlas.Error
		require.ErrorAs(t, <-failures, &apiError)
		require.Equal(t, 7*time.Second, apiError.RetryAfter)
	}
	require.Less(t, server.tokens.Load(), int64(waiting), "not one after the other")
	require.Zero(t, server.calls.Load())
}

func TestAnExpiredAccessTokenIsReplacedOnce(t *testing.T) {
	t.Parallel()
	for name, code := range map[string]string{"no code": "", "unexpected": "UNEXPECTED_ERROR", "its own": "INVALID_TOKEN"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := newAccount(t)
			client := server.client(t)
			_, err := client.AvailableProjects(t.Context(), orgID)
			require.NoError(t, err)

			var refused atomic.Value // the one that is no longer good
			refused.Store("Bearer " + accessToken + "-1")
			server.api = func(w http.ResponseWriter, r *http.Request) {
				if authorization := r.Header.Get("Authorization"); refused.Load() == "all" || authorization == refused.Load() {
					w.Header().Set("X-Error-Code", code)
					w.WriteHeader(http.StatusUnauthorized)
					return
				}
				posting(body(`{"linkToken":"x"}`))(w, r)
			}
			_, err = client.CreateLinkToken(t.Context(), orgID, nil, nil)
			require.NoError(t, err)
			require.EqualValues(t, 2, server.tokens.Load())

			refused.Store("all")
			_, err = client.CreateLinkToken(t.Context(), orgID, nil, nil)
			var apiError *atlas.Error
			require.ErrorAs(t, err, &apiError)
			require.True(t, apiError.KeyRefused())
			require.False(t, atlas.MayHaveTakenEffect(err))
			require.EqualValues(t, 3, server.tokens.Load())
		})
	}
}

func TestAMissingRoleIsNoReasonForAnotherAccessToken(t *testing.T) {
	t.Parallel()
	server := newAccount(t)
	client := server.client(t)
	server.api = func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusUnauthorized)
		body(`{"errorCode":"NOT_ORG_OWNER"}`)(w, r)
	}
	for range 5 {
		_, err := client.AvailableProjects(t.Context(), orgID)
		var apiError *atlas.Error
		require.ErrorAs(t, err, &apiError)
		require.True(t, apiError.RoleMissing())
		require.False(t, apiError.KeyRefused())
	}
	require.EqualValues(t, 1, server.tokens.Load())
}

func TestAnErrorOfTheTokenEndpointDoesNotContainItsBody(t *testing.T) {
	t.Parallel()
	echo := clientSecret + " " + accessToken
	for name, test := range map[string]struct {
		status  int
		body    string
		code    string
		want    string // of the error
		refused bool
	}{
		"401":                    {401, `{"error":"invalid_client","error_description":"` + echo + `"}`, "invalid_client", "HTTP 401 invalid_client: [redacted] [redacted]", true},
		"400":                    {400, `{"error":"invalid_client"}`, "invalid_client", "HTTP 400 invalid_client", true},
		"400 for another reason": {400, `{"error":"invalid_scope"}`, "invalid_scope", "HTTP 400 invalid_scope", false},
		"in Atlas' words":        {401, `{"error":401,"errorCode":"UNEXPECTED_ERROR","detail":"Who? ` + echo + `"}`, "UNEXPECTED_ERROR", "HTTP 401 UNEXPECTED_ERROR: Who? [redacted]", true},
		"429":                    {429, `{"error":"` + echo + `"}`, "", "HTTP 429", false},
		"503":                    {503, `<html>` + echo, "", "the reply is not Atlas's own (text/html, ", false},
		"redirect":               {302, `{"error":"x"}`, "", "it redirects to https://example.com, and redirects are not followed", false},
		"not JSON":               {200, echo, "", "the reply cannot be read: it holds no access token", false},
		"empty":                  {200, ``, "", "the reply cannot be read: it holds no access token", false},
		"no token":               {200, `{"token_type":"Bearer"}`, "", "the reply cannot be read: it holds no access token", false},
		"an error after all":     {200, `{"error":"` + echo + `","error_uri":"` + echo + `"}`, "", "it holds no access token", false},
		"odd expiry":             {200, `{"access_token":"` + accessToken + `","expires_in":"` + echo + `"}`, "", "it holds no access token", false},
		"another kind of token":  {200, `{"access_token":"` + accessToken + `","token_type":"mac"}`, "", "it holds no access token", false},
		"a token with a line":    {200, `{"access_token":"` + accessToken + `\r\nX: y"}`, "", "it holds no access token", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := newAccount(t)
			server.token = func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Type", "text/html")
				w.Header().Set("Location", "https://example.com/"+clientSecret)
				w.Header().Set("Retry-After", "7")
				w.WriteHeader(test.status)
				body(test.body)(w, r)
			}
			if test.status < 300 {
				server.token = body(test.body)
			}
			client := server.client(t)
			_, err := client.CreateLinkToken(t.Context(), orgID, nil, nil)
			require.ErrorContains(t, err, "get an access token for the service account, on behalf of organization "+orgID+": HTTP ")
			require.ErrorContains(t, err, test.want)
			requireNoSecret(t, fmt.Sprintf("%v %+v %#v", err, err, err))
			var apiError *atlas.Error
			require.ErrorAs(t, err, &apiError)
			require.Equal(t, atlas.OperationAccess, apiError.Operation)
			require.Equal(t, test.status, apiError.StatusCode)
			require.Equal(t, test.code, apiError.Code)
			require.Equal(t, test.refused, apiError.KeyRefused())
			require.Equal(t, test.status == 302, apiError.WrongAPI())
			require.False(t, atlas.MayHaveTakenEffect(err))
			require.False(t, atlas.NoLinkToken(client.DeleteLinkToken(t.Context(), orgID)))
			require.Zero(t, server.calls.Load(), "nothing was sent without a token")
		})
	}
}

func TestTheClientSecretIsOnlySentToTheTokenEndpoint(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = listener.Close() })
	var connections atomic.Int64
	go func() {
		for {
			connection, err := listener.Accept()
			if err != nil {
				return
			}
			connections.Add(1)
			_ = connection.Close()
		}
	}()
	for _, status := range []int{301, 302, 303, 307, 308} {
		server := newAccount(t)
		redirect := func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://"+listener.Addr().String()+"/api", status)
		}
		server.api = redirect
		client := server.client(t)
		_, err = client.AvailableProjects(t.Context(), orgID)
		require.ErrorContains(t, err, "redirects to http://"+listener.Addr().String())

		server = newAccount(t)
		server.token = redirect
		_, err = server.client(t).AvailableProjects(t.Context(), orgID)
		require.ErrorContains(t, err, "redirects to http://"+listener.Addr().String())
		require.EqualValues(t, 1, server.tokens.Load())
	}
	require.Zero(t, connections.Load())
}

func TestACancelledCallDoesNotWaitForTheAccessToken(t *testing.T) {
	t.Parallel()
	server := newAccount(t)
	release := make(chan struct{})
	t.Cleanup(func() { close(release) })
	server.token = func(http.ResponseWriter, *http.Request) { <-release }
	client := server.client(t)
	ctx, cancel := context.WithCancel(t.Context())
	failures := make(chan error, 2)
	for range 2 {
		go func() {
			_, err := client.CreateLinkToken(ctx, orgID, nil, nil)
			failures <- err
		}()
	}
	require.Eventually(t, func() bool { return server.tokens.Load() == 1 }, 10*time.Second, time.Millisecond)
	cancel()
	for range 2 {
		err := <-failures
		require.ErrorIs(t, err, context.Canceled)
		var transportError *atlas.TransportError
		require.True(t, errors.As(err, &transportError))
		require.False(t, atlas.MayHaveTakenEffect(err))
	}
}
