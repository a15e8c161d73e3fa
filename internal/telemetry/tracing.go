package telemetry

import (
	"context"
	"fmt"
	"os"

	"go.opentelemetry.io/contrib/exporters/autoexport"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/sdk/resource"
	"go.opentelemetry.io/otel/sdk/trace"
	semconv "go.opentelemetry.io/otel/semconv/v1.37.0"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/contrib/opentelemetry"

	"github.com/migrationlink/migrationlink/internal/buildinfo"
)

// asksForTraces are the variables of OpenTelemetry one of which asks for traces.
var asksForTraces = []string{"OTEL_TRACES_EXPORTER", "OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"}

// Trace makes the process, and the calls of a Temporal client, send traces where
// the variables of OpenTelemetry say; without any, it does nothing. The caller
// calls stop at its end, for what has not been sent yet.
func Trace(ctx context.Context, program string, options *client.Options) (stop func(context.Context) error, _ error) {
	stop = func(context.Context) error { return nil }
	asked := false
	for _, name := range asksForTraces {
		asked = asked || os.Getenv(name) != ""
	}
	if !asked || os.Getenv("OTEL_SDK_DISABLED") == "true" {
		return stop, nil
	}
	exporter, err := autoexport.NewSpanExporter(ctx)
	if err != nil {
		return stop, fmt.Errorf("traces (OTEL_*): %w", err)
	}
	about, err := resource.New(ctx, resource.WithAttributes(semconv.ServiceName("migrationlink-"+program), semconv.ServiceVersion(buildinfo.Version())), resource.WithFromEnv())
	if err != nil {
		return stop, fmt.Errorf("traces (OTEL_*): %w", err)
	}
	provider := trace.NewTracerProvider(trace.WithBatcher(exporter), trace.WithResource(about))
	otel.SetTracerProvider(provider) // for the calls of the APIs
	tracing, err := opentelemetry.NewTracingInterceptor(opentelemetry.TracerOptions{Tracer: provider.Tracer("temporal")})
	if err != nil {
		return stop, fmt.Errorf("traces (OTEL_*): %w", err)
	}
	options.Interceptors = append(options.Interceptors, tracing)
	return provider.Shutdown, nil
}
