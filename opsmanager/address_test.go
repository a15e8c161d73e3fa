package opsmanager_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/migrationlink/migrationlink/opsmanager"
	"github.com/migrationlink/migrationlink/redact"
)

func TestNothingIsSentForAnInvalidOrganizationID(t *testing.T) {
	t.Parallel()
	var requests atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { requests.Add(1) }))
	t.Cleanup(server.Close)
	client := newClient(t, opsmanager.Config{BaseURL: server.URL})
	for _, id := range []string{
		"", ".", "..", "../..", "%2e%2e", orgID + "/..", orgID + "\n", strings.ToUpper(orgID), orgID[1:], orgID + "0", "5f1b2c3d4e5f6a7b8c9d0e1g",
		strings.Repeat("é", 12), "5f1b2c3d4e5f6a7b8c9d0e1?", strings.Repeat("secret", 4),
	} {
		_, status := client.LinkStatus(t.Context(), id)
		_, created := client.CreateLink(t.Context(), id, redact.NewSecret(canary), func() error { t.Error("asked to send"); return nil })
		_, projects := client.Projects(t.Context(), id)
		for _, err := range []error{status, created, projects, client.DeleteLink(t.Context(), id)} {
			require.ErrorIs(t, err, opsmanager.ErrInvalidOrgID, "%q", id)
			require.False(t, opsmanager.MayHaveTakenEffect(err))
			require.False(t, opsmanager.NoLink(err))
			require.False(t, opsmanager.Doubtful(err))
			require.NotContains(t, err.Error(), "secret")
		}
	}
	require.Zero(t, requests.Load())
}

func TestAnInvalidBaseURLIsRejected(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]string{
		"https://:8443":                       "the base URL",
		"https://":                            "the base URL",
		"https:///api":                        "the base URL",
		"https://example.com:0":               "the base URL must have a port",
		"https://example.com:99999":           "the base URL must have a port",
		"https://example.com:65536":           "the base URL must have a port",
		"https://example.com:":                "the base URL must have a port",
		"https://example.com:-1":              "the base URL",
		"https://example.com:https":           "the base URL",
		"https://exam ple.com":                "the base URL",
		"https://example.com\r":               "the base URL",
		"https://example.com%0d":              "the base URL",
		"https://[::1":                        "the base URL",
		"https://[]:8443":                     "the base URL",
		"https://exa%zzmple.com":              "the base URL",
		"https://ex\u200bample.com":           "the base URL",
		"https://example.com:65535":           "",
		"https://[2001:db8::1]:8443":          "",
		"https://manager.example.com/":        "",
		"https://m\u00fcnchen.example.com":    "",
		"https://manager.example.com:00443":   "",
		"https://127.0.0.1:1":                 "",
		"https://user@example.com":            "the base URL must be scheme",
		"https://example.com/..":              "the base URL must be scheme",
		"https://example.com/api/public/v1.0": "the base URL must be scheme",
	} {
		requireRefused(t, opsmanager.Config{BaseURL: address}, want)
	}
	_, err := opsmanager.New(opsmanager.Config{BaseURL: "https://:8443", BasePath: "..", PublicKey: "p"})
	for _, want := range []string{"the base URL", "the base path", "the private key"} {
		require.ErrorContains(t, err, want, "everything is named at once")
	}
}

func TestAnInvalidBasePathIsRejected(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]string{
		"api":                    "the base path must start with a slash",
		"/api?x=secret":          "the base path must start with a slash",
		"/api/..":                "the base path must hold no",
		"/../api":                "the base path must hold no",
		"/api/./v1":              "the base path must hold no",
		"/api/%2e%2e/v1":         "the base path must hold no",
		"/api/%2E./v1":           "the base path must hold no",
		"/api/..%2fv1":           "the base path must hold no",
		`/api\..\v1`:             "the base path must hold no",
		"/api/v1\r":              "the base path must hold no",
		"/api/v1\n":              "the base path must hold no",
		"/api/%0d%0av1":          "the base path must hold no",
		"/api/%00":               "the base path must hold no",
		"/api/%zz":               "the base path must hold no",
		"/api/%":                 "the base path must hold no",
		"/api/%2525":             "the base path must hold no",
		"/api v1":                "the base path must hold no",
		"/api/\u200bv1":          "the base path must hold no",
		"/api/\xff":              "the base path must hold no",
		"/api/v1.0":              "",
		"/":                      "",
		"/prefix/api/public/v1/": "",
		"/pr%C3%A4fix/v1..0":     "",
	} {
		requireRefused(t, opsmanager.Config{BaseURL: "https://example.com", BasePath: path}, want)
	}
}

func requireRefused(t *testing.T, config opsmanager.Config, want string) {
	t.Helper()
	config.PublicKey, config.PrivateKey = "p", redact.NewSecret("k")
	_, err := opsmanager.New(config)
	if want == "" {
		require.NoError(t, err, "%q", config)
		return
	}
	require.ErrorContains(t, err, want, "%q", config)
	require.NotContains(t, err.Error(), "secret")
}
