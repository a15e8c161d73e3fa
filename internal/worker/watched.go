package worker

import (
	"context"
	"errors"
	"slices"
	"sync/atomic"
	"time"

	"go.temporal.io/sdk/client"
	"go.uber.org/zap"

	"github.com/migrationlink/migrationlink/internal/config"
	"github.com/migrationlink/migrationlink/internal/telemetry"
	"github.com/migrationlink/migrationlink/internal/tracing"
)

// watched has the metrics, health and traces of the process.
type watched struct {
	running atomic.Pointer[Worker]
	polls   *polls
	stops   []func() // in reverse order
}

// watch serves the metrics and the health of the process before it connects, and adds
// instrumentation to the client's options.
func watch(ctx context.Context, cfg config.Config, options *client.Options, logger *zap.Logger) (*watched, error) {
	useOwnClock(options)
	w := &watched{polls: watchPolls(options, logger)}
	flush, err := tracing.Start(ctx, "worker", options, func(err error) { logger.Warn("OpenTelemetry has a problem", zap.Error(err)) })
	if err != nil {
		return nil, usageError{err}
	}
	w.stops = append(w.stops, func() { ending(func(ctx context.Context) { _ = flush(ctx) }) })
	if cfg.HTTP.Address == "" {
		return w, nil
	}
	metrics, err := telemetry.NewMetrics()
	if err == nil {
		w.stops = append(w.stops, func() { ending(metrics.Close) })
		metrics.ForTemporal(options)
		counting, stop := context.WithCancel(context.WithoutCancel(ctx))
		w.stops = append(w.stops, stop)
		for _, gauge := range w.gauges(cfg.Deployment) {
			err = errors.Join(err, metrics.Show(counting, gauge))
		}
	}
	if err == nil {
		var stop func()
		server := telemetry.Server{Ready: w.ready, Metrics: metrics.Handler(), Pprof: cfg.HTTP.Pprof}
		if stop, err = server.Listen(ctx, cfg.HTTP.Address); err == nil {
			w.stops = append(w.stops, stop)
		}
	}
	if err != nil {
		w.stop()
		return nil, usageError{err}
	}
	return w, nil
}

// ending calls do with a short timeout at the end of the process.
func ending(do func(context.Context)) {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	do(ctx)
}

func (w *watched) stop() {
	for _, stop := range slices.Backward(w.stops) {
		stop()
	}
	w.stops = nil
}

var errStarting = errors.New("the worker is starting")

func (w *watched) ready(ctx context.Context) error {
	if running := w.running.Load(); running != nil {
		return running.ready(ctx, w.polls)
	}
	return errStarting
}

// gauges returns the gauges that every worker looks up in Temporal, with the same values
// for all, and whether this worker is ready.
func (w *watched) gauges(version config.Deployment) []telemetry.Gauge {
	return []telemetry.Gauge{
		{
			Name:  "migrationlink_worker_ready",
			Every: 5 * time.Second, Limit: 3 * time.Second,
			Read: func(ctx context.Context) ([]telemetry.Sample, error) {
				ready := telemetry.Sample{Labels: map[string]string{"version": version.String()}}
				if w.ready(ctx) == nil {
					ready.Value = 1
				}
				return []telemetry.Sample{ready}, nil
			},
		},
		{
			Name:  "migrationlink_links_running",
			Every: 15 * time.Second, Limit: 5 * time.Second,
			Read: w.whenRunning(func(ctx context.Context, running *Worker) ([]telemetry.Sample, error) {
				counted, err := running.Links(ctx)
				return []telemetry.Sample{{Value: counted}}, err
			}),
		},
		{
			Name:  "migrationlink_links_waiting",
			Every: 15 * time.Second, Limit: 30 * time.Second,
			Read: w.whenRunning(func(ctx context.Context, running *Worker) (samples []telemetry.Sample, _ error) {
				counted, err := running.Waiting(ctx)
				for waiting, count := range counted {
					state := "running"
					if waiting.Blocked {
						state = "blocked"
					}
					samples = append(samples, telemetry.Sample{Value: count, Labels: map[string]string{"manager": waiting.Manager, "state": state, "version": waiting.Version}})
				}
				return samples, err
			}),
		},
	}
}

func (w *watched) whenRunning(read func(context.Context, *Worker) ([]telemetry.Sample, error)) func(context.Context) ([]telemetry.Sample, error) {
	return func(ctx context.Context) ([]telemetry.Sample, error) {
		if running := w.running.Load(); running != nil {
			return read(ctx, running)
		}
		return nil, errStarting
	}
}
