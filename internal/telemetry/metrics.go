// Package telemetry shows a process from outside: metrics for Prometheus, health
// for supervisors, and traces for OpenTelemetry.
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

const (
	countEvery = 15 * time.Second
	countLimit = 5 * time.Second
	unknown    = -1
)

// Links shows how many links are under way in the namespace, by what count returns
// every now and then, until ctx ends. Every worker shows the same number, and none
// where it is not known. It is not counted when somebody asks for the metrics: a
// call of Temporal measures itself, which waits for whoever is reading them.
func (m *Metrics) Links(ctx context.Context, count func(context.Context) (int64, error)) error {
	var links atomic.Int64
	links.Store(unknown)
	_, err := m.meter.Int64ObservableGauge("migrationlink_links_running",
		metric.WithDescription("Links and removals under way in the namespace, as every worker sees them."),
		metric.WithInt64Callback(func(_ context.Context, o metric.Int64Observer) error {
			if counted := links.Load(); counted != unknown {
				o.Observe(counted)
			}
			return nil
		}))
	if err != nil {
		return fmt.Errorf("metrics: %w", err)
	}
	go func() {
		again := time.NewTicker(time.Second) // until there is a number
		defer again.Stop()
		for {
			if counted, ok := countNow(ctx, count); ok {
				links.Store(counted)
				again.Reset(countEvery)
			} else {
				links.Store(unknown)
			}
			select {
			case <-ctx.Done():
				return
			case <-again.C:
			}
		}
	}()
	return nil
}

func countNow(ctx context.Context, count func(context.Context) (int64, error)) (int64, bool) {
	ctx, cancel := context.WithTimeout(ctx, countLimit)
	defer cancel()
	counted, err := count(ctx)
	return counted, err == nil
}

// Handler serves them.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{ErrorHandling: promhttp.ContinueOnError, Registry: m.registry})
}

// Close ends the metrics.
func (m *Metrics) Close(ctx context.Context) { _ = m.meters.Shutdown(ctx) }
