package opsmanager_test

import (
	"compress/gzip"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/migrationlink/migrationlink/opsmanager"
	"github.com/migrationlink/migrationlink/opsmanager/opsmanagertest"
	"github.com/migrationlink/migrationlink/redact"
)

const (
	orgID     = "5f1b2c3d4e5f6a7b8c9d0e1f"
	canary    = "canary+link/token&with=odd\"characters-0123456789"
	challenge = `Digest realm="MMS Public API", domain="", nonce="0123456789abcdef0123456789abcdef", algorithm=MD5, qop="auth", stale=false`
)

// replying returns a client of a server that asks for credentials as a manager
// does, verifies nothing, and answers with reply.
func replying(t *testing.T, reply http.HandlerFunc) *opsmanager.Client {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") == "" {
			w.Header().Set("WWW-Authenticate", challenge)
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		reply(w, r)
	}))
	t.Cleanup(server.Close)
	return newClient(t, opsmanager.Config{BaseURL: server.URL})
}

func newClient(t *testing.T, config opsmanager.Config) *opsmanager.Client {
	t.Helper()
	if config.PublicKey == "" {
		config.PublicKey, config.PrivateKey = "PUBLIC", redact.NewSecret("private-key-canary")
	}
	client, err := opsmanager.New(config)
	require.NoError(t, err)
	t.Cleanup(client.Close)
	return client
}

func TestEveryBodyIsUnderstoodOrGivesAClearError(t *testing.T) {
	t.Parallel()
	const status = `{"status":"NOT_SYNCED"}`
	tests := map[string]struct {
		reply http.HandlerFunc
		want  string // of the error; empty for success
	}{
		"plain":  {body(status), ""},
		"pretty": {body("{\n  \"status\" : \"NOT_SYNCED\"\n}\n"), ""},
		"more":   {body(`{"status":"NOT_SYNCED","links":[]}`), ""},
		"chunked": {func(w http.ResponseWriter, _ *http.Request) {
			w.(http.Flusher).Flush()
			_, _ = io.WriteString(w, status)
		}, ""},
		"gzip":      {zipped(status), ""},
		"empty":     {body(""), "not the JSON of the API (empty, 0 bytes)"},
		"no status": {body(`{}`), "holds no status"},
		"html": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html")
			_, _ = io.WriteString(w, "<html>")
		}, "not the JSON of the API (text/html, 6 bytes)"},
		"truncated": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "100")
			_, _ = io.WriteString(w, "{")
		}, "broke off after 1 bytes"},
		"endless": {func(w http.ResponseWriter, _ *http.Request) {
			for range 1024 {
				if _, err := w.Write(make([]byte, 4096)); err != nil {
					return
				}
			}
		}, "larger than 1048576 bytes"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := replying(t, test.reply).LinkStatus(t.Context(), orgID)
			if test.want == "" {
				require.NoError(t, err)
				require.Equal(t, opsmanager.StatusNotSynced, got)
				return
			}
			require.ErrorContains(t, err, test.want)
			require.False(t, opsmanager.NoLink(err))
		})
	}
}

func TestErrorsCarryWhatTheManagerSaid(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		header     string
		body       string
		want       opsmanager.Error
		retryAbout time.Duration
	}{
		"full":           {"", `{"error":429,"errorCode":"RATE_LIMITED","detail":"Slow down.","parameters":["links",100,1]}`, opsmanager.Error{Code: "RATE_LIMITED", Detail: "Slow down.", Parameters: []string{"links", "100", "1"}}, 0},
		"seconds":        {"7", `{"errorCode":"RATE_LIMITED","parameters":null}`, opsmanager.Error{Code: "RATE_LIMITED"}, 7 * time.Second},
		"date":           {"in an hour", `{"errorCode":"RATE_LIMITED"}`, opsmanager.Error{Code: "RATE_LIMITED"}, time.Hour},
		"ahead":          {"by a clock ahead", `{"errorCode":"RATE_LIMITED"}`, opsmanager.Error{Code: "RATE_LIMITED"}, 10 * time.Second},
		"past":           {"Mon, 02 Jan 2006 15:04:05 GMT", `{"errorCode":"X"}`, opsmanager.Error{Code: "X"}, 0},
		"reason only":    {"", `{"reason":"Too Many Requests"}`, opsmanager.Error{Detail: "Too Many Requests"}, 0},
		"a proxy's page": {"", `<html>`, opsmanager.Error{Detail: "the reply is not the manager's own (text/html, 6 bytes)"}, 0},
		"escapes":        {"", `{"errorCode":"X","detail":"a\u001b[31mb\nc"}`, opsmanager.Error{Code: "X", Detail: "a [31mb c"}, 0},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client := replying(t, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "text/html")
				switch test.header {
				case "":
				case "in an hour": // from now, not from when the tests began
					w.Header().Set("Retry-After", time.Now().Add(time.Hour).UTC().Format(http.TimeFormat))
				case "by a clock ahead":
					theirs := time.Now().Add(time.Hour).UTC()
					w.Header().Set("Date", theirs.Format(http.TimeFormat))
					w.Header().Set("Retry-After", theirs.Add(10*time.Second).Format(http.TimeFormat))
				default:
					w.Header().Set("Retry-After", test.header)
				}
				w.WriteHeader(http.StatusTooManyRequests)
				_, _ = io.WriteString(w, test.body)
			})
			_, err := client.LinkStatus(t.Context(), orgID)
			var got *opsmanager.Error
			require.ErrorAs(t, err, &got)
			require.InDelta(t, test.retryAbout.Seconds(), got.RetryAfter.Seconds(), 5)
			test.want.StatusCode, test.want.Operation, test.want.OrgID = 429, opsmanager.OperationStatus, orgID
			test.want.RetryAfter, test.want.Own = got.RetryAfter, test.want.Code != ""
			require.Equal(t, test.want, *got)
		})
	}
}

func TestLinkTokenIsScrubbedFromEveryErrorHoweverItIsEchoed(t *testing.T) {
	t.Parallel()
	quoted, err := json.Marshal(canary)
	require.NoError(t, err)
	for name, reply := range map[string]string{
		"detail":     fmt.Sprintf(`{"errorCode":"INVALID_ATTRIBUTE","detail":%s}`, quoted),
		"code":       fmt.Sprintf(`{"errorCode":%s}`, quoted),
		"parameters": fmt.Sprintf(`{"errorCode":"X","parameters":[%s, {"a":%s}]}`, quoted, quoted),
		"not json":   canary,
		"private":    `{"errorCode":"X","detail":"private-key-canary"}`,
		"other":      `{"errorCode":"X","detail":"the token ` + strings.Repeat("canary123", 20) + ` is unknown"}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client := replying(t, func(w http.ResponseWriter, r *http.Request) {
				if r.Method != http.MethodPost {
					body(`{"status":"NOT_SYNCED"}`)(w, r)
					return
				}
				w.WriteHeader(http.StatusBadRequest)
				_, _ = io.WriteString(w, reply)
			})
			_, err := client.CreateLink(t.Context(), orgID, redact.NewSecret(canary), nil)
			require.Error(t, err)
			require.NotContains(t, fmt.Sprintf("%+v %#v", err, err), "canary")
		})
	}
}

func TestBothShapesOfAnAcceptedPostAreUnderstood(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		code        int
		body        string
		wantMessage string
	}{
		"manual":      {201, `{"status":"SYNCED"}`, ""},
		"description": {200, `{"sourceOrgId":"x","createdAt":"2026-01-01T00:00:00Z","errorMessage":null,"targetOrg":{"linkToken":"x"}}`, ""},
		"message":     {200, `{"errorMessage":"no route to Atlas"}`, "no route to Atlas"},
		"echo":        {200, `{"errorMessage":"private-key-canary sent ` + strings.ReplaceAll(canary, `"`, `\"`) + `\u0007"}`, "[redacted] sent [redacted] "},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client := replying(t, func(w http.ResponseWriter, r *http.Request) {
				if r.Method != http.MethodPost {
					body(`{"status":"NOT_SYNCED"}`)(w, r)
					return
				}
				sent, err := io.ReadAll(r.Body)
				if err != nil || !strings.HasPrefix(string(sent), `{"linkToken":"`) {
					w.WriteHeader(http.StatusBadRequest)
					return
				}
				w.WriteHeader(test.code)
				_, _ = io.WriteString(w, test.body)
			})
			created, err := client.CreateLink(t.Context(), orgID, redact.NewSecret(canary), nil)
			require.NoError(t, err)
			require.Equal(t, test.wantMessage, created.ErrorMessage)
		})
	}
}

func TestRedirectIsNotFollowed(t *testing.T) {
	t.Parallel()
	reached := make(chan string, 10)
	other := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { reached <- r.URL.Path }))
	defer other.Close()
	client := replying(t, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, other.URL+"/secret-path", http.StatusTemporaryRedirect)
	})
	_, err := client.CreateLink(t.Context(), orgID, redact.NewSecret(canary), nil)
	require.ErrorContains(t, err, "redirects to "+other.URL)
	require.NotContains(t, err.Error(), "secret-path")
	require.Empty(t, reached)
	var apiError *opsmanager.Error
	require.ErrorAs(t, err, &apiError)
	require.True(t, apiError.WrongAPI())
}

func TestTokenDoesNotLeaveWithoutDigestAuthentication(t *testing.T) {
	t.Parallel()
	for name, header := range map[string]string{
		"none":          "",
		"basic":         `Basic realm="x"`,
		"unknown":       `Digest realm="x", nonce="abc", algorithm=ROT13, qop="auth"`,
		"without nonce": `Digest realm="x", qop="auth"`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.Method == http.MethodPost {
					t.Error("a POST left")
				}
				if header == "" {
					body(`{"status":"NOT_SYNCED"}`)(w, r)
					return
				}
				w.Header().Set("WWW-Authenticate", header)
				w.WriteHeader(http.StatusUnauthorized)
			}))
			defer server.Close()
			_, err := newClient(t, opsmanager.Config{BaseURL: server.URL}).CreateLink(t.Context(), orgID, redact.NewSecret(canary), nil)
			require.ErrorIs(t, err, opsmanager.ErrAuthentication)
			require.False(t, opsmanager.MayHaveTakenEffect(err))
		})
	}
}

func TestOnlyCallsThatMayHaveArrivedAreInDoubt(t *testing.T) {
	t.Parallel()
	for code, inDoubt := range map[int]bool{400: false, 401: false, 403: false, 404: false, 405: false, 409: false, 429: false, 408: true, 500: true, 502: true, 503: true, 504: true} {
		t.Run(fmt.Sprint(code), func(t *testing.T) {
			t.Parallel()
			client := replying(t, func(w http.ResponseWriter, r *http.Request) {
				if r.Method != http.MethodPost {
					body(`{"status":"NOT_SYNCED"}`)(w, r)
					return
				}
				w.WriteHeader(code)
			})
			_, err := client.CreateLink(t.Context(), orgID, redact.NewSecret(canary), nil)
			require.Equal(t, inDoubt, opsmanager.MayHaveTakenEffect(err), "%v", err)
		})
	}
	t.Run("no connection", func(t *testing.T) {
		t.Parallel()
		server := httptest.NewServer(http.NotFoundHandler())
		server.Close()
		_, err := newClient(t, opsmanager.Config{BaseURL: server.URL}).CreateLink(t.Context(), orgID, redact.NewSecret(canary), nil)
		require.Error(t, err)
		require.False(t, opsmanager.MayHaveTakenEffect(err))
	})
	t.Run("cut off", func(t *testing.T) {
		t.Parallel()
		client := replying(t, func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodPost {
				panic(http.ErrAbortHandler)
			}
			body(`{"status":"NOT_SYNCED"}`)(w, r)
		})
		_, err := client.CreateLink(t.Context(), orgID, redact.NewSecret(canary), nil)
		require.True(t, opsmanager.MayHaveTakenEffect(err), "%v", err)
	})
}

func TestCancellingStopsACallOnlyBeforeItIsSent(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	posts := 0
	client := replying(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			posts++
			cancel()
		}
		body(`{"status":"NOT_SYNCED"}`)(w, r)
	})
	_, err := client.CreateLink(ctx, orgID, redact.NewSecret(canary), nil)
	require.NoError(t, err)

	_, err = client.CreateLink(ctx, orgID, redact.NewSecret(canary), nil)
	require.ErrorIs(t, err, context.Canceled)
	refused := errors.New("not now")
	_, err = client.CreateLink(t.Context(), orgID, redact.NewSecret(canary), func() error { return refused })
	require.ErrorIs(t, err, refused)
	require.False(t, opsmanager.MayHaveTakenEffect(err))
	require.Equal(t, 1, posts)
}

func TestAFailedReadBeforeThePostLeavesNoDoubt(t *testing.T) {
	t.Parallel()
	client := replying(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) })
	_, err := client.CreateLink(t.Context(), orgID, redact.NewSecret(canary), nil)
	require.Error(t, err)
	require.False(t, opsmanager.MayHaveTakenEffect(err))
}

func TestOne401WithoutChallengeSaysNothing(t *testing.T) {
	t.Parallel()
	requests := 0
	client := replying(t, func(w http.ResponseWriter, r *http.Request) {
		if requests++; requests%5 == 1 {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		body(`{"status":"SYNCED"}`)(w, r)
	})
	for range 4 {
		_, err := client.LinkStatus(t.Context(), orgID)
		require.NoError(t, err)
	}
	_, err := client.CreateLink(t.Context(), orgID, redact.NewSecret(canary), nil)
	require.NoError(t, err)
}

func TestThePostIsNeverFirstOnItsConnection(t *testing.T) {
	t.Parallel()
	server := opsmanagertest.NewServer(opsmanagertest.Options{})
	t.Cleanup(server.Close)
	client := newClient(t, opsmanager.Config{BaseURL: server.URL, PublicKey: opsmanagertest.DefaultPublicKey, PrivateKey: redact.NewSecret(opsmanagertest.DefaultPrivateKey)})
	for n := range 5 {
		_, err := client.CreateLink(t.Context(), fmt.Sprintf("%024x", n), redact.NewSecret(canary), nil)
		require.NoError(t, err)
		client.Close() // the connections, as an idle timeout of the manager does
	}
	require.Zero(t, server.State().Totals.PostsFirstOnConnection)
	require.Zero(t, server.State().Totals.BodiesWithoutCredentials)
}

func TestACancelledCallSaysSo(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	client := replying(t, func(_ http.ResponseWriter, r *http.Request) {
		cancel()
		<-r.Context().Done()
	})
	_, err := client.LinkStatus(ctx, orgID)
	require.ErrorIs(t, err, context.Canceled)
}

func TestACallToASlowManagerTimesOut(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }))
	t.Cleanup(server.Close)
	client := newClient(t, opsmanager.Config{BaseURL: server.URL, Timeout: 50 * time.Millisecond})
	_, err := client.LinkStatus(t.Context(), orgID)
	require.ErrorContains(t, err, "took longer than 50ms")
}

func TestConfigurationThatWouldLeakIsRefused(t *testing.T) {
	t.Parallel()
	for url, want := range map[string]string{
		"http://manager.example.com":       "plain http",
		"http://127.0.0.1.example.com":     "plain http",
		"https://user:secret@example.com":  "scheme, host and port only",
		"https://example.com/api":          "scheme, host and port only",
		"example.com":                      "must look like",
		"ftp://example.com":                "must look like",
		"https://example.com?x=secret":     "scheme, host and port only",
		"https://manager.example.com:8443": "",
		"http://127.0.0.1:8080":            "",
		"http://[::1]:8080":                "",
		"http://localhost:8080":            "",
	} {
		t.Run(url, func(t *testing.T) {
			t.Parallel()
			_, err := opsmanager.New(opsmanager.Config{BaseURL: url, PublicKey: "p", PrivateKey: redact.NewSecret("k")})
			if want == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, want)
			require.NotContains(t, err.Error(), "secret")
		})
	}
	_, err := opsmanager.New(opsmanager.Config{BaseURL: "http://m.example.com", AllowInsecureHTTP: true, PublicKey: "p", PrivateKey: redact.NewSecret("k")})
	require.NoError(t, err)
}

func TestOnlyAVerifiedCertificateGetsCredentials(t *testing.T) {
	t.Parallel()
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") == "" {
			w.Header().Set("WWW-Authenticate", challenge)
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		body(`{"status":"SYNCED"}`)(w, r)
	}))
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // the refused handshake
	server.StartTLS()
	t.Cleanup(server.Close)

	_, err := newClient(t, opsmanager.Config{BaseURL: server.URL}).LinkStatus(t.Context(), orgID)
	var refused *tls.CertificateVerificationError
	require.ErrorAs(t, err, &refused)

	trusted := x509.NewCertPool()
	trusted.AddCert(server.Certificate())
	status, err := newClient(t, opsmanager.Config{BaseURL: server.URL, RootCAs: trusted}).LinkStatus(t.Context(), orgID)
	require.NoError(t, err)
	require.Equal(t, opsmanager.StatusSynced, status)
}

func body(text string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, text) }
}

func zipped(text string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		writer := gzip.NewWriter(w)
		_, _ = io.WriteString(writer, text)
		_ = writer.Close()
	}
}
