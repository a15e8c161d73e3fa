package cli

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/migrationlink/migrationlink"
)

// printJSON writes the one object of a command, on one line so that line-based
// tools can read it.
func (a *app) printJSON(value any) error {
	text, err := json.Marshal(value)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(a.env.Stdout, string(text))
	return err
}

// runJSON names a run.
type runJSON struct {
	WorkflowID string `json:"workflowId"`
	RunID      string `json:"runId"`
}

func (r linkRun) json() runJSON { return runJSON{r.workflowID(), r.runID} }

// targetJSON names what a run works on.
type targetJSON struct {
	Manager string `json:"manager"`
	OrgID   string `json:"orgId"`
}

func (r linkRun) target() targetJSON { return targetJSON{r.manager, r.orgID} }

// resultJSON is how a link ended.
type resultJSON struct {
	runJSON
	// Joined says that it was under way before this command; with link and unlink
	// only.
	Joined *bool `json:"joined,omitempty"`
	migrationlink.LinkResult
}

// receiptJSON is for a command that ends before the link.
type receiptJSON struct {
	runJSON
	Joined  *bool  `json:"joined,omitempty"`
	Manager string `json:"manager"`
	OrgID   string `json:"orgId"`
	// State is the word of statusJSON.
	State string `json:"state"`
}

func (r linkRun) receipt(joined *bool) receiptJSON {
	return receiptJSON{runJSON: r.json(), Joined: joined, Manager: r.manager, OrgID: r.orgID, State: stateRunning}
}

// statusJSON is what a workflow is doing: the fields of migrationlink.Status and
// migrationlink.Progress, as far as they are known.
type statusJSON struct {
	runJSON
	// Joined says that it was under way before this command; with link and unlink
	// only.
	Joined   *bool  `json:"joined,omitempty"`
	Workflow string `json:"workflow"`
	Manager  string `json:"manager"`
	OrgID    string `json:"orgId"`
	// State is "running", or how the run ended: "completed",
	// "failed", "cancelled", "terminated", "timed-out".
	State        string                     `json:"state"`
	Phase        migrationlink.Phase        `json:"phase,omitempty"`
	BlockedIn    migrationlink.Phase        `json:"blockedIn,omitempty"`
	PhaseSince   time.Time                  `json:"phaseSince,omitzero"`
	Deadline     time.Time                  `json:"deadline,omitzero"`
	LinkStatus   string                     `json:"linkStatus,omitempty"`
	SeenAt       time.Time                  `json:"seenAt,omitzero"`
	Created      bool                       `json:"created"`
	CreatedAt    time.Time                  `json:"createdAt,omitzero"`
	InDoubt      bool                       `json:"inDoubt,omitempty"`
	Atlas        *migrationlink.AtlasResult `json:"atlas,omitempty"`
	Polls        int                        `json:"polls"`
	NextPollAt   time.Time                  `json:"nextPollAt,omitzero"`
	Attempt      int                        `json:"attempt,omitempty"`
	Paused       bool                       `json:"paused,omitempty"`
	Problem      *migrationlink.Problem     `json:"problem,omitempty"`
	CancelReason string                     `json:"cancelReason,omitempty"`
	StartedAt    time.Time                  `json:"startedAt"`
	StartedBy    string                     `json:"startedBy,omitempty"`
	Result       *migrationlink.LinkResult  `json:"result,omitempty"`
	// Worker says why no worker could be asked; then only what Temporal itself
	// knows is filled in.
	Worker string `json:"worker,omitempty"`
}

func (o observation) json() statusJSON {
	return statusJSON{
		runJSON:  o.run.json(),
		Workflow: o.run.workflow, Manager: o.run.manager, OrgID: o.run.orgID,
		State: o.state,
		Phase: o.phase, BlockedIn: o.blockedIn, PhaseSince: o.phaseSince, Deadline: o.deadline,
		LinkStatus: o.linkStatus, SeenAt: o.seenAt, Created: o.created, CreatedAt: o.createdAt, InDoubt: o.inDoubt,
		Atlas: o.atlas, Polls: o.polls, NextPollAt: o.nextTry, Attempt: o.attempt, Paused: o.paused,
		Problem: o.problem, CancelReason: o.cancelReason,
		StartedAt: o.startedAt, StartedBy: o.run.startedBy, Result: o.result,
		Worker: o.noWorker,
	}
}
