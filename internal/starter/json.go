package starter

import (
	"cmp"
	"time"

	"github.com/migrationlink/migrationlink"
	"github.com/migrationlink/migrationlink/internal/links"
)

// runJSON names a run.
type runJSON struct {
	WorkflowID string `json:"workflowId"`
	RunID      string `json:"runId"`
}

func nameOf(r links.Run) runJSON { return runJSON{r.WorkflowID(), r.RunID} }

// targetJSON names what a run works on.
type targetJSON struct {
	Manager string `json:"manager"`
	OrgID   string `json:"orgId"`
}

func targetOf(r links.Run) targetJSON { return targetJSON{r.Manager, r.OrgID} }

// resultJSON is how a link ended.
type resultJSON struct {
	runJSON
	// Joined reports whether it was running before this command; with link and unlink only.
	Joined *bool `json:"joined,omitempty"`
	migrationlink.LinkResult
}

// receiptJSON is for a command that ends before the link.
type receiptJSON struct {
	runJSON
	Joined *bool `json:"joined,omitempty"`
	targetJSON
	// State is the word of statusJSON.
	State string `json:"state"`
}

// statusJSON is what a workflow is doing: the fields of migrationlink.Status and
// migrationlink.Progress, as far as they are known.
type statusJSON struct {
	runJSON
	// Joined reports whether it was running before this command; with link and unlink only.
	Joined   *bool  `json:"joined,omitempty"`
	Workflow string `json:"workflow"`
	targetJSON
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
	Target       migrationlink.Target       `json:"target,omitempty"`
	TargetReason migrationlink.TargetReason `json:"targetReason,omitempty"`
	// TargetProblem is that of migrationlink.Status.
	TargetProblem *migrationlink.Problem    `json:"targetProblem,omitempty"`
	Polls         int                       `json:"polls"`
	NextPollAt    time.Time                 `json:"nextPollAt,omitzero"`
	Attempt       int                       `json:"attempt,omitempty"`
	Paused        bool                      `json:"paused,omitempty"`
	Problem       *migrationlink.Problem    `json:"problem,omitempty"`
	CancelReason  string                    `json:"cancelReason,omitempty"`
	StartedAt     time.Time                 `json:"startedAt"`
	StartedBy     string                    `json:"startedBy,omitempty"`
	Result        *migrationlink.LinkResult `json:"result,omitempty"`
	// Worker is why no worker could be asked, or its answer not be read; then only what
	// Temporal itself knows is filled in.
	Worker string `json:"worker,omitempty"`
}

func statusOf(o links.Observation) statusJSON {
	return statusJSON{
		runJSON:  nameOf(o.Run),
		Workflow: o.Run.Workflow, targetJSON: targetOf(o.Run),
		State: o.State,
		Phase: o.Phase, BlockedIn: o.BlockedIn, PhaseSince: o.PhaseSince, Deadline: o.Deadline,
		LinkStatus: o.LinkStatus, SeenAt: o.SeenAt, Created: o.Created, CreatedAt: o.CreatedAt, InDoubt: o.InDoubt,
		Atlas: o.Atlas, Target: o.Target, TargetReason: o.TargetReason, TargetProblem: o.TargetProblem,
		Polls: o.Polls, NextPollAt: o.NextTry, Attempt: o.Attempt, Paused: o.Paused,
		Problem: o.Problem, CancelReason: o.CancelReason,
		StartedAt: o.StartedAt, StartedBy: o.Run.StartedBy, Result: o.Result,
		Worker: cmp.Or(o.NoWorker, o.Limited, o.Unread),
	}
}
