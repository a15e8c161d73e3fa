package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/migrationlink/migrationlink"
)

const checkHelp = `Check has a worker read the status of the link from the manager at once, beside
whatever is under way, and shows it. A link that is SYNCED by then ends as such.
Exit code 3 says that the manager did not tell the status, and why.`

const checkExample = `  starter check --manager demo --org 5f1b2c3d4e5f6a7b8c9d0e1f
  starter check --manager demo --org 5f1b2c3d4e5f6a7b8c9d0e1f -o json`

func (a *app) checkCommand() *cobra.Command {
	var given target
	cmd := &cobra.Command{
		Use:     "check",
		Short:   "Ask the manager now for the status of a link that is under way",
		Long:    checkHelp,
		Example: checkExample,
		Args:    noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := wrongFields(cmd, given.validate()); err != nil {
				return err
			}
			return a.check(cmd.Context(), given.run())
		},
	}
	given.register(cmd)
	return cmd
}

func (a *app) check(ctx context.Context, run linkRun) error {
	s, err := a.connect(ctx)
	if err != nil {
		return err
	}
	defer s.Close()
	run, err = s.underWay(ctx, run)
	if err != nil {
		return err
	}
	var seen migrationlink.Check
	a.patiently("the manager", func() { err = s.update(ctx, run, migrationlink.CheckUpdate, nil, &seen) })
	if err != nil {
		return refusedBy(err, run, ExitFailed)
	}
	if a.json() {
		return a.printJSON(struct {
			runJSON
			targetJSON
			migrationlink.Check
		}{run.json(), run.target(), seen})
	}
	a.say("%s, seen at %s", oneLine(seen.LinkStatus), stamp(seen.SeenAt, a.env.Now(), a.env.Location))
	return nil
}
