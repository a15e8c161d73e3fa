package starter

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/migrationlink/migrationlink"
	"github.com/migrationlink/migrationlink/internal/console"
	"github.com/migrationlink/migrationlink/internal/words"
)

const projectsHelp = `Projects shows the projects of a source organization that Atlas shows as
available for migration, once the organization is linked: their deployments,
and whether a migration host exists. Then it prints the Atlas CLI commands for
the next stage. Replace the words in capitals: the target project and cluster,
a migration host where there is none yet, and the user of a source deployment
without managed authentication.

It shows the first 100 projects, and of each the first 10 deployments. Exit
code 0 means that Atlas answered, whatever it shows.`

const projectsExample = `  starter projects --manager demo --org 5f1b2c3d4e5f6a7b8c9d0e1f \
    --atlas demo --atlas-org 6a1b2c3d4e5f6a7b8c9d0e1f
  starter projects --manager demo --org 5f1b2c3d4e5f6a7b8c9d0e1f \
    --atlas demo --atlas-org 6a1b2c3d4e5f6a7b8c9d0e1f -o json`

func (a *app) projectsCommand() *cobra.Command {
	var request migrationlink.ProjectsRequest
	cmd := flagsOnly("projects", "Show the projects that Atlas can migrate, and the commands for it", projectsHelp, projectsExample, func(cmd *cobra.Command) error {
		if err := flagErrors(cmd, request.Validate(), nil); err != nil {
			return err
		}
		return a.projects(cmd.Context(), request)
	})
	flags := cmd.Flags()
	targetFlags(cmd, &request.Manager, &request.OrgID)
	flags.StringVar(&request.Atlas, "atlas", "", "name of the Atlas connection in the workers' configuration (required)")
	flags.StringVar(&request.AtlasOrgID, "atlas-org", "", "id of the target organization, 24 hexadecimal digits (required)")
	return cmd
}

func (a *app) projects(ctx context.Context, request migrationlink.ProjectsRequest) error {
	c, err := a.connectToWorker(ctx)
	if err != nil {
		return err
	}
	defer c.Close()
	var found migrationlink.ProjectsInAtlas
	a.WithWaitHint("manager "+request.Manager+" and Atlas", func() { found, err = c.ProjectsInAtlas(ctx, request) })
	if err != nil {
		return readFailure(ctx, c, err)
	}
	if a.JSON() {
		return a.PrintJSON(newProjectsJSON(request, found))
	}
	fmt.Fprint(a.Env.Stdout, a.projectsText(request, found))
	return nil
}

// projectsJSON is the one object of the command.
type projectsJSON struct {
	migrationlink.ProjectsRequest
	SourceProjects    int           `json:"sourceProjects"`
	AvailableProjects int           `json:"availableProjects"`
	Shown             []projectJSON `json:"shown"`
}

type projectJSON struct {
	migrationlink.ProjectInAtlas
	Clusters []clusterJSON `json:"clusters"`
}

type clusterJSON struct {
	migrationlink.ClusterInAtlas
	// Commands are those of the next stage, in their order.
	Commands []string `json:"commands"`
}

func newProjectsJSON(request migrationlink.ProjectsRequest, found migrationlink.ProjectsInAtlas) projectsJSON {
	out := projectsJSON{ProjectsRequest: request, SourceProjects: found.SourceProjects, AvailableProjects: found.AvailableProjects, Shown: []projectJSON{}}
	for _, project := range found.Shown {
		shown := projectJSON{ProjectInAtlas: project, Clusters: []clusterJSON{}}
		for _, cluster := range project.Clusters {
			shown.Clusters = append(shown.Clusters, clusterJSON{cluster, nextCommands(project, cluster)})
		}
		out.Shown = append(out.Shown, shown)
	}
	return out
}

// projectRow is a deployment of a project, or a project without one.
type projectRow struct {
	project migrationlink.ProjectInAtlas
	cluster *migrationlink.ClusterInAtlas
}

func (a *app) projectsText(request migrationlink.ProjectsRequest, found migrationlink.ProjectsInAtlas) string {
	var text strings.Builder
	fmt.Fprintf(&text, "Organization %s of Atlas %s shows %d of %s of organization %s of manager %s.\n",
		request.AtlasOrgID, request.Atlas, found.AvailableProjects, words.Count(found.SourceProjects, "project"), request.OrgID, request.Manager)
	if len(found.Shown) == 0 {
		return text.String()
	}
	var rows []projectRow
	for _, project := range found.Shown {
		for i := range project.Clusters {
			rows = append(rows, projectRow{project, &project.Clusters[i]})
		}
		if len(project.Clusters) == 0 {
			rows = append(rows, projectRow{project, nil})
		}
	}
	text.WriteString("\n")
	a.writeTable(&text, func(width int) []console.Line { return console.Table(projectColumns(), rows, width) })
	if more := found.AvailableProjects - len(found.Shown); more > 0 {
		fmt.Fprintf(&text, "… and %s\n", words.Count(more, "other project"))
	}
	text.WriteString("\nNext, with the Atlas CLI:\n")
	for _, row := range rows {
		if row.cluster != nil {
			fmt.Fprintf(&text, "\n# %s, deployment %s\n%s\n", row.project.ProjectID, row.cluster.Name, strings.Join(nextCommands(row.project, *row.cluster), "\n"))
		}
	}
	return text.String()
}

func projectColumns() []console.Column[projectRow] {
	text := func(cell func(projectRow) string) func(projectRow) console.Span {
		return func(r projectRow) console.Span { return console.Span{Text: words.OneLine(cell(r))} }
	}
	ofCluster := func(cell func(migrationlink.ClusterInAtlas) string) func(projectRow) console.Span {
		return text(func(r projectRow) string {
			if r.cluster == nil {
				return "–"
			}
			return cell(*r.cluster)
		})
	}
	return []console.Column[projectRow]{
		{Title: "PROJECT", Rank: 0, Cell: text(func(r projectRow) string { return r.project.ProjectID })},
		{Title: "NAME", Rank: 3, Cell: text(func(r projectRow) string { return r.project.Name })},
		{Title: "DEPLOYMENT", Rank: 0, Cell: ofCluster(func(c migrationlink.ClusterInAtlas) string { return c.Name })},
		{Title: "TYPE", Rank: 2, Cell: ofCluster(clusterType)},
		{Title: "MONGODB", Rank: 2, Cell: ofCluster(func(c migrationlink.ClusterInAtlas) string { return c.Version })},
		{Title: "MIGRATION HOST", Rank: 1, Cell: func(r projectRow) console.Span {
			if r.project.HostCount == 0 {
				return console.Span{Text: "none", Style: console.Yellow}
			}
			return console.Span{Text: words.OneLine(migrationHost(r.project)) + others(r.project.HostCount-1)}
		}},
	}
}

func clusterType(c migrationlink.ClusterInAtlas) string {
	if c.Sharded {
		return string(migrationlink.TypeSharded)
	}
	return string(migrationlink.TypeReplicaSet)
}

func others(count int) string {
	if count <= 0 {
		return ""
	}
	return fmt.Sprintf(" and %s", words.Count(count, "other"))
}

// migrationHost returns the first migration host, or the word to be replaced by one.
func migrationHost(project migrationlink.ProjectInAtlas) string {
	if len(project.HostNames) > 0 {
		return project.HostNames[0]
	}
	return "MIGRATION_HOST"
}

// nextCommands are those of the Atlas CLI that migrate a deployment: validate, start, and cut over.
// The password of a source is left to a variable: other users of a machine see arguments.
func nextCommands(project migrationlink.ProjectInAtlas, cluster migrationlink.ClusterInAtlas) []string {
	flags := []string{
		"--projectId TARGET_PROJECT", "--clusterName TARGET_CLUSTER", "--sourceProjectId " + project.ProjectID,
		"--sourceClusterName " + console.ShellWord(cluster.Name), "--migrationHost " + console.ShellWord(migrationHost(project)),
	}
	if cluster.Managed {
		flags = append(flags, "--sourceManagedAuthentication")
	} else {
		flags = append(flags, `--sourceUsername SOURCE_USER --sourcePassword "$SOURCE_PASSWORD"`)
	}
	if cluster.TLS {
		flags = append(flags, "--sourceSsl")
	}
	source := strings.Join(flags, " ")
	return []string{
		"atlas liveMigrations validation create " + source,
		"atlas liveMigrations create " + source,
		"atlas liveMigrations cutover --projectId TARGET_PROJECT --liveMigrationId LIVE_MIGRATION",
	}
}
