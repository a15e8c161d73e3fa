package worker

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"
	taskqueuepb "go.temporal.io/api/taskqueue/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// poll makes one poll of the queue q; what it is told ends it.
func poll(p *polls, kind enumspb.TaskQueueKind) (end chan error) {
	end = make(chan error)
	request := &workflowservice.PollWorkflowTaskQueueRequest{TaskQueue: &taskqueuepb.TaskQueue{Name: "q", Kind: kind}}
	go func() {
		_ = p.call(context.Background(), "", request, nil, nil, func(context.Context, string, any, any, *grpc.ClientConn, ...grpc.CallOption) error {
			return <-end
		})
	}()
	synctest.Wait()
	return end
}

func TestAQueueIsPolledIfAPollIsOpenOrHasSucceeded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := watchPolls(&client.Options{}, zap.NewNop())
		says := func() string {
			if err := p.problem([]string{"q"}); err != nil {
				return err.Error()
			}
			return ""
		}
		const notYet, refused = "the worker does not poll the task queue q yet", "polls of the task queue q fail: refused"
		end := func(poll chan error, with error) {
			poll <- with
			synctest.Wait()
		}
		pass := func() { <-time.After(longPollThreshold) }

		require.Equal(t, notYet, says())
		sticky := poll(p, enumspb.TASK_QUEUE_KIND_STICKY)
		pass()
		require.Equal(t, notYet, says(), "that is of one worker alone")
		end(sticky, nil)
		first := poll(p, enumspb.TASK_QUEUE_KIND_NORMAL)
		require.Equal(t, notYet, says())
		pass()
		require.Empty(t, says())

		end(first, errors.New("refused"))
		require.Equal(t, refused, says())
		second := poll(p, enumspb.TASK_QUEUE_KIND_NORMAL)
		require.Equal(t, refused, says(), "it may be refused, too")
		pass()
		require.Empty(t, says())
		third := poll(p, enumspb.TASK_QUEUE_KIND_NORMAL)
		require.Empty(t, says(), "another one changes nothing")
		end(second, nil)
		end(third, nil)
		pass()
		require.Empty(t, says(), "none is under way where all slots are in use")
	})
}

func TestPermanentlyRefusedPollsAreLoggedOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		core, logs := observer.New(zap.InfoLevel)
		p := watchPolls(&client.Options{}, zap.New(core))
		end := func(with error) {
			poll(p, enumspb.TASK_QUEUE_KIND_NORMAL) <- with
			synctest.Wait()
			<-time.After(refusedLimit / 3)
		}
		denied := status.Error(codes.PermissionDenied, "not for you")
		for range 3 {
			end(denied)
		}
		require.Zero(t, logs.Len(), "it may pass")
		for range 3 {
			end(denied)
		}
		require.Equal(t, 1, logs.FilterMessageSnippet("Temporal refuses all polls of the task queue").Len())
		require.ErrorContains(t, p.problem([]string{"q"}), "not for you")

		end(nil)
		require.Equal(t, 1, logs.FilterMessageSnippet("accepts the polls of the task queue again").Len())
		for range 6 {
			end(status.Error(codes.Unavailable, "restarting"))
		}
		require.Equal(t, 2, logs.Len(), "what passes by itself is not a refusal")
	})
}
