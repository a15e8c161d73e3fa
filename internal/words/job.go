package words

import (
	"fmt"
	"strings"

	"github.com/migrationlink/migrationlink"
)

// Job is what a workflow does, and for which organization.
type Job struct {
	Manager, OrgID string
	Workflow       string // LinkWorkflow or UnlinkWorkflow; empty if it is not known
	Verifies       bool   // in Atlas, as far as that is known
}

// JobOf returns the job of a request.
func JobOf(request migrationlink.StartRequest) Job {
	if unlink := request.Unlink; unlink != nil {
		return Job{Manager: unlink.Manager, OrgID: unlink.OrgID, Workflow: migrationlink.UnlinkWorkflow}
	}
	return Job{Manager: request.Link.Manager, OrgID: request.Link.OrgID, Workflow: migrationlink.LinkWorkflow, Verifies: request.Link.VerifyInAtlas}
}

// WorkflowID is the business key of the organization.
func (j Job) WorkflowID() string { return migrationlink.WorkflowID(j.Manager, j.OrgID) }

// Unlinks reports whether the job is to remove the link.
func (j Job) Unlinks() bool { return j.Workflow == migrationlink.UnlinkWorkflow }

// Noun is what the job is called in sentences.
func (j Job) Noun() string {
	if j.Unlinks() {
		return "unlinking"
	}
	return "link"
}

// Command returns a command of the starter for the organization.
func (j Job) Command(name string, flags ...string) string {
	return strings.Join(append([]string{"starter", name, "--manager", j.Manager, "--org", j.OrgID}, flags...), " ")
}

// ExtendCommand moves the deadline.
func (j Job) ExtendCommand() string { return j.Command("extend", "--by 1h") }

// RetryCommand lets a blocked job continue, with another link-token if it needs one.
func (j Job) RetryCommand(problem *migrationlink.Problem, token migrationlink.TokenSource) string {
	if problem != nil && NeedsOtherToken(token, *problem) {
		return j.Command("retry", "--token-stdin")
	}
	return j.Command("retry")
}

// See is a remedy: look at the job once.
func (j Job) See() string { return fmt.Sprintf("See '%s'.", j.Command("status")) }

// Watch is a remedy: watch the job.
func (j Job) Watch() string { return fmt.Sprintf("Watch it with '%s'.", j.watchCommand()) }

// WatchOrCancel is the remedy of a command that ends before the job.
func (j Job) WatchOrCancel() string {
	return fmt.Sprintf("Watch it with '%s', cancel it with '%s'.", j.watchCommand(), j.CancelCommand())
}

// CancelCommand ends the job.
func (j Job) CancelCommand() string { return j.Command("cancel", "--reason TEXT") }

func (j Job) watchCommand() string {
	return fmt.Sprintf("starter status --watch --manager %s --org %s", j.Manager, j.OrgID)
}
