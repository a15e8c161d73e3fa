package linkworker

import (
	"context"
	"errors"
	"fmt"

	"go.temporal.io/sdk/client"

	"github.com/migrationlink/migrationlink"
)

var (
	errStopping      = errors.New("the worker is being stopped")
	errMisconfigured = errors.New("the configuration has changed and was not reloaded, the one in force stays: the log says why")
)

// Ready tells why the worker cannot do its work, or will not after a restart, or
// nil: Temporal answers, the worker polls each of its queues, as the polls of its
// client tell, and the configuration is valid.
func (w *Worker) Ready(ctx context.Context, polls *Polls) error {
	if why := w.refused.Load(); why != nil {
		return *why
	}
	if _, err := w.temporal.CheckHealth(ctx, &client.CheckHealthRequest{}); err != nil {
		return fmt.Errorf("temporal does not answer: %w", err)
	}
	if err := polls.problem(w.taskQueues()); err != nil {
		return err
	}
	if w.misconfigured.Load() {
		return errMisconfigured
	}
	return nil
}

func (w *Worker) taskQueues() []string {
	queues := []string{migrationlink.TaskQueue}
	for _, manager := range w.managers {
		queues = append(queues, migrationlink.ManagerTaskQueue(manager))
	}
	return queues
}
