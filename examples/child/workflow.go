package main

import (
	"fmt"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/migrationlink/migrationlink"
)

// MoveOrganization announces the move of an organization, links it, and starts its
// migration. Its cancellation cancels the link, which is undone before this ends.
func MoveOrganization(ctx workflow.Context, request migrationlink.LinkRequest) error {
	ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{StartToCloseTimeout: time.Minute})
	if err := workflow.ExecuteActivity(ctx, Announce, request.OrgID).Get(ctx, nil); err != nil {
		return err
	}
	result, err := link(ctx, request)
	if err != nil {
		return err
	}
	return workflow.ExecuteActivity(ctx, StartMigration, result).Get(ctx, nil)
}

// link returns the result of a link that is there, and otherwise an error with that of
// the child as its cause: whoever called this workflow reads the outcome there, too.
func link(ctx workflow.Context, request migrationlink.LinkRequest) (result migrationlink.LinkResult, err error) {
	ctx = workflow.WithChildOptions(ctx, migrationlink.ChildOptions(request))
	err = workflow.ExecuteChildWorkflow(ctx, migrationlink.LinkWorkflow, request).Get(ctx, &result)
	if err != nil {
		var told bool
		if result, told = migrationlink.ResultOf(err); !told {
			return result, fmt.Errorf("the link may be going on, and is joined or found done when this is started again: %w", err)
		}
	}
	switch result.Outcome {
	case migrationlink.OutcomeLinked, migrationlink.OutcomeAlreadyLinked:
		return result, nil
	case migrationlink.OutcomeCancelled:
		return result, err // by this workflow's own cancellation: so it ends as Canceled, too
	case migrationlink.OutcomeTimedOut:
		return result, temporal.NewNonRetryableApplicationError(fmt.Sprintf("the link is not SYNCED in time; removed again: %t", result.Removed), result.Problem.Type, err)
	case migrationlink.OutcomeFailed:
		return result, temporal.NewNonRetryableApplicationError("the organization is not linked", result.Problem.Type, err)
	default: // whatever a later version may add
		return result, fmt.Errorf("the link ended as %q: %w", result.Outcome, err)
	}
}

// explain says the end of the link, which has travelled through MoveOrganization.
func explain(err error) string {
	result, told := migrationlink.ResultOf(err)
	switch {
	case !told:
		return err.Error()
	case result.Problem != nil:
		return fmt.Sprintf("%s: %s. %s", result.Outcome, result.Problem.Message, result.Problem.Remedy)
	}
	return fmt.Sprintf("%s, link removed: %t", result.Outcome, result.Removed)
}
