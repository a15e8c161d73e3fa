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
	"go.temporal.io/sdk/client"

	"github.com/migrationlink/migrationlink/internal/telemetry"
)

func TestTracesAreSentOnlyWhereTheEnvironmentSaysAndInProtocolsThatAreHere(t *testing.T) {
	for name, test := range map[string]struct {
		environment map[string]string
		traces      bool
		problem     string
	}{
		"nothing":            {},
		"an endpoint":        {environment: map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1"}, traces: true},
		"one of traces":      {environment: map[string]string{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://127.0.0.1:1"}, traces: true},
		"by name":            {environment: map[string]string{"OTEL_TRACES_EXPORTER": "otlp"}, traces: true},
		"gRPC":               {environment: map[string]string{"OTEL_TRACES_EXPORTER": "otlp", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, traces: true},
		"none":               {environment: map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1", "OTEL_TRACES_EXPORTER": "none"}},
		"disabled":           {environment: map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1", "OTEL_SDK_DISABLED": "True"}},
		"another exporter":   {environment: map[string]string{"OTEL_TRACES_EXPORTER": "console"}, problem: `OTEL_TRACES_EXPORTER: "console" is not supported; use otlp or none`},
		"another protocol":   {environment: map[string]string{"OTEL_TRACES_EXPORTER": "otlp", "OTEL_EXPORTER_OTLP_PROTOCOL": "http/json"}, problem: "use grpc or http/protobuf"},
		"unfit to be a word": {environment: map[string]string{"OTEL_TRACES_EXPORTER": "otlp", "OTEL_RESOURCE_ATTRIBUTES": "%"}, problem: "OTEL_RESOURCE_ATTRIBUTES"},
	} {
		t.Run(name, func(t *testing.T) {
			for _, variable := range []string{
				"OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_TRACES_EXPORTER", "OTEL_EXPORTER_OTLP_PROTOCOL", "OTEL_SDK_DISABLED", "OTEL_RESOURCE_ATTRIBUTES",
			} {
				t.Setenv(variable, test.environment[variable])
			}
			var options client.Options
			stop, err := telemetry.Trace(t.Context(), "test", &options, func(error) {})
			require.NotNil(t, stop)
			require.NoError(t, stop(t.Context()))
			if test.problem != "" {
				require.ErrorContains(t, err, test.problem)
			} else {
				require.NoError(t, err)
			}
			require.Equal(t, test.traces, len(options.Interceptors) > 0)
		})
	}
}

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
