package doctor

import (
	"context"
	"fmt"

	"go.temporal.io/api/operatorservice/v1"
	"go.temporal.io/api/workflowservice/v1"

	"github.com/migrationlink/migrationlink"
	"github.com/migrationlink/migrationlink/internal/console"
	"github.com/migrationlink/migrationlink/internal/links"
	"github.com/migrationlink/migrationlink/internal/temporalerr"
)

const (
	updatesCheck = "updates"
	nexusCheck   = "Nexus"
)

// checkUpdates finds a Temporal that offers no updates of workflows: links run there,
// and some commands do not.
func (d *doctor) checkUpdates(ctx context.Context) Check {
	const missing = "links work, but 'starter extend' and 'starter check' do not, and --detach does not wait for the manager"
	ctx, cancel := context.WithTimeout(ctx, d.client.CallTimeout)
	defer cancel()
	// Without operations it is refused where it is known, and changes nothing.
	_, err := d.client.WorkflowService().ExecuteMultiOperation(ctx, &workflowservice.ExecuteMultiOperationRequest{Namespace: d.client.Options.Namespace})
	switch {
	case temporalerr.NotOffered(err):
		return bad(updatesCheck, fmt.Sprintf("Temporal does not start a workflow with an update (%s): %s", links.Reason(err), missing), console.UseUpdates)
	case temporalerr.Transient(err):
		return failed(updatesCheck, d.client.Explain(ctx, err))
	case !d.updates:
		return bad(updatesCheck, "the namespace does not accept workflow updates: "+missing, console.UseUpdates)
	}
	return good(updatesCheck, "the namespace accepts workflow updates")
}

// checkNexus finds an endpoint that is missing, or leads elsewhere: the task of a
// caller's workflow would fail again and again, without a word to the caller.
func (d *doctor) checkNexus(ctx context.Context) Check {
	ctx, cancel := context.WithTimeout(ctx, d.client.CallTimeout)
	defer cancel()
	name, namespace := d.given.Nexus, d.client.Options.Namespace
	create := fmt.Sprintf("temporal operator nexus endpoint create --name %s --target-namespace %s --target-task-queue %s", console.ShellWord(name), console.ShellWord(namespace), migrationlink.TaskQueue)
	found, err := d.client.OperatorService().ListNexusEndpoints(ctx, &operatorservice.ListNexusEndpointsRequest{Name: name})
	if err != nil {
		return failed(nexusCheck, d.client.Explain(ctx, err))
	}
	for _, endpoint := range found.GetEndpoints() {
		spec := endpoint.GetSpec()
		if spec.GetName() != name {
			continue
		}
		target := spec.GetTarget().GetWorker()
		if target.GetNamespace() != namespace || target.GetTaskQueue() != migrationlink.TaskQueue {
			return bad(nexusCheck, fmt.Sprintf("endpoint %s leads to namespace %q, task queue %q, not to namespace %q, task queue %q", name, target.GetNamespace(), target.GetTaskQueue(), namespace, migrationlink.TaskQueue),
				"Name the endpoint that callers use, or change its target with 'temporal operator nexus endpoint update'.")
		}
		return good(nexusCheck, "endpoint %s leads to the workers of this namespace", name)
	}
	return bad(nexusCheck, fmt.Sprintf("there is no endpoint %s: workflows that call it fail their tasks and wait", name), "Create it: "+create)
}
