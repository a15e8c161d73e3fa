package links

import (
	"context"
	"errors"
	"time"

	"go.temporal.io/sdk/temporal"

	"github.com/migrationlink/migrationlink"
	"github.com/migrationlink/migrationlink/internal/temporalerr"
)

// retryAnswer is well above what the workflow needs to answer a retry.
const retryAnswer = 10 * time.Second

// Retry resumes a run, and returns its status a moment later. The update answers that. A
// signal is sent, and the status is nil, where hasWorker is false, no worker answers, or only
// one that does not know the update.
func (c *Client) Retry(ctx context.Context, run Run, request migrationlink.RetryRequest, hasWorker bool) (*migrationlink.Status, error) {
	if !hasWorker {
		return nil, c.Signal(ctx, run, migrationlink.RetrySignal, request)
	}
	waiting, cancel := context.WithTimeout(ctx, c.CallTimeout+retryAnswer)
	defer cancel()
	var after migrationlink.Status
	err := c.Update(waiting, run, migrationlink.RetryUpdate, &after, request)
	if unknown, ok := errors.AsType[*Unknown](err); ok && unknown.Accepted && ctx.Err() == nil {
		return nil, nil // the worker has gone after it had accepted the retry
	}
	_, noWorker := errors.AsType[*NoWorker](err)
	_, noUpdates := errors.AsType[*NoUpdates](err)
	refused, _ := errors.AsType[*temporal.ApplicationError](err)
	switch {
	case err == nil:
		return &after, nil
	case noWorker, noUpdates, refused != nil && temporalerr.UnknownUpdate(refused):
		return nil, c.Signal(ctx, run, migrationlink.RetrySignal, request)
	}
	return nil, err
}
