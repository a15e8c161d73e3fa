package adminapi

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/trace"
)

// scope names this package to OpenTelemetry. The telemetry goes to its global providers;
// if a program sets none, it is dropped.
const scope = "github.com/migrationlink/migrationlink/internal/adminapi"

// telemetry measures the calls of one client. It only contains the operation and the
// status of a call, and no organization: there may be tens of thousands.
type telemetry struct {
	tracer trace.Tracer
	calls  metric.Float64Histogram
	waits  metric.Float64Histogram
	whom   []attribute.KeyValue
}

// seconds are the buckets of durations. A call takes at most 30 s by default.
var seconds = metric.WithExplicitBucketBoundaries(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)

func newTelemetry(kind, name string) telemetry {
	meter := otel.Meter(scope)
	// The names are valid: an error would be the provider's, which reports it.
	calls, _ := meter.Float64Histogram("migrationlink_api_call_duration", metric.WithUnit("s"), seconds)
	waits, _ := meter.Float64Histogram("migrationlink_api_rate_limit_wait", metric.WithUnit("s"), seconds)
	return telemetry{
		tracer: otel.Tracer(scope), calls: calls, waits: waits,
		whom: []attribute.KeyValue{attribute.String("api", kind), attribute.String("name", name)},
	}
}

// call begins a call, and returns the function that ends it.
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
			span.SetStatus(codes.Error, "") // the scrubbed error has the details
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

// queueLimit is how long a call waits at most for its first request because of RequestsPerSecond.
// A call may need a second one, after a challenge, and its time is limited: without this, those that
// wait for their first request could keep every call from its second one, and none would succeed.
const queueLimit = 20 * time.Second

var errTooManyWait = errors.New("too many requests wait")

// wait waits for the rate limiter. It refuses a call that has not begun if too many requests wait.
func (c *Client) wait(ctx context.Context, hasBegun bool) error {
	most := c.config.RequestsPerSecond
	if most == 0 {
		return ctx.Err()
	}
	began := time.Now()
	isTooLong := !hasBegun && -c.limiter.Tokens() > most*c.queueLimit.Seconds()
	if !isTooLong {
		isTooLong = c.limiter.Wait(ctx) != nil
	}
	c.telemetry.waits.Record(ctx, time.Since(began).Seconds(), metric.WithAttributes(c.telemetry.whom...))
	if isTooLong && ctx.Err() == nil {
		return fmt.Errorf("%w, because requests_per_second is %g", errTooManyWait, most)
	}
	return ctx.Err()
}
