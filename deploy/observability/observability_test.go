// Package observability_test compares what operators see with what workers show.
package observability_test

import (
	"encoding/json"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/migrationlink/migrationlink/internal/telemetry"
)

const (
	rulesFile     = "prometheus/rules.yml"
	dashboardFile = "grafana/dashboards/migrationlink.json"
	runbookFile   = "../../docs/how-to/monitor.md"
)

var (
	metricName   = regexp.MustCompile(`\b(?:migrationlink|temporal|go|process)_[a-z0-9_]+\b`)
	recordedName = regexp.MustCompile(`\bmigrationlink:[a-z0-9_]+:[a-z0-9]+\b`)
)

func read(t *testing.T, name string) string {
	t.Helper()
	content, err := os.ReadFile(name)
	require.NoError(t, err)
	return string(content)
}

// shown returns the series of a worker.
func shown(t *testing.T) map[string]bool {
	t.Helper()
	series := map[string]bool{}
	for line := range strings.Lines(read(t, "metrics.txt")) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		name, kind, found := strings.Cut(strings.TrimSpace(line), " ")
		require.True(t, found, line)
		switch kind {
		case "histogram":
			series[name+"_bucket"], series[name+"_sum"], series[name+"_count"] = true, true, true
		case "summary":
			series[name], series[name+"_sum"], series[name+"_count"] = true, true, true
		default:
			series[name] = true
		}
	}
	return series
}

func TestRulesAndDashboardQueryMetricsThatWorkersServe(t *testing.T) {
	t.Parallel()
	series := shown(t)
	rules := read(t, rulesFile)
	for _, text := range []string{rules, strings.Join(queries(t), "\n")} {
		names := metricName.FindAllString(text, -1)
		require.NotEmpty(t, names)
		for _, name := range names {
			require.True(t, series[name], "%s is not in metrics.txt", name)
		}
		for _, name := range recordedName.FindAllString(text, -1) {
			require.Contains(t, rules, "- record: "+name+"\n")
		}
	}
}

// queries returns the queries of the dashboard.
func queries(t *testing.T) (expressions []string) {
	t.Helper()
	var dashboard struct {
		Panels []struct {
			Title   string
			Targets []struct{ Expr string }
		}
	}
	require.NoError(t, json.Unmarshal([]byte(read(t, dashboardFile)), &dashboard))
	for _, panel := range dashboard.Panels {
		require.NotEmpty(t, panel.Targets, panel.Title)
		for _, target := range panel.Targets {
			require.NotEmpty(t, target.Expr, panel.Title)
			expressions = append(expressions, target.Expr)
		}
	}
	return expressions
}

func TestEveryMetricIsExplainedAndNoOther(t *testing.T) {
	t.Parallel()
	var served []string
	for line := range strings.Lines(read(t, "metrics.txt")) {
		if name, _, _ := strings.Cut(line, " "); strings.HasPrefix(name, "migrationlink_") {
			served = append(served, name)
		}
	}
	var explained []string
	for _, row := range regexp.MustCompile("(?m)^\\| `(migrationlink_[a-z_]+)` \\|.*\\| (.*) \\|$").FindAllStringSubmatch(read(t, "../../docs/reference/metrics.md"), -1) {
		explained = append(explained, row[1])
		require.NotEmpty(t, telemetry.Help[row[1]], "%s has a help text", row[1])
		require.True(t, strings.HasPrefix(strings.ReplaceAll(row[2], "`", ""), telemetry.Help[row[1]]), "the explanation of %s begins with its help text:\n%s\n%s", row[1], row[2], telemetry.Help[row[1]])
	}
	require.ElementsMatch(t, served, explained)
	require.Len(t, telemetry.Help, len(served))
}

func TestEveryAlertHasARunbookAndTests(t *testing.T) {
	t.Parallel()
	runbook, tests := read(t, runbookFile), read(t, "rules_test.yml")
	alerts := strings.Split(read(t, rulesFile), "- alert: ")[1:]
	require.NotEmpty(t, alerts)
	for _, alert := range alerts {
		name, text, _ := strings.Cut(alert, "\n")
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Regexp(t, `severity: (critical|warning)`, text)
			require.Regexp(t, `summary: \S`, text)
			require.Contains(t, text, "/docs/how-to/monitor.md#"+strings.ToLower(name)+"\n")
			_, section, found := strings.Cut(runbook, "\n### "+name+"\n")
			require.True(t, found, "docs/how-to/monitor.md has a section of it")
			section, _, _ = strings.Cut(section, "\n#")
			require.Regexp(t, "`|\\]\\(#", section, "it names something to type or to look at")
			require.Regexp(t, `alertname: `+name+`\n +exp_alerts:\n`, tests, "firing")
			require.Contains(t, tests, "alertname: "+name+", exp_alerts: []", "not firing")
		})
	}
}
