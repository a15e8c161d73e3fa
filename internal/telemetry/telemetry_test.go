package telemetry_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/migrationlink/migrationlink/internal/telemetry"
)

func TestAGaugeShowsNothingThatIsNotKnown(t *testing.T) {
	metrics, err := telemetry.NewMetrics()
	require.NoError(t, err)
	t.Cleanup(func() { metrics.Close(context.Background()) })
	var known atomic.Bool
	require.NoError(t, metrics.Show(t.Context(), telemetry.Gauge{
		Name: "migrationlink_test", Every: time.Millisecond, Limit: time.Second,
		Read: func(context.Context) ([]telemetry.Sample, error) {
			if !known.Load() {
				return nil, errors.New("nobody knows")
			}
			return []telemetry.Sample{{Value: 0, Labels: map[string]string{"of": "a"}}, {Value: 7, Labels: map[string]string{"of": "b"}}}, nil
		},
	}))
	shown := func() string {
		recorder := httptest.NewRecorder()
		metrics.Handler().ServeHTTP(recorder, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", nil))
		return recorder.Body.String()
	}
	require.NotContains(t, shown(), "migrationlink_test")
	for _, now := range []bool{true, false, true} {
		known.Store(now)
		require.Eventually(t, func() bool {
			text := shown()
			return now == strings.Contains(text, `migrationlink_test{of="a"} 0`) && now == strings.Contains(text, `migrationlink_test{of="b"} 7`)
		}, 10*time.Second, time.Millisecond)
	}
}

func TestAProbeSaysWhatTheServerSays(t *testing.T) {
	t.Parallel()
	why := errors.New("Temporal is away")
	for name, ready := range map[string]error{"ready": nil, "not ready": why} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := telemetry.Server{Ready: func(context.Context) error { return ready }, Metrics: http.NotFoundHandler()}
			address := freeAddress(t)
			stop, err := server.Listen(t.Context(), address)
			require.NoError(t, err)
			err = telemetry.Probe(t.Context(), address)
			if ready == nil {
				require.NoError(t, err)
			} else {
				require.ErrorContains(t, err, why.Error())
			}
			_, err = server.Listen(t.Context(), address)
			require.ErrorContains(t, err, "http.address: ")
			require.ErrorContains(t, err, "name another address")
			stop()
			require.Error(t, telemetry.Probe(t.Context(), address))
		})
	}
}

func freeAddress(t *testing.T) string {
	t.Helper()
	server := httptest.NewServer(http.NotFoundHandler())
	defer server.Close()
	return server.Listener.Addr().String()
}
