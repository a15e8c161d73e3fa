package opsmanager_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"io"
	"log"
	"maps"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/migrationlink/migrationlink/opsmanager"
	"github.com/migrationlink/migrationlink/redact"
)

const privateKey = "private-key-canary"

// recorder keeps every byte of the requests that a server gets.
type recorder struct {
	mu       sync.Mutex
	requests bytes.Buffer
}

func (r *recorder) recording(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, request *http.Request) {
		dump, _ := httputil.DumpRequest(request, true)
		r.mu.Lock()
		r.requests.Write(dump)
		r.mu.Unlock()
		next(w, request)
	}
}

// text is what was recorded. It must not hold the private key in any form: with
// HTTP digest it never leaves.
func (r *recorder) text(t *testing.T) string {
	t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	text := r.requests.String()
	require.Equal(t, text, redact.Remove(text, redact.NewSecret(privateKey)))
	return text
}

// stranger listens where no credential may go, and counts who comes.
func stranger(t *testing.T) (url string, connections *atomic.Int64) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { listener.Close() })
	connections = new(atomic.Int64)
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
	return "http://" + listener.Addr().String(), connections
}

// calls are the calls that change or read something, by name.
var calls = map[string]func(context.Context, *opsmanager.Client) error{
	"create": func(ctx context.Context, c *opsmanager.Client) error {
		_, err := c.CreateLink(ctx, orgID, redact.NewSecret(canary), nil)
		return err
	},
	"status": func(ctx context.Context, c *opsmanager.Client) error {
		_, err := c.LinkStatus(ctx, orgID)
		return err
	},
	"delete":   func(ctx context.Context, c *opsmanager.Client) error { return c.DeleteLink(ctx, orgID) },
	"projects": func(ctx context.Context, c *opsmanager.Client) error { _, err := c.Projects(ctx, orgID); return err },
}

func TestRedirectsAreNotFollowedWhateverTheStatus(t *testing.T) {
	t.Parallel()
	elsewhere, connections := stranger(t)
	for _, code := range []int{301, 302, 303, 307, 308} {
		for _, when := range []string{"before the challenge", "after it", "the body only"} {
			for name, call := range calls {
				t.Run(fmt.Sprintf("%d %s, %s", code, when, name), func(t *testing.T) {
					t.Parallel()
					server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
						switch {
						case when != "before the challenge" && r.Header.Get("Authorization") == "":
							w.Header().Set("WWW-Authenticate", challenge)
							w.WriteHeader(http.StatusUnauthorized)
						case when == "the body only" && name == "create" && r.Method == http.MethodGet:
							body(`{"status":"NOT_SYNCED"}`)(w, r)
						default:
							http.Redirect(w, r, elsewhere+"/path", code)
						}
					}))
					t.Cleanup(server.Close)
					err := call(t.Context(), newClient(t, opsmanager.Config{BaseURL: server.URL}))
					var apiError *opsmanager.Error
					require.ErrorAs(t, err, &apiError)
					require.True(t, apiError.WrongAPI())
					require.ErrorContains(t, err, "redirects to "+elsewhere)
					require.False(t, opsmanager.MayHaveTakenEffect(err))
				})
			}
		}
	}
	t.Cleanup(func() { require.Zero(t, connections.Load(), "somebody went there") })
}

func TestAChallengeCannotSendTheKeyElsewhere(t *testing.T) {
	t.Parallel()
	elsewhere, connections := stranger(t)
	for name, test := range map[string]struct {
		code    int
		headers http.Header
		digest  bool // the challenge is answered, to the server that gave it
	}{
		"of another realm":        {401, http.Header{"Www-Authenticate": {strings.Replace(challenge, "MMS Public API", "somebody else", 1)}}, true},
		"for another domain":      {401, http.Header{"Www-Authenticate": {strings.Replace(challenge, `domain=""`, `domain="`+elsewhere+`/"`, 1)}}, true},
		"for Basic":               {401, http.Header{"Www-Authenticate": {`Basic realm="MMS Public API"`}}, false},
		"for Basic or Digest":     {401, http.Header{"Www-Authenticate": {`Basic realm="x"`, challenge}}, true},
		"for Bearer":              {401, http.Header{"Www-Authenticate": {`Bearer realm="x"`}}, false},
		"for NTLM":                {401, http.Header{"Www-Authenticate": {`Negotiate`, `NTLM`}}, false},
		"of a proxy, Basic":       {407, http.Header{"Proxy-Authenticate": {`Basic realm="proxy"`}}, false},
		"of a proxy, Digest":      {407, http.Header{"Proxy-Authenticate": {challenge}}, false},
		"of a proxy, misplaced":   {407, http.Header{"Www-Authenticate": {challenge}}, false},
		"with a place to go":      {401, http.Header{"Www-Authenticate": {challenge}, "Location": {elsewhere}, "Refresh": {"0; url=" + elsewhere}}, true},
		"that is no 401":          {403, http.Header{"Www-Authenticate": {challenge}}, false},
		"with a nonce to inject":  {401, http.Header{"Www-Authenticate": {`Digest realm="x", nonce="a\", uri=\"` + elsewhere + `", qop="auth"`}}, true},
		"without qop, as of 1999": {401, http.Header{"Www-Authenticate": {`Digest realm="x", nonce="abc"`}}, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var seen recorder
			server := httptest.NewServer(seen.recording(func(w http.ResponseWriter, _ *http.Request) {
				maps.Copy(w.Header(), test.headers)
				w.WriteHeader(test.code)
			}))
			t.Cleanup(server.Close)
			client := newClient(t, opsmanager.Config{BaseURL: server.URL, PublicKey: "PUBLIC", PrivateKey: redact.NewSecret(privateKey)})
			_, err := client.CreateLink(t.Context(), orgID, redact.NewSecret(canary), nil)
			require.Error(t, err)
			require.False(t, opsmanager.MayHaveTakenEffect(err))
			text := seen.text(t)
			require.Equal(t, test.digest, strings.Contains(text, "Authorization: Digest "), "%v", err)
			require.NotContains(t, text, "Authorization: Basic")
			require.NotContains(t, text, "Proxy-Authorization")
			require.NotContains(t, text, "POST", "the link-token stays here")
			require.Zero(t, connections.Load())
		})
	}
}

// authority signs certificates for a test.
type authority struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
}

func newAuthority(t *testing.T) authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "authority"}, NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	encoded, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	require.NoError(t, err)
	certificate, err := x509.ParseCertificate(encoded)
	require.NoError(t, err)
	return authority{certificate, key}
}

func (a authority) pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(a.certificate)
	return pool
}

// sign returns a certificate that is good until then for what is at host, and
// for clients.
func (a authority) sign(t *testing.T, host string, until time.Time) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(2), NotBefore: until.Add(-2 * time.Hour), NotAfter: until,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	if ip := net.ParseIP(host); ip != nil {
		template.IPAddresses = []net.IP{ip}
	} else {
		template.DNSNames = []string{host}
	}
	encoded, err := x509.CreateCertificate(rand.Reader, template, a.certificate, &key.PublicKey, a.key)
	require.NoError(t, err)
	return tls.Certificate{Certificate: [][]byte{encoded}, PrivateKey: key}
}

// serveTLS serves an organization that is SYNCED, and counts the requests.
func serveTLS(t *testing.T, config *tls.Config) (url string, requests *atomic.Int64) {
	t.Helper()
	requests = new(atomic.Int64)
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		requests.Add(1)
		if r.Header.Get("Authorization") == "" {
			w.Header().Set("WWW-Authenticate", challenge)
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		body(`{"status":"SYNCED"}`)(w, r)
	}))
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // the refused handshakes
	server.TLS = config
	server.StartTLS()
	t.Cleanup(server.Close)
	return server.URL, requests
}

func TestNothingIsSentToAManagerWithAWrongCertificate(t *testing.T) {
	t.Parallel()
	trusted, other := newAuthority(t), newAuthority(t)
	soon, past := time.Now().Add(time.Hour), time.Now().Add(-time.Hour)
	for name, test := range map[string]struct {
		certificate tls.Certificate
		want        string // of the error; empty for success
	}{
		"good":                   {trusted.sign(t, "127.0.0.1", soon), ""},
		"of another authority":   {other.sign(t, "127.0.0.1", soon), "certificate signed by unknown authority"},
		"self-signed":            {tls.Certificate{Certificate: [][]byte{other.certificate.Raw}, PrivateKey: other.key}, "certificate"},
		"for another address":    {trusted.sign(t, "127.0.0.2", soon), "certificate is valid for 127.0.0.2, not 127.0.0.1"},
		"for a name":             {trusted.sign(t, "manager.example.com", soon), "certificate"},
		"of the day before":      {trusted.sign(t, "127.0.0.1", past), "certificate has expired"},
		"of the day after today": {trusted.sign(t, "127.0.0.1", soon.Add(24*time.Hour)), "not yet valid"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			url, requests := serveTLS(t, &tls.Config{Certificates: []tls.Certificate{test.certificate}})
			for callName, call := range calls {
				err := call(t.Context(), newClient(t, opsmanager.Config{BaseURL: url, RootCAs: trusted.pool()}))
				if test.want == "" {
					continue
				}
				require.ErrorContains(t, err, test.want, callName)
				var refused *tls.CertificateVerificationError
				require.ErrorAs(t, err, &refused)
				require.False(t, opsmanager.MayHaveTakenEffect(err))
			}
			require.Equal(t, test.want == "", requests.Load() > 0)
		})
	}
}

func TestTLSOlderThan12IsRefused(t *testing.T) {
	t.Parallel()
	trusted := newAuthority(t)
	for version, good := range map[uint16]bool{tls.VersionTLS10: false, tls.VersionTLS11: false, tls.VersionTLS12: true, tls.VersionTLS13: true} {
		t.Run(tls.VersionName(version), func(t *testing.T) {
			t.Parallel()
			url, requests := serveTLS(t, &tls.Config{ //nolint:gosec // old ones are what is tested
				MinVersion: tls.VersionTLS10, MaxVersion: version,
				Certificates: []tls.Certificate{trusted.sign(t, "127.0.0.1", time.Now().Add(time.Hour))},
			})
			_, err := newClient(t, opsmanager.Config{BaseURL: url, RootCAs: trusted.pool()}).LinkStatus(t.Context(), orgID)
			if good {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, "protocol version")
			require.Zero(t, requests.Load())
		})
	}
}

func TestTheClientCertificateIsShownToAManagerThatAsksForIt(t *testing.T) {
	t.Parallel()
	trusted, other := newAuthority(t), newAuthority(t)
	soon := time.Now().Add(time.Hour)
	ours, foreign := trusted.sign(t, "worker", soon), other.sign(t, "worker", soon)
	for version := range map[uint16]bool{tls.VersionTLS12: true, tls.VersionTLS13: true} {
		url, requests := serveTLS(t, &tls.Config{
			MaxVersion: version, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: trusted.pool(),
			Certificates: []tls.Certificate{trusted.sign(t, "127.0.0.1", soon)},
		})
		for name, certificate := range map[string]*tls.Certificate{"none": nil, "of another authority": &foreign} {
			_, err := newClient(t, opsmanager.Config{BaseURL: url, RootCAs: trusted.pool(), ClientCertificate: certificate}).LinkStatus(t.Context(), orgID)
			require.Error(t, err, name)
			if version == tls.VersionTLS12 { // later ones tell after the handshake, when the connection may be gone
				require.ErrorIs(t, err, opsmanager.ErrClientCertificate)
			}
			require.Zero(t, requests.Load())
		}
		_, err := newClient(t, opsmanager.Config{BaseURL: url, RootCAs: trusted.pool(), ClientCertificate: &ours}).LinkStatus(t.Context(), orgID)
		require.NoError(t, err)
	}
}

// Keys are rotated by a new client; the old one is closed while its calls go on.
func TestAClosedClientFinishesItsCallsAndLeavesNoConnection(t *testing.T) {
	t.Parallel()
	arrived, release := make(chan struct{}), make(chan struct{})
	var open atomic.Int64
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.Header.Get("Authorization") == "":
			w.Header().Set("WWW-Authenticate", challenge)
			w.WriteHeader(http.StatusUnauthorized)
		case r.Method == http.MethodPost:
			arrived <- struct{}{}
			<-release
			body(`{"status":"SYNCED"}`)(w, r)
		default:
			body(`{"status":"NOT_SYNCED"}`)(w, r)
		}
	}))
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		switch state {
		case http.StateNew:
			open.Add(1)
		case http.StateClosed:
			open.Add(-1)
		}
	}
	server.Start()
	t.Cleanup(server.Close)
	client := newClient(t, opsmanager.Config{BaseURL: server.URL})
	const atOnce = 5
	var done sync.WaitGroup
	for range atOnce {
		done.Go(func() {
			if _, err := client.CreateLink(t.Context(), orgID, redact.NewSecret(canary), nil); err != nil {
				t.Error(err)
			}
		})
	}
	for range atOnce {
		<-arrived
	}
	client.Close()
	close(release)
	done.Wait()
	_, err := client.LinkStatus(t.Context(), orgID)
	require.NoError(t, err, "what an attempt has begun it can go on with")
	require.Eventually(t, func() bool { return open.Load() == 0 }, 10*time.Second, time.Millisecond)
}
