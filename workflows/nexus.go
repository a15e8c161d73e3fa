package workflows

import (
	"context"
	"errors"
	"fmt"

	"github.com/nexus-rpc/sdk-go/nexus"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporalnexus"

	"github.com/migrationlink/migrationlink"
)

// nexusPrefix starts the id of a workflow behind a Nexus operation. It is none of a
// business key: one for each operation, so that each can be cancelled alone, and
// they meet where all others do.
const nexusPrefix = "nexus."

// NexusService serves the workflows to other namespaces.
func NexusService() *nexus.Service {
	service := nexus.NewService(migrationlink.NexusService)
	service.MustRegister(
		behind(migrationlink.LinkOperation, migrationlink.LinkWorkflow),
		behind(migrationlink.UnlinkOperation, migrationlink.UnlinkWorkflow),
		nexus.NewSyncOperation(migrationlink.StatusOperation.Name(), statusNow),
	)
	return service
}

// behind returns the operation with a workflow behind it.
func behind[I migrationlink.Request](reference nexus.OperationReference[I, migrationlink.LinkResult], workflowType string) nexus.Operation[I, migrationlink.LinkResult] {
	return temporalnexus.MustNewWorkflowRunOperationWithOptions(temporalnexus.WorkflowRunOperationOptions[I, migrationlink.LinkResult]{
		Name: reference.Name(),
		Handler: func(ctx context.Context, input I, options nexus.StartOperationOptions) (temporalnexus.WorkflowHandle[migrationlink.LinkResult], error) {
			asked := migrationlink.NewStartRequest(input)
			if err := asked.Validate(); err != nil {
				return nil, badRequest(err)
			}
			return temporalnexus.ExecuteUntypedWorkflow[migrationlink.LinkResult](ctx, options, client.StartWorkflowOptions{
				ID:            nexusPrefix + asked.WorkflowID() + "." + options.RequestID,
				TaskQueue:     migrationlink.TaskQueue,
				StaticSummary: asked.Summary(),
				StaticDetails: asked.Details(),
				Memo:          map[string]any{migrationlink.StartedByMemo: callerOf(options.Links)},
			}, workflowType, input)
		},
	})
}

// callerOf says in words who has started an operation.
func callerOf(links []nexus.Link) string {
	for _, link := range links {
		if caller, err := temporalnexus.ConvertNexusLinkToLinkWorkflowEvent(link); err == nil {
			return fmt.Sprintf("workflow %s of namespace %s, through Nexus", caller.GetWorkflowId(), caller.GetNamespace())
		}
	}
	return "Nexus"
}

// badRequest is an error that no repetition heals.
func badRequest(err error) error {
	return &nexus.HandlerError{
		Type:    nexus.HandlerErrorTypeBadRequest,
		Message: err.Error(),
		Cause:   invalidInput(migrationlink.ErrInvalidRequest, err),
	}
}

// statusNow answers what the status query of the workflow under the business key
// answers.
func statusNow(ctx context.Context, asked migrationlink.StatusRequest, _ nexus.StartOperationOptions) (status migrationlink.Status, _ error) {
	if err := asked.Validate(); err != nil {
		return status, badRequest(err)
	}
	answer, err := temporalnexus.GetClient(ctx).QueryWorkflow(ctx, migrationlink.WorkflowID(asked.Manager, asked.OrgID), "", migrationlink.StatusQuery)
	if _, unknown := errors.AsType[*serviceerror.NotFound](err); unknown {
		return status, nexus.NewHandlerErrorf(nexus.HandlerErrorTypeNotFound,
			"nothing is known of a link of organization %s of manager %q: none was started, or Temporal has forgotten it", asked.OrgID, asked.Manager)
	}
	if err != nil {
		return status, nexus.NewHandlerErrorf(nexus.HandlerErrorTypeUnavailable, "the workflow of organization %s of manager %q does not answer: %w", asked.OrgID, asked.Manager, err)
	}
	return status, answer.Get(&status)
}
