package tracing_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel"
	"go.temporal.io/sdk/client"

	"github.com/migrationlink/migrationlink/internal/tracing"
)

func TestTracesAreSentToTheConfiguredEndpointInASupportedProtocol(t *testing.T) {
	for name, test := range map[string]struct {
		environment map[string]string
		traces      bool
		problem     string
	}{
		"nothing":               {},
		"an endpoint":           {environment: map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1"}, traces: true},
		"one of traces":         {environment: map[string]string{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://127.0.0.1:1"}, traces: true},
		"by name":               {environment: map[string]string{"OTEL_TRACES_EXPORTER": "otlp"}, traces: true},
		"gRPC":                  {environment: map[string]string{"OTEL_TRACES_EXPORTER": "otlp", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, traces: true},
		"none":                  {environment: map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1", "OTEL_TRACES_EXPORTER": "none"}},
		"disabled":              {environment: map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1", "OTEL_SDK_DISABLED": "True"}},
		"another exporter":      {environment: map[string]string{"OTEL_TRACES_EXPORTER": "console"}, problem: `OTEL_TRACES_EXPORTER: "console" is not supported; use otlp or none`},
		"another protocol":      {environment: map[string]string{"OTEL_TRACES_EXPORTER": "otlp", "OTEL_EXPORTER_OTLP_PROTOCOL": "http/json"}, problem: "use grpc or http/protobuf"},
		"off, with odd headers": {environment: map[string]string{"OTEL_EXPORTER_OTLP_HEADERS": "x"}},
		"unfit to be a word":    {environment: map[string]string{"OTEL_TRACES_EXPORTER": "otlp", "OTEL_RESOURCE_ATTRIBUTES": "%"}, problem: "OTEL_RESOURCE_ATTRIBUTES"},
	} {
		t.Run(name, func(t *testing.T) {
			for _, variable := range []string{
				"OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_TRACES_EXPORTER", "OTEL_EXPORTER_OTLP_PROTOCOL", "OTEL_SDK_DISABLED", "OTEL_RESOURCE_ATTRIBUTES",
				"OTEL_EXPORTER_OTLP_HEADERS",
			} {
				t.Setenv(variable, test.environment[variable])
			}
			var options client.Options
			stop, err := tracing.Start(t.Context(), "test", &options, func(error) {})
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

const canary = "c4n4ry-5ecret"

func TestHeadersThatCannotBeReadAreRefusedWithoutTheirValue(t *testing.T) {
	t.Setenv("OTEL_TRACES_EXPORTER", "otlp")
	for _, variable := range []string{"OTEL_EXPORTER_OTLP_HEADERS", "OTEL_EXPORTER_OTLP_TRACES_HEADERS"} {
		for value, good := range map[string]bool{
			"":                                     true,
			"authorization=Bearer%20" + canary:     true,
			"a=" + canary + "==, b = x ,":          true,
			canary:                                 false,
			"authorization: Bearer " + canary:      false,
			"a=b," + canary:                        false,
			"Bearer " + canary + "=":               false,
			"=" + canary:                           false,
			"authorization=" + canary + "%zz":      false,
			"authorization=" + canary + "%0aother": false,
		} {
			t.Run(variable+" "+value, func(t *testing.T) {
				t.Setenv(variable, value)
				var reported strings.Builder
				_, err := tracing.Start(t.Context(), "test", &client.Options{}, func(err error) { reported.WriteString(err.Error()) })
				require.NotContains(t, reported.String(), canary)
				if good {
					require.NoError(t, err)
					return
				}
				require.ErrorContains(t, err, variable+": header ")
				require.NotContains(t, err.Error(), "c4n4ry")
			})
		}
	}
}

func TestAProblemOfOpenTelemetryIsReportedWithoutCredentials(t *testing.T) {
	collector := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusUnauthorized)
		_, _ = io.WriteString(w, "not "+r.Header.Get("Authorization")) //nolint:gosec // no browser reads it
	}))
	t.Cleanup(collector.Close)
	t.Setenv("OTEL_EXPORTER_OTLP_HEADERS", "authorization=Bearer%20"+canary)
	t.Setenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", collector.URL)
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://user:"+canary+"@%zz")

	var mu sync.Mutex
	var reported []string
	stop, err := tracing.Start(t.Context(), "test", &client.Options{}, func(err error) {
		mu.Lock()
		defer mu.Unlock()
		reported = append(reported, err.Error())
	})
	require.NoError(t, err)
	_, span := otel.Tracer("test").Start(t.Context(), "span")
	span.End()
	_ = stop(t.Context())

	mu.Lock()
	defer mu.Unlock()
	all := strings.Join(reported, "\n")
	require.Contains(t, all, "parse url")
	require.Contains(t, all, "[redacted]")
	require.NotContains(t, all, canary)
}
