package words

import (
	"fmt"
	"strings"
	"time"

	"github.com/migrationlink/migrationlink"
	"github.com/migrationlink/migrationlink/redact"
)

// Page is what the Web UI shows of a workflow that links or unlinks an organization.
type Page struct {
	migrationlink.Status
	// NextAttempt is when the workflow tries again, zero where it does not decide that.
	NextAttempt time.Time
	// Token is the source of the link-token that is in use.
	Token migrationlink.TokenSource
	// LinkStays reports whether the request leaves a link that it made.
	LinkStays bool
}

// Markdown renders the page as a table, which the Web UI shows best, with the remedy in
// the row that stands out. The Web UI fills in the words in braces.
func (p Page) Markdown() string {
	var text strings.Builder
	fmt.Fprintf(&text, "## %s\n| What to do | %s |\n| :--- | :--- |\n", p.headline(), p.whatToDo())
	row := func(name, value string) {
		if value != "" {
			fmt.Fprintf(&text, "| **%s** | %s |\n", name, value)
		}
	}
	if p.Problem != nil {
		row("Problem", plain(p.Problem.Message))
	}
	row("Since", stamp(p.PhaseSince))
	if !p.Deadline.IsZero() {
		row("Deadline", stamp(p.Deadline)+"; for more time: "+p.command("extend", "--by 1h"))
	}
	row("Last status", plain(p.LinkStatus))
	row("Atlas", p.atlas())
	row("Target", plain(Target(p.Target, p.TargetReason, p.TargetProblem)))
	row("Next check", p.nextCheck())
	row("Cancelled because", plain(p.CancelReason))
	row("Organization", fmt.Sprintf("`%s` of manager `%s`", p.OrgID, p.Manager))
	return text.String()
}

var headlines = map[migrationlink.Phase]string{
	migrationlink.PhaseCreating:  "Creating the link",
	migrationlink.PhaseSettling:  "Checking whether the link was created",
	migrationlink.PhaseSyncing:   "Waiting until the link is SYNCED",
	migrationlink.PhaseVerifying: "SYNCED; waiting until Atlas shows the projects",
	migrationlink.PhaseRemoving:  "Removing the link",
	migrationlink.PhaseUndoing:   "Removing the link again",
}

func (p Page) headline() string {
	switch {
	case p.Phase == migrationlink.PhaseEnded && p.Result != nil:
		return "Ended: " + string(p.Result.Outcome)
	case p.Phase == migrationlink.PhaseBlocked:
		return "Blocked while " + string(p.BlockedIn) + " the link: a person has to act"
	}
	return headlines[p.Phase]
}

func (p Page) whatToDo() string {
	if p.Problem == nil {
		return p.hint()
	}
	remedy := plain(p.Problem.Remedy)
	switch {
	case p.Phase != migrationlink.PhaseBlocked:
		return remedy
	case p.Problem.Type == migrationlink.ErrMigrationRunning:
		return remedy + " Then it continues by itself; to check now: " + p.command("retry") + " or the signal `" + migrationlink.RetrySignal + "`."
	case p.Problem.Type == migrationlink.ErrWrongTarget:
		remedy += replaceBlocked
	case NeedsOtherToken(p.Token, *p.Problem):
		return remedy + " Then " + p.command("retry", "--token-stdin") + ", or send the signal `" + migrationlink.RetrySignal + "` with the new link-token, sealed."
	}
	return remedy + " Then " + p.command("retry") + ", or send the signal `" + migrationlink.RetrySignal + "`."
}

func (p Page) hint() string {
	end := "to end it: " + p.command("cancel", "--reason 'not needed'")
	switch p.Phase {
	case migrationlink.PhaseSyncing:
		return "Nothing. To check now: " + p.command("check") + "; " + end
	case migrationlink.PhaseVerifying:
		return "Nothing; " + end
	default:
	}
	if remedy := TokensLeftRemedy(p.Atlas, p.LinkStays); remedy != "" {
		return remedy
	}
	return "Nothing."
}

func (p Page) command(name string, flags ...string) string {
	return "`" + Job{Manager: p.Manager, OrgID: p.OrgID}.Command(name, flags...) + "`"
}

const pendingActivities = "[pending activities](namespaces/{namespace}/workflows/{workflowId}/{runId}/pending-activities)"

func (p Page) nextCheck() string {
	switch p.Phase {
	case migrationlink.PhaseSyncing, migrationlink.PhaseSettling, migrationlink.PhaseVerifying:
		return "automatic; " + pendingActivities + " show the time, and what the last check saw"
	case migrationlink.PhaseBlocked:
		if p.Problem != nil && p.Problem.Type == migrationlink.ErrMigrationRunning {
			return "automatic, see " + pendingActivities
		}
		return "none until `" + migrationlink.RetrySignal + "`"
	default:
		return stamp(p.NextAttempt)
	}
}

// atlas says what was done in Atlas, and seen there.
func (p Page) atlas() string {
	seen := p.Atlas
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
	said = append(said, TokensLeft(seen, p.LinkStays)...)
	if seen.SourceProjects > 0 {
		said = append(said, fmt.Sprintf("%d of %d projects are available", seen.AvailableProjects, seen.SourceProjects))
	}
	return strings.Join(said, "; ")
}

// maxShown bounds a text from outside on the page of a workflow, in characters.
const maxShown = 2000

func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Format("2006-01-02 15:04:05 UTC")
}

// plain keeps text from outside from being read as Markdown, or as a link.
func plain(text string) string {
	return strings.NewReplacer("://", "\\://", "www.", "www\\.", "@", "\\@", "`", "'", "\\", "\\\\", "*", "\\*", "_", "\\_", "<", "\\<",
		"[", "\\[", "#", "\\#", "|", "\\|", "~", "\\~", "$", "\\$", "{", "(", "}", ")").Replace(redact.Line(text, maxShown))
}
