// Package linkworkertest has a stand-in for Temporal's frontend, in the manner of
// net/http/httptest: just enough of it to see a worker start, poll and stop.
package linkworkertest

import (
	"context"
	"net"
	"sync"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/grpc"
)

// Namespace is the one namespace that there is.
const Namespace = "default"

// Frontend answers workers on loopback.
type Frontend struct {
	// Address is host:port of the frontend.
	Address string

	server *grpc.Server
	api    *api
}

// Queue is a task queue that is polled.
type Queue struct {
	Name      string
	Kind      enums.TaskQueueType
	PerSecond float64 // limit of the whole queue, for activities
}

// NewFrontend starts a frontend. Close it after use.
func NewFrontend() *Frontend {
	listener, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	f := &Frontend{
		Address: listener.Addr().String(),
		server:  grpc.NewServer(),
		api: &api{
			polled:   map[Queue]bool{},
			stopping: make(chan struct{}),
			tasks:    map[string]chan *workflowservice.PollActivityTaskQueueResponse{},
		},
	}
	workflowservice.RegisterWorkflowServiceServer(f.server, f.api)
	go func() { _ = f.server.Serve(listener) }()
	return f
}

// Close ends the frontend.
func (f *Frontend) Close() { f.server.Stop() }

// Offer hands one activity task to the next poll of a queue.
func (f *Frontend) Offer(queue string, task *workflowservice.PollActivityTaskQueueResponse) {
	f.api.queue(queue) <- task
}

// Polled returns the queues that have been polled so far, without sticky ones.
func (f *Frontend) Polled() []Queue {
	f.api.mu.Lock()
	defer f.api.mu.Unlock()
	queues := make([]Queue, 0, len(f.api.polled))
	for queue := range f.api.polled {
		queues = append(queues, queue)
	}
	return queues
}

// Stopping is closed when a worker says that it stops.
func (f *Frontend) Stopping() <-chan struct{} { return f.api.stopping }

// Completed returns the activity results that have arrived.
func (f *Frontend) Completed() []*workflowservice.RespondActivityTaskCompletedRequest {
	f.api.mu.Lock()
	defer f.api.mu.Unlock()
	return f.api.completed
}

type api struct {
	workflowservice.UnimplementedWorkflowServiceServer

	mu        sync.Mutex
	polled    map[Queue]bool
	tasks     map[string]chan *workflowservice.PollActivityTaskQueueResponse
	completed []*workflowservice.RespondActivityTaskCompletedRequest
	stopOnce  sync.Once
	stopping  chan struct{}
}

func (a *api) queue(name string) chan *workflowservice.PollActivityTaskQueueResponse {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.tasks[name] == nil {
		a.tasks[name] = make(chan *workflowservice.PollActivityTaskQueueResponse, 1)
	}
	return a.tasks[name]
}

func (a *api) note(queue Queue) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.polled[queue] = true
}

func (a *api) GetSystemInfo(context.Context, *workflowservice.GetSystemInfoRequest) (*workflowservice.GetSystemInfoResponse, error) {
	return &workflowservice.GetSystemInfoResponse{}, nil
}

func (a *api) DescribeNamespace(_ context.Context, request *workflowservice.DescribeNamespaceRequest) (*workflowservice.DescribeNamespaceResponse, error) {
	if request.GetNamespace() != Namespace {
		return nil, serviceerror.ToStatus(serviceerror.NewNamespaceNotFound(request.GetNamespace())).Err()
	}
	return &workflowservice.DescribeNamespaceResponse{}, nil
}

func (a *api) PollWorkflowTaskQueue(ctx context.Context, request *workflowservice.PollWorkflowTaskQueueRequest) (*workflowservice.PollWorkflowTaskQueueResponse, error) {
	if request.GetTaskQueue().GetKind() != enums.TASK_QUEUE_KIND_STICKY {
		a.note(Queue{Name: request.GetTaskQueue().GetName(), Kind: enums.TASK_QUEUE_TYPE_WORKFLOW})
	}
	<-ctx.Done()
	return nil, ctx.Err()
}

func (a *api) PollActivityTaskQueue(ctx context.Context, request *workflowservice.PollActivityTaskQueueRequest) (*workflowservice.PollActivityTaskQueueResponse, error) {
	name := request.GetTaskQueue().GetName()
	a.note(Queue{name, enums.TASK_QUEUE_TYPE_ACTIVITY, request.GetTaskQueueMetadata().GetMaxTasksPerSecond().GetValue()})
	select {
	case task := <-a.queue(name):
		return task, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (a *api) RespondActivityTaskCompleted(_ context.Context, request *workflowservice.RespondActivityTaskCompletedRequest) (*workflowservice.RespondActivityTaskCompletedResponse, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.completed = append(a.completed, request)
	return &workflowservice.RespondActivityTaskCompletedResponse{}, nil
}

func (a *api) ShutdownWorker(context.Context, *workflowservice.ShutdownWorkerRequest) (*workflowservice.ShutdownWorkerResponse, error) {
	a.stopOnce.Do(func() { close(a.stopping) })
	return &workflowservice.ShutdownWorkerResponse{}, nil
}
