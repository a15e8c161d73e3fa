// Package workflows holds the durable side of the application: what is done in
// which order, what is waited for, and how it ends. It knows nothing of HTTP.
package workflows

import (
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"github.com/migrationlink/migrationlink"
	"github.com/migrationlink/migrationlink/activities"
)

// Register registers the workflows with their Nexus service, and the activities
// that run on their own task queue, as no other may be polled for an unknown
// manager.
func Register(r worker.Registry, a *activities.Activities) {
	r.RegisterWorkflowWithOptions(reading(linkOrganization), workflow.RegisterOptions{Name: migrationlink.LinkWorkflow})
	r.RegisterWorkflowWithOptions(reading(unlinkOrganization), workflow.RegisterOptions{Name: migrationlink.UnlinkWorkflow})
	r.RegisterWorkflowWithOptions(InspectManagers, workflow.RegisterOptions{Name: migrationlink.InspectWorkflow})
	r.RegisterNexusService(NexusService())
	r.RegisterActivityWithOptions(a.KnownManagers, activity.RegisterOptions{Name: migrationlink.KnownManagersActivity})
	r.RegisterActivityWithOptions(a.CheckManager, activity.RegisterOptions{Name: migrationlink.CheckManagerActivity})
}
