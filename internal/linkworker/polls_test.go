package linkworker

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/taskqueue/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"google.golang.org/grpc"
)

// poll makes one poll of the queue q; what it is told ends it.
func poll(p *Polls, kind enums.TaskQueueKind) (end chan error) {
	end = make(chan error)
	request := &workflowservice.PollWorkflowTaskQueueRequest{TaskQueue: &taskqueue.TaskQueue{Name: "q", Kind: kind}}
	go func() {
		_ = p.call(context.Background(), "", request, nil, nil, func(context.Context, string, any, any, *grpc.ClientConn, ...grpc.CallOption) error {
			return <-end
		})
	}()
	synctest.Wait()
	return end
}

func TestAQueueIsPolledWhenAPollIsHeldOrHasEndedWell(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := WatchPolls(&client.Options{})
		says := func() string {
			if err := p.problem([]string{"q"}); err != nil {
				return err.Error()
			}
			return ""
		}
		const notYet, refused = "the task queue q is not polled yet", "polls of the task queue q fail: refused"
		end := func(poll chan error, with error) {
			poll <- with
			synctest.Wait()
		}
		pass := func() { <-time.After(held) }

		require.Equal(t, notYet, says())
		sticky := poll(p, enums.TASK_QUEUE_KIND_STICKY)
		pass()
		require.Equal(t, notYet, says(), "that is of one worker alone")
		end(sticky, nil)
		first := poll(p, enums.TASK_QUEUE_KIND_NORMAL)
		require.Equal(t, notYet, says())
		pass()
		require.Empty(t, says())

		end(first, errors.New("refused"))
		require.Equal(t, refused, says())
		second := poll(p, enums.TASK_QUEUE_KIND_NORMAL)
		require.Equal(t, refused, says(), "it may be refused, too")
		pass()
		require.Empty(t, says())
		third := poll(p, enums.TASK_QUEUE_KIND_NORMAL)
		require.Empty(t, says(), "another one changes nothing")
		end(second, nil)
		end(third, nil)
		pass()
		require.Empty(t, says(), "none is under way where all slots are in use")
	})
}
