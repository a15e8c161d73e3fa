// Package telemetry exposes a process: metrics for Prometheus, and health for
// supervisors.
package telemetry

import (
	"context"
	"fmt"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	exporter "go.opentelemetry.io/otel/exporters/prometheus"
	"go.opentelemetry.io/otel/metric"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/contrib/opentelemetry"

	"github.com/migrationlink/migrationlink/redact"
)

// Metrics are the metrics of one process. No label holds an organization: there may be
// tens of thousands.
type Metrics struct {
	registry *prometheus.Registry
	meters   *sdkmetric.MeterProvider
	meter    metric.Meter
}

// NewMetrics returns metrics that include those of the Go runtime and the process. Call
// it once in a process: it sets OpenTelemetry's global provider.
func NewMetrics() (*Metrics, error) {
	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	reader, err := exporter.New(exporter.WithRegisterer(registry), exporter.WithoutScopeInfo(), exporter.WithoutTargetInfo())
	if err != nil {
		return nil, fmt.Errorf("metrics: %w", err)
	}
	m := &Metrics{registry: registry, meters: sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader), sdkmetric.WithView(describe))}
	m.meter = m.meters.Meter("migrationlink")
	otel.SetMeterProvider(m.meters) // for the calls of the APIs
	return m, nil
}

// ForTemporal enables the metrics of Temporal's SDK for a client and its workers.
func (m *Metrics) ForTemporal(options *client.Options) {
	options.MetricsHandler = printableTags{opentelemetry.NewMetricsHandler(opentelemetry.MetricsHandlerOptions{
		Meter:                m.meter,
		UseMonotonicCounters: true,
		OnError:              func(error) {}, // an invalid metric name is no reason to exit
	})}
}

// printableTags makes labels printable: callers choose the names of workflow types.
type printableTags struct{ client.MetricsHandler }

// WithTags returns the handler with more labels.
func (p printableTags) WithTags(tags map[string]string) client.MetricsHandler {
	shown := make(map[string]string, len(tags))
	for name, value := range tags {
		shown[name] = label(value)
	}
	return printableTags{p.MetricsHandler.WithTags(shown)}
}

// label also limits a value's length: each distinct value is kept until the process
// ends.
func label(value string) string {
	const longest = 255 // as of a build id
	return redact.Line(value, longest)
}

// Gauge is a value that is looked up periodically.
type Gauge struct {
	Name         string
	Every, Limit time.Duration
	// Read returns the samples to show. If it fails, none are shown.
	Read func(context.Context) ([]Sample, error)
}

// Sample is one value of a gauge.
type Sample struct {
	Value  int64
	Labels map[string]string
}

// Show shows a gauge until ctx ends. It does not read the gauge during a scrape: the
// calls to Temporal that this makes are measured, and recording waits for the scrape.
func (m *Metrics) Show(ctx context.Context, gauge Gauge) error {
	var shown atomic.Pointer[[]Sample]
	_, err := m.meter.Int64ObservableGauge(gauge.Name, metric.WithInt64Callback(func(_ context.Context, o metric.Int64Observer) error {
		if samples := shown.Load(); samples != nil {
			for _, sample := range *samples {
				o.Observe(sample.Value, metric.WithAttributes(attributes(sample.Labels)...))
			}
		}
		return nil
	}))
	if err != nil {
		return fmt.Errorf("metrics: %w", err)
	}
	go gauge.follow(ctx, func(samples *[]Sample) { shown.Store(samples) })
	return nil
}

// follow reads the gauge periodically, and sooner after a failure, but spends at most a
// quarter of the time on it.
func (g Gauge) follow(ctx context.Context, show func(*[]Sample)) {
	for {
		begin, pause := time.Now(), g.Every
		if samples, err := g.readOnce(ctx); err == nil {
			show(&samples)
		} else {
			show(nil)
			pause = min(pause, time.Second)
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(max(pause, 3*time.Since(begin))):
		}
	}
}

func (g Gauge) readOnce(ctx context.Context) ([]Sample, error) {
	ctx, cancel := context.WithTimeout(ctx, g.Limit)
	defer cancel()
	return g.Read(ctx)
}

func attributes(labels map[string]string) (found []attribute.KeyValue) {
	for name, value := range labels {
		found = append(found, attribute.String(name, label(value)))
	}
	return found
}

// Handler serves the metrics.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{ErrorHandling: promhttp.ContinueOnError, Registry: m.registry})
}

// Close ends the metrics.
func (m *Metrics) Close(ctx context.Context) { _ = m.meters.Shutdown(ctx) }
