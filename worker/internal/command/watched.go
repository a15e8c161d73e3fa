package command

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"go.temporal.io/sdk/client"
	"go.uber.org/zap"

	"github.com/migrationlink/migrationlink/internal/config"
	"github.com/migrationlink/migrationlink/internal/linkworker"
	"github.com/migrationlink/migrationlink/internal/telemetry"
)

// watched is what is seen of the worker from outside.
type watched struct {
	running atomic.Pointer[linkworker.Worker]
	stops   []func() // in reverse order
}

// watch serves the metrics and the health of the process before it connects, and
// has its calls measured.
func watch(ctx context.Context, cfg config.Config, options *client.Options, logger *zap.Logger) (*watched, error) {
	w := &watched{}
	flush, err := telemetry.Trace(ctx, "worker", options, func(err error) { logger.Warn("traces are not sent", zap.Error(err)) })
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
		err = metrics.Links(counting, w.count)
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

// ending gives what is left at the end of the process a moment.
func ending(do func(context.Context)) {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	do(ctx)
}

func (w *watched) stop() {
	for i := len(w.stops) - 1; i >= 0; i-- {
		w.stops[i]()
	}
	w.stops = nil
}

func (w *watched) ready(ctx context.Context) error {
	if running := w.running.Load(); running != nil {
		return running.Ready(ctx)
	}
	return errors.New("the worker is starting")
}

// count asks Temporal how many workflows of this application run.
func (w *watched) count(ctx context.Context) (int64, error) {
	running := w.running.Load()
	if running == nil {
		return 0, errors.New("the worker is starting")
	}
	return running.Links(ctx)
}
