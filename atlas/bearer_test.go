package atlas_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/migrationlink/migrationlink/atlas"
	"github.com/migrationlink/migrationlink/redact"
)

// An access token that one server refuses is good for another that it has not
// reached, and short enough to look like a word.
func TestAnAccessTokenThatIsRefusedAndRepeatedIsNotTold(t *testing.T) {
	t.Parallel()
	for _, token := range []string{"canary.access.token.1", "eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJjYW5hcnkifQ.c2lnbmF0dXJlLXNpZw"} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			if r.URL.Path == "/api/oauth/token" {
				_, _ = fmt.Fprintf(w, `{"access_token":%q,"token_type":"Bearer","expires_in":3600}`, token)
				return
			}
			w.WriteHeader(http.StatusUnauthorized)
			_, _ = fmt.Fprintf(w, `{"error":401,"errorCode":"UNEXPECTED_ERROR","detail":"bad header %s","parameters":[%q]}`, r.Header.Get("Authorization"), token)
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
