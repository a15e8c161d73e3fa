package cli

import (
	"fmt"
	"strings"

	commonpb "go.temporal.io/api/common/v1"
	workflowpb "go.temporal.io/api/workflow/v1"

	"github.com/migrationlink/migrationlink"
)

// linkRun is one run of a workflow that works on the link of one organization.
type linkRun struct {
	manager, orgID string
	workflow       string // its type; empty means not known yet
	runID          string
	startedBy      string
	verifies       bool // in Atlas, as far as that is known
}

func (r linkRun) workflowID() string { return migrationlink.WorkflowID(r.manager, r.orgID) }

func (r linkRun) flags() string { return fmt.Sprintf("--manager %s --org %s", r.manager, r.orgID) }

// of adds what Temporal knows of the run.
func (r linkRun) of(info *workflowpb.WorkflowExecutionInfo) linkRun {
	r.runID, r.workflow = info.GetExecution().GetRunId(), info.GetType().GetName()
	r.startedBy = startedBy(info.GetMemo())
	return r
}

func (r linkRun) unlinks() bool { return r.workflow == migrationlink.UnlinkWorkflow }

// noun is what the workflow is called in sentences.
func (r linkRun) noun() string {
	if r.unlinks() {
		return "unlinking"
	}
	return "link"
}

// howToGoOn are the remedies of a command that ends before its link.
func (r linkRun) howToGoOn() string {
	return fmt.Sprintf("Watch it with 'starter status --watch %s', cancel it with 'starter cancel %s --reason TEXT'.", r.flags(), r.flags())
}

// startedBy leaves out what makes the memo of two starts by one user differ.
func startedBy(memo *commonpb.Memo) string {
	who := memoOf(memo, migrationlink.StartedByMemo)
	if user, _, marked := strings.Cut(who, " "); marked && strings.Contains(user, "@") {
		who = user
	}
	return oneLine(who)
}

func (r linkRun) extendCommand() string {
	return fmt.Sprintf("starter extend %s --by 1h", r.flags())
}
