package linkworker

import (
	"context"
	"fmt"
	"sync"
	"time"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"google.golang.org/grpc"
)

// Polls sees how the polls of a client's workers fare: Temporal may answer
// everything but them.
type Polls struct {
	mu     sync.Mutex
	queues map[string]*polling
}

// polling is about one task queue.
type polling struct {
	underWay int
	begun    time.Time // of the last one
	failed   error     // of the last one that has ended
}

// held is how long a poll is under way that has not been refused. Temporal holds one
// for a minute when there is no task.
const held = 2 * time.Second

// Watch has the calls of a client watched that is made with the options.
func (p *Polls) Watch(options *client.Options) {
	p.queues = map[string]*polling{}
	options.ConnectionOptions.DialOptions = append(options.ConnectionOptions.DialOptions, grpc.WithChainUnaryInterceptor(p.call))
}

func (p *Polls) call(ctx context.Context, method string, request, reply any, connection *grpc.ClientConn, invoke grpc.UnaryInvoker, options ...grpc.CallOption) error {
	var queue string
	switch poll := request.(type) {
	case *workflowservice.PollActivityTaskQueueRequest:
		queue = poll.GetTaskQueue().GetName()
	case *workflowservice.PollWorkflowTaskQueueRequest:
		if poll.GetTaskQueue().GetKind() != enums.TASK_QUEUE_KIND_STICKY {
			queue = poll.GetTaskQueue().GetName()
		}
	}
	if queue == "" {
		return invoke(ctx, method, request, reply, connection, options...)
	}
	p.begin(queue)
	err := invoke(ctx, method, request, reply, connection, options...)
	p.end(queue, err)
	return err
}

func (p *Polls) begin(queue string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.queues[queue] == nil {
		p.queues[queue] = &polling{}
	}
	p.queues[queue].underWay++
	p.queues[queue].begun = time.Now()
}

func (p *Polls) end(queue string, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.queues[queue].underWay--
	p.queues[queue].failed = err
}

// problem tells why one of the queues is not polled, or nil.
func (p *Polls) problem(queues []string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, name := range queues {
		queue := p.queues[name]
		switch {
		case queue == nil:
			return fmt.Errorf("the task queue %s is not polled yet", name)
		case queue.failed != nil && (queue.underWay == 0 || time.Since(queue.begun) < held):
			return fmt.Errorf("polls of the task queue %s fail: %w", name, queue.failed)
		}
	}
	return nil
}
