// Package tracing sends the traces of a process to OpenTelemetry.
package tracing

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"strings"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	"go.opentelemetry.io/otel/sdk/trace"
	semconv "go.opentelemetry.io/otel/semconv/v1.37.0"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/contrib/opentelemetry"

	"github.com/migrationlink/migrationlink/internal/buildinfo"
)

// Start sends traces of the process and of a Temporal client's calls to the endpoint in
// OpenTelemetry's variables, such as OTEL_EXPORTER_OTLP_ENDPOINT. If none is set, it
// does nothing. It passes export errors and other problems of OpenTelemetry to failed,
// without the values of headers; calls do not wait for exports. Call stop before exit to
// flush.
func Start(ctx context.Context, program string, options *client.Options, failed func(error)) (stop func(context.Context) error, _ error) {
	nothing := func(context.Context) error { return nil }
	report(failed)
	exporter, err := newExporter(ctx)
	if exporter == nil || err != nil {
		return nothing, err
	}
	about, err := resource.New(ctx, resource.WithAttributes(semconv.ServiceName("migrationlink-"+program), semconv.ServiceVersion(buildinfo.Version())), resource.WithFromEnv())
	if err != nil {
		return nothing, fmt.Errorf("OTEL_RESOURCE_ATTRIBUTES: %w", err)
	}
	provider := trace.NewTracerProvider(trace.WithBatcher(exporter), trace.WithResource(about))
	otel.SetTracerProvider(provider) // for the calls of the APIs
	tracing, err := opentelemetry.NewTracingInterceptor(opentelemetry.TracerOptions{
		Tracer: provider.Tracer("temporal"),
		// A caller's invalid header must not fail the call.
		AllowInvalidParentSpans: true,
	})
	if err != nil {
		return nothing, fmt.Errorf("traces: %w", err)
	}
	options.Interceptors = append(options.Interceptors, tracing)
	return provider.Shutdown, nil
}

// newExporter returns nil if tracing is off. A package that supports every protocol
// would double the size of the programs.
func newExporter(ctx context.Context) (trace.SpanExporter, error) {
	endpoint := cmp.Or(os.Getenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"), os.Getenv("OTEL_EXPORTER_OTLP_ENDPOINT"))
	kind := os.Getenv("OTEL_TRACES_EXPORTER")
	if strings.EqualFold(os.Getenv("OTEL_SDK_DISABLED"), "true") || kind == "none" || kind == "" && endpoint == "" {
		return nil, nil
	}
	if kind != "" && kind != "otlp" {
		return nil, fmt.Errorf("OTEL_TRACES_EXPORTER: %q is not supported; use otlp or none", kind)
	}
	if _, err := headers(); err != nil {
		return nil, err
	}
	protocol := cmp.Or(os.Getenv("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL"), os.Getenv("OTEL_EXPORTER_OTLP_PROTOCOL"), "http/protobuf")
	switch protocol {
	case "grpc":
		return otlptracegrpc.New(ctx)
	case "http/protobuf":
		return otlptracehttp.New(ctx)
	}
	return nil, fmt.Errorf("OTEL_EXPORTER_OTLP_PROTOCOL: %q is not supported; use grpc or http/protobuf", protocol)
}
