package worker

import (
	"context"
	"errors"
	"fmt"

	"go.temporal.io/sdk/client"

	"github.com/migrationlink/migrationlink"
)

var (
	errStopping      = errors.New("the worker is being stopped")
	errMisconfigured = errors.New("the configuration has changed and was not reloaded, so the previous one stays active: the log says why")
)

// ready returns why the worker cannot do its work, or could not after a restart. It
// returns nil if Temporal answers, polls shows that the worker polls each of its queues,
// and the configuration is valid.
func (w *Worker) ready(ctx context.Context, polls *polls) error {
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
