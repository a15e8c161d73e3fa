package opsmanagertest_test

import (
	"encoding/base64"
	"encoding/hex"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/migrationlink/migrationlink/opsmanager/opsmanagertest"
)

func TestAnEchoRepeatsWhatWasSentInEveryFormAndPlace(t *testing.T) {
	t.Parallel()
	identity := func(s string) string { return s }
	decoders := map[string]func(string) string{
		"": identity, "plain": identity, "json": identity, // which the reading of JSON undoes
		"base64":    decoded(base64.StdEncoding.DecodeString),
		"base64url": decoded(base64.RawURLEncoding.DecodeString),
		"hex":       decoded(hex.DecodeString),
		"url":       decoded(url.QueryUnescape),
	}
	for form, decode := range decoders {
		t.Run(form, func(t *testing.T) {
			t.Parallel()
			server, c := start(t, opsmanagertest.Options{})
			c.get()
			require.NoError(t, server.SetFaults(opsmanagertest.Faults{{Kind: opsmanagertest.Echo, Form: form}}))
			reply := c.post()
			require.Equal(t, http.StatusBadRequest, reply.StatusCode)
			places := map[string]string{"body": reply.body}
			for _, name := range []string{"X-Error-Code", "Content-Type", "Location", "Retry-After"} {
				places[name] = reply.Header.Get(name)
			}
			for place, text := range places {
				if form == "json" {
					text = strings.ReplaceAll(text, `\\u`, `\u`)
					require.Contains(t, text, `\u0063\u0061\u006e\u0061\u0072\u0079\u002d\u006c\u0069\u006e\u006b`, place)
					continue
				}
				var read strings.Builder
				for _, word := range strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune(` "/,:`, r) }) {
					read.WriteString(decode(word) + " ")
				}
				require.Contains(t, read.String(), token, place)
				require.Contains(t, read.String(), "username", place+": the credentials, too")
			}
			require.Zero(t, server.State().Orgs[orgID].EffectivePosts)
		})
	}
}

// decoded keeps what cannot be decoded as it is.
func decoded[T string | []byte](decode func(string) (T, error)) func(string) string {
	return func(word string) string {
		if plain, err := decode(word); err == nil {
			return string(plain)
		}
		return word
	}
}

func TestAnEchoOfAnyStatusHasNoEffect(t *testing.T) {
	t.Parallel()
	server, c := start(t, opsmanagertest.Options{})
	secret := opsmanagertest.DefaultAtlasClientSecret
	for _, status := range []int{200, 201, 307, 401, 403, 404, 409, 429, 503} {
		require.NoError(t, server.SetFaults(opsmanagertest.Faults{{Kind: opsmanagertest.Echo, Status: status, Operation: opsmanagertest.OAuthToken}}))
		request := func(r *http.Request) { r.SetBasicAuth(opsmanagertest.DefaultAtlasClientID, secret) }
		reply := c.plain(http.MethodPost, opsmanagertest.OAuthTokenPath, "grant_type=client_credentials", request)
		require.Equal(t, status, reply.StatusCode)
		require.Contains(t, reply.body, secret)
		require.Equal(t, status == 401, strings.Contains(reply.Header.Get("WWW-Authenticate"), secret))
	}
	require.Zero(t, server.State().Atlas.OAuthTokensGiven)
}
