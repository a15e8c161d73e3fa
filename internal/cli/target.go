package cli

import (
	"github.com/spf13/cobra"

	"github.com/migrationlink/migrationlink"
)

// target are the flags that name a link.
type target struct {
	manager string
	orgID   string
}

func (t *target) register(cmd *cobra.Command) {
	cmd.Flags().StringVar(&t.manager, "manager", "", "name of the manager in the workers' configuration (required)")
	cmd.Flags().StringVar(&t.orgID, "org", "", "id of the source organization, 24 hexadecimal digits (required)")
}

func (t target) validate() error { return migrationlink.ValidateTarget(t.manager, t.orgID) }

func (t target) run() linkRun { return linkRun{manager: t.manager, orgID: t.orgID} }
