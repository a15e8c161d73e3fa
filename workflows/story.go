package workflows

import (
	"fmt"
	"strings"
	"time"

	"go.temporal.io/sdk/workflow"

	"github.com/migrationlink/migrationlink"
)

// enter begins a phase, which ends at the deadline at the latest.
func (r *linkRun) enter(ctx workflow.Context, phase migrationlink.Phase, deadline time.Time) {
	if r.status.Phase != phase {
		r.status.PhaseSince = now(ctx)
		workflow.GetLogger(ctx).Info("link "+string(phase), "manager", r.request.Manager, "orgId", r.request.OrgID, "deadline", deadline)
	}
	if phase == migrationlink.PhaseSyncing || phase == migrationlink.PhaseUndoing {
		r.status.Problem = nil // it was one of the phase before
	}
	r.status.Phase, r.status.Deadline = phase, deadline
	r.tell(ctx)
}

// met records a problem, so that it is seen while it is being retried.
func (r *linkRun) met(ctx workflow.Context, err error) {
	if ctx.Err() != nil {
		return // the cancellation is no problem
	}
	problem := problemOf(err)
	r.status.Problem = &problem
	r.tell(ctx)
}

// warn shows what the manager said against a link that it accepted.
func (r *linkRun) warn(ctx workflow.Context) {
	if r.warning == "" {
		return
	}
	r.status.Problem = &migrationlink.Problem{
		Type:    migrationlink.ErrNotSynced,
		Message: "the manager accepted the link, and reports: " + r.warning,
		Remedy:  "Look at the manager's Live Migration page. It may heal by itself: the status is read on.",
	}
	r.tell(ctx)
}

// tell writes the story for the Web UI, in Markdown.
func (r *linkRun) tell(ctx workflow.Context) {
	var text strings.Builder
	line := func(name, value string) {
		if value != "" {
			fmt.Fprintf(&text, "- **%s:** %s\n", name, value)
		}
	}
	fmt.Fprintf(&text, "### %s\n", r.headline())
	line("Organization", fmt.Sprintf("`%s` of manager `%s`", r.request.OrgID, r.request.Manager))
	line("Last status", r.status.LinkStatus)
	line("Since", stamp(r.status.PhaseSince))
	line("Deadline", stamp(r.status.Deadline))
	line("Cancelled because", plain(r.status.CancelReason))
	if problem := r.status.Problem; problem != nil {
		line("Problem", plain(problem.Message))
		line("What to do", plain(problem.Remedy))
	} else {
		line("What to do", r.hint())
	}
	workflow.SetCurrentDetails(ctx, text.String())
}

func (r *linkRun) headline() string {
	switch r.status.Phase {
	case migrationlink.PhaseCreating:
		return "Creating the link"
	case migrationlink.PhaseSettling:
		return "Looking whether the link was created"
	case migrationlink.PhaseSyncing:
		return "Waiting until the link is SYNCED"
	case migrationlink.PhaseUndoing:
		return "Removing the link"
	}
	return "Ended: " + string(r.result.Outcome)
}

func (r *linkRun) hint() string {
	if r.status.Phase == migrationlink.PhaseSyncing {
		return "Nothing, or cancel with the signal `" + migrationlink.CancelSignal + "`. The polls and what they see are on the pending activity."
	}
	return ""
}

func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Format(time.RFC3339)
}

// plain keeps words from outside from being read as Markdown.
func plain(text string) string {
	return strings.NewReplacer("\n", " ", "\r", " ", "`", "'", "*", "\\*", "_", "\\_", "<", "&lt;", "[", "\\[", "#", "\\#").Replace(text)
}
