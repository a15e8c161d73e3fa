package main

import (
	"context"
	"fmt"
	"time"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"

	"github.com/migrationlink/migrationlink"
	"github.com/migrationlink/migrationlink/internal/dataconv"
	"github.com/migrationlink/migrationlink/internal/links"
	"github.com/migrationlink/migrationlink/internal/words"
)

// asCaller cancels a link as its caller does, and asOperator as 'starter cancel' does.
func (s *system) asCaller(ctx context.Context, orgID string) error {
	return s.temporal.CancelWorkflow(ctx, migrationlink.WorkflowID(managerName, orgID), "")
}

func (s *system) asOperator(ctx context.Context, orgID string) error {
	c := links.New(s.temporal, dataconv.Default())
	c.Options.Namespace = client.DefaultNamespace
	return c.Cancel(ctx, links.Run{Job: words.Job{Manager: managerName, OrgID: orgID}}, migrationlink.CancelRequest{})
}

// cancelled cancels a link and returns how many seconds later it has ended.
func (s *system) cancelled(ctx context.Context, orgID string, cancel func(ctx context.Context, orgID string) error) (float64, error) {
	id := migrationlink.WorkflowID(managerName, orgID)
	began := time.Now()
	if err := cancel(ctx, orgID); err != nil {
		return 0, fmt.Errorf("cancel %s: %w", id, err)
	}
	err := s.temporal.GetWorkflow(ctx, id, "").Get(ctx, nil)
	if !temporal.IsCanceledError(err) {
		return 0, fmt.Errorf("%s did not end as cancelled: %w", id, err)
	}
	return time.Since(began).Seconds(), nil
}
