package adminapi

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/migrationlink/migrationlink/redact"
)

// Secrets that do not look like one: only who knows them can remove them.
const (
	privateKey = "Pr1v.key"
	linkToken  = "L1nk.token"
	accessGot  = "Acc3ss.token"
)

var orgID = strings.Repeat("5f1b2c3d", 3)

func TestNoErrorContainsASecretThatAReplyRepeats(t *testing.T) {
	t.Parallel()
	const both = privateKey + "." + linkToken
	header := func(status int, name, value string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set(name, value)
			w.WriteHeader(status)
			_, _ = io.WriteString(w, "no JSON")
		}
	}
	for name, test := range map[string]struct {
		reply http.HandlerFunc
		want  string
	}{
		"status line": {func(w http.ResponseWriter, _ *http.Request) {
			connection, _, err := http.NewResponseController(w).Hijack()
			if err == nil {
				_, _ = io.WriteString(connection, "HTTP/1.1 "+both+"\r\n\r\n")
				_ = connection.Close()
			}
		}, "malformed HTTP status code"},
		"content type of an error":   {header(502, "Content-Type", "text/"+both), "the reply is not the manager's own (no content type, 7 bytes)"},
		"content type of a success":  {asking(header(200, "Content-Type", "text/"+both)), "it is not the JSON of the API (no content type, 7 bytes)"},
		"error code in a header":     {header(400, "X-Error-Code", both), "HTTP 400 [redacted]"},
		"host of a redirect":         {header(302, "Location", "https://"+both+"/"), "it redirects to https://[redacted].[redacted], and"},
		"scheme of a redirect":       {header(302, "Location", linkToken+"://host/"), "it redirects, and"},
		"a content type to be shown": {header(502, "Content-Type", "Text/HTML; x="+both), "(text/html, 7 bytes)"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client := newTestClient(t, test.reply, Credentials{PublicKey: "public", PrivateKey: redact.NewSecret(privateKey)})
			call := &Call{Operation: "look", Method: http.MethodGet, OrgID: orgID, Secret: redact.NewSecret(linkToken)}
			r, err := client.Do(t.Context(), call)
			if err == nil {
				err = client.Decode(call, r, new(any))
			}
			require.ErrorContains(t, err, test.want)
			requireScrubbed(t, err)
		})
	}
}

func TestTheCauseOfATransportErrorCanBeFoundButNotPrinted(t *testing.T) {
	t.Parallel()
	client := newTestClient(t, http.NotFound, Credentials{PublicKey: "public", PrivateKey: redact.NewSecret(privateKey)})
	call := &Call{Operation: "look", OrgID: orgID, Secret: redact.NewSecret(linkToken)}
	err := client.transportError(context.Background(), call, fmt.Errorf("%s and %s: %w", privateKey, linkToken, io.ErrUnexpectedEOF))
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)
	require.EqualError(t, err, "look of organization "+orgID+": no reply: [redacted] and [redacted]: unexpected EOF")
	requireScrubbed(t, err)
}

func TestTheReasonForAnUnreadableReplyIsScrubbed(t *testing.T) {
	t.Parallel()
	client := newTestClient(t, http.NotFound, Credentials{PublicKey: "public", PrivateKey: redact.NewSecret(privateKey)})
	call := &Call{Operation: "look", OrgID: orgID, Secret: redact.NewSecret(linkToken)}
	err := client.Unreadable(call, &Reply{Status: 200}, "it holds "+privateKey+" and "+linkToken)
	require.ErrorContains(t, err, "the reply cannot be read: it holds [redacted] and [redacted]")
	requireScrubbed(t, err)
}

// Nobody knows yet that it is a secret.
func TestAnUnusableReplyDoesNotRevealItsAccessToken(t *testing.T) {
	t.Parallel()
	for _, reply := range []string{
		`{"access_token":"` + accessGot + `","token_type":"mac"}`,
		`{"access_token":"` + accessGot + ` ","token_type":"Bearer"}`,
		`{"access_token":["` + accessGot + `"],"token_type":"Bearer"}`,
		accessGot,
	} {
		client := newTestClient(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			_, _ = io.WriteString(w, reply)
		}, Credentials{ClientID: "id", ClientSecret: redact.NewSecret(privateKey)})
		_, err := client.Do(t.Context(), &Call{Operation: "look", Method: http.MethodGet, OrgID: orgID})
		require.EqualError(t, err, OperationAccess+" of organization "+orgID+": HTTP 200: the reply cannot be read: it holds no access token", reply)
		requireScrubbed(t, err)
	}
}

func newTestClient(t *testing.T, reply http.HandlerFunc, credentials Credentials) *Client {
	t.Helper()
	server := httptest.NewServer(reply)
	t.Cleanup(server.Close)
	client, err := New(Config{Party: "the manager", BaseURL: server.URL, DefaultBasePath: "/api", MediaType: "application/json", Credentials: credentials})
	require.NoError(t, err)
	t.Cleanup(client.Close)
	return client
}

// requireScrubbed looks at the error as every printer shows it, and at what it
// unwraps to.
func requireScrubbed(t *testing.T, err error) {
	t.Helper()
	for ; err != nil; err = errors.Unwrap(err) {
		text := strings.ToLower(fmt.Sprintf("%v %+v %#v %q", err, err, err, err))
		for _, secret := range []string{privateKey, linkToken, accessGot} {
			require.NotContains(t, text, strings.ToLower(secret))
		}
	}
}
