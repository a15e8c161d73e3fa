package main

import (
	"context"
	"fmt"
	"time"

	"go.temporal.io/sdk/temporal"

	"github.com/migrationlink/migrationlink"
)

// cancel cancels a link and returns how many seconds later it has ended.
func (s *system) cancel(ctx context.Context, orgID string) (float64, error) {
	id := migrationlink.WorkflowID(managerName, orgID)
	began := time.Now()
	if err := s.temporal.CancelWorkflow(ctx, id, ""); err != nil {
		return 0, fmt.Errorf("cancel %s: %w", id, err)
	}
	err := s.temporal.GetWorkflow(ctx, id, "").Get(ctx, nil)
	if !temporal.IsCanceledError(err) {
		return 0, fmt.Errorf("%s did not end as cancelled: %w", id, err)
	}
	return time.Since(began).Seconds(), nil
}
