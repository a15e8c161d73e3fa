package link

import (
	"go.temporal.io/sdk/workflow"

	"github.com/migrationlink/migrationlink"
)

// Metrics of the workflows under the keys of organizations. Replays do not count.
const (
	linksEnded   = "migrationlink_links_ended"   // by outcome and, without success, type
	linksBlocked = "migrationlink_links_blocked" // how often one began to wait for a person, by type
	timeToSynced = "migrationlink_time_to_synced"
)

func (o *operation) measureEnd(ctx workflow.Context) {
	result := o.result
	fields := []any{"outcome", result.Outcome, "seconds", result.EndedAt.Sub(result.StartedAt).Seconds()}
	if result.Target != "" {
		fields = append(fields, "target", result.Target)
	}
	o.log(ctx, migrationlink.PhaseEnded, fields...)
	labels := map[string]string{"manager": o.target.Manager, "outcome": string(result.Outcome), "type": ""}
	if result.Problem != nil {
		labels["type"] = result.Problem.Type
	}
	if o.mayBeNoManager() {
		labels["manager"] = ""
	}
	metrics := workflow.GetMetricsHandler(ctx)
	metrics.WithTags(labels).Counter(linksEnded).Inc(1)
	if result.Outcome == migrationlink.OutcomeLinked {
		metrics.WithTags(map[string]string{"manager": o.target.Manager}).Timer(timeToSynced).Record(result.SyncedAt.Sub(result.StartedAt))
	}
}

// mayBeNoManager reports whether the name of the manager is only what somebody has
// typed: whoever starts workflows could make as many labels as they like.
func (o *operation) mayBeNoManager() bool {
	switch {
	case o.result.Outcome == migrationlink.OutcomeCancelled:
		return !o.served
	case o.result.Problem == nil:
		return false
	}
	return o.result.Problem.Type == migrationlink.ErrUnknownManager || o.result.Problem.Type == migrationlink.ErrInvalidRequest
}

func (o *operation) measureBlocked(ctx workflow.Context, errorType string) {
	workflow.GetMetricsHandler(ctx).WithTags(map[string]string{"manager": o.target.Manager, "type": errorType}).Counter(linksBlocked).Inc(1)
}
