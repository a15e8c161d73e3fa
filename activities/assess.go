package activities

import (
	"context"
	"fmt"

	"github.com/migrationlink/migrationlink"
	"github.com/migrationlink/migrationlink/internal/assess"
	"github.com/migrationlink/migrationlink/opsmanager"
)

const (
	// maxAssessedProjects and maxHostPages limit one assessment: 1,000 projects, and a thousand
	// pages of hosts more than one for each.
	maxAssessedProjects, maxHostPages = 1000, 2000
)

// Assess reads the projects of a source organization and their hosts, and applies the rules to
// them. What cannot be read is a problem in the result. It is an error only while another attempt
// may help.
func (a *Activities) Assess(ctx context.Context, in migrationlink.AssessRequest) (migrationlink.Assessment, error) {
	if err := in.Validate(); err != nil {
		return migrationlink.Assessment{}, invalidReading(err)
	}
	clients := a.clients.Load()
	manager, err := a.manager(Target{in.Manager, in.OrgID}, false)
	if err != nil {
		return migrationlink.Assessment{}, err
	}
	defer heartbeat(ctx)()
	found, failed := readOrg(ctx, manager)
	assessed := clients.rules(in.Manager).Assess(&found.inventory)
	assessed.Manager, assessed.OrgID, assessed.Projects = in.Manager, in.OrgID, len(found.projects)
	switch {
	case failed != nil && failed.again:
		return migrationlink.Assessment{}, failed.activityError(ctx)
	case failed != nil:
		assess.Cut(&assessed, failed.Problem)
	case in.Atlas != "":
		err = clients.addMigrationHosts(ctx, in, found.projects, &assessed)
	}
	return assessed, err
}

func (c *Clients) rules(manager string) assess.Rules {
	if rules, ok := c.Rules[manager]; ok {
		return rules
	}
	return assess.NewRules(migrationlink.KindOpsManager, assess.DefaultMinimums())
}

// readResult is what was read of an organization, until the end or until a failure.
type readResult struct {
	projects  []opsmanager.Project
	inventory assess.Inventory
}

// readOrg reads projects one after the other: it is to take few of the manager's calls from links.
func readOrg(ctx context.Context, manager manager) (found readResult, _ *unread) {
	projects, err := manager.Projects(ctx, manager.orgID)
	if err != nil {
		return found, manager.unread(ctx, err)
	}
	pages := 0
	for _, project := range projects {
		if len(found.projects) == maxAssessedProjects {
			return found, tooLarge(fmt.Sprintf("organization %s has %d projects, and the hosts of the first %d were read", manager.orgID, len(projects), maxAssessedProjects))
		}
		found.projects = append(found.projects, project)
		for hosts, err := range manager.Hosts(ctx, manager.orgID, project.ID) {
			if err != nil {
				return found, manager.unread(ctx, err)
			}
			if pages++; pages > maxHostPages || !found.inventory.Add(project.ID, hostsOf(hosts)) {
				return found, tooLarge(fmt.Sprintf("organization %s has more than %d pages of hosts, or more than %d deployments", manager.orgID, maxHostPages, assess.MaxDeployments))
			}
		}
	}
	return found, nil
}

func hostsOf(hosts []opsmanager.Host) []assess.Host {
	found := make([]assess.Host, len(hosts))
	for i, host := range hosts {
		found[i] = assess.Host(host)
	}
	return found
}

// addMigrationHosts counts the migration hosts that Atlas shows.
func (c *Clients) addMigrationHosts(ctx context.Context, in migrationlink.AssessRequest, projects []opsmanager.Project, into *migrationlink.Assessment) error {
	client, err := c.shownBy(in.Atlas)
	if err != nil {
		return err
	}
	shown, failed := readInventory(ctx, client, migrationlink.ProjectsRequest(in), projects)
	switch {
	case failed != nil && failed.again:
		return failed.activityError(ctx)
	case failed != nil:
		into.Problem = &failed.Problem
		return nil
	}
	hosts := 0
	for _, project := range shown {
		hosts += project.MigrationHostCount
	}
	into.ProjectsInAtlas, into.MigrationHosts = new(len(shown)), &hosts
	return nil
}
