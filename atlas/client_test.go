package atlas_test

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/migrationlink/migrationlink/atlas"
	"github.com/migrationlink/migrationlink/opsmanager"
	"github.com/migrationlink/migrationlink/opsmanager/opsmanagertest"
	"github.com/migrationlink/migrationlink/redact"
)

const (
	orgID     = "6a1b2c3d4e5f6a7b8c9d0e1f"
	sourceOrg = "5f1b2c3d4e5f6a7b8c9d0e1f"
	challenge = `Digest realm="MMS Public API", domain="", nonce="0123456789abcdef0123456789abcdef", algorithm=MD5, qop="auth", stale=false`

	linkToken    = "link+token/canary&0"
	privateKey   = "private+key/canary&1"
	clientSecret = "client+secret/canary&2"
	accessToken  = "access-token-canary-3-0123456789abcdef"
)

// secrets are all that no error may show.
var secrets = []redact.Secret{
	redact.NewSecret(linkToken), redact.NewSecret(privateKey), redact.NewSecret(clientSecret), redact.NewSecret(accessToken),
}

func requireNoSecret(t require.TestingT, text string) {
	require.Equal(t, text, redact.Remove(text, secrets...))
	require.NotContains(t, text, "canary")
}

func newClient(t *testing.T, config atlas.Config) *atlas.Client {
	t.Helper()
	client, err := atlas.New(config)
	require.NoError(t, err)
	t.Cleanup(client.Close)
	return client
}

// answering returns clients, with an API key and with a service account, of a
// server that asks for credentials as Atlas does, verifies nothing, and answers
// with reply.
func answering(t *testing.T, reply http.HandlerFunc) map[string]*atlas.Client {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path == "/api/oauth/token":
			w.Header().Set("Content-Type", "application/json")
			body(`{"access_token":"`+accessToken+`","token_type":"Bearer","expires_in":3600}`)(w, r)
		case r.Header.Get("Authorization") == "":
			w.Header().Set("WWW-Authenticate", challenge)
			w.WriteHeader(http.StatusUnauthorized)
		default:
			reply(w, r)
		}
	}))
	t.Cleanup(server.Close)
	return map[string]*atlas.Client{
		"API key":         newClient(t, atlas.Config{BaseURL: server.URL, PublicKey: "PUBLIC", PrivateKey: redact.NewSecret(privateKey)}),
		"service account": newClient(t, atlas.Config{BaseURL: server.URL, ClientID: "mdb_sa_id", ClientSecret: redact.NewSecret(clientSecret)}),
	}
}

// posting is a server that has no available projects and answers a POST.
func posting(reply http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet {
			body(`[]`)(w, r)
			return
		}
		reply(w, r)
	}
}

func body(text string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, text) }
}

func TestALinkTokenIsMadeShownInAtlasAndDeleted(t *testing.T) {
	t.Parallel()
	for name, credentials := range map[string]atlas.Config{
		"API key": {PublicKey: opsmanagertest.DefaultAtlasPublicKey, PrivateKey: redact.NewSecret(opsmanagertest.DefaultAtlasPrivateKey)},
		"service account": {
			ClientID: opsmanagertest.DefaultAtlasClientID, ClientSecret: redact.NewSecret(opsmanagertest.DefaultAtlasClientSecret),
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := opsmanagertest.NewServer(opsmanagertest.Options{Joint: true, StrictNonceCount: true})
			t.Cleanup(server.Close)
			credentials.BaseURL = server.URL
			client := newClient(t, credentials)
			manager, err := opsmanager.New(opsmanager.Config{
				BaseURL: server.URL, PublicKey: opsmanagertest.DefaultPublicKey, PrivateKey: redact.NewSecret(opsmanagertest.DefaultPrivateKey),
			})
			require.NoError(t, err)
			t.Cleanup(manager.Close)

			token, err := client.CreateLinkToken(t.Context(), orgID, []string{"192.0.2.1", "198.51.100.0/24"}, nil)
			require.NoError(t, err)
			require.Len(t, token.Reveal(), 192)
			_, err = manager.CreateLink(t.Context(), sourceOrg, token, nil)
			require.NoError(t, err)
			projects, err := manager.Projects(t.Context(), sourceOrg)
			require.NoError(t, err)
			require.NotEmpty(t, projects)
			available, err := client.AvailableProjects(t.Context(), orgID)
			require.NoError(t, err)
			require.Len(t, available, len(projects))
			require.Equal(t, projects[0].ID, available[0].ID)

			require.NoError(t, client.DeleteLinkToken(t.Context(), orgID))
			err = client.DeleteLinkToken(t.Context(), orgID)
			require.True(t, atlas.NoLinkToken(err), "%v", err)
			require.False(t, atlas.MayHaveTakenEffect(err))
			available, err = client.AvailableProjects(t.Context(), orgID)
			require.NoError(t, err)
			require.Empty(t, available)
			require.Equal(t, 1, server.State().Atlas.Orgs[orgID].LinkTokensMade)
			if credentials.ClientID != "" {
				require.Equal(t, 1, server.State().Atlas.OAuthTokenRequests)
			}
		})
	}
}

func TestTheRequestsAreThoseOfTheAPI(t *testing.T) {
	t.Parallel()
	const version = "application/vnd.atlas.2023-01-01+json"
	for _, addresses := range [][]string{nil, {"192.0.2.1"}} {
		for name, client := range answering(t, posting(func(w http.ResponseWriter, r *http.Request) {
			sent, err := io.ReadAll(r.Body)
			want, _ := json.Marshal(map[string][]string{"accessListIps": append([]string{}, addresses...)})
			if err != nil || string(sent) != string(want) || r.URL.RequestURI() != "/api/atlas/v2/orgs/"+orgID+"/liveMigrations/linkTokens" ||
				r.Header.Get("Accept") != version || r.Header.Get("Content-Type") != version {
				t.Errorf("sent: %s %s %v", r.URL, sent, r.Header)
			}
			w.WriteHeader(http.StatusCreated)
			body(`{"linkToken":"`+linkToken+`","more":null}`)(w, r)
		})) {
			token, err := client.CreateLinkToken(t.Context(), orgID, addresses, nil)
			require.NoError(t, err, name)
			require.Equal(t, linkToken, token.Reveal())
			requireNoSecret(t, fmt.Sprintf("%v %+v %#v %+v", token, client, client, *client))
		}
	}
}

func TestASuccessThatCannotBeReadMayHaveMadeALinkToken(t *testing.T) {
	t.Parallel()
	for _, status := range []int{200, 201, 202} {
		for _, reply := range []string{
			``, `{}`, `null`, `[]`, `{"linkToken":null}`, `{"linkToken":""}`, `{"linkToken":["` + linkToken + `"]}`, `{"linkToken":"` + linkToken, `"` + linkToken + `"`,
			`linkToken=` + linkToken, `{"errorCode":"` + linkToken + `"}`, "cut off",
		} {
			for name, client := range answering(t, posting(func(w http.ResponseWriter, r *http.Request) {
				if reply == "cut off" {
					w.Header().Set("Content-Length", "1000")
				}
				w.Header().Set("X-Error-Code", linkToken)
				w.WriteHeader(status)
				body(reply)(w, r)
			})) {
				token, err := client.CreateLinkToken(t.Context(), orgID, nil, nil)
				require.ErrorContains(t, err, "create the link-token of organization "+orgID+": HTTP "+fmt.Sprint(status)+": the reply cannot be read: ", "%s: %s", name, reply)
				require.True(t, atlas.MayHaveTakenEffect(err))
				require.True(t, token.IsZero())
				requireNoSecret(t, fmt.Sprintf("%v %+v %#v", err, err, err))
			}
		}
	}
}

func TestALinkTokenThatIsTooLongIsUnreadable(t *testing.T) {
	t.Parallel()
	reply := `{"linkToken":"` + strings.Repeat("t", 8<<10+1) + `"}`
	for name, client := range answering(t, posting(body(reply))) {
		token, err := client.CreateLinkToken(t.Context(), orgID, nil, nil)
		require.ErrorContains(t, err, "the reply cannot be read: its link-token is longer than 8192 bytes", name)
		require.True(t, atlas.MayHaveTakenEffect(err), name)
		require.True(t, token.IsZero(), name)
	}
}

func TestOnlyAPostThatMayHaveArrivedIsInDoubt(t *testing.T) {
	t.Parallel()
	for status, inDoubt := range map[int]bool{400: false, 401: false, 402: false, 403: false, 404: false, 406: false, 409: false, 429: false, 307: false, 408: true, 500: true, 502: true, 503: true} {
		refuse := func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) }
		for name, client := range answering(t, posting(refuse)) {
			_, err := client.CreateLinkToken(t.Context(), orgID, nil, nil)
			require.Equal(t, inDoubt, atlas.MayHaveTakenEffect(err), "%s: %v", name, err)
			require.False(t, atlas.NoLinkToken(err))
		}
		for name, client := range answering(t, refuse) {
			_, err := client.AvailableProjects(t.Context(), orgID)
			require.Error(t, err)
			require.False(t, atlas.MayHaveTakenEffect(err), "%s: %v", name, err)
		}
	}
	cutOff := posting(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	for name, client := range answering(t, cutOff) {
		_, err := client.CreateLinkToken(t.Context(), orgID, nil, nil)
		require.True(t, atlas.MayHaveTakenEffect(err), "%s: %v", name, err)
		refused := errors.New("not now")
		_, err = client.CreateLinkToken(t.Context(), orgID, nil, &atlas.Sending{Before: func() error { return refused }})
		require.ErrorIs(t, err, refused)
		require.False(t, atlas.MayHaveTakenEffect(err))
	}
}

// A link-token is asked for even where the available projects cannot be read:
// what an organization without a source answers is not documented. But nothing is
// posted where it would be refused, and nothing marked as begun.
func TestARequestThatWouldBeRejectedIsRejectedBeforeThePost(t *testing.T) {
	t.Parallel()
	for status, posted := range map[int]bool{400: true, 404: true, 409: true, 302: false, 401: false, 402: false, 403: false, 406: false, 429: false, 500: false, 503: false} {
		for name, client := range answering(t, func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodGet {
				w.WriteHeader(status)
				if status == http.StatusNotFound { // without a text it would be another server's
					body(`{"error":404}`)(w, r)
				}
				return
			}
			body(`{"linkToken":"x"}`)(w, r)
		}) {
			begun := false
			_, err := client.CreateLinkToken(t.Context(), orgID, nil, &atlas.Sending{Before: func() error { begun = true; return nil }})
			require.Equal(t, posted, err == nil, "%s %d: %v", name, status, err)
			require.Equal(t, posted, begun)
		}
	}
}

// The calls before the POST end on the deadline of the context.
func TestTheReplyToThePostIsAwaitedUntilTheGivenTime(t *testing.T) {
	t.Parallel()
	var ended atomic.Value // a channel: the context of the call has ended
	for name, client := range answering(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			<-ended.Load().(<-chan struct{})
		}
		body(`{"linkToken":"x"}`)(w, r)
	}) {
		ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
		t.Cleanup(cancel)
		ended.Store(ctx.Done())
		_, err := client.CreateLinkToken(ctx, orgID, nil, &atlas.Sending{WaitUntil: time.Now().Add(10 * time.Second)})
		require.NoError(t, err, name)
		require.ErrorIs(t, ctx.Err(), context.DeadlineExceeded)
	}
}

func TestOnlyTheMissingLinkTokenItselfCountsAsNone(t *testing.T) {
	t.Parallel()
	for reply, none := range map[string]bool{
		`{"errorCode":"UNEXPECTED_ERROR","detail":"Could not find the requested external organization link."}`: true,
		`{"errorCode":"ORG_NOT_FOUND"}`:      false,
		`{"errorCode":"RESOURCE_NOT_FOUND"}`: false,
		`{"errorCode":"NOT_ATLAS_ORG"}`:      false,
		``:                                   false,
	} {
		for _, client := range answering(t, func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(http.StatusNotFound)
			body(reply)(w, r)
		}) {
			err := client.DeleteLinkToken(t.Context(), orgID)
			require.Equal(t, none, atlas.NoLinkToken(err), "%v", err)
			_, err = client.AvailableProjects(t.Context(), orgID)
			require.False(t, atlas.NoLinkToken(err), "%v", err)
		}
	}
}

func TestAvailableProjectsAreReadInEveryShape(t *testing.T) {
	t.Parallel()
	one := []atlas.Project{{ID: sourceOrg}}
	const project = `{"projectId":"` + sourceOrg + `","name":"customers of the European production databases","deployments":null,"migrationHosts":[{"x":1}],"more":{}}`
	for reply, want := range map[string][]atlas.Project{
		`[` + project + `]`:                                               one,
		`{"results":[` + project + `],"totalCount":1}`:                    one,
		` [null,` + project + `,{},{"projectId":null},{"projectId":"x"}]`: one,
		`[]`:               {},
		`null`:             {},
		`{"results":null}`: {},
		`[{"projectId":"` + sourceOrg + `","name":null}]`: {{ID: sourceOrg}},
	} {
		for name, client := range answering(t, body(reply)) {
			projects, err := client.AvailableProjects(t.Context(), orgID)
			require.NoError(t, err, reply)
			require.Equal(t, want, projects, "%s: %s", name, reply)
		}
	}
	for _, reply := range []string{``, `"x"`, `[1]`, `{"results":{}}`, `{}`, `{"message":"maintenance"}`, `[{"projectId":1}]`, `[`} {
		for _, client := range answering(t, body(reply)) {
			_, err := client.AvailableProjects(t.Context(), orgID)
			require.ErrorContains(t, err, "the reply cannot be read", reply)
		}
	}
}

func TestTooManyAvailableProjectsAreRejected(t *testing.T) {
	t.Parallel()
	for _, list := range []string{
		`[` + strings.Repeat(`{},`, 50_000) + `{}]`,
		`{"results":[` + strings.Repeat(`{"projectId":"`+sourceOrg+`"},`, 50_000) + `{}]}`,
	} {
		for _, client := range answering(t, body(list)) {
			_, err := client.AvailableProjects(t.Context(), orgID)
			require.ErrorContains(t, err, "it holds too much: more than 50000 elements in a list")
		}
	}
}

func TestNoSecretIsInAnyErrorHoweverItIsEchoed(t *testing.T) {
	t.Parallel()
	forms := map[string]func(string) string{
		"plain":  func(s string) string { return s },
		"URL":    url.QueryEscape,
		"base64": func(s string) string { return base64.StdEncoding.EncodeToString([]byte("mdb_sa_id:" + s)) },
		"hex":    func(s string) string { return hex.EncodeToString([]byte(s)) },
	}
	for formName, form := range forms {
		for _, status := range []int{200, 302, 400, 401, 403, 404, 429, 500} {
			for name, client := range answering(t, func(w http.ResponseWriter, r *http.Request) {
				// What the client sends as it is, and what it must not.
				key := clientSecret
				if strings.HasPrefix(r.Header.Get("Authorization"), "Digest ") {
					key = privateKey
				}
				echo := form(r.Header.Get("Authorization")) + " " + form(key) + " " + form(accessToken)
				text, _ := json.Marshal(echo)
				w.Header().Set("Retry-After", echo)
				w.Header().Set("Location", "https://"+form(accessToken)+".example.com/"+form(key))
				w.Header().Set("Content-Type", form(accessToken))
				w.WriteHeader(status)
				_, _ = fmt.Fprintf(w, `{"errorCode":%s,"detail":%s,"reason":%s,"parameters":[%s,{"a":%s}]}`, text, text, text, text, text)
			}) {
				_, created := client.CreateLinkToken(t.Context(), orgID, nil, nil)
				_, available := client.AvailableProjects(t.Context(), orgID)
				deleted := client.DeleteLinkToken(t.Context(), orgID)
				for _, err := range []error{created, available, deleted} {
					if apiError, ok := errors.AsType[*atlas.Error](err); ok {
						requireNoSecret(t, fmt.Sprintf("%s %s %d: %v %+v %#v", formName, name, status, err, apiError, *apiError))
					}
				}
			}
		}
	}
}

func TestEveryProblemOfTheConfigurationIsReported(t *testing.T) {
	t.Parallel()
	secret := redact.NewSecret(privateKey)
	for name, test := range map[string]struct {
		config atlas.Config
		want   []string // none for a good one
	}{
		"API key":               {atlas.Config{PublicKey: "p", PrivateKey: secret}, nil},
		"service account":       {atlas.Config{ClientID: "i", ClientSecret: secret}, nil},
		"nothing":               {atlas.Config{}, []string{"there are no credentials"}},
		"both":                  {atlas.Config{PublicKey: "p", PrivateKey: secret, ClientID: "i", ClientSecret: secret}, []string{"an API key and a service account"}},
		"halves":                {atlas.Config{PublicKey: "p", ClientSecret: secret}, []string{"an API key and a service account"}},
		"no private key":        {atlas.Config{PublicKey: "p"}, []string{"the private key is empty"}},
		"no public key":         {atlas.Config{PrivateKey: secret}, []string{"the public key is empty"}},
		"colon":                 {atlas.Config{PublicKey: "p:" + privateKey, PrivateKey: secret}, []string{"the public key must not contain a colon"}},
		"no client id":          {atlas.Config{ClientSecret: secret}, []string{"the client id is empty"}},
		"no client secret":      {atlas.Config{ClientID: "i"}, []string{"the client secret is empty"}},
		"plain http and no key": {atlas.Config{BaseURL: "http://cloud.example.com", PublicKey: "p"}, []string{"plain http to cloud.example.com", "the private key is empty"}},
		"keys in the URL":       {atlas.Config{BaseURL: "https://p:canary@cloud.example.com"}, []string{"scheme, host and port only", "no credentials"}},
		"path":                  {atlas.Config{BasePath: "api", ClientID: "i", ClientSecret: secret}, []string{`like "/api/atlas/v2"`}},
		"no URL":                {atlas.Config{BaseURL: "cloud", ClientID: "i", ClientSecret: secret}, []string{`must look like "https://cloud.mongodb.com"`}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := atlas.New(test.config)
			require.Equal(t, len(test.want) > 0, err != nil, "%v", err)
			for _, want := range test.want {
				require.ErrorContains(t, err, want)
				requireNoSecret(t, err.Error())
			}
		})
	}
}

func TestNothingIsSentForAnInvalidOrganizationID(t *testing.T) {
	t.Parallel()
	for name, client := range answering(t, func(http.ResponseWriter, *http.Request) { t.Error("something was sent") }) {
		for _, id := range []string{"", "..", strings.ToUpper(orgID), orgID + "/x", orgID + "\n"} {
			_, created := client.CreateLinkToken(t.Context(), id, nil, nil)
			_, available := client.AvailableProjects(t.Context(), id)
			for _, err := range []error{created, available, client.DeleteLinkToken(t.Context(), id)} {
				require.ErrorIs(t, err, atlas.ErrInvalidOrgID, "%s: %q", name, id)
				require.False(t, atlas.MayHaveTakenEffect(err))
			}
		}
	}
}

func TestACallToASlowAtlasTimesOut(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // only then is the end of the client noticed
		<-r.Context().Done()
	}))
	t.Cleanup(server.Close)
	for _, config := range []atlas.Config{{PublicKey: "p", PrivateKey: redact.NewSecret(privateKey)}, {ClientID: "i", ClientSecret: redact.NewSecret(clientSecret)}} {
		config.BaseURL, config.Timeout = server.URL, 50*time.Millisecond
		_, err := newClient(t, config).AvailableProjects(t.Context(), orgID)
		require.ErrorContains(t, err, "Atlas took longer than 50ms")
		require.False(t, strings.Contains(err.Error(), "the manager"))
	}
}
