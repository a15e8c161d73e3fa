package cli

import (
	"fmt"

	"github.com/migrationlink/migrationlink"
)

// linkRun is one run of the workflow of one organization.
type linkRun struct {
	manager, orgID string
	runID          string
}

func (r linkRun) workflowID() string { return migrationlink.WorkflowID(r.manager, r.orgID) }

func (r linkRun) flags() string { return fmt.Sprintf("--manager %s --org %s", r.manager, r.orgID) }

// howToGoOn are the remedies of a command that ends before its link.
func (r linkRun) howToGoOn() string {
	return fmt.Sprintf("Watch it with 'starter status --watch %s', cancel it with 'starter cancel %s --reason TEXT'.", r.flags(), r.flags())
}
