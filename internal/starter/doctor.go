package starter

import (
	"github.com/spf13/cobra"

	"github.com/migrationlink/migrationlink"
	"github.com/migrationlink/migrationlink/internal/doctor"
)

const doctorHelp = `Doctor checks everything that a link needs, and says how to fix what is wrong:
Temporal and its namespace, the workers on each task queue and their versions,
the worker's configuration file, the recipients of link-tokens, the answers of
each manager and of Atlas to the workers' keys, and the clocks. It changes
nothing and creates no link-token.

A worker calls the managers and Atlas; this program does not. Doctor checks
each key. To check the role of a manager's key, give --org; for a key of Atlas,
give --atlas-org.

  ✓ good    ✗ wrong    – not checked, and why

If MIGRATIONLINK_RECIPIENT is set, it must be a recipient of the workers. Take
it from the output of 'starter keygen', not from here: doctor only compares,
and anybody who runs a worker can publish a recipient of their own. Doctor
shows all recipients, in full with -o json.

Doctor checks the worker's configuration file that --config or
MIGRATIONLINK_CONFIG names, or worker.toml in this directory. With --org, the
default of --manager is MIGRATIONLINK_MANAGER.

Exit code 0 means that everything is good, 7 that Temporal cannot be reached,
and 1 that something else is wrong. Doctor waits up to 40 s for replies.`

const doctorExample = `  starter doctor
  starter doctor --manager demo --org 5f1b2c3d4e5f6a7b8c9d0e1f
  starter doctor --atlas demo --atlas-org 6a1b2c3d4e5f6a7b8c9d0e1f
  starter doctor --config worker.toml -o json
  starter doctor --nexus migration-link`

type doctorFlags struct{ doctor.Request }

func (a *app) doctorCommand() *cobra.Command {
	var given doctorFlags
	cmd := flagsOnly("doctor", "Check Temporal, workers, keys and roles", doctorHelp, doctorExample, func(cmd *cobra.Command) error {
		if err := given.validate(cmd); err != nil {
			return err
		}
		given.Profile, given.Recipient, given.Connect = a.profile, recipientVariable, a.connect
		return doctor.Run(cmd.Context(), &a.Console, given.Request)
	})
	flags := cmd.Flags()
	flags.StringVar(&given.Manager, "manager", "", "check only this manager")
	flags.StringVar(&given.OrgID, "org", "", "also check the role of the manager's key in this organization")
	flags.StringVar(&given.Atlas, "atlas", "", "check only this Atlas connection of the workers' configuration")
	flags.StringVar(&given.AtlasOrgID, "atlas-org", "", "also check the role of Atlas's key in this target organization")
	flags.StringVar(&given.Nexus, "nexus", "", "also check this Nexus endpoint, through which callers in other namespaces link")
	flags.StringVar(&given.Config, "config", "", "also check this configuration file of a worker")
	return cmd
}

func (f doctorFlags) validate(cmd *cobra.Command) error {
	var problems []string
	if cmd.Flags().Changed("manager") && !migrationlink.ValidManagerName(f.Manager) {
		problems = append(problems, "--manager: invalid manager name; use NAME of a section [managers.NAME] in the worker's configuration")
	}
	switch {
	case !cmd.Flags().Changed("org"):
	case !migrationlink.ValidOrgID(f.OrgID):
		problems = append(problems, "--org: not an organization's id; use its 24 lower-case hexadecimal digits")
	case f.Manager == "":
		problems = append(problems, "--org: name the manager of the organization with --manager")
	}
	if cmd.Flags().Changed("atlas") && !migrationlink.ValidManagerName(f.Atlas) {
		problems = append(problems, "--atlas: invalid Atlas name; use NAME of a section [atlas.NAME] in the worker's configuration")
	}
	if cmd.Flags().Changed("atlas-org") && !migrationlink.ValidOrgID(f.AtlasOrgID) {
		problems = append(problems, "--atlas-org: not an organization's id; use its 24 lower-case hexadecimal digits")
	}
	return usageError(cmd, problems...)
}
