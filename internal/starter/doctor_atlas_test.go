package starter

import (
	"context"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	historypb "go.temporal.io/api/history/v1"
	taskqueuepb "go.temporal.io/api/taskqueue/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/converter"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/migrationlink/migrationlink"
	"github.com/migrationlink/migrationlink/internal/buildinfo"
	"github.com/migrationlink/migrationlink/internal/console"
	"github.com/migrationlink/migrationlink/internal/doctor"
)

const testAtlasOrg = "6a1b2c3d4e5f6a7b8c9d0e1f"

// fakeWorker is a Temporal with one worker, which answers InspectWorkflow at once.
type fakeWorker struct {
	*fakeList
	answer func(migrationlink.InspectRequest) migrationlink.Inspection

	mu      sync.Mutex
	asked   []migrationlink.InspectRequest
	answers map[string]migrationlink.Inspection // by workflow id
}

func newFakeWorker(t *testing.T, answer func(migrationlink.InspectRequest) migrationlink.Inspection) *fakeWorker {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	f := &fakeWorker{
		fakeList: &fakeList{address: listener.Addr().String(), page: 2},
		answer:   answer, answers: map[string]migrationlink.Inspection{},
	}
	server := grpc.NewServer()
	workflowservice.RegisterWorkflowServiceServer(server, f)
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(server.Stop)
	return f
}

func (f *fakeWorker) DescribeTaskQueue(context.Context, *workflowservice.DescribeTaskQueueRequest) (*workflowservice.DescribeTaskQueueResponse, error) {
	return &workflowservice.DescribeTaskQueueResponse{Pollers: []*taskqueuepb.PollerInfo{{
		Identity: buildinfo.Identity([]string{"demo"}), LastAccessTime: timestamppb.New(testStart.Add(2*time.Hour - time.Second)),
	}}}, nil
}

func (f *fakeWorker) StartWorkflowExecution(_ context.Context, r *workflowservice.StartWorkflowExecutionRequest) (*workflowservice.StartWorkflowExecutionResponse, error) {
	var request migrationlink.InspectRequest
	if err := converter.GetDefaultDataConverter().FromPayloads(r.GetInput(), &request); err != nil {
		return nil, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.asked = append(f.asked, request)
	f.answers[r.GetWorkflowId()] = f.answer(request)
	return &workflowservice.StartWorkflowExecutionResponse{RunId: testRunID}, nil
}

func (f *fakeWorker) GetWorkflowExecutionHistory(_ context.Context, r *workflowservice.GetWorkflowExecutionHistoryRequest) (*workflowservice.GetWorkflowExecutionHistoryResponse, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return &workflowservice.GetWorkflowExecutionHistoryResponse{
		History: &historypb.History{Events: []*historypb.HistoryEvent{completedWith(f.answers[r.GetExecution().GetWorkflowId()])}},
	}, nil
}

// refusing is a worker whose manager is fine and whose Atlas prod refuses the key.
func refusing(request migrationlink.InspectRequest) migrationlink.Inspection {
	known := migrationlink.Inspection{
		WorkerVersion: buildinfo.Version(),
		Managers:      []migrationlink.ManagerInspection{{Name: "demo"}},
		Atlas:         []migrationlink.AtlasInspection{{Name: "eu"}, {Name: "prod"}},
	}
	if !request.Call {
		return known
	}
	known.Managers[0] = migrationlink.ManagerInspection{Name: "demo", WorkerVersion: "v1", KeyAccepted: true}
	known.Atlas[0] = migrationlink.AtlasInspection{Name: "eu", WorkerVersion: "v1", KeyAccepted: true, RoleChecked: request.AtlasOrgID != ""}
	known.Atlas[1] = migrationlink.AtlasInspection{Name: "prod", WorkerVersion: "v1", Problem: &migrationlink.Problem{
		Type: migrationlink.ErrKeyRejected, Message: `Atlas "prod": HTTP 401`, Remedy: "Check public_key and private_key of [atlas.prod].",
	}}
	return known
}

func TestDoctorFindsAnAtlasThatRefusesTheKeyOfTheWorkers(t *testing.T) {
	t.Parallel()
	f := newFakeWorker(t, refusing)
	checks, done := doctorSays(t, f.command())
	require.Equal(t, console.ExitOther, done.code)
	require.Contains(t, done.stderr, "1 of 19 checks failed")
	require.Equal(t, doctor.Check{Name: "atlas", OK: true, Detail: "eu, prod", Names: []string{"eu", "prod"}}, checks["atlas"])
	require.Equal(t, doctor.Check{Name: "atlas eu: key", OK: true, Detail: "accepted"}, checks["atlas eu: key"])
	require.Equal(t, "not checked: name a target organization with --atlas eu --atlas-org ORG_ID", checks["atlas eu: role"].Detail)
	require.Equal(t, doctor.Check{Name: "atlas prod: key", Detail: `Atlas "prod": HTTP 401`, Remedy: "Check public_key and private_key of [atlas.prod]."}, checks["atlas prod: key"])
	require.True(t, checks["atlas prod: role"].Skipped)

	f = newFakeWorker(t, refusing)
	checks, done = doctorSays(t, f.command(), "--atlas", "eu", "--atlas-org", testAtlasOrg)
	require.Equal(t, console.ExitOK, done.code)
	require.Equal(t, doctor.Check{Name: "atlas eu: role", OK: true, Detail: "can read organization " + testAtlasOrg}, checks["atlas eu: role"])
	require.NotContains(t, checks, "atlas prod: key")
	require.Equal(t, []migrationlink.InspectRequest{{}, {Call: true, Atlas: "eu", AtlasOrgID: testAtlasOrg}}, f.asked)

	text := newFakeWorker(t, refusing).command().run(t.Context(), "doctor").stdout
	require.Contains(t, text, "✗ atlas prod: key  Atlas \"prod\": HTTP 401\n")
	require.Contains(t, text, "→ Check public_key and private_key of [atlas.prod].\n")
}

func TestDoctorFailsForAnAtlasThatIsAskedForAndNotKnown(t *testing.T) {
	t.Parallel()
	checks, done := doctorSays(t, newFakeWorker(t, refusing).command(), "--atlas", "us")
	require.Equal(t, console.ExitOther, done.code)
	require.Equal(t, `the worker does not know Atlas "us"; known are: eu, prod`, checks["atlas"].Detail)
	require.Contains(t, checks["atlas"].Remedy, "[atlas.us]")
	require.NotContains(t, checks, "atlas us: key")

	byHand := func(request migrationlink.InspectRequest) migrationlink.Inspection {
		without := refusing(request)
		without.Atlas = nil
		return without
	}
	checks, done = doctorSays(t, newFakeWorker(t, byHand).command())
	require.Equal(t, console.ExitOK, done.code)
	require.True(t, checks["atlas"].Skipped)
	checks, done = doctorSays(t, newFakeWorker(t, byHand).command(), "--atlas-org", testAtlasOrg)
	require.Equal(t, console.ExitOther, done.code)
	require.Contains(t, checks["atlas"].Detail, "no section [atlas.NAME]")
}

func TestDoctorNeverSuggestsARecipientThatAWorkerNames(t *testing.T) {
	t.Parallel()
	help := strings.Join(strings.Fields(newCommand(nil).run(t.Context(), "doctor", "--help").stdout), " ")
	require.Contains(t, help, "Take it from the output of 'starter keygen', not from here")
}
