package atlas_test

import (
	"io"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/migrationlink/migrationlink/atlas"
)

func TestOnlyTheAPIsOwnSuccessDeletesTheLinkToken(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		status int
		body   string
		length string
		good   bool
	}{
		"204":                        {204, "", "", true},
		"an object":                  {200, "{}", "", true},
		"an object with a mark":      {200, "\ufeff{}", "", true},
		"an envelope":                {200, `{"status":204,"content":null}`, "", true},
		"an empty 200":               {200, "", "", false},
		"an empty 202":               {202, "", "", false},
		"a login page":               {200, "<html>Sign in</html>", "", false},
		"a truncated object":         {200, `{"a":`, "", false},
		"an object that is cut off":  {200, "{}", "100", false},
		"a list":                     {200, "[]", "", false},
		"an error":                   {200, `{"errorCode":"UNEXPECTED_ERROR"}`, "", false},
		"an error with a number":     {200, `{"error":500}`, "", false},
		"an error inside, under 200": {200, `{"status":404,"content":{"errorCode":"X"}}`, "", false},
	} {
		for credentials, client := range answering(t, func(w http.ResponseWriter, _ *http.Request) {
			if test.length != "" {
				w.Header().Set("Content-Length", test.length)
			}
			w.WriteHeader(test.status)
			_, _ = io.WriteString(w, test.body)
		}) {
			t.Run(name+", "+credentials, func(t *testing.T) {
				t.Parallel()
				err := client.DeleteLinkToken(t.Context(), orgID)
				if test.good {
					require.NoError(t, err)
					return
				}
				require.ErrorContains(t, err, "the reply cannot be read: ")
				require.True(t, atlas.MayHaveTakenEffect(err))
				require.False(t, atlas.NoLinkToken(err))
			})
		}
	}
}

func TestAByteOrderMarkIsNoObstacleToAnAccessToken(t *testing.T) {
	t.Parallel()
	server := newAccount(t)
	server.token = func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		body("\ufeff"+`{"access_token":"`+accessToken+`","token_type":"Bearer"}`)(w, r)
	}
	server.api = body("\ufeff[]")
	_, err := server.client(t).AvailableProjects(t.Context(), orgID)
	require.NoError(t, err)
}
