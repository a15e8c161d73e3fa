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
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/metric"
	"go.temporal.io/sdk/client"

	"github.com/migrationlink/migrationlink/internal/telemetry"
)

func TestAGaugeShowsNothingAfterAFailure(t *testing.T) {
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

func TestMetricsHaveTheirHelpTextsAndBuckets(t *testing.T) {
	metrics, err := telemetry.NewMetrics()
	require.NoError(t, err)
	t.Cleanup(func() { metrics.Close(context.Background()) })
	options := client.Options{}
	metrics.ForTemporal(&options)
	options.MetricsHandler.Counter("migrationlink_links_ended").Inc(1)
	options.MetricsHandler.Timer("migrationlink_time_to_synced").Record(90 * time.Second)
	options.MetricsHandler.Timer("temporal_request_latency").Record(time.Millisecond)
	calls, err := otel.Meter("other").Float64Histogram("migrationlink_api_call_duration", metric.WithUnit("s"), metric.WithExplicitBucketBoundaries(7))
	require.NoError(t, err)
	calls.Record(t.Context(), 1)
	recorder := httptest.NewRecorder()
	metrics.Handler().ServeHTTP(recorder, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", nil))
	for _, name := range []string{"migrationlink_links_ended_total", "migrationlink_time_to_synced_seconds", "migrationlink_api_call_duration_seconds"} {
		require.Contains(t, recorder.Body.String(), "# HELP "+name+" "+telemetry.Help[name]+"\n")
	}
	for _, bucket := range []string{`migrationlink_time_to_synced_seconds_bucket{le="86400"} 1`, `temporal_request_latency_seconds_bucket{le="0.005"} 1`, `migrationlink_api_call_duration_seconds_bucket{le="7"} 1`} {
		require.Contains(t, recorder.Body.String(), bucket)
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

func TestLabelsArePrintable(t *testing.T) {
	metrics, err := telemetry.NewMetrics()
	require.NoError(t, err)
	t.Cleanup(func() { metrics.Close(context.Background()) })
	var options client.Options
	metrics.ForTemporal(&options)
	options.MetricsHandler.WithTags(map[string]string{"first": "a\u202eb"}).WithTags(map[string]string{"workflow_type": "c\u009bd" + strings.Repeat("x", 1000)}).Counter("hostile").Inc(1)

	served := httptest.NewRecorder()
	metrics.Handler().ServeHTTP(served, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	require.Contains(t, served.Body.String(), `first="a b"`)
	require.Contains(t, served.Body.String(), `workflow_type="c dx`)
	require.NotContains(t, served.Body.String(), strings.Repeat("x", 300))
}
