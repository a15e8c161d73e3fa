package adminapi

import (
	"context"
	"errors"
	"strconv"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/trace"
)

// scope names this package to OpenTelemetry, whose global providers it uses: where
// a program sets none, all this does nothing.
const scope = "github.com/migrationlink/migrationlink/internal/adminapi"

// telemetry measures the calls of one client. Nothing of a request or a reply is
// in it but the operation and the status; no organization, as there may be tens of
// thousands.
type telemetry struct {
	tracer trace.Tracer
	calls  metric.Float64Histogram
	waits  metric.Float64Histogram
	whom   []attribute.KeyValue
}

// seconds are the buckets of a call, which is given 30 s by default.
var seconds = metric.WithExplicitBucketBoundaries(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)

func newTelemetry(kind, name string) telemetry {
	meter := otel.Meter(scope)
	// The names are good: an error would be that of a provider, which reports it.
	calls, _ := meter.Float64Histogram("migrationlink_api_call_duration", metric.WithUnit("s"), seconds,
		metric.WithDescription("Calls of the API of a manager or of Atlas by their final status, none where no reply came."))
	waits, _ := meter.Float64Histogram("migrationlink_api_rate_limit_wait", metric.WithUnit("s"), seconds,
		metric.WithDescription("Time that requests have waited for requests_per_second."))
	return telemetry{
		tracer: otel.Tracer(scope), calls: calls, waits: waits,
		whom: []attribute.KeyValue{attribute.String("api", kind), attribute.String("name", name)},
	}
}

// call begins a call, and returns what ends it.
func (t *telemetry) call(ctx context.Context, operation string) (context.Context, func(*Reply, error)) {
	began := time.Now()
	ctx, span := t.tracer.Start(ctx, operation, trace.WithSpanKind(trace.SpanKindClient), trace.WithAttributes(t.whom...))
	return ctx, func(reply *Reply, err error) {
		status := "none"
		if code := statusOf(reply, err); code > 0 {
			status = strconv.Itoa(code)
			span.SetAttributes(attribute.Int("http.response.status_code", code))
		}
		if err != nil {
			span.SetStatus(codes.Error, "") // the words are in the error, scrubbed
		}
		span.End()
		t.calls.Record(ctx, time.Since(began).Seconds(), metric.WithAttributes(append(t.whom[:2:2],
			attribute.String("operation", operation), attribute.String("status", status))...))
	}
}

func statusOf(reply *Reply, err error) int {
	if refused, ok := errors.AsType[*Error](err); ok {
		return refused.StatusCode
	}
	if reply != nil {
		return reply.Status
	}
	return 0
}

// wait waits for the limiter.
func (c *Client) wait(ctx context.Context) error {
	began := time.Now()
	err := c.limiter.Wait(ctx)
	if c.config.RequestsPerSecond > 0 {
		c.telemetry.waits.Record(ctx, time.Since(began).Seconds(), metric.WithAttributes(c.telemetry.whom...))
	}
	return err
}
