package atlas_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/migrationlink/migrationlink/atlas"
	"github.com/migrationlink/migrationlink/redact"
)

// An access token that one server refuses is good for another that it has not
// reached, and short enough to look like a word.
func TestARejectedAccessTokenIsNotInTheError(t *testing.T) {
	t.Parallel()
	for _, token := range []string{"canary.access.token.1", "eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJjYW5hcnkifQ.c2lnbmF0dXJlLXNpZw"} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			reply := map[string]any{"access_token": token, "token_type": "Bearer", "expires_in": 3600}
			if r.URL.Path != "/api/oauth/token" {
				w.WriteHeader(http.StatusUnauthorized)
				reply = map[string]any{"errorCode": "UNEXPECTED_ERROR", "detail": "bad header " + r.Header.Get("Authorization"), "parameters": []string{token}}
			}
			_ = json.NewEncoder(w).Encode(reply)
		}))
		t.Cleanup(server.Close)
		client, err := atlas.New(atlas.Config{BaseURL: server.URL, ClientID: "id", ClientSecret: redact.NewSecret("0b1c2d3e4f506172")})
		require.NoError(t, err)
		t.Cleanup(client.Close)
		_, err = client.AvailableProjects(t.Context(), "5f1b2c3d4e5f6a7b8c9d0e1f")
		var refused *atlas.Error
		require.ErrorAs(t, err, &refused)
		require.Equal(t, "bad header Bearer [redacted]", refused.Detail)
		require.Equal(t, []string{"[redacted]"}, refused.Parameters)
	}
}
