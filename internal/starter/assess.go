package starter

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"go.temporal.io/sdk/temporal"

	"github.com/migrationlink/migrationlink"
	"github.com/migrationlink/migrationlink/internal/console"
	"github.com/migrationlink/migrationlink/internal/links"
	"github.com/migrationlink/migrationlink/internal/words"
)

const assessHelp = `Assess reads the projects of a source organization and their hosts, and
compares their versions of MongoDB with what MongoDB documents for push live
migration. It changes nothing.

Verdicts of a deployment:
  ready    push live migration is documented for it
  useless  push live migration is documented not to work for it
  unknown  information is missing, and the output says which

An organization is ready if one of its deployments is, and useless if all are.
Each reason names its source and the month in which the source was checked.
worker.toml says whether a manager is Ops Manager or Cloud Manager, and can
override the versions.

With --all, it assesses every organization that the workers' API key can see,
and prints a line for each as soon as that organization is assessed. With -o
json, each line is an object.

Exit code 0 means that everything was read, whatever the verdict. Exit code 1
means that something could not be read.`

const assessExample = `  starter assess --manager demo --org 5f1b2c3d4e5f6a7b8c9d0e1f
  starter assess --manager demo --org 5f1b2c3d4e5f6a7b8c9d0e1f -o json

  # for a linked organization, also count the migration hosts that Atlas shows
  starter assess --manager demo --org 5f1b2c3d4e5f6a7b8c9d0e1f \
    --atlas demo --atlas-org 6a1b2c3d4e5f6a7b8c9d0e1f

  # every organization, and then only the useless ones
  starter assess --manager demo --all
  starter assess --manager demo --all -o json | jq -r 'select(.verdict == "useless").orgId'`

func (a *app) assessCommand() *cobra.Command {
	var (
		request migrationlink.AssessRequest
		all     bool
	)
	cmd := flagsOnly("assess", "Report whether MongoDB supports push live migration for an organization", assessHelp, assessExample, func(cmd *cobra.Command) error {
		if all {
			if err := checkAll(cmd, request.Manager); err != nil {
				return err
			}
			return a.assessAll(cmd.Context(), request.Manager)
		}
		if !cmd.Flags().Changed("org") && request.Manager != "" {
			return usageError(cmd, "--org: name an organization, or give --all")
		}
		if err := flagErrors(cmd, request.Validate(), nil, "atlas", "atlas-org"); err != nil {
			return err
		}
		return a.assess(cmd.Context(), request)
	})
	flags := cmd.Flags()
	targetFlags(cmd, &request.Manager, &request.OrgID)
	flags.Lookup("org").Usage = "id of the source organization, 24 hexadecimal digits (this or --all)"
	flags.BoolVar(&all, "all", false, "assess every organization that the workers' API key can see")
	flags.StringVar(&request.Atlas, "atlas", "", "with --org, also count the migration hosts through this Atlas connection of the workers' configuration")
	flags.StringVar(&request.AtlasOrgID, "atlas-org", "", "with --atlas, id of the target organization")
	return cmd
}

func checkAll(cmd *cobra.Command, manager string) error {
	var more []string
	for _, name := range []string{"org", "atlas", "atlas-org"} {
		if cmd.Flags().Changed(name) {
			more = append(more, "--"+name+": not with --all")
		}
	}
	return flagErrors(cmd, migrationlink.OrganizationsRequest{Manager: manager, Page: 1}.Validate(), more)
}

// workerTimeout is far above what a worker needs to answer that is there.
const workerTimeout = 5 * time.Second

// connectToWorker connects, and fails unless a worker answers: a read would wait for one.
func (a *app) connectToWorker(ctx context.Context) (*links.Client, error) {
	c, err := a.connect(ctx)
	if err != nil {
		return nil, err
	}
	if err = requireWorker(ctx, c); err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

// requireWorker fails unless a worker answers.
func requireWorker(ctx context.Context, c *links.Client) error {
	_, err := c.Known(ctx, workerTimeout)
	switch {
	case err == nil:
		return nil
	case ctx.Err() == nil && links.IsUnanswered(err):
		return console.Fail(console.ExitOther, "Start a worker, or check its log.", "no worker has answered on task queue %s within %s", migrationlink.TaskQueue, workerTimeout)
	}
	return readFailure(ctx, c, err)
}

// readFailure describes why a workflow that reads has failed.
func readFailure(ctx context.Context, c *links.Client, err error) error {
	if ctx.Err() != nil {
		_, why := console.Interruption(ctx)
		return console.Fail(console.ExitOther, "", "%s; nothing was changed", why)
	}
	if fields := refusedFields(err, migrationlink.ErrInvalidRequest); fields != nil {
		return console.Failure{Code: console.ExitUsage, Message: "the worker refuses the request", Remedy: "Correct the flags.", Problems: flagProblems(fields)}
	}
	if refused, ok := errors.AsType[*temporal.ApplicationError](err); ok {
		problem := problemOf(refused)
		return console.Fail(console.ExitOther, problem.Remedy, "%s", problem.Message)
	}
	if links.IsUnanswered(err) {
		return console.Fail(console.ExitOther, "Check the worker's log.", "no worker has answered in time")
	}
	return c.Explain(ctx, err)
}

func (a *app) assess(ctx context.Context, request migrationlink.AssessRequest) error {
	c, err := a.connectToWorker(ctx)
	if err != nil {
		return err
	}
	defer c.Close()
	var found migrationlink.Assessment
	a.WithWaitHint("manager "+request.Manager, func() { found, err = c.Assess(ctx, request, links.ReadTimeout) })
	if err != nil {
		return readFailure(ctx, c, err)
	}
	if a.JSON() {
		return errors.Join(a.PrintJSON(found), notAssessed(found))
	}
	fmt.Fprint(a.Env.Stdout, a.assessedText(found))
	return notAssessed(found)
}

// notAssessed is nil if everything was read.
func notAssessed(found migrationlink.Assessment) error {
	if found.Problem == nil {
		return nil
	}
	return console.Fail(console.ExitOther, found.Problem.Remedy, "not everything was read: %s", found.Problem.Message)
}

func (a *app) assessedText(found migrationlink.Assessment) string {
	why, remedy := words.Why(found)
	if found.Problem != nil {
		remedy = "" // the failure says it
	}
	var text strings.Builder
	for _, fact := range [][2]string{
		{"organization", found.OrgID},
		{"manager", strings.TrimSuffix(found.Manager+", "+string(found.Kind), ", ")},
		{"verdict", string(found.Verdict)},
		{"why", why},
		{"remedy", remedy},
		{"projects", fmt.Sprintf("%d, with %s", found.Projects, words.Count(found.Hosts, "host"))},
		{"deployments", words.Deployments(found)},
		{"Atlas", atlasShows(found)},
	} {
		if fact[1] != "" {
			fmt.Fprintf(&text, "%-12s  %s\n", fact[0], fact[1])
		}
	}
	if len(found.Deployments) == 0 {
		return text.String()
	}
	text.WriteString("\n")
	a.writeTable(&text, func(width int) []console.Line { return console.Table(deploymentColumns(), found.Deployments, width) })
	if more := found.All() - len(found.Deployments); more > 0 {
		fmt.Fprintf(&text, "… and %s\n", words.Count(more, "other"))
	}
	return text.String()
}

// atlasShows is empty if Atlas was not asked.
func atlasShows(found migrationlink.Assessment) string {
	if found.ProjectsInAtlas == nil {
		return ""
	}
	return fmt.Sprintf("shows %d of %s, with %s", *found.ProjectsInAtlas, words.Count(found.Projects, "project"), words.Count(*found.MigrationHosts, "migration host"))
}

// writeTable fits a table into the terminal, if there is one.
func (a *app) writeTable(text *strings.Builder, table func(width int) []console.Line) {
	width := 0
	if a.Env.IsTerminal(a.Env.Stdout) {
		width = a.Env.TerminalWidth(a.Env.Stdout)
	}
	for _, row := range table(width) {
		text.WriteString(row.Render(width > 0 && a.Env.Colour()) + "\n")
	}
}

func deploymentColumns() []console.Column[migrationlink.AssessedDeployment] {
	type deployment = migrationlink.AssessedDeployment
	text := func(cell func(deployment) string) func(deployment) console.Span {
		return func(d deployment) console.Span { return console.Span{Text: words.OneLine(cell(d))} }
	}
	return []console.Column[deployment]{
		{Title: "PROJECT", Rank: 2, Cell: text(func(d deployment) string { return d.ProjectID })},
		{Title: "DEPLOYMENT", Rank: 0, Cell: text(func(d deployment) string { return d.Name })},
		{Title: "TYPE", Rank: 3, Cell: text(func(d deployment) string { return string(d.Type) })},
		{Title: "HOSTS", Rank: 4, Cell: text(func(d deployment) string { return fmt.Sprint(d.Hosts) })},
		{Title: "MONGODB", Rank: 1, Cell: text(func(d deployment) string { return strings.Join(d.Versions, " ") })},
		{Title: "VERDICT", Rank: 0, Cell: func(d deployment) console.Span {
			return console.Span{Text: string(d.Verdict), Style: verdictStyle(d.Verdict)}
		}},
		{Title: "WHY", Rank: 5, Cell: text(func(d deployment) string { return d.Rule + d.Missing })},
	}
}

func verdictStyle(verdict migrationlink.Verdict) console.Style {
	switch verdict {
	case migrationlink.VerdictReady:
		return console.Green
	case migrationlink.VerdictUseless:
		return console.Red
	case migrationlink.VerdictUnknown:
		return console.Yellow
	}
	return console.Normal
}
