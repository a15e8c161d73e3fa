package temporalconn

import (
	"context"
	"sync/atomic"
	"time"

	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/migrationlink/migrationlink/internal/temporalerr"
)

// calls returns the dial options that keep the errors of the attempts of a call. The SDK
// retries until the deadline and then returns only that: a rate limit or a dial error
// would be lost.
func calls(limited *atomic.Bool) []grpc.DialOption {
	return []grpc.DialOption{
		grpc.WithUnaryInterceptor(keepReason),                    // outside the SDK's, which retry
		grpc.WithChainUnaryInterceptor(recorder{limited}.record), // inside them
	}
}

// WasLimited reports whether Temporal has refused any attempt of any call because of
// a rate limit. The workers of the namespace share the limit.
func (o Options) WasLimited() bool { return o.limited != nil && o.limited.Load() }

// attempts holds the errors of the attempts of one call.
type attempts struct {
	unsent  error // the last that did not reach Temporal, or was rejected
	unknown error // the first that may have taken effect
}

type attemptsKey struct{}

// changes are the calls that change something: whether one took effect matters more than
// why another attempt failed.
var changes = map[string]bool{
	workflowservice.WorkflowService_ExecuteMultiOperation_FullMethodName:          true,
	workflowservice.WorkflowService_StartWorkflowExecution_FullMethodName:         true,
	workflowservice.WorkflowService_UpdateWorkflowExecution_FullMethodName:        true,
	workflowservice.WorkflowService_SignalWorkflowExecution_FullMethodName:        true,
	workflowservice.WorkflowService_RequestCancelWorkflowExecution_FullMethodName: true,
}

func keepReason(ctx context.Context, method string, request, reply any, conn *grpc.ClientConn, invoke grpc.UnaryInvoker, options ...grpc.CallOption) error {
	made := &attempts{}
	err := invoke(context.WithValue(ctx, attemptsKey{}, made), method, request, reply, conn, options...)
	if !temporalerr.Silent(err) && !temporalerr.Limited(err) {
		return err
	}
	reason := made.unknown
	if reason == nil {
		reason = made.unsent
	}
	if made.unsent != nil && temporalerr.Code(reason) == codes.DeadlineExceeded && !changes[method] {
		reason = made.unsent // the attempt that the deadline cut off says less
	}
	if reason == nil || temporalerr.Code(reason) == codes.DeadlineExceeded {
		return err
	}
	return serviceerror.FromStatus(status.Convert(reason))
}

// recorder sees every attempt.
type recorder struct{ limited *atomic.Bool }

func (r recorder) record(ctx context.Context, method string, request, reply any, conn *grpc.ClientConn, invoke grpc.UnaryInvoker, options ...grpc.CallOption) error {
	made, _ := ctx.Value(attemptsKey{}).(*attempts)
	for {
		err := invoke(ctx, method, request, reply, conn, options...)
		if temporalerr.Limited(err) {
			r.limited.Store(true)
		}
		if made != nil {
			made.record(err)
		}
		if !repeatsHere(method, err) || !temporalerr.Pause(ctx, firstCallInterval) {
			return err
		}
	}
}

func (a *attempts) record(err error) {
	switch {
	case temporalerr.Unsent(err):
		a.unsent = err
	case temporalerr.Silent(err) && a.unknown == nil:
		a.unknown = err
	}
}

// repeatsHere reports whether to retry the first call of a connection; the SDK retries
// all others. It does not retry a dial error: the user should learn at once that nothing
// listens at an address.
func repeatsHere(method string, err error) bool {
	if method != workflowservice.WorkflowService_GetSystemInfo_FullMethodName {
		return false
	}
	return temporalerr.Limited(err) || temporalerr.Code(err) == codes.Unavailable && !temporalerr.Unsent(err)
}

// firstCallInterval is the time between attempts of the first call.
const firstCallInterval = 300 * time.Millisecond
