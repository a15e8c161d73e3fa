package main

import (
	"fmt"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/migrationlink/migrationlink"
)

// MoveOrganization announces the move of an organization, links it, and starts its
// migration. A cancellation cancels the link, whose undo ends first.
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

// link returns the result, or an error with the child's error as its cause, so that
// callers of this workflow can read the outcome, too.
func link(ctx workflow.Context, request migrationlink.LinkRequest) (result migrationlink.LinkResult, err error) {
	ctx = workflow.WithChildOptions(ctx, migrationlink.ChildOptions(request))
	err = workflow.ExecuteChildWorkflow(ctx, migrationlink.LinkWorkflow, request).Get(ctx, &result)
	if err != nil {
		var told bool
		if result, told = migrationlink.ResultOf(err); !told {
			return result, fmt.Errorf("the link may still be running; start this again to join it, or to find it done: %w", err)
		}
	}
	switch result.Outcome {
	case migrationlink.OutcomeLinked, migrationlink.OutcomeAlreadyLinked:
		return result, nil
	case migrationlink.OutcomeCancelled:
		return result, err // this workflow was cancelled, so it ends as Canceled, too
	case migrationlink.OutcomeTimedOut:
		return result, temporal.NewNonRetryableApplicationError(fmt.Sprintf("the link is not SYNCED in time; removed again: %t", result.Removed), result.Problem.Type, err)
	case migrationlink.OutcomeFailed:
		return result, temporal.NewNonRetryableApplicationError("the organization is not linked", result.Problem.Type, err)
	default: // outcomes of later versions
		return result, fmt.Errorf("the link ended as %q: %w", result.Outcome, err)
	}
}

// explain describes how the link ended, from the error of MoveOrganization.
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
