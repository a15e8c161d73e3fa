package e2e_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	commonpb "go.temporal.io/api/common/v1"
	taskqueuepb "go.temporal.io/api/taskqueue/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"

	"github.com/migrationlink/migrationlink"
	"github.com/migrationlink/migrationlink/dev/freeport"
	"github.com/migrationlink/migrationlink/opsmanager/opsmanagertest"
)

// observed is a worker as monitoring sees it.
type observed struct {
	*process
	t    *testing.T
	base string
}

func (s *system) observed(more string, env ...string) *observed {
	s.t.Helper()
	ports, err := freeport.Take(1)
	require.NoError(s.t, err)
	address := fmt.Sprintf("127.0.0.1:%d", ports[0])
	return &observed{s.worker(fmt.Sprintf("[http]\naddress = %q\n%s", address, more), env...), s.t, "http://" + address}
}

func (o *observed) get(path string) (status int, body string) {
	o.t.Helper()
	request, err := http.NewRequestWithContext(o.t.Context(), http.MethodGet, o.base+path, nil)
	require.NoError(o.t, err)
	response, err := (&http.Client{Timeout: 30 * time.Second}).Do(request)
	require.NoError(o.t, err)
	defer response.Body.Close()
	content, err := io.ReadAll(response.Body)
	require.NoError(o.t, err)
	return response.StatusCode, string(content)
}

func TestAWorkerIsObservable(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	o := s.observed("")
	linked, refused, waiting := newOrg(), newOrg(), newOrg()
	s.shape(refused, map[string]any{"refusal": opsmanagertest.RefusedRole})
	s.shape(waiting, map[string]any{"sync": "never"})
	require.NoError(t, s.begin(linked, nil).Get(t.Context(), nil))
	blocked := s.begin(refused, whenBlocked)
	s.waitForPhase(blocked, migrationlink.PhaseBlocked)
	s.waitForPhase(s.begin(waiting, nil), migrationlink.PhaseSyncing)
	s.eventually(func() bool {
		_, metrics := o.get("/metrics")
		return strings.Contains(metrics, `migrationlink_links_waiting{manager="demo",state="blocked",version=""} 1`) &&
			strings.Contains(metrics, `migrationlink_links_waiting{manager="demo",state="running",version=""} 1`)
	})
	require.NoError(t, s.temporal.CancelWorkflow(t.Context(), blocked.GetID(), ""))
	requireCancelled(t, blocked)
	require.Error(t, s.begin("nobody", nil).Get(t.Context(), nil))

	_, metrics := o.get("/metrics")
	for _, line := range []string{
		`migrationlink_links_ended_total\{.*manager="demo".*outcome="linked".*type="".*\} 1\n`,
		`migrationlink_links_ended_total\{.*manager="demo".*outcome="cancelled".*\} 1\n`,
		`migrationlink_links_ended_total\{.*manager="".*outcome="failed".*type="InvalidRequest".*\} 1\n`,
		`migrationlink_links_blocked_total\{.*manager="demo".*type="RoleMissing".*\} 1\n`,
		`migrationlink_time_to_synced_seconds_count\{.*manager="demo".*\} 1\n`,
		`migrationlink_links_running \d\n`,
		`migrationlink_worker_ready\{version=""\} 1\n`,
		`migrationlink_api_call_duration_seconds_count\{api="manager",name="demo",operation="[^"]*create[^"]*",status="2\d\d"\} 2\n`,
		`migrationlink_api_call_duration_seconds_count\{api="manager",name="demo",operation="[^"]*",status="401"\} `,
		`temporal_workflow_task_execution_latency_seconds_count\{`,
		`go_goroutines \d`,
		`process_resident_memory_bytes \d`,
	} {
		require.Regexp(t, regexp.MustCompile(line), metrics)
	}
	for _, org := range []string{linked, refused, waiting, "nobody"} {
		require.NotContains(t, metrics, org, "no label has as many values as there are organizations")
	}
	require.NotContains(t, metrics, "%!", "nothing unfit to print")

	status, _ := o.get("/debug/pprof/")
	require.Equal(t, http.StatusNotFound, status, "only when asked for")
}

func TestAWorkerIsReadyAsLongAsItCanWork(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	o := s.observed("pprof = true\n")
	s.eventually(func() bool {
		_, metrics := o.get("/metrics")
		return strings.Contains(metrics, "migrationlink_links_running 0") && strings.Contains(metrics, `migrationlink_worker_ready{version=""} 1`)
	})
	for _, path := range []string{"/healthz", "/readyz", "/debug/pprof/"} {
		status, body := o.get(path)
		require.Equal(t, http.StatusOK, status, "%s: %s", path, body)
	}
	s.dev.stop()
	s.eventually(func() bool {
		status, body := o.get("/readyz")
		return status == http.StatusServiceUnavailable && regexp.MustCompile("temporal does not answer").MatchString(body)
	})
	status, _ := o.get("/healthz")
	require.Equal(t, http.StatusOK, status, "a restart would not help")

	// Metrics are read all the time, also while calls of Temporal fail for the first time
	// and new series appear.
	s.eventually(func() bool {
		_, metrics := o.get("/metrics")
		return strings.Contains(metrics, "temporal_request_failure") && !strings.Contains(metrics, "migrationlink_links_running ")
	})
	o.stop()
}

// collector receives traces like an OpenTelemetry collector.
type collector struct {
	env  []string // that leads programs to it
	mu   sync.Mutex
	took strings.Builder
}

func newCollector(t *testing.T) *collector {
	t.Helper()
	c := &collector{}
	server := httptest.NewServer(c)
	t.Cleanup(server.Close)
	c.env = []string{"OTEL_EXPORTER_OTLP_ENDPOINT=" + server.URL, "OTEL_BSP_SCHEDULE_DELAY=100"}
	return c
}

func (c *collector) ServeHTTP(_ http.ResponseWriter, r *http.Request) {
	c.mu.Lock()
	defer c.mu.Unlock()
	_, _ = io.Copy(&c.took, io.LimitReader(r.Body, 1<<24))
}

// spans are protobuf, which holds text as it is.
func (c *collector) spans() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.took.String()
}

func TestATraceGoesFromTheStarterToTheCallOfTheManager(t *testing.T) {
	t.Parallel()
	c := newCollector(t)
	s := newSystem(t)
	s.worker("", c.env...)
	s.env = append(s.env, c.env...)
	require.Zero(t, s.starter(linkOf(newOrg())...).code)
	require.NoError(t, s.beginTraced(newOrg(), "rubbish").Get(t.Context(), nil), "what a caller sends is no reason to fail")
	s.eventually(func() bool {
		spans := c.spans()
		for _, name := range []string{"migrationlink-starter", "migrationlink-worker", "RunWorkflow:LinkOrganization", "RunActivity:CreateLink", "StartActivity:AwaitSynced", "http.response.status_code"} {
			if !strings.Contains(spans, name) {
				return false
			}
		}
		return true
	})
}

// beginTraced starts a link with this trace of the caller.
func (s *system) beginTraced(orgID, traceparent string) client.WorkflowRun {
	s.t.Helper()
	payloads := converter.GetDefaultDataConverter()
	trace, err := payloads.ToPayload(map[string]string{"traceparent": traceparent})
	require.NoError(s.t, err)
	input, err := payloads.ToPayloads(migrationlink.LinkRequest{Manager: "demo", OrgID: orgID, Token: migrationlink.TokenSource{Ref: "env:LINK_TOKEN_DEMO"}})
	require.NoError(s.t, err)
	id := migrationlink.WorkflowID("demo", orgID)
	begun, err := s.temporal.WorkflowService().StartWorkflowExecution(s.t.Context(), &workflowservice.StartWorkflowExecutionRequest{
		Namespace: "default", RequestId: orgID, WorkflowId: id, WorkflowType: &commonpb.WorkflowType{Name: migrationlink.LinkWorkflow},
		TaskQueue: &taskqueuepb.TaskQueue{Name: migrationlink.TaskQueue}, Input: input,
		Header: &commonpb.Header{Fields: map[string]*commonpb.Payload{"_tracer-data": trace}},
	})
	require.NoError(s.t, err)
	return s.temporal.GetWorkflow(s.t.Context(), id, begun.GetRunId())
}
