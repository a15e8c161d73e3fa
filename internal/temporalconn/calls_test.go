package temporalconn_test

import (
	"context"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/migrationlink/migrationlink/internal/temporalconn"
	"github.com/migrationlink/migrationlink/internal/temporalerr"
)

// answering is a Temporal that answers the first call with what next returns.
type answering struct {
	workflowservice.UnimplementedWorkflowServiceServer
	next func() error
	// describe is what it answers when it is asked for a workflow.
	describe func(context.Context) error
}

func (a *answering) GetSystemInfo(context.Context, *workflowservice.GetSystemInfoRequest) (*workflowservice.GetSystemInfoResponse, error) {
	return &workflowservice.GetSystemInfoResponse{Capabilities: &workflowservice.GetSystemInfoResponse_Capabilities{}}, a.next()
}

func (a *answering) DescribeWorkflowExecution(ctx context.Context, _ *workflowservice.DescribeWorkflowExecutionRequest) (*workflowservice.DescribeWorkflowExecutionResponse, error) {
	return nil, a.describe(ctx)
}

func (a *answering) listen(t *testing.T) temporalconn.Options {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	server := grpc.NewServer()
	workflowservice.RegisterWorkflowServiceServer(server, a)
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(server.Stop)
	options, err := temporalconn.Load(temporalconn.Overrides{Address: listener.Addr().String(), Env: environment{}})
	require.NoError(t, err)
	return options
}

var (
	limited     = status.Error(codes.ResourceExhausted, "namespace rate limit exceeded")
	unavailable = status.Error(codes.Unavailable, "shard is moving")
)

func TestTheFirstCallIsRetriedWithinItsLimit(t *testing.T) {
	t.Parallel()
	for name, refusal := range map[string]error{"rate limit": limited, "unavailable": unavailable} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			asked := atomic.Int64{}
			options := (&answering{next: func() error {
				if asked.Add(1) < 3 {
					return refusal
				}
				return nil
			}}).listen(t)
			options.ConnectionOptions.GetSystemInfoTimeout = time.Minute // of a busy machine
			client, err := options.Dial(t.Context())
			require.NoError(t, err)
			client.Close()
			require.EqualValues(t, 3, asked.Load())
		})
	}
}

func TestAFirstCallThatStaysLimitedSaysSo(t *testing.T) {
	t.Parallel()
	options := (&answering{next: func() error { return limited }}).listen(t)
	options.ConnectionOptions.GetSystemInfoTimeout = 5 * time.Second // it takes all of it
	_, err := options.Dial(t.Context())
	var known *temporalconn.Error
	require.ErrorAs(t, err, &known)
	require.Equal(t, temporalconn.RateLimited, known.Kind)
	require.Contains(t, known.Message, "limits the rate of requests to namespace \"default\" (namespace rate limit exceeded)")
}

func TestACallKeepsItsReasonWhenTheDeadlinePasses(t *testing.T) {
	t.Parallel()
	held := func(ctx context.Context) error {
		<-ctx.Done()
		return status.FromContextError(ctx.Err()).Err()
	}
	inTurn := func(first error, then func(context.Context) error) func(context.Context) error {
		asked := atomic.Bool{}
		return func(ctx context.Context) error {
			if asked.CompareAndSwap(false, true) {
				return first
			}
			return then(ctx)
		}
	}
	always := func(err error) func(context.Context) error { return func(context.Context) error { return err } }
	for name, test := range map[string]struct {
		describe func(context.Context) error
		want     codes.Code
		unsent   bool
	}{
		"limited":                       {always(limited), codes.ResourceExhausted, true},
		"unavailable":                   {always(unavailable), codes.Unavailable, false},
		"held":                          {held, codes.DeadlineExceeded, false},
		"limited, then held":            {inTurn(limited, held), codes.ResourceExhausted, true},
		"perhaps done, then limited":    {inTurn(unavailable, always(limited)), codes.Unavailable, false},
		"limited, then perhaps done":    {inTurn(limited, always(unavailable)), codes.Unavailable, false},
		"what is final is not replaced": {inTurn(limited, always(status.Error(codes.NotFound, "no"))), codes.NotFound, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			options := (&answering{next: func() error { return nil }, describe: test.describe}).listen(t)
			client, err := options.Dial(t.Context())
			require.NoError(t, err)
			defer client.Close()
			ctx, cancel := context.WithTimeout(t.Context(), 6*time.Second) // enough for a second attempt
			defer cancel()
			_, err = client.DescribeWorkflow(ctx, "w", "")
			require.Equal(t, test.want, serviceerror.ToStatus(err).Code(), "%v", err)
			require.Equal(t, test.unsent, temporalerr.Unsent(err))
		})
	}
}

func TestAnUnsupportedCallIsNotBlamedOnTheCredentials(t *testing.T) {
	t.Parallel()
	options, err := temporalconn.Load(temporalconn.Overrides{Address: "h:1", Env: environment{}})
	require.NoError(t, err)
	for _, refusal := range []error{
		serviceerror.NewPermissionDenied("UpdateWorkflowExecution operation is disabled on this namespace.", ""),
		status.Error(codes.Unimplemented, "unknown method ExecuteMultiOperation for service temporal.api.workflowservice.v1.WorkflowService"),
	} {
		require.True(t, temporalerr.NotOffered(refusal))
		var known *temporalconn.Error
		require.ErrorAs(t, options.Explain(refusal), &known)
		require.Equal(t, temporalconn.Unsupported, known.Kind)
		require.Contains(t, known.Remedy, "version "+temporalconn.LeastServer)
	}
	require.False(t, temporalerr.NotOffered(serviceerror.NewPermissionDenied("Request unauthorized.", "")))
}

func (a *answering) SignalWorkflowExecution(ctx context.Context, _ *workflowservice.SignalWorkflowExecutionRequest) (*workflowservice.SignalWorkflowExecutionResponse, error) {
	return nil, a.describe(ctx)
}

func TestASignalThatMayHaveArrivedIsNotReportedAsRateLimited(t *testing.T) {
	t.Parallel()
	asked := atomic.Bool{}
	options := (&answering{next: func() error { return nil }, describe: func(context.Context) error {
		if asked.CompareAndSwap(false, true) {
			return limited
		}
		return status.FromContextError(context.DeadlineExceeded).Err()
	}}).listen(t)
	client, err := options.Dial(t.Context())
	require.NoError(t, err)
	defer client.Close()
	// A deadline of the caller's own could pass before the second attempt is sent.
	err = client.SignalWorkflow(t.Context(), "w", "", "s", nil)
	require.True(t, temporalerr.Silent(err), "%v", err)
	require.False(t, temporalerr.Unsent(err))
}
