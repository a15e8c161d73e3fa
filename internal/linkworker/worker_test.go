package linkworker_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	commonpb "go.temporal.io/api/common/v1"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"
	"go.uber.org/zap"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/migrationlink/migrationlink"
	"github.com/migrationlink/migrationlink/activities"
	"github.com/migrationlink/migrationlink/internal/config"
	"github.com/migrationlink/migrationlink/internal/linkworker"
	"github.com/migrationlink/migrationlink/internal/linkworker/linkworkertest"
	"github.com/migrationlink/migrationlink/internal/logging"
	"github.com/migrationlink/migrationlink/internal/secret"
)

const longTime = 30 * time.Second // never reached by a test that passes

func TestEachManagerHasItsOwnQueueAndLimitAndWorkflowsHaveTheirs(t *testing.T) {
	frontend, temporal := connect(t, linkworkertest.Namespace)
	limited, unlimited := manager("prod", "https://cloud.mongodb.com"), manager("demo", "http://127.0.0.1:1")
	limited.RequestsPerSecond = 2.5
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- linkworker.Run(ctx, temporal, configuration(unlimited, limited), zap.NewNop()) }()

	want := []linkworkertest.Queue{
		{Name: "migration-link", Kind: enums.TASK_QUEUE_TYPE_WORKFLOW},
		{Name: "migration-link.prod", Kind: enums.TASK_QUEUE_TYPE_ACTIVITY, PerSecond: 2.5},
		{Name: "migration-link.demo", Kind: enums.TASK_QUEUE_TYPE_ACTIVITY, PerSecond: 100_000}, // no limit, in Temporal's way
	}
	require.Eventually(t, func() bool { return len(frontend.Polled()) >= len(want) }, longTime, 10*time.Millisecond)
	stop()
	require.NoError(t, <-ended, "a worker that was asked to end has not failed")
	require.ElementsMatch(t, want, frontend.Polled())
}

func TestStopLetsARunningCallFinishAndReportsIt(t *testing.T) {
	frontend, temporal := connect(t, linkworkertest.Namespace)
	called := make(chan struct{})
	upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		close(called)
		<-frontend.Stopping()
		_, _ = w.Write([]byte(`{"status":"SYNCED"}`))
	}))
	t.Cleanup(upstream.Close)
	w, err := linkworker.Start(temporal, configuration(manager("demo", upstream.URL)), zap.NewNop())
	require.NoError(t, err)

	frontend.Offer("migration-link.demo", statusTask(t))
	<-called
	w.Stop()

	require.Len(t, frontend.Completed(), 1)
	var status string
	require.NoError(t, converter.GetDefaultDataConverter().FromPayloads(frontend.Completed()[0].GetResult(), &status))
	require.Equal(t, "SYNCED", status)
}

func TestACallThatHangsCannotHoldUpTheEnd(t *testing.T) {
	frontend, temporal := connect(t, linkworkertest.Namespace)
	called, abandoned := make(chan struct{}), make(chan struct{})
	upstream := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		close(called)
		<-r.Context().Done()
		close(abandoned)
	}))
	t.Cleanup(upstream.Close)
	cfg := configuration(manager("demo", upstream.URL))
	cfg.Worker.StopTimeout = 50 * time.Millisecond
	w, err := linkworker.Start(temporal, cfg, zap.NewNop())
	require.NoError(t, err)

	frontend.Offer("migration-link.demo", statusTask(t))
	<-called
	w.Stop()
	<-abandoned
	require.Empty(t, frontend.Completed())
}

func TestAWorkerThatCannotStartSaysWhy(t *testing.T) {
	_, temporal := connect(t, "elsewhere")
	_, err := linkworker.Start(temporal, configuration(manager("demo", "http://127.0.0.1:1")), zap.NewNop())
	require.ErrorContains(t, err, "elsewhere")

	_, err = linkworker.Start(temporal, configuration(manager("demo", "nonsense")), zap.NewNop())
	require.ErrorContains(t, err, "manager demo: the base URL must look like")
}

func connect(t *testing.T, namespace string) (*linkworkertest.Frontend, client.Client) {
	t.Helper()
	frontend := linkworkertest.NewFrontend()
	t.Cleanup(frontend.Close)
	temporal, err := client.Dial(client.Options{
		HostPort:  frontend.Address,
		Namespace: namespace,
		Logger:    logging.ForTemporal(zap.NewNop()),
	})
	require.NoError(t, err)
	t.Cleanup(temporal.Close)
	return frontend, temporal
}

func configuration(managers ...config.Manager) config.Config {
	cfg := config.Default()
	cfg.Worker.StopTimeout = longTime
	cfg.Managers = managers
	return cfg
}

func manager(name, url string) config.Manager {
	return config.Manager{
		Name:       name,
		BaseURL:    url,
		PublicKey:  secret.NewValue("public"),
		PrivateKey: secret.NewValue("private"),
	}
}

// statusTask asks for one read of a status.
func statusTask(t *testing.T) *workflowservice.PollActivityTaskQueueResponse {
	t.Helper()
	input, err := converter.GetDefaultDataConverter().ToPayloads(activities.Target{Manager: "demo", OrgID: "5f1b2c3d4e5f6a7b8c9d0e1f"})
	require.NoError(t, err)
	return &workflowservice.PollActivityTaskQueueResponse{
		TaskToken:              []byte("token"),
		WorkflowNamespace:      linkworkertest.Namespace,
		WorkflowType:           &commonpb.WorkflowType{Name: migrationlink.LinkWorkflow},
		WorkflowExecution:      &commonpb.WorkflowExecution{WorkflowId: "w", RunId: "r"},
		ActivityType:           &commonpb.ActivityType{Name: migrationlink.LinkStatusActivity},
		ActivityId:             "1",
		Input:                  input,
		Attempt:                1,
		ScheduledTime:          timestamppb.Now(),
		StartedTime:            timestamppb.Now(),
		ScheduleToCloseTimeout: durationpb.New(longTime),
		StartToCloseTimeout:    durationpb.New(longTime),
	}
}
