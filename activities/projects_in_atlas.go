package activities

import (
	"context"
	"slices"
	"strings"

	"github.com/migrationlink/migrationlink"
	"github.com/migrationlink/migrationlink/atlas"
	"github.com/migrationlink/migrationlink/opsmanager"
)

// maxShown limits a result.
const maxShown = 100

// ReadOrganizations reads one page of the organizations that the worker's API key can see.
func (a *Activities) ReadOrganizations(ctx context.Context, in migrationlink.OrganizationsRequest) (migrationlink.Organizations, error) {
	if err := in.Validate(); err != nil {
		return migrationlink.Organizations{}, invalidReading(err)
	}
	client, err := a.clients.Load().manager(in.Manager)
	if err != nil {
		return migrationlink.Organizations{}, err
	}
	defer heartbeat(ctx)()
	page, err := client.Organizations(ctx, in.Page)
	if err != nil {
		party := managerParty(Target{Manager: in.Manager})
		party.org = "the organizations to link"
		return migrationlink.Organizations{}, party.unread(ctx, err).activityError(ctx)
	}
	return migrationlink.Organizations{OrgIDs: page.IDs, TotalCount: page.TotalCount}, nil
}

// ReadProjectsInAtlas reads which projects of a source organization Atlas shows, with their
// deployments and migration hosts.
func (a *Activities) ReadProjectsInAtlas(ctx context.Context, in migrationlink.ProjectsRequest) (migrationlink.ProjectsInAtlas, error) {
	if err := in.Validate(); err != nil {
		return migrationlink.ProjectsInAtlas{}, invalidReading(err)
	}
	manager, err := a.manager(Target{in.Manager, in.OrgID}, false)
	if err != nil {
		return migrationlink.ProjectsInAtlas{}, err
	}
	client, err := a.clients.Load().shownBy(in.Atlas)
	if err != nil {
		return migrationlink.ProjectsInAtlas{}, err
	}
	defer heartbeat(ctx)()
	projects, err := manager.Projects(ctx, in.OrgID)
	if err != nil {
		return migrationlink.ProjectsInAtlas{}, manager.unread(ctx, err).activityError(ctx)
	}
	shown, failed := readInventory(ctx, client, in, projects)
	if failed != nil {
		return migrationlink.ProjectsInAtlas{}, failed.activityError(ctx)
	}
	slices.SortFunc(shown, func(x, y atlas.ProjectInventory) int { return strings.Compare(x.ID, y.ID) })
	result := migrationlink.ProjectsInAtlas{SourceProjects: len(projects), AvailableProjects: len(shown), Shown: []migrationlink.ProjectInAtlas{}}
	for _, project := range shown[:min(len(shown), maxShown)] {
		result.Shown = append(result.Shown, projectInAtlas(project))
	}
	return result, nil
}

func projectInAtlas(project atlas.ProjectInventory) migrationlink.ProjectInAtlas {
	shown := migrationlink.ProjectInAtlas{
		ProjectID: project.ID, Name: project.Name, ClusterCount: project.DeploymentCount,
		HostNames: project.MigrationHosts, HostCount: project.MigrationHostCount,
	}
	for _, d := range project.Deployments {
		shown.Clusters = append(shown.Clusters, migrationlink.ClusterInAtlas(d))
	}
	return shown
}

// shownBy returns the Atlas connection of a request that is not for a link.
func (c *Clients) shownBy(name string) (*atlas.Client, error) {
	return configured(c.Atlas, name, "atlas", migrationlink.ErrUnknownAtlas, "atlas: the worker does not have")
}

// readInventory reads which of the projects Atlas shows. That there is nothing to show is no
// failure.
func readInventory(ctx context.Context, client *atlas.Client, in migrationlink.ProjectsRequest, projects []opsmanager.Project) ([]atlas.ProjectInventory, *unread) {
	wanted := map[string]bool{}
	for _, project := range projects {
		wanted[project.ID] = true
	}
	shown, err := client.Inventory(ctx, in.AtlasOrgID, func(projectID string) bool { return wanted[projectID] })
	if err == nil || listsNothing(err) {
		return shown, nil
	}
	return nil, atlasParty(migrationlink.AtlasToken{Name: in.Atlas, OrgID: in.AtlasOrgID}, "atlasOrgId").unread(ctx, err)
}
