package cli

import (
	"github.com/spf13/cobra"

	"github.com/migrationlink/migrationlink"
)

const unlinkHelp = `Unlink removes the link of an organization, whoever made it, and sees that it is
gone; without a link it does nothing, and that is no error. While a migration
runs the manager refuses: with --on-blocked wait the link is removed as soon as
the migration has ended. Ctrl-C stops the watching, never the removal.

A link that is under way is not touched: cancel it first with 'starter cancel'.`

const unlinkExample = `  starter unlink --manager demo --org 5f1b2c3d4e5f6a7b8c9d0e1f

  # wait up to a day for the end of a migration, and do not watch that
  starter unlink --manager demo --org 5f1b2c3d4e5f6a7b8c9d0e1f --on-blocked wait --timeout 24h --detach`

type unlinkFlags struct {
	startFlags
	timeout string
}

func (a *app) unlinkCommand() *cobra.Command {
	var given unlinkFlags
	cmd := &cobra.Command{
		Use:     "unlink",
		Short:   "Remove the link of an organization",
		Long:    unlinkHelp,
		Example: unlinkExample,
		Args:    noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			request := given.request()
			if err := wrongFields(cmd, request.Validate(), "on-blocked", "timeout"); err != nil {
				return err
			}
			run := given.run()
			run.workflow = migrationlink.UnlinkWorkflow
			return a.start(cmd.Context(), a.newStart(run, migrationlink.StartRequest{Unlink: &request}, request), given.detach)
		},
	}
	given.register(cmd, "the removal")
	cmd.Flags().StringVar(&given.timeout, "timeout", "", "limit until the link is gone (default 15m)")
	return cmd
}

func (f unlinkFlags) request() migrationlink.UnlinkRequest {
	return migrationlink.UnlinkRequest{
		Manager:   f.manager,
		OrgID:     f.orgID,
		OnBlocked: migrationlink.BlockedPolicy(f.onBlocked),
		Timeout:   migrationlink.Duration(f.timeout),
	}
}
