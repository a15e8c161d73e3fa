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
	since  time.Time // the first poll began that has not been refused since
	failed error     // why the last one that has ended did
	ended  bool
}

// held is how long a poll is under way that is not going to be refused: Temporal holds
// one for a minute when there is no task.
const held = time.Second

// WatchPolls has the calls of a client watched that is made with the options. Polls for
// Nexus are left out: not every Temporal has it, and links go on without.
func WatchPolls(options *client.Options) *Polls {
	p := &Polls{queues: map[string]*polling{}}
	options.ConnectionOptions.DialOptions = append(options.ConnectionOptions.DialOptions, grpc.WithChainUnaryInterceptor(p.call))
	return p
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
	if polling := p.queues[queue]; polling.since.IsZero() {
		polling.since = time.Now()
	}
}

func (p *Polls) end(queue string, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	polling := p.queues[queue]
	polling.ended, polling.failed = true, err
	if err != nil {
		polling.since = time.Time{}
	}
}

// problem tells why one of the queues is not polled, or nil.
func (p *Polls) problem(queues []string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, name := range queues {
		polling := p.queues[name]
		switch {
		case polling == nil, !polling.ended && !polling.isHeld():
			return fmt.Errorf("the task queue %s is not polled yet", name)
		case polling.failed != nil && !polling.isHeld():
			return fmt.Errorf("polls of the task queue %s fail: %w", name, polling.failed)
		}
	}
	return nil
}

func (p *polling) isHeld() bool { return !p.since.IsZero() && time.Since(p.since) >= held }
