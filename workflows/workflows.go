// Package workflows registers the workflows and their Nexus service with a worker.
package workflows

import (
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"github.com/migrationlink/migrationlink"
	"github.com/migrationlink/migrationlink/activities"
	"github.com/migrationlink/migrationlink/workflows/assess"
	"github.com/migrationlink/migrationlink/workflows/inspect"
	"github.com/migrationlink/migrationlink/workflows/link"
)

// Register registers the workflows with their Nexus service, and the activities that run
// on the task queue of the workflows: nobody may poll that of an unknown manager.
func Register(r worker.Registry, a *activities.Activities) {
	links := link.Workflows{Stored: a.Stored()}
	r.RegisterWorkflowWithOptions(links.LinkOrganization, workflow.RegisterOptions{Name: migrationlink.LinkWorkflow})
	r.RegisterWorkflowWithOptions(links.UnlinkOrganization, workflow.RegisterOptions{Name: migrationlink.UnlinkWorkflow})
	r.RegisterWorkflowWithOptions(inspect.Managers, workflow.RegisterOptions{Name: migrationlink.InspectWorkflow})
	r.RegisterWorkflowWithOptions(assess.Organization, workflow.RegisterOptions{Name: migrationlink.AssessWorkflow})
	r.RegisterWorkflowWithOptions(assess.Organizations, workflow.RegisterOptions{Name: migrationlink.OrganizationsWorkflow})
	r.RegisterWorkflowWithOptions(assess.ProjectsInAtlas, workflow.RegisterOptions{Name: migrationlink.ProjectsWorkflow})
	r.RegisterNexusService(NexusService())
	r.RegisterActivityWithOptions(a.KnownManagers, activity.RegisterOptions{Name: migrationlink.KnownManagersActivity})
	r.RegisterActivityWithOptions(a.CheckManager, activity.RegisterOptions{Name: migrationlink.CheckManagerActivity})
}
