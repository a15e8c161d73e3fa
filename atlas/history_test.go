package atlas_test

import (
	"net/http"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/migrationlink/migrationlink/atlas"
)

func TestAtlasIsRememberedWithEveryKindOfCredentials(t *testing.T) {
	t.Parallel()
	var blocked atomic.Bool
	for name, client := range answering(t, func(w http.ResponseWriter, r *http.Request) {
		if blocked.Load() {
			w.WriteHeader(http.StatusForbidden)
			body("<html>blocked</html>")(w, r)
			return
		}
		body("[]")(w, r)
	}) {
		blocked.Store(false)
		require.False(t, client.Answered(), name)
		_, err := client.AvailableProjects(t.Context(), orgID)
		require.NoError(t, err)
		require.True(t, client.Answered(), name)
		blocked.Store(true)
		for n := 1; n <= 3; n++ {
			_, err = client.AvailableProjects(t.Context(), orgID)
			require.True(t, atlas.Doubtful(err))
			inARow, _ := client.Streak(orgID)
			require.Equal(t, n, inARow, name)
		}
	}
}
