package workflows

import (
	"context"
	"fmt"

	"github.com/nexus-rpc/sdk-go/nexus"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/temporalnexus"

	"github.com/migrationlink/migrationlink"
	"github.com/migrationlink/migrationlink/internal/payload"
)

// NexusService serves the workflows to other namespaces.
func NexusService() *nexus.Service {
	service := nexus.NewService(migrationlink.NexusService)
	service.MustRegister(
		newOperation(migrationlink.LinkOperation, migrationlink.LinkWorkflow),
		newOperation(migrationlink.UnlinkOperation, migrationlink.UnlinkWorkflow),
		nexus.NewSyncOperation(migrationlink.StatusOperation.Name(), statusNow),
	)
	return service
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
		Cause:   payload.Refusal(migrationlink.ErrInvalidRequest, err),
	}
}

// statusNow answers what the status query of the workflow under the business key
// answers.
func statusNow(ctx context.Context, input converter.RawValue, _ nexus.StartOperationOptions) (status migrationlink.Status, _ error) {
	var asked migrationlink.StatusRequest
	if err := payload.Request(input, &asked); err != nil {
		return status, badRequest(err)
	}
	if err := asked.Validate(); err != nil {
		return status, badRequest(err)
	}
	answer, err := temporalnexus.GetClient(ctx).QueryWorkflow(ctx, migrationlink.WorkflowID(asked.Manager, asked.OrgID), "", migrationlink.StatusQuery)
	if isNotFound(err) {
		return status, nexus.NewHandlerErrorf(nexus.HandlerErrorTypeNotFound,
			"no link of organization %s of manager %q is known: none was started, or Temporal no longer keeps it", asked.OrgID, asked.Manager)
	}
	if err != nil {
		return status, nexus.NewHandlerErrorf(nexus.HandlerErrorTypeUnavailable, "the workflow of organization %s of manager %q does not answer: %w", asked.OrgID, asked.Manager, err)
	}
	return status, answer.Get(&status)
}
