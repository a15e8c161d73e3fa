package temporalerr_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"

	"github.com/migrationlink/migrationlink/internal/temporalerr"
)

func TestWatchersBackOffFromARateLimit(t *testing.T) {
	t.Parallel()
	limited := serviceerror.NewResourceExhausted(enumspb.RESOURCE_EXHAUSTED_CAUSE_RPS_LIMIT, "namespace rate limit exceeded")
	wait, waits := temporalerr.ShortestWait, []time.Duration{}
	for range 5 {
		wait = temporalerr.NextWait(wait, limited)
		waits = append(waits, wait)
	}
	require.Equal(t, []time.Duration{2 * time.Second, 4 * time.Second, 8 * time.Second, 15 * time.Second, 15 * time.Second}, waits)
	require.Equal(t, temporalerr.ShortestWait, temporalerr.NextWait(wait, nil))
	require.Equal(t, temporalerr.ShortestWait, temporalerr.NextWait(wait, serviceerror.NewUnavailable("restarting")))
}
