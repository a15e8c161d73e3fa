package link

import (
	"slices"

	"go.temporal.io/sdk/workflow"

	"github.com/migrationlink/migrationlink"
	"github.com/migrationlink/migrationlink/internal/dataconv"
	"github.com/migrationlink/migrationlink/redact"
)

// actionWords are the last word of the log line of each action. docs/reference/log.md documents
// them.
var actionWords = map[migrationlink.ActionName]string{
	migrationlink.ActionRetry:  "retried",
	migrationlink.ActionExtend: "extended",
	migrationlink.ActionCancel: "cancelled",
}

// started records who started the operation, and why. A reason that is invalid is not repeated.
func (o *operation) started(ctx workflow.Context, stored dataconv.Converters, invalid error) {
	memo := stored.MemoText(workflow.GetInfo(ctx).Memo, migrationlink.StartedByMemo)
	o.result.StartedBy = requester(migrationlink.StartedBy(memo))
	if o.asked.Unlink != nil && invalid == nil {
		o.result.Reason = redact.Remark(o.asked.Unlink.Reason, migrationlink.MaxReason)
	}
	o.logAction(ctx, "started", o.result.StartedBy, o.result.Reason)
}

// did records what somebody did to the operation: in the result, and in the log, which
// outlives Temporal's retention.
func (o *operation) did(ctx workflow.Context, action migrationlink.Action, fields ...any) {
	action.At = now(ctx)
	kept := append(slices.Clone(o.result.Actions), action) // a status may still hold the former slice
	o.result.Actions = kept[max(0, len(kept)-migrationlink.MaxActions):]
	o.logAction(ctx, actionWords[action.Action], action.RequestedBy, action.Reason, fields...)
}

func (o *operation) logAction(ctx workflow.Context, word, by, reason string, fields ...any) {
	fields = append([]any{"manager", o.target.Manager, "orgId", o.target.OrgID, "by", by}, fields...)
	if reason != "" {
		fields = append(fields, "reason", reason)
	}
	workflow.GetLogger(ctx).Info("link "+word, fields...)
}

func requester(by string) string { return redact.Remark(by, migrationlink.MaxRequestedBy) }
