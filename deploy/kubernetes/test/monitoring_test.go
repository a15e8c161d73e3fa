package test

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	monitoring "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	"github.com/stretchr/testify/require"
	"sigs.k8s.io/yaml"
)

var update = flag.Bool("update", false, "write components/monitoring from deploy/observability")

const (
	component     = "../components/monitoring"
	observability = "../../observability"
	ruleHeader    = `# Generated from deploy/observability/prometheus/rules.yml:
# go -C deploy/kubernetes/test test -run Monitoring -update
apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata:
  name: migrationlink
spec:
`
)

func TestMonitoringHasTheRulesAndTheDashboardOfTheSources(t *testing.T) {
	t.Parallel()
	for file, want := range map[string]string{
		"prometheusrule.yaml": ruleHeader + indented(readFile(t, observability, "prometheus/rules.yml")),
		"migrationlink.json":  readFile(t, observability, "grafana/dashboards/migrationlink.json"),
	} {
		if *update {
			require.NoError(t, os.WriteFile(filepath.Join(component, file), []byte(want), 0o600))
		}
		require.Equal(t, want, readFile(t, component, file), "run the test with -update")
	}
}

// The types of the Prometheus Operator stand for its schemas: an unknown field or a wrong
// type is an error.
func TestMonitoringHasTheFieldsOfThePrometheusOperator(t *testing.T) {
	t.Parallel()
	var monitor monitoring.PodMonitor
	require.NoError(t, yaml.UnmarshalStrict([]byte(readFile(t, component, "podmonitor.yaml")), &monitor))
	var rule monitoring.PrometheusRule
	require.NoError(t, yaml.UnmarshalStrict([]byte(readFile(t, component, "prometheusrule.yaml")), &rule))
	require.NotEmpty(t, rule.Spec.Groups)
	slip := strings.Replace(readFile(t, component, "podmonitor.yaml"), "honorLabels", "honourLabels", 1)
	require.Error(t, yaml.UnmarshalStrict([]byte(slip), &monitor), "else this test would prove nothing")
}

func TestMonitoringFindsTheWorkers(t *testing.T) {
	t.Parallel()
	var monitor monitoring.PodMonitor
	require.NoError(t, yaml.UnmarshalStrict([]byte(readFile(t, component, "podmonitor.yaml")), &monitor))
	pods := workers(t, withMonitoring).Spec.Template
	for label, value := range monitor.Spec.Selector.MatchLabels {
		require.Equal(t, value, pods.Metadata.Labels[label])
	}
	endpoint := monitor.Spec.PodMetricsEndpoints[0]
	require.Equal(t, pods.Spec.Containers[0].Ports[0].Name, *endpoint.Port)
	rules := readFile(t, component, "prometheusrule.yaml")
	require.Contains(t, rules, `job="`+*endpoint.RelabelConfigs[0].Replacement+`"`)
	dashboard := one(t, withMonitoring, "migrationlink-dashboard", "ConfigMap")
	require.Equal(t, readFile(t, component, "migrationlink.json"), dashboard.Data["migrationlink.json"])
	require.Equal(t, "1", dashboard.Metadata.Labels["grafana_dashboard"])
}

// indented returns the rules as the value of spec.
func indented(rules string) string {
	var text strings.Builder
	for line := range strings.Lines(rules) {
		if strings.TrimSpace(line) != "" {
			text.WriteString("  ")
		}
		text.WriteString(line)
	}
	return text.String()
}

func readFile(t *testing.T, elements ...string) string {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(elements...))
	require.NoError(t, err)
	return string(content)
}
