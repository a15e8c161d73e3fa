package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/migrationlink/migrationlink"
)

const doctorHelp = `Doctor checks everything that a link needs, and says what to do about what is
wrong: the Temporal that is named, its namespace, the workers on each task queue
and their version, the worker's configuration file, to whom link-tokens are
sealed, and what each manager and each Atlas says to the key of the workers. It
changes nothing, and makes no link-token.

Managers and Atlas are called by a worker, not by this program. A key can be
tried without an organization; its role is checked with --org, that in the
target organization with --atlas-org.

  ✓ good    ✗ wrong    – not checked, and why

MIGRATIONLINK_RECIPIENT, if it is set, must be a recipient of the workers. Take
it from where 'starter keygen' printed it, not from here: doctor only compares,
and anybody who runs a worker can name a recipient of their own. All recipients
are shown, in full with -o json.

The worker's configuration is checked where --config, or MIGRATIONLINK_CONFIG,
names it, or where there is a worker.toml in this directory.

Exit code 0 says that nothing is wrong, 7 that Temporal cannot be reached, 1 that
something else is wrong. Who does not answer is waited for up to 40 s.`

const doctorExample = `  starter doctor
  starter doctor --manager demo --org 5f1b2c3d4e5f6a7b8c9d0e1f
  starter doctor --atlas demo --atlas-org 6a1b2c3d4e5f6a7b8c9d0e1f
  starter doctor --config worker.toml -o json`

type doctorFlags struct {
	manager    string
	orgID      string
	atlas      string
	atlasOrgID string
	config     string
}

func (a *app) doctorCommand() *cobra.Command {
	var given doctorFlags
	cmd := &cobra.Command{
		Use:     "doctor",
		Short:   "Check Temporal, workers, keys and roles",
		Long:    doctorHelp,
		Example: doctorExample,
		Args:    noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := given.validate(cmd); err != nil {
				return err
			}
			return a.doctor(cmd.Context(), given)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&given.manager, "manager", "", "check this manager only")
	flags.StringVar(&given.orgID, "org", "", "organization of --manager in which the role of its key is checked")
	flags.StringVar(&given.atlas, "atlas", "", "check this Atlas only, of those in the worker's configuration")
	flags.StringVar(&given.atlasOrgID, "atlas-org", "", "target organization in Atlas in which the role of the key is checked")
	flags.StringVar(&given.config, "config", "", "configuration file of the worker, to be checked as well")
	return cmd
}

func (f doctorFlags) validate(cmd *cobra.Command) error {
	var problems []string
	if cmd.Flags().Changed("manager") && !migrationlink.ValidManagerName(f.manager) {
		problems = append(problems, "--manager: not a manager's name; use it as in the worker's configuration")
	}
	switch {
	case !cmd.Flags().Changed("org"):
	case !migrationlink.ValidOrgID(f.orgID):
		problems = append(problems, "--org: not an organization's id; use its 24 lower-case hexadecimal digits")
	case f.manager == "":
		problems = append(problems, "--org: name the manager of the organization with --manager")
	}
	if cmd.Flags().Changed("atlas") && !migrationlink.ValidManagerName(f.atlas) {
		problems = append(problems, "--atlas: not the name of an Atlas; use it as in the worker's configuration")
	}
	if cmd.Flags().Changed("atlas-org") && !migrationlink.ValidOrgID(f.atlasOrgID) {
		problems = append(problems, "--atlas-org: not an organization's id; use its 24 lower-case hexadecimal digits")
	}
	if len(problems) == 0 {
		return nil
	}
	return wrongUsage(cmd, problems...)
}

// check is one thing that was looked at, or not.
type check struct {
	Name    string `json:"name"`
	OK      bool   `json:"ok"`
	Skipped bool   `json:"skipped,omitempty"`
	Detail  string `json:"detail"`
	Remedy  string `json:"remedy,omitempty"`
	// Names are what Detail lists, unabridged.
	Names []string `json:"names,omitempty"`
}

func good(name, format string, args ...any) check {
	return check{Name: name, OK: true, Detail: fmt.Sprintf(format, args...)}
}

func bad(name, detail, remedy string) check {
	return check{Name: name, Detail: oneLine(detail), Remedy: oneLine(remedy)}
}

func skipped(name, why string) check {
	return check{Name: name, Skipped: true, Detail: "not checked: " + why}
}

// failed is a check that ended with an error.
func failed(name string, err error) check {
	told := tell(err)
	return bad(name, told.Message, told.Remedy)
}

// doctor looks at one thing after the other. Each needs those before it, but
// for the worker's file.
type doctor struct {
	*app
	given  doctorFlags
	server *server

	checks []check
	table  checkTable
	// obstacle is why what follows cannot be checked; empty if it can.
	obstacle string
	code     int
}

func (a *app) doctor(ctx context.Context, given doctorFlags) error {
	d := &doctor{app: a, given: given, table: a.newCheckTable(ctx)}
	d.examine(ctx)
	if d.server != nil {
		d.server.Close()
	}
	if ctx.Err() != nil {
		return failure{ExitOther, "interrupted before everything was checked", ""}
	}
	if a.json() {
		if err := a.printJSON(map[string][]check{"checks": d.checks}); err != nil {
			return err
		}
	}
	return d.verdict()
}

func (d *doctor) examine(ctx context.Context) {
	d.add(d.checkFile())
	d.checkTemporal(ctx)
	d.need("namespace", func() check { return d.checkNamespace(ctx) })
	d.need(deploymentCheck, func() check { return d.checkDeployment(ctx) })
	d.checkWorkers(ctx)
}

func (d *doctor) add(c check) {
	d.checks = append(d.checks, c)
	d.table.show(c)
}

// need adds a check that is made only if nothing is in its way.
func (d *doctor) need(name string, look func() check) {
	if d.obstacle != "" {
		d.add(skipped(name, d.obstacle))
		return
	}
	d.add(look())
}

// stops makes a failed check the reason why others are not made.
func (d *doctor) stops(c check, obstacle string) check {
	if !c.OK && !c.Skipped {
		d.obstacle = obstacle
	}
	return c
}

func (d *doctor) verdict() error {
	wrong := 0
	for _, c := range d.checks {
		if !c.OK && !c.Skipped {
			wrong++
		}
	}
	if wrong == 0 {
		return nil
	}
	if d.code == ExitOK {
		d.code = ExitOther
	}
	return failure{d.code, fmt.Sprintf("%d of %s failed", wrong, count(len(d.checks), "check")), ""}
}
