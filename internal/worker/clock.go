package worker

import (
	"context"
	"time"

	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// useOwnClock keeps the deadlines of activities correct on a worker whose wall clock is
// wrong. The SDK adds the timeout of an activity to the time at which Temporal scheduled
// it, and compares that with the worker's clock: if the clock is minutes fast, every
// attempt times out before it begins. useOwnClock therefore moves the scheduled time of
// each task to the worker's clock. The started time stays Temporal's.
func useOwnClock(options *client.Options) {
	options.ConnectionOptions.DialOptions = append(options.ConnectionOptions.DialOptions, grpc.WithChainUnaryInterceptor(
		func(ctx context.Context, method string, request, reply any, connection *grpc.ClientConn, invoke grpc.UnaryInvoker, options ...grpc.CallOption) error {
			err := invoke(ctx, method, request, reply, connection, options...)
			if err != nil {
				return err
			}
			switch reply := reply.(type) {
			case *workflowservice.PollActivityTaskQueueResponse:
				moveToOwnClock(reply)
			case *workflowservice.RespondWorkflowTaskCompletedResponse:
				for _, task := range reply.GetActivityTasks() { // started eagerly
					moveToOwnClock(task)
				}
			}
			return nil
		}))
}

func moveToOwnClock(task *workflowservice.PollActivityTaskQueueResponse) {
	if task.GetStartedTime() == nil {
		return // an empty poll
	}
	offset := time.Since(task.GetStartedTime().AsTime())
	task.ScheduledTime = timestamppb.New(task.GetScheduledTime().AsTime().Add(offset))
}
