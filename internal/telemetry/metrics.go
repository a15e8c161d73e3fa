// Package telemetry shows a process from outside: metrics for Prometheus, and health
// for supervisors.
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
)

// Metrics are those of one process. No label holds an organization: there may be
// tens of thousands.
type Metrics struct {
	registry *prometheus.Registry
	meters   *sdkmetric.MeterProvider
	meter    metric.Meter
}

// NewMetrics returns metrics with those of the Go runtime and of the process. They
// are those of the whole process: it makes them once.
func NewMetrics() (*Metrics, error) {
	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	reader, err := exporter.New(exporter.WithRegisterer(registry), exporter.WithoutScopeInfo(), exporter.WithoutTargetInfo())
	if err != nil {
		return nil, fmt.Errorf("metrics: %w", err)
	}
	m := &Metrics{registry: registry, meters: sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader), sdkmetric.WithView(
		// By themselves they are made for milliseconds.
		buckets("migrationlink_time_to_synced", 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 21600, 86400),
		buckets("temporal_*latency", 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 600, 3600),
	))}
	m.meter = m.meters.Meter("migrationlink")
	otel.SetMeterProvider(m.meters) // for the calls of the APIs
	return m, nil
}

func buckets(name string, bounds ...float64) sdkmetric.View {
	return sdkmetric.NewView(sdkmetric.Instrument{Name: name}, sdkmetric.Stream{Aggregation: sdkmetric.AggregationExplicitBucketHistogram{Boundaries: bounds}})
}

// ForTemporal gives a client, and the workers that are made with it, the metrics
// of Temporal's SDK.
func (m *Metrics) ForTemporal(options *client.Options) {
	options.MetricsHandler = opentelemetry.NewMetricsHandler(opentelemetry.MetricsHandlerOptions{
		Meter:                m.meter,
		UseMonotonicCounters: true,
		OnError:              func(error) {}, // a name that is no metric's is no reason to end
	})
}

// Gauge is something that is looked up every now and then.
type Gauge struct {
	Name, Description string
	Every, Limit      time.Duration
	// Read returns what there is to show. With an error, nothing is.
	Read func(context.Context) ([]Sample, error)
}

// Sample is one value of a gauge.
type Sample struct {
	Value  int64
	Labels map[string]string
}

// Show shows a gauge until ctx ends. It is not read when somebody asks for the
// metrics: a call of Temporal measures itself, which waits for whoever reads them.
func (m *Metrics) Show(ctx context.Context, gauge Gauge) error {
	var shown atomic.Pointer[[]Sample]
	_, err := m.meter.Int64ObservableGauge(gauge.Name, metric.WithDescription(gauge.Description),
		metric.WithInt64Callback(func(_ context.Context, o metric.Int64Observer) error {
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

// follow reads the gauge again and again, soon where there was nothing to show, but
// never for more than a quarter of the time.
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
		found = append(found, attribute.String(name, value))
	}
	return found
}

// Handler serves them.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{ErrorHandling: promhttp.ContinueOnError, Registry: m.registry})
}

// Close ends the metrics.
func (m *Metrics) Close(ctx context.Context) { _ = m.meters.Shutdown(ctx) }
