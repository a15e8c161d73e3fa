package main

import (
	"fmt"
	"time"

	"go.temporal.io/sdk/workflow"

	"github.com/migrationlink/migrationlink"
)

// LinkFromAbroad links an organization and returns the status of the link. A
// cancellation cancels the link, whose undo ends first.
func LinkFromAbroad(ctx workflow.Context, request migrationlink.LinkRequest) (status migrationlink.Status, _ error) {
	service := workflow.NewNexusClient(migrationlink.NexusEndpoint, migrationlink.NexusService)

	// No timeout: the limits are those of the request.
	var result migrationlink.LinkResult
	err := service.ExecuteOperation(ctx, migrationlink.LinkOperation, request, workflow.NexusOperationOptions{}).Get(ctx, &result)
	if err != nil {
		return status, err // explain reads it where it arrives
	}

	asked := migrationlink.StatusRequest{Manager: result.Manager, OrgID: result.OrgID}
	soon := workflow.NexusOperationOptions{ScheduleToCloseTimeout: time.Minute}
	err = service.ExecuteOperation(ctx, migrationlink.StatusOperation, asked, soon).Get(ctx, &status)
	return status, err
}

// explain describes how the link ended, from the error of LinkFromAbroad.
func explain(err error) string {
	if fields := migrationlink.FieldsOf(err); fields != nil { // the request is invalid, or a different one is running
		return migrationlink.DescribeFields(fields)
	}
	result, told := migrationlink.ResultOf(err)
	switch {
	case !told:
		return err.Error() // the link may still run: started again, this joins it or finds it done
	case result.Problem != nil:
		return fmt.Sprintf("%s: %s. %s", result.Outcome, result.Problem.Message, result.Problem.Remedy)
	}
	return fmt.Sprintf("%s, link removed: %t", result.Outcome, result.Removed)
}
