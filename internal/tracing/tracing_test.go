package tracing_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"

	"github.com/migrationlink/migrationlink/internal/tracing"
)

func TestTracesAreSentToTheConfiguredEndpointInASupportedProtocol(t *testing.T) {
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
