package opsmanager_test

import (
	"crypto/tls"
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

	"github.com/migrationlink/migrationlink/internal/adminapi"
	"github.com/migrationlink/migrationlink/opsmanager"
	"github.com/migrationlink/migrationlink/redact"
)

const remedySection = "[managers.demo]"

func remedy(err error) string { return opsmanager.CauseOf(err).Remedy("the manager", remedySection) }

func TestARefusedCertificateHasTheRemedyForItsReason(t *testing.T) {
	t.Parallel()
	trusted, other := newAuthority(t), newAuthority(t)
	soon := time.Now().Add(time.Hour)
	for name, test := range map[string]struct {
		certificate tls.Certificate
		cause       opsmanager.Cause
		remedy      string
	}{
		"expired":            {trusted.sign(t, "127.0.0.1", time.Now().Add(-time.Hour)), adminapi.CauseCertificateExpired, "Renew the certificate of the manager. If it has not expired, the clock"},
		"of the future":      {trusted.sign(t, "127.0.0.1", soon.Add(24*time.Hour)), adminapi.CauseCertificateNotYetValid, "Correct the clock of the worker"},
		"another authority":  {other.sign(t, "127.0.0.1", soon), adminapi.CauseCertificateUnknownAuthority, "Set ca_file of [managers.demo]"},
		"for another name":   {trusted.sign(t, "manager.example.com", soon), adminapi.CauseCertificateName, "Use a name in base_url of [managers.demo]"},
		"for another number": {trusted.sign(t, "127.0.0.2", soon), adminapi.CauseCertificateName, "base_url"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			url, _ := serveTLS(t, &tls.Config{Certificates: []tls.Certificate{test.certificate}})
			_, err := newClient(t, opsmanager.Config{BaseURL: url, RootCAs: trusted.pool()}).LinkStatus(t.Context(), orgID)
			require.Equal(t, test.cause, opsmanager.CauseOf(err), "%v", err)
			require.True(t, test.cause.Certificate())
			require.Contains(t, remedy(err), test.remedy)
			require.True(t, opsmanager.Doubtful(err))
		})
	}
}

func TestPlainHTTPAtAPortForHTTPSAndTheReverseAreNamed(t *testing.T) {
	t.Parallel()
	const nginx = "<html>\r\n<head><title>400 The plain HTTP request was sent to HTTPS port</title></head>\r\n</html>"
	alert := func(w http.ResponseWriter, _ *http.Request) {
		connection, _, err := http.NewResponseController(w).Hijack()
		if err == nil {
			_, _ = connection.Write([]byte{0x15, 3, 3, 0, 2, 2, 80})
			_ = connection.Close()
		}
	}
	secure := httptest.NewUnstartedServer(http.NotFoundHandler())
	secure.Config.ErrorLog = log.New(io.Discard, "", 0)
	secure.StartTLS()
	t.Cleanup(secure.Close)
	for name, handler := range map[string]http.HandlerFunc{
		"nginx": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html")
			w.WriteHeader(http.StatusBadRequest)
			_, _ = io.WriteString(w, nginx)
		},
		"an alert": alert,
		"Go":       nil,
	} {
		url := strings.Replace(secure.URL, "https", "http", 1)
		if handler != nil {
			server := httptest.NewServer(handler)
			t.Cleanup(server.Close)
			url = server.URL
		}
		_, err := newClient(t, opsmanager.Config{BaseURL: url}).LinkStatus(t.Context(), orgID)
		require.Equal(t, adminapi.CausePlainHTTPToTLSPort, opsmanager.CauseOf(err), "%s: %v", name, err)
		require.Contains(t, remedy(err), "Use https in base_url of [managers.demo]")
		require.True(t, opsmanager.Doubtful(err))
	}

	plain := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(plain.Close)
	_, err := newClient(t, opsmanager.Config{BaseURL: strings.Replace(plain.URL, "http", "https", 1)}).LinkStatus(t.Context(), orgID)
	require.Equal(t, adminapi.CauseTLSToPlainPort, opsmanager.CauseOf(err), "%v", err)
	require.Contains(t, remedy(err), "Use a port that serves https")
	require.True(t, opsmanager.Doubtful(err))
}

func TestAReplyIsTheAPIsOwnOnlyInTheAPIsForm(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		status   int
		header   string // X-Error-Code
		body     string
		own      bool
		doubtful bool
		noLink   bool
	}{
		"a code":                    {404, "", apiError, true, false, false},
		"no link":                   {404, "", `{"errorCode":"UNEXPECTED_ERROR"}`, true, false, true},
		"a code in an envelope":     {404, "", `{"status":404,"content":{"errorCode":"UNEXPECTED_ERROR"}}`, true, false, true},
		"a number":                  {404, "", `{"error":404,"reason":"Not Found"}`, true, false, true},
		"a code in the header":      {403, "FEATURE_UNSUPPORTED", "", true, false, false},
		"nothing":                   {404, "", "", false, true, false},
		"a page":                    {404, "", "<html>404</html>", false, true, false},
		"text":                      {404, "", "default backend - 404", false, true, false},
		"another API":               {404, "", `{"status":404,"error":"Not Found","path":"/api"}`, false, true, false},
		"a gateway":                 {403, "", `{"message":"Forbidden"}`, false, true, false},
		"a redirect":                {302, "", "", false, true, false},
		"a proxy":                   {407, "", `{"error":407}`, false, true, false},
		"a refused key":             {401, "", `{"errorCode":"UNEXPECTED_ERROR"}`, true, true, false},
		"a refused key, no code":    {401, "", `{"error":401}`, true, true, false},
		"a missing role":            {401, "", `{"errorCode":"NOT_ORG_OWNER"}`, true, false, false},
		"an access list":            {403, "", `{"errorCode":"IP_ADDRESS_NOT_ON_ACCESS_LIST"}`, true, false, false},
		"a rejected token":          {400, "", `{"errorCode":"INVALID_ATTRIBUTE"}`, true, false, false},
		"a conflict":                {409, "", `{"errorCode":"X"}`, true, false, false},
		"a limit":                   {429, "", "<html>", false, false, false},
		"a timeout":                 {408, "", "<html>", false, false, false},
		"a bad gateway":             {502, "", "<html>", false, false, false},
		"a success that is a page":  {200, "", loginPage, false, true, false},
		"a success that is nothing": {200, "", "", false, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client := replying(t, func(w http.ResponseWriter, _ *http.Request) {
				if test.status == http.StatusUnauthorized {
					w.Header().Set("WWW-Authenticate", challenge)
				}
				if test.header != "" {
					w.Header().Set("X-Error-Code", test.header)
				}
				w.WriteHeader(test.status)
				_, _ = io.WriteString(w, test.body)
			})
			_, err := client.LinkStatus(t.Context(), orgID)
			var failed *opsmanager.Error
			require.ErrorAs(t, err, &failed)
			require.Equal(t, test.own, failed.Own)
			require.Equal(t, test.doubtful, opsmanager.Doubtful(err), "%v", err)
			require.Equal(t, test.noLink, opsmanager.NoLink(err), "%v", err)
		})
	}
}

// The API asks for the key before it answers anything. What answers without that, such as an ingress
// without a route, or a cache, tells nothing of the link.
func TestAReplyToACallWithoutCredentialsIsNotTheAPIs(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		status int
		body   string
	}{
		"nothing":   {404, ""},
		"no link":   {404, `{"errorCode":"UNEXPECTED_ERROR"}`},
		"a refusal": {400, `{"errorCode":"INVALID_ATTRIBUTE"}`},
		"a status":  {200, `{"status":"SYNCED"}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "application/json")
				w.WriteHeader(test.status)
				_, _ = io.WriteString(w, test.body)
			}))
			t.Cleanup(server.Close)
			client := newClient(t, opsmanager.Config{BaseURL: server.URL})
			_, err := client.LinkStatus(t.Context(), orgID)
			for _, err := range []error{err, client.DeleteLink(t.Context(), orgID)} {
				require.Error(t, err)
				require.False(t, opsmanager.NoLink(err), "%v", err)
				require.NotEqual(t, opsmanager.CauseNone, opsmanager.CauseOf(err))
			}
		})
	}
}

func TestAnotherAuthenticationSchemeIsDoubtful(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("WWW-Authenticate", `Basic realm="proxy"`)
		w.WriteHeader(http.StatusUnauthorized)
	}))
	t.Cleanup(server.Close)
	_, err := newClient(t, opsmanager.Config{BaseURL: server.URL}).LinkStatus(t.Context(), orgID)
	require.Equal(t, adminapi.CauseNoAuthentication, opsmanager.CauseOf(err))
	require.True(t, opsmanager.Doubtful(err))
	require.False(t, opsmanager.Doubtful(errors.New("another error")))
	require.False(t, opsmanager.Doubtful(nil))
}

func TestAProxyThatRemovesTheCredentialsIsARemedyForAKeyThatWasNeverAccepted(t *testing.T) {
	t.Parallel()
	nonces := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		nonces++
		w.Header().Set("WWW-Authenticate", fmt.Sprintf(`Digest realm="MMS Public API", nonce="%d", qop="auth"`, nonces))
		w.WriteHeader(http.StatusUnauthorized)
		_, _ = io.WriteString(w, `{"error":401,"errorCode":"UNEXPECTED_ERROR"}`)
	}))
	t.Cleanup(server.Close)
	_, err := newClient(t, opsmanager.Config{BaseURL: server.URL}).CreateLink(t.Context(), orgID, redact.NewSecret(canary), nil)
	require.Equal(t, adminapi.CauseKeyNeverAccepted, opsmanager.CauseOf(err))
	require.Contains(t, remedy(err), "Check public_key and private_key of [managers.demo]. If they are right, check that no proxy in front of the manager removes the Authorization header.")
}

func TestALoginPageHasItsOwnRemedy(t *testing.T) {
	t.Parallel()
	for _, contentType := range []string{"text/html; charset=utf-8", "application/json"} {
		client := replying(t, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", contentType)
			body(loginPage)(w, r)
		})
		_, err := client.LinkStatus(t.Context(), orgID)
		require.Equal(t, adminapi.CauseLoginPage, opsmanager.CauseOf(err))
		require.Contains(t, remedy(err), "sign-on page in front of the manager")
	}
}

func TestEveryCauseHasARemedyAndNamesNoPlaceholder(t *testing.T) {
	t.Parallel()
	for _, cause := range adminapi.Causes() {
		text := cause.Remedy("Atlas", "[atlas.prod]")
		require.NotEmpty(t, text, cause)
		require.NotContains(t, text, "PARTY")
		require.NotContains(t, text, "SECTION")
		require.True(t, strings.HasSuffix(text, "."))
	}
	require.Empty(t, adminapi.CauseNone.Remedy("Atlas", "[atlas.prod]"))
	require.Empty(t, opsmanager.Cause("made up").Remedy("Atlas", "[atlas.prod]"))
}
