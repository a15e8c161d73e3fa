package e2e_test

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"filippo.io/age"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"

	"github.com/migrationlink/migrationlink"
	"github.com/migrationlink/migrationlink/dev/freeport"
	"github.com/migrationlink/migrationlink/opsmanager/opsmanagertest"
)

const observability = "../../deploy/observability/"

// Alerts without a test here: the first needs a broken Temporal, the second workers
// with versions, see upgrade_test.go.
var neverSeenFiring = []string{"MigrationLinkNoPollers", "MigrationLinkVersionWithoutWorker"}

// prometheus is a real Prometheus with the files of deploy/observability.
type prometheus struct {
	*system
	base  string
	began time.Time
}

// prometheus starts a Prometheus that reads these workers, with seconds in place of
// minutes.
func (s *system) prometheus(workers ...string) *prometheus {
	s.t.Helper()
	program := tool(s.t, "prometheus")
	dir := s.t.TempDir()
	put := func(file string, change func(string) string) {
		content, err := os.ReadFile(filepath.Join(observability, "prometheus", file))
		require.NoError(s.t, err)
		require.NoError(s.t, os.WriteFile(filepath.Join(dir, file), []byte(change(string(content))), 0o600))
	}
	put("rules.yml", func(content string) string {
		return regexp.MustCompile(`for: \d+m\n`).ReplaceAllString(content, "for: 1s\n")
	})
	put("prometheus.yml", func(content string) string {
		settings, discovery, found := strings.Cut(content, "    dns_sd_configs:\n")
		require.True(s.t, found)
		require.NotContains(s.t, discovery, "job_name", "it is the last")
		require.Equal(s.t, 2, strings.Count(settings, "_interval: 15s\n"))
		targets, err := json.Marshal(workers)
		require.NoError(s.t, err)
		return strings.ReplaceAll(settings, "_interval: 15s\n", "_interval: 1s\n") + fmt.Sprintf("    static_configs: [{targets: %s}]\n", targets)
	})
	ports, err := freeport.Take(1)
	require.NoError(s.t, err)
	address := fmt.Sprintf("127.0.0.1:%d", ports[0])
	start(s.t, nil, program, "--config.file="+filepath.Join(dir, "prometheus.yml"), "--storage.tsdb.path="+dir, "--web.listen-address="+address).
		waitFor("Server is ready to receive web requests")
	return &prometheus{s, "http://" + address, time.Now()}
}

// ask calls its HTTP API.
func (p *prometheus) ask(path string, query url.Values, data any) {
	p.t.Helper()
	request, err := http.NewRequestWithContext(p.t.Context(), http.MethodGet, p.base+"/api/v1/"+path+"?"+query.Encode(), nil)
	require.NoError(p.t, err)
	response, err := (&http.Client{Timeout: 30 * time.Second}).Do(request)
	require.NoError(p.t, err)
	defer response.Body.Close()
	answer := struct {
		Error    string
		Warnings []string
		Data     any
	}{Data: data}
	require.NoError(p.t, json.NewDecoder(response.Body).Decode(&answer))
	require.Empty(p.t, answer.Error, "%s %s", path, query)
	require.Empty(p.t, answer.Warnings, "%s %s", path, query)
}

// alerts returns the firing alerts, or none while a rule has not been evaluated. No
// rule may have failed.
func (p *prometheus) alerts() (firing []string, evaluated bool) {
	p.t.Helper()
	var answer struct {
		Groups []struct {
			Rules []struct{ Name, Health, LastError, State string }
		}
	}
	p.ask("rules", nil, &answer)
	require.NotEmpty(p.t, answer.Groups)
	firing, evaluated = []string{}, true
	for _, group := range answer.Groups {
		for _, rule := range group.Rules {
			require.Empty(p.t, rule.LastError, rule.Name)
			evaluated = evaluated && rule.Health == "ok"
			if rule.State == "firing" {
				firing = append(firing, rule.Name)
			}
		}
	}
	return firing, evaluated
}

func (p *prometheus) waitForAlerts(names ...string) {
	p.t.Helper()
	var missing []string
	defer func() {
		if p.t.Failed() {
			p.t.Logf("not firing: %v", missing)
		}
	}()
	p.within(time.Minute, func() bool {
		firing, evaluated := p.alerts()
		missing = slices.DeleteFunc(slices.Clone(names), func(name string) bool { return slices.Contains(firing, name) })
		return evaluated && len(missing) == 0
	})
}

// ever reports whether a query has had a value at any time since the start.
func (p *prometheus) ever(query string) bool {
	p.t.Helper()
	var answer struct {
		Result []struct{ Values [][2]any }
	}
	p.ask("query_range", url.Values{
		"query": {query}, "step": {"1"},
		"start": {strconv.FormatInt(p.began.Unix(), 10)}, "end": {strconv.FormatInt(time.Now().Unix(), 10)},
	}, &answer)
	for _, series := range answer.Result {
		for _, sample := range series.Values {
			number, err := strconv.ParseFloat(sample[1].(string), 64) //nolint:forcetypeassert // or the test fails
			require.NoError(p.t, err)
			if !math.IsNaN(number) {
				return true
			}
		}
	}
	return false
}

// shown returns the types of the metrics that a worker shows to Prometheus 3.
func (o *observed) shown() map[string]string {
	o.t.Helper()
	request, err := http.NewRequestWithContext(o.t.Context(), http.MethodGet, o.base+"/metrics", nil)
	require.NoError(o.t, err)
	request.Header.Set("Accept", "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,*/*;q=0.1")
	response, err := (&http.Client{Timeout: 30 * time.Second}).Do(request)
	require.NoError(o.t, err)
	defer response.Body.Close()
	content, err := io.ReadAll(response.Body)
	require.NoError(o.t, err)
	require.NotContains(o.t, string(content), `{"`, "names need no quotation marks")
	return types(regexp.MustCompile(`(?m)^# TYPE (\S+) (\S+)$`).FindAllStringSubmatch(string(content), -1))
}

func types(found [][]string) map[string]string {
	kinds := map[string]string{}
	for _, line := range found {
		kinds[line[1]] = line[2]
	}
	return kinds
}

// requireListed compares what workers have shown with metrics.txt.
func requireListed(t *testing.T, shown map[string]string) {
	t.Helper()
	content, err := os.ReadFile(observability + "metrics.txt")
	require.NoError(t, err)
	listed := types(regexp.MustCompile(`(?m)^([a-z]\S*) (\S+)$`).FindAllStringSubmatch(string(content), -1))
	var wrong []string
	for name, kind := range listed {
		if shown[name] != kind {
			wrong = append(wrong, fmt.Sprintf("%s is listed as %s and shown as %q", name, kind, shown[name]))
		}
	}
	for name, kind := range shown {
		if listed[name] == "" && strings.HasPrefix(name, "migrationlink_") {
			wrong = append(wrong, fmt.Sprintf("%s %s is shown and not listed", name, kind))
		}
	}
	require.Empty(t, wrong, "metrics.txt")
}

// dashboardQueries returns the queries of the panels by title, as Grafana sends them.
func dashboardQueries(t *testing.T) map[string][]string {
	t.Helper()
	content, err := os.ReadFile(observability + "grafana/dashboards/migrationlink.json")
	require.NoError(t, err)
	var dashboard struct {
		Panels []struct {
			Title   string
			Targets []struct{ Expr string }
		}
	}
	require.NoError(t, json.Unmarshal(content, &dashboard))
	queries := map[string][]string{}
	for _, panel := range dashboard.Panels {
		for _, target := range panel.Targets {
			queries[panel.Title] = append(queries[panel.Title], strings.NewReplacer("$__rate_interval", "1m", "$name", ".*").Replace(target.Expr))
		}
	}
	require.NotEmpty(t, queries)
	return queries
}

// Managers with a problem.
const badManagers = `
[managers.revoked]
base_url    = "SIMULATOR"
public_key  = "env:DEMO_PUBLIC_KEY"
private_key = "env:OTHER_KEY"
[managers.away]
base_url    = "http://127.0.0.1:1"
public_key  = "env:DEMO_PUBLIC_KEY"
private_key = "env:DEMO_PRIVATE_KEY"
`

// Each alert fires on its cause. A real Prometheus reads the alerts and the dashboard
// of deploy/observability from real workers.
func TestPrometheusAlertsOnEachProblem(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	base, err := os.ReadFile(filepath.Join(s.dir, "worker.toml"))
	require.NoError(t, err)
	content := strings.Replace(string(base), "[managers.demo]\n", "[managers.demo]\nrequests_per_second = 100\n", 1) + strings.ReplaceAll(badManagers, "SIMULATOR", s.simulator)
	ports, err := freeport.Take(2)
	require.NoError(t, err)
	var workers []*observed
	var files, targets []string
	for _, port := range ports {
		address := fmt.Sprintf("127.0.0.1:%d", port)
		worker, file := s.workerFrom(fmt.Sprintf("%s[http]\naddress = %q\n", content, address), "OTHER_KEY=not-the-key")
		workers, files, targets = append(workers, &observed{worker, t, "http://" + address}), append(files, file), append(targets, address)
	}
	p := s.prometheus(targets...)

	require.NoError(t, s.begin(newOrg(), nil).Get(t.Context(), nil))
	p.within(time.Minute, func() bool {
		firing, evaluated := p.alerts()
		return evaluated && len(firing) == 0 && p.ever(`sum(up{job="migrationlink-worker"}) == 2`)
	})

	s.makeTrouble()
	require.NoError(t, os.WriteFile(files[1], []byte("colour = 1\n"+content), 0o600))
	p.waitForAlerts("MigrationLinkBlocked", "MigrationLinkFailures", "MigrationLinkTokenNotOpened", "MigrationLinkDrift", "MigrationLinkAccessRefused",
		"MigrationLinkKeyRejected", "MigrationLinkApiFails", "MigrationLinkWorkflowTasksFail", "MigrationLinkWorkerNotReady")
	shown := workers[1].shown()
	workers[1].kill()
	p.waitForAlerts("MigrationLinkWorkerMissing")
	s.dev.stop()
	p.waitForAlerts("MigrationLinkTemporalUnreachable")
	maps.Copy(shown, workers[0].shown())
	requireListed(t, shown)
	workers[0].kill()
	p.waitForAlerts("MigrationLinkNoWorker")

	rules, err := os.ReadFile(observability + "prometheus/rules.yml")
	require.NoError(t, err)
	for _, alert := range regexp.MustCompile(`- alert: (\w+)`).FindAllStringSubmatch(string(rules), -1) {
		if !slices.Contains(neverSeenFiring, alert[1]) {
			require.True(t, p.ever(fmt.Sprintf(`ALERTS{alertname=%q,alertstate="firing"}`, alert[1])), alert[1])
		}
	}
	for title, queries := range dashboardQueries(t) {
		for _, query := range queries {
			require.True(t, p.ever(query), "%s: %s", title, query)
		}
	}
	var names []string
	p.ask("label/name/values", url.Values{"match[]": {"migrationlink_api_call_duration_seconds_count"}}, &names)
	require.Equal(t, []string{"away", "demo", "revoked"}, names, "by which the dashboard is filtered")
}

// makeTrouble causes every problem of links that has an alert.
func (s *system) makeTrouble() {
	s.t.Helper()
	refused, strange := newOrg(), newOrg()
	s.shape(refused, map[string]any{"refusal": opsmanagertest.RefusedRole})
	s.shape(strange, map[string]any{"status": "HALF_SYNCED"})
	s.begin(refused, whenBlocked)
	s.begin(strange, nil)
	stranger, err := age.GenerateX25519Identity()
	require.NoError(s.t, err)
	for range 3 {
		org := newOrg()
		s.begin(org, func(r *migrationlink.LinkRequest) {
			r.Token = migrationlink.TokenSource{Sealed: sealTo(s.t, stranger.Recipient(), org, "link-token")}
		})
		for _, manager := range []string{"revoked", "away"} {
			s.begin(newOrg(), func(r *migrationlink.LinkRequest) { r.Manager = manager })
		}
	}
	cancelled := s.begin(newOrg(), nil)
	require.NoError(s.t, s.temporal.CancelWorkflow(s.t.Context(), cancelled.GetID(), ""))
	requireCancelled(s.t, cancelled)
	_, err = s.temporal.ExecuteWorkflow(s.t.Context(), client.StartWorkflowOptions{TaskQueue: migrationlink.TaskQueue}, "ThatNoWorkerKnows")
	require.NoError(s.t, err)
}
