package worker

import (
	"time"

	"github.com/migrationlink/migrationlink/activities"
	"github.com/migrationlink/migrationlink/internal/config"
)

func init() { readUnwatched = time.Second }

// New returns a worker that does not poll.
var New = newWorker

// Activities are what the worker would offer to Temporal.
func (w *Worker) Activities() *activities.Activities { return w.acts }

// Use takes over cfg, and returns the clients.
func (w *Worker) Use(cfg config.Config) (activities.Clients, error) {
	_, err := w.use(cfg)
	return w.clients, err
}

// Misconfigured reports whether readiness says so.
func (w *Worker) Misconfigured() bool { return w.misconfigured.Load() }
