package telemetry

import (
	"cmp"
	"slices"
	"strings"

	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
)

// Help has the help text of each metric, by its name in Prometheus. It is here because Temporal's
// SDK, which workflows and activities count with, takes no help texts. docs/reference/metrics.md
// begins its explanations with these texts.
var Help = map[string]string{ //nolint:gosec // "token" is part of a name
	"migrationlink_worker_ready":                "1 if the worker is ready, as /readyz reports, otherwise 0.",
	"migrationlink_links_running":               "Links and removals that run in the namespace. Every worker reports the same value: use max(), not sum().",
	"migrationlink_links_waiting":               "Running links and removals by manager, state and version. Blocked ones wait for a person. Every worker reports the same values: use max(), not sum().",
	"migrationlink_links_ended_total":           "Links and removals that have ended.",
	"migrationlink_links_blocked_total":         "How often a link or a removal became blocked and began to wait for a person.",
	"migrationlink_time_to_synced_seconds":      "Time from the start of a link until it is SYNCED.",
	"migrationlink_api_call_duration_seconds":   "Duration of calls to a manager or Atlas by their final status; none means no reply.",
	"migrationlink_api_rate_limit_wait_seconds": "Time that calls waited because of requests_per_second.",
	"migrationlink_token_openings_failed_total": "Sealed link-tokens that a worker could not open.",
	"migrationlink_api_drift_total":             "Statuses of a link that the documentation of the manager does not list.",
}

// bounds replace the default buckets, which are made for milliseconds.
var bounds = map[string][]float64{
	"migrationlink_time_to_synced": {1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 21600, 86400},
}

// latencies are those of Temporal's SDK.
var latencies = []float64{0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 600, 3600}

// describe gives an instrument its help text and its buckets.
func describe(i sdkmetric.Instrument) (sdkmetric.Stream, bool) {
	stream := sdkmetric.Stream{Name: i.Name, Description: cmp.Or(helpOf(i.Name), i.Description), Unit: i.Unit}
	boundaries := bounds[i.Name]
	if strings.HasPrefix(i.Name, "temporal_") && strings.HasSuffix(i.Name, "latency") {
		boundaries = latencies
	}
	if boundaries != nil {
		stream.Aggregation = sdkmetric.AggregationExplicitBucketHistogram{Boundaries: boundaries}
	}
	return stream, true
}

// helpOf looks up an instrument, whose name lacks the suffix that Prometheus adds.
func helpOf(name string) string {
	names := []string{name, name + "_total", name + "_seconds"}
	return Help[names[max(0, slices.IndexFunc(names, func(name string) bool { return Help[name] != "" }))]]
}
