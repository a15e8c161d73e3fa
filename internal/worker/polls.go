package worker

import (
	"context"
	"fmt"
	"sync"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.uber.org/zap"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// polls records the outcome of a client's polls: Temporal may answer everything but
// them.
type polls struct {
	mu     sync.Mutex
	queues map[string]*polling
	logger *zap.Logger
}

// polling is the state of one task queue.
type polling struct {
	since  time.Time // start of the first poll since the last failed one
	failed error     // error of the last poll that ended
	ended  bool      // a poll has ended

	refusedSince time.Time // start of a row of permanent refusals
	reported     bool
}

// refusedLimit is how long polls are refused before that is logged: above what a
// change of permissions in Temporal takes to reach all of its frontends.
const refusedLimit = 30 * time.Second

// longPollThreshold is how long a poll must be open to count as accepted: Temporal
// refuses one at once, and holds one for a minute when there is no task.
const longPollThreshold = time.Second

// watchPolls observes the polls of a client that is made with the options. It ignores
// polls for Nexus: not every Temporal has it, and links continue without.
func watchPolls(options *client.Options, logger *zap.Logger) *polls {
	p := &polls{queues: map[string]*polling{}, logger: logger}
	options.ConnectionOptions.DialOptions = append(options.ConnectionOptions.DialOptions, grpc.WithChainUnaryInterceptor(p.call))
	return p
}

func (p *polls) call(ctx context.Context, method string, request, reply any, connection *grpc.ClientConn, invoke grpc.UnaryInvoker, options ...grpc.CallOption) error {
	var queue string
	switch poll := request.(type) {
	case *workflowservice.PollActivityTaskQueueRequest:
		queue = poll.GetTaskQueue().GetName()
	case *workflowservice.PollWorkflowTaskQueueRequest:
		if poll.GetTaskQueue().GetKind() != enumspb.TASK_QUEUE_KIND_STICKY {
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

func (p *polls) begin(queue string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.queues[queue] == nil {
		p.queues[queue] = &polling{}
	}
	if polling := p.queues[queue]; polling.since.IsZero() {
		polling.since = time.Now()
	}
}

func (p *polls) end(queue string, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	polling := p.queues[queue]
	polling.ended, polling.failed = true, err
	if err != nil {
		polling.since = time.Time{}
	}
	p.judge(queue, polling)
}

// judge logs polls that are refused for refusedLimit: the worker looks alive, but no
// link continues.
func (p *polls) judge(queue string, polling *polling) {
	if !isPermanent(polling.failed) {
		if polling.reported && polling.failed == nil {
			p.logger.Info("Temporal accepts the polls of the task queue again", zap.String("taskQueue", queue))
		}
		polling.refusedSince, polling.reported = time.Time{}, false
		return
	}
	if polling.refusedSince.IsZero() {
		polling.refusedSince = time.Now()
	}
	if !polling.reported && time.Since(polling.refusedSince) >= refusedLimit {
		polling.reported = true
		p.logger.Error("Temporal refuses all polls of the task queue: the worker gets no work until you correct its permissions or its settings",
			zap.String("taskQueue", queue), zap.Error(polling.failed))
	}
}

func isPermanent(err error) bool {
	switch status.Code(err) {
	case codes.InvalidArgument, codes.PermissionDenied, codes.Unauthenticated, codes.NotFound, codes.FailedPrecondition, codes.Unimplemented:
		return true
	}
	return false
}

// problem returns why one of the queues is not polled, or nil.
func (p *polls) problem(queues []string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, name := range queues {
		polling := p.queues[name]
		switch {
		case polling == nil, !polling.ended && !polling.isAccepted():
			return fmt.Errorf("the worker does not poll the task queue %s yet", name)
		case polling.failed != nil && !polling.isAccepted():
			return fmt.Errorf("polls of the task queue %s fail: %w", name, polling.failed)
		}
	}
	return nil
}

func (p *polling) isAccepted() bool {
	return !p.since.IsZero() && time.Since(p.since) >= longPollThreshold
}
