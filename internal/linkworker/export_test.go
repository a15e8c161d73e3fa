package linkworker

import (
	"github.com/migrationlink/migrationlink/activities"
	"github.com/migrationlink/migrationlink/internal/config"
)

// New returns a worker that does not poll.
var New = newWorker

// Activities are what the worker would offer to Temporal.
func (w *Worker) Activities() *activities.Activities { return w.acts }

// Use takes over cfg, and returns the clients.
func (w *Worker) Use(cfg config.Config) (activities.Clients, error) {
	_, err := w.use(cfg)
	return w.clients, err
}
