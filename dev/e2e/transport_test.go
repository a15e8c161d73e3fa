package e2e_test

import (
	"crypto/tls"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/migrationlink/migrationlink"
	"github.com/migrationlink/migrationlink/opsmanager/opsmanagertest"
)

const loopback = "127.0.0.1" // what certificates of managers are for

func TestAManagerGetsNothingBeforeItsCertificateIsVerified(t *testing.T) {
	t.Parallel()
	ours, stranger := newAuthority(t), newAuthority(t)
	good := newTLSManager(t, &tls.Config{Certificates: []tls.Certificate{ours.issue(loopback).load(t)}})
	foreign := newTLSManager(t, &tls.Config{Certificates: []tls.Certificate{stranger.issue(loopback).load(t)}})
	misnamed := newTLSManager(t, &tls.Config{Certificates: []tls.Certificate{ours.issue("opsmanager.test").load(t)}})
	s := newSystem(t)
	s.worker(managers(map[string]string{
		"good":      settingsOf(good, ours),
		"foreign":   settingsOf(foreign, ours),
		"misnamed":  settingsOf(misnamed, ours),
		"untrusted": settingsOf(good, stranger),
	}))

	result, code := s.linkJSON(newOrg(), "--manager", "good")
	require.Zero(t, code)
	require.Equal(t, migrationlink.OutcomeLinked, result.Outcome)
	seen := len(good.requests())
	require.NotZero(t, seen)

	for name, says := range map[string]string{
		"foreign":   "certificate signed by unknown authority",
		"misnamed":  loopback,
		"untrusted": "certificate signed by unknown authority",
	} {
		result, code := s.linkJSON(newOrg(), "--manager", name)
		require.Equal(t, 3, code, name)
		require.Equal(t, migrationlink.ErrCertificateInvalid, result.Problem.Type, name)
		require.Contains(t, result.Problem.Message, says, name)
		require.NotEmpty(t, result.Problem.Remedy, name)
		if name != "misnamed" {
			require.Contains(t, result.Problem.Remedy, "ca_file", name)
		}
	}
	require.Empty(t, foreign.requests())
	require.Empty(t, misnamed.requests())
	require.Len(t, good.requests(), seen)
}

func TestARedirectLeaksNothingToAnotherHost(t *testing.T) {
	t.Parallel()
	ca := newAuthority(t)
	settings := &tls.Config{Certificates: []tls.Certificate{ca.issue(loopback).load(t)}}
	other := newTLSManager(t, settings) // with a certificate as good as the manager's own
	redirect := func(status int) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("WWW-Authenticate", challenge(other.URL))
			http.Redirect(w, r, other.URL+r.URL.Path, status) //nolint:gosec // the attack itself
		}
	}
	simulated := newSimulated(t)
	servers := map[string]*recorder{
		"redirects-post": newRecorder(t, settings, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodPost {
				redirect(http.StatusTemporaryRedirect)(w, r) // this one would resend the link-token
				return
			}
			simulated.ServeHTTP(w, r)
		})),
		"challenges-for-other": newRecorder(t, settings, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("WWW-Authenticate", challenge(other.URL))
			w.Header().Set("Location", other.URL)
			w.WriteHeader(http.StatusUnauthorized)
		})),
		"asks-in-clear": newRecorder(t, settings, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("WWW-Authenticate", `Basic realm="MMS Public API"`)
			w.WriteHeader(http.StatusUnauthorized)
		})),
	}
	for _, status := range []int{301, 302, 303, 307, 308} {
		servers[fmt.Sprintf("redirects-%d", status)] = newRecorder(t, settings, redirect(status))
	}
	known := map[string]string{}
	for name, server := range servers {
		known[name] = settingsOf(server, ca)
	}
	s := newSystem(t)
	s.worker(managers(known))

	for name := range servers {
		result, code := s.linkJSON(newOrg(), "--manager", name)
		require.Equal(t, 3, code, name)
		want := migrationlink.ErrWrongAPI
		if name == "challenges-for-other" {
			want = migrationlink.ErrKeyRejected // its wrong answer to a correct key
		}
		require.Equal(t, want, result.Problem.Type, name)
	}
	require.Empty(t, other.requests())
	for name, server := range servers {
		arrived := strings.Join(server.requests(), "\n")
		require.Contains(t, arrived, "/liveExport/migrationLink/status", name)
		require.NotContains(t, arrived, s.variable("DEMO_PRIVATE_KEY"), name)
		require.NotContains(t, arrived, "Basic ", name)
		if name != "redirects-post" { // it has answered for the key before
			require.NotContains(t, arrived, s.variable("LINK_TOKEN_DEMO"), name)
		}
	}
}

func TestAManagerGetsTheClientCertificateOfItsSettings(t *testing.T) {
	t.Parallel()
	ca, stranger := newAuthority(t), newAuthority(t)
	client, other := ca.issue("worker.test"), stranger.issue("worker.test")
	guarded := newTLSManager(t, &tls.Config{
		Certificates: []tls.Certificate{ca.issue(loopback).load(t)},
		ClientAuth:   tls.RequireAndVerifyClientCert,
		ClientCAs:    ca.pool(),
	})
	s := newSystem(t)
	s.worker(managers(map[string]string{
		"known":    settingsOf(guarded, ca) + clientCertificate(client),
		"stranger": settingsOf(guarded, ca) + clientCertificate(other),
		"nobody":   settingsOf(guarded, ca),
	}))

	for _, name := range []string{"stranger", "nobody"} {
		result, code := s.linkJSON(newOrg(), "--manager", name, "--create-timeout", "5s")
		require.NotZero(t, code, name)
		require.Contains(t, result.Problem.Message, "the server wants a client certificate that it trusts", name)
	}
	require.Empty(t, guarded.requests())

	result, code := s.linkJSON(newOrg(), "--manager", "known")
	require.Zero(t, code)
	require.Equal(t, migrationlink.OutcomeLinked, result.Outcome)
}

// challenge returns a challenge as a manager sends it, for another host.
func challenge(domain string) string {
	return fmt.Sprintf(`Digest realm="MMS Public API", domain=%q, nonce="AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", algorithm=MD5, qop="auth", stale=false`, domain)
}

// recorder is a TLS server that records requests.
type recorder struct {
	*httptest.Server
	mu   sync.Mutex
	seen []string
}

func newRecorder(t *testing.T, settings *tls.Config, answer http.Handler) *recorder {
	t.Helper()
	r := &recorder{}
	r.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
		dump, err := httputil.DumpRequest(request, true)
		r.mu.Lock()
		r.seen = append(r.seen, fmt.Sprintf("%s %v", dump, err))
		r.mu.Unlock()
		answer.ServeHTTP(w, request)
	}))
	r.Config.ErrorLog = log.New(io.Discard, "", 0) // handshakes fail on purpose
	r.TLS = settings.Clone()
	r.StartTLS()
	t.Cleanup(r.Close)
	return r
}

func newTLSManager(t *testing.T, settings *tls.Config) *recorder {
	t.Helper()
	return newRecorder(t, settings, newSimulated(t))
}

func newSimulated(t *testing.T) *opsmanagertest.Manager {
	t.Helper()
	simulated, err := opsmanagertest.New(opsmanagertest.Options{})
	require.NoError(t, err)
	t.Cleanup(simulated.Close)
	return simulated
}

func (r *recorder) requests() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]string{}, r.seen...)
}

// managers returns the section of these managers in a worker's configuration, by name.
func managers(settings map[string]string) string {
	var text strings.Builder
	for name, more := range settings {
		fmt.Fprintf(&text, "[managers.%s]\npublic_key = \"env:DEMO_PUBLIC_KEY\"\nprivate_key = \"env:DEMO_PRIVATE_KEY\"\n%s\n", name, more)
	}
	return text.String()
}

// settingsOf returns the settings of a manager whose certificate this authority has
// signed.
func settingsOf(manager *recorder, ca *authority) string {
	return fmt.Sprintf("base_url = %q\nca_file = %q\n", manager.URL, ca.file)
}

func clientCertificate(client identity) string {
	return fmt.Sprintf("client_cert_file = %q\nclient_key_file = %q\n", client.certFile, client.keyFile)
}
