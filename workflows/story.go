package workflows

import (
	"fmt"
	"strings"
	"time"

	"go.temporal.io/sdk/workflow"

	"github.com/migrationlink/migrationlink"
)

// enter begins a phase, which ends at the deadline at the latest.
func (o *operation) enter(ctx workflow.Context, phase migrationlink.Phase, deadline time.Time) {
	if o.status.Phase != phase {
		o.status.PhaseSince = now(ctx)
		workflow.GetLogger(ctx).Info("link "+string(phase), "manager", o.target.Manager, "orgId", o.target.OrgID, "deadline", deadline)
	}
	switch phase {
	case migrationlink.PhaseSyncing, migrationlink.PhaseRemoving, migrationlink.PhaseUndoing:
		o.status.Problem = nil // it was one of the phase before
	}
	o.status.Phase, o.status.Deadline = phase, deadline
	o.tell(ctx)
}

// met records a problem, so that it is seen while it is being retried.
func (o *operation) met(ctx workflow.Context, err error) {
	if ctx.Err() != nil {
		return // the cancellation is no problem
	}
	problem := problemOf(err)
	o.status.Problem = &problem
	o.tell(ctx)
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
func (o *operation) tell(ctx workflow.Context) {
	var text strings.Builder
	line := func(name, value string) {
		if value != "" {
			fmt.Fprintf(&text, "- **%s:** %s\n", name, value)
		}
	}
	fmt.Fprintf(&text, "### %s\n", o.headline())
	line("Organization", fmt.Sprintf("`%s` of manager `%s`", o.target.OrgID, o.target.Manager))
	line("Last status", o.status.LinkStatus)
	line("Since", stamp(o.status.PhaseSince))
	line("Deadline", stamp(o.status.Deadline))
	line("Next check", o.nextCheck())
	line("Cancelled because", plain(o.status.CancelReason))
	if problem := o.status.Problem; problem != nil {
		line("Problem", plain(problem.Message))
		line("What to do", plain(problem.Remedy)+o.thenRetry())
	} else {
		line("What to do", o.hint())
	}
	workflow.SetCurrentDetails(ctx, text.String())
}

var headlines = map[migrationlink.Phase]string{
	migrationlink.PhaseCreating: "Creating the link",
	migrationlink.PhaseSettling: "Looking whether the link was created",
	migrationlink.PhaseSyncing:  "Waiting until the link is SYNCED",
	migrationlink.PhaseRemoving: "Removing the link",
	migrationlink.PhaseUndoing:  "Removing the link again",
}

func (o *operation) headline() string {
	switch o.status.Phase {
	case migrationlink.PhaseEnded:
		return "Ended: " + string(o.result.Outcome)
	case migrationlink.PhaseBlocked:
		return "BLOCKED: " + strings.ToLower(headlines[o.status.BlockedIn][:1]) + headlines[o.status.BlockedIn][1:]
	}
	return headlines[o.status.Phase]
}

func (o *operation) nextCheck() string {
	switch {
	case !o.nextAttempt.IsZero():
		return stamp(o.nextAttempt)
	case o.status.Phase == migrationlink.PhaseSyncing, o.status.Phase == migrationlink.PhaseSettling:
		return "after 15 % of the time waited, 1 s to 45 s; the very time is on the pending activity `" + migrationlink.AwaitSyncedActivity + "`"
	}
	return ""
}

func (o *operation) hint() string {
	if o.status.Phase == migrationlink.PhaseSyncing {
		return "Nothing. To look at once send the update `" + migrationlink.CheckUpdate + "`, for more time `" + migrationlink.ExtendUpdate +
			"`, to end it the signal `" + migrationlink.CancelSignal + "`."
	}
	return ""
}

func (o *operation) thenRetry() string {
	switch {
	case o.status.Phase != migrationlink.PhaseBlocked:
		return ""
	case o.status.Problem.Type == migrationlink.ErrMigrationRunning:
		return " It goes on by itself then; the signal `" + migrationlink.RetrySignal + "` looks at once."
	}
	return " Then send the signal `" + migrationlink.RetrySignal + "` (`starter retry`)."
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
