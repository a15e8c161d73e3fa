package link

import (
	"time"

	"go.temporal.io/sdk/workflow"

	"github.com/migrationlink/migrationlink"
)

// remember puts into the memo, which lists show, what Temporal's own status does not show.
func (o *operation) remember(ctx workflow.Context, memo map[string]any) {
	if err := workflow.UpsertMemo(ctx, memo); err != nil {
		workflow.GetLogger(ctx).Warn("the memo could not be written", "error", err)
	}
}

func (o *operation) rememberBlocked(ctx workflow.Context, problemType string) {
	o.remember(ctx, map[string]any{
		migrationlink.PhaseMemo:        string(migrationlink.PhaseBlocked),
		migrationlink.ProblemMemo:      problemType,
		migrationlink.ProblemSinceMemo: now(ctx).Format(time.RFC3339),
	})
}

// forgetBlocked clears the memo of a block. A link that is ending keeps its problem, so that a
// repeated command chooses it again.
func (o *operation) forgetBlocked(ctx workflow.Context) {
	if o.isEnding() {
		o.remember(ctx, map[string]any{migrationlink.PhaseMemo: string(migrationlink.PhaseUndoing)})
		return
	}
	o.remember(ctx, map[string]any{migrationlink.PhaseMemo: "", migrationlink.ProblemMemo: "", migrationlink.ProblemSinceMemo: ""})
}

// rememberEnd writes the outcome into the memo, unless Temporal's own status shows it.
func (o *operation) rememberEnd(ctx workflow.Context) {
	switch o.result.Outcome {
	case migrationlink.OutcomeLinked, migrationlink.OutcomeUnlinked, migrationlink.OutcomeCancelled:
		return
	case migrationlink.OutcomeTimedOut: // version 0.1.0 remembers that, too
	default:
		if workflow.GetVersion(ctx, "remember-outcome", workflow.DefaultVersion, 1) == workflow.DefaultVersion {
			return
		}
	}
	memo := map[string]any{migrationlink.PhaseMemo: string(o.result.Outcome)}
	if o.result.Problem != nil {
		memo[migrationlink.ProblemMemo] = o.result.Problem.Type
	}
	o.remember(ctx, memo)
}
