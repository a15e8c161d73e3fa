package workflows

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"go.temporal.io/sdk/workflow"

	"github.com/migrationlink/migrationlink"
	"github.com/migrationlink/migrationlink/internal/seal"
)

// enter begins a phase, which ends at the deadline at the latest.
func (o *operation) enter(ctx workflow.Context, phase migrationlink.Phase, deadline time.Time) {
	if o.status.Phase != phase || !o.entered {
		o.status.PhaseSince = now(ctx)
		o.log(ctx, phase, "deadline", deadline)
	}
	o.entered = true
	switch phase {
	case migrationlink.PhaseSyncing, migrationlink.PhaseVerifying, migrationlink.PhaseRemoving, migrationlink.PhaseUndoing:
		o.status.Problem = nil // it was one of the phase before
	}
	o.status.Phase, o.status.BlockedIn, o.status.Deadline = phase, "", deadline
	o.tell(ctx)
}

// log writes the line of a change of state. Its words and fields are documented in
// docs/operations.md.
func (o *operation) log(ctx workflow.Context, phase migrationlink.Phase, fields ...any) {
	if problem := o.status.Problem; problem != nil && (phase == migrationlink.PhaseBlocked || phase == migrationlink.PhaseEnded) {
		fields = append(fields, "type", problem.Type, "httpStatus", problem.HTTPStatus, "code", problem.Code)
	}
	workflow.GetLogger(ctx).Info("link "+string(phase), append([]any{"manager", o.target.Manager, "orgId", o.target.OrgID}, fields...)...)
}

// met records a problem, so that it is seen while it is being retried.
func (o *operation) met(ctx workflow.Context, err error) {
	if ctx.Err() != nil {
		return // the cancellation is no problem
	}
	o.served = o.served || !neverStarted(err)
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

// tell writes the story for the Web UI, in Markdown: a table, because the UI
// shows it best, with what to do in the row that stands out. Its words with braces
// are filled in by the UI.
func (o *operation) tell(ctx workflow.Context) {
	var text strings.Builder
	fmt.Fprintf(&text, "## %s\n| What to do | %s |\n| :--- | :--- |\n", o.headline(), o.whatToDo())
	row := func(name, value string) {
		if value != "" {
			fmt.Fprintf(&text, "| **%s** | %s |\n", name, value)
		}
	}
	if problem := o.status.Problem; problem != nil {
		row("Problem", plain(problem.Message))
	}
	row("Since", stamp(o.status.PhaseSince))
	row("Deadline", o.deadlineAndHow())
	row("Last status", plain(o.status.LinkStatus))
	row("Atlas", o.atlasStory())
	row("Next check", o.nextCheck())
	row("Cancelled because", plain(o.status.CancelReason))
	row("Organization", fmt.Sprintf("`%s` of manager `%s`", o.target.OrgID, o.target.Manager))
	workflow.SetCurrentDetails(ctx, text.String())
}

var headlines = map[migrationlink.Phase]string{
	migrationlink.PhaseCreating:  "Creating the link",
	migrationlink.PhaseSettling:  "Looking whether the link was created",
	migrationlink.PhaseSyncing:   "Waiting until the link is SYNCED",
	migrationlink.PhaseVerifying: "SYNCED; waiting until Atlas shows the projects",
	migrationlink.PhaseRemoving:  "Removing the link",
	migrationlink.PhaseUndoing:   "Removing the link again",
}

func (o *operation) headline() string {
	switch o.status.Phase {
	case migrationlink.PhaseEnded:
		return "Ended: " + string(o.result.Outcome)
	case migrationlink.PhaseBlocked:
		return "Blocked while " + string(o.status.BlockedIn) + " the link: a person has to act"
	}
	return headlines[o.status.Phase]
}

func (o *operation) whatToDo() string {
	if o.status.Problem == nil {
		return o.hint()
	}
	remedy := plain(o.status.Problem.Remedy)
	switch {
	case o.status.Phase != migrationlink.PhaseBlocked:
		return remedy
	case o.status.Problem.Type == migrationlink.ErrMigrationRunning:
		return remedy + " It goes on by itself then; to look at once: " + o.command("retry") + " or the signal `" + migrationlink.RetrySignal + "`."
	}
	if o.needsOtherToken() {
		return remedy + " Then " + o.command("retry", "--token-stdin") + ", or send the signal `" + migrationlink.RetrySignal + "` with the new link-token, sealed."
	}
	return remedy + " Then " + o.command("retry") + ", or send the signal `" + migrationlink.RetrySignal + "`."
}

// needsOtherToken tells whether it goes on only with another link-token: what is
// sealed stays as it is, while what a reference names is read anew, and what is
// made in Atlas is made anew. Workers without any identity can open none.
func (o *operation) needsOtherToken() bool {
	if o.asked.Link == nil || o.asked.Link.Token.Sealed == "" {
		return false
	}
	switch o.status.Problem.Type {
	case migrationlink.ErrTokenRejected:
		return true
	case migrationlink.ErrTokenNotOpened:
		return !strings.Contains(o.status.Problem.Message, seal.NoIdentities)
	}
	return false
}

func (o *operation) hint() string {
	end := "to end it: " + o.command("cancel", "--reason 'not needed'")
	switch o.status.Phase {
	case migrationlink.PhaseSyncing:
		return "Nothing. To look at once: " + o.command("check") + "; " + end
	case migrationlink.PhaseVerifying:
		return "Nothing; " + end
	}
	if remedy := o.tokensLeftRemedy(); remedy != "" {
		return remedy
	}
	return "Nothing."
}

func (o *operation) deadlineAndHow() string {
	if o.status.Deadline.IsZero() {
		return ""
	}
	return stamp(o.status.Deadline) + "; for more time: " + o.command("extend", "--by 1h")
}

func (o *operation) command(words ...string) string {
	target := fmt.Sprintf("--manager %s --org %s", o.target.Manager, o.target.OrgID)
	return "`starter " + strings.Join(slices.Insert(words, 1, target), " ") + "`"
}

const pendingActivities = "[pending activities](namespaces/{namespace}/workflows/{workflowId}/{runId}/pending-activities)"

func (o *operation) nextCheck() string {
	switch o.status.Phase {
	case migrationlink.PhaseSyncing, migrationlink.PhaseSettling, migrationlink.PhaseVerifying:
		return "within 45 s; the time and what the last one saw are under " + pendingActivities
	case migrationlink.PhaseBlocked:
		if o.status.Problem != nil && o.status.Problem.Type == migrationlink.ErrMigrationRunning {
			return "within 45 s, see " + pendingActivities
		}
		return "none until `" + migrationlink.RetrySignal + "`"
	}
	return stamp(o.nextAttempt)
}

// atlasStory tells what was done in Atlas, and seen there.
func (o *operation) atlasStory() string {
	seen := o.result.Atlas
	if seen == nil {
		return ""
	}
	var said []string
	switch {
	case seen.TokenDeleted:
		said = append(said, "a link-token was made, and deleted again")
	case seen.TokenCreated:
		said = append(said, "a link-token was made")
	}
	switch n := seen.TokensLeft; n {
	case 0:
	case 1:
		said = append(said, "1 that serves no link is left there")
	default:
		said = append(said, fmt.Sprintf("%d that serve no link are left there", n))
	}
	if seen.TokenInDoubt {
		said = append(said, "there may be a link-token that nobody knows")
	}
	if seen.SourceProjects > 0 {
		said = append(said, fmt.Sprintf("%d of %d projects are available", seen.AvailableProjects, seen.SourceProjects))
	}
	return strings.Join(said, "; ")
}

func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Format("2006-01-02 15:04:05 UTC")
}

// plain keeps words from outside from being read as Markdown.
func plain(text string) string {
	return strings.NewReplacer("\n", " ", "\r", " ", "`", "'", "\\", "\\\\", "*", "\\*", "_", "\\_", "<", "\\<",
		"[", "\\[", "#", "\\#", "|", "\\|", "~", "\\~", "$", "\\$", "{", "(", "}", ")").Replace(text)
}
