// Package linkworker runs the workflows and activities of migrationlink inside
// a process.
package linkworker

import (
	"context"
	"fmt"
	"maps"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/interceptor"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"
	"go.uber.org/zap"

	"github.com/migrationlink/migrationlink"
	"github.com/migrationlink/migrationlink/activities"
	"github.com/migrationlink/migrationlink/internal/buildinfo"
	"github.com/migrationlink/migrationlink/internal/config"
	"github.com/migrationlink/migrationlink/workflows"
)

// heartbeatInterval is how long the SDK may hold a heartbeat back. By itself it
// would take most of the time after which an attempt without one counts as lost.
const heartbeatInterval = 500 * time.Millisecond

// followingEnds is how long a stop waits for a configuration that is being read.
const followingEnds = 2 * time.Second

// Worker polls one task queue for workflows and one per manager for activities.
type Worker struct {
	logger   *zap.Logger
	acts     *activities.Activities
	identity string
	pollers  []worker.Worker
	temporal client.Client
	failed   chan error
	managers []string
	version  string                // of the Worker Deployment that it is part of
	refused  atomic.Pointer[error] // why it does not poll
	// misconfigured says that what the file has become is refused.
	misconfigured atomic.Bool

	// The configuration with which it runs, and its clients. Only start, and then
	// only whoever follows the file, changes them.
	running config.Config
	clients activities.Clients

	stopFollowing context.CancelFunc
	following     sync.WaitGroup
}

// Run runs a worker until ctx ends, and stops it gracefully: the error is nil.
// An error says that it could not start, or that Temporal has refused it for
// good. It follows the configuration in source, from which cfg was loaded, see
// Worker.Follow. It calls started once it polls.
func Run(ctx context.Context, c client.Client, cfg config.Config, source config.Source, hangup <-chan os.Signal, logger *zap.Logger, started func(*Worker)) error {
	w, err := Start(c, cfg, logger)
	if err != nil {
		return err
	}
	defer w.Stop()
	w.Follow(source, hangup)
	started(w)
	select {
	case <-ctx.Done():
		return nil
	case err := <-w.Failed():
		return err
	}
}

// Start returns a worker that polls. The caller stops it, closes c afterwards,
// and starts one at a time: the cache of workflows is shared by the process.
func Start(c client.Client, cfg config.Config, logger *zap.Logger) (*Worker, error) {
	w, err := newWorker(cfg, logger)
	if err != nil {
		return nil, err
	}
	if err := w.start(c); err != nil {
		w.Stop()
		return nil, err
	}
	return w, nil
}

func newWorker(cfg config.Config, logger *zap.Logger) (*Worker, error) {
	clients, err := makeClients(cfg, config.Config{}, activities.Clients{})
	if err != nil {
		return nil, err
	}
	managers := slices.Sorted(maps.Keys(clients.Managers))
	return &Worker{
		logger:        logger,
		acts:          activities.New(clients),
		identity:      buildinfo.Identity(managers),
		managers:      managers,
		version:       cfg.Deployment.String(),
		failed:        make(chan error, 1),
		running:       cfg,
		clients:       clients,
		stopFollowing: func() {},
	}, nil
}

// Failed delivers the error with which Temporal has refused the worker for
// good, if it ever does: the worker no longer polls then.
func (w *Worker) Failed() <-chan error { return w.failed }

// Stop stops polling, lets running calls finish for as long as the stop timeout
// of the configuration, and returns when all have ended.
func (w *Worker) Stop() {
	w.refused.CompareAndSwap(nil, &errStopping)
	w.stopFollowing()
	var stopping sync.WaitGroup
	for _, poller := range w.pollers {
		stopping.Go(poller.Stop)
	}
	stopping.Wait()
	w.endClients()
	if len(w.pollers) > 0 {
		w.logger.Info("worker stopped")
	}
}

// endClients closes the clients when nobody replaces them any more. It does not
// wait long for that: the file that is being read may be on a server that hangs.
func (w *Worker) endClients() {
	ended := make(chan struct{})
	go func() {
		w.following.Wait()
		closeReplaced(w.clients, activities.Clients{})
		close(ended)
	}()
	select {
	case <-ended:
	case <-time.After(followingEnds):
		w.logger.Warn("the configuration is still being read: the worker ends without waiting for that")
	}
}

func (w *Worker) start(c client.Client) error {
	w.temporal = c
	cfg := w.running
	worker.SetStickyWorkflowCacheSize(cfg.Worker.MaxCachedWorkflows)

	// Activities first, so that the first link finds somebody to call its
	// manager.
	var names, queues []string
	for _, m := range cfg.Managers {
		names = append(names, m.Name)
		queues = append(queues, migrationlink.ManagerTaskQueue(m.Name))
		if err := w.pollActivities(c, m); err != nil {
			return err
		}
	}
	if err := w.pollWorkflows(c); err != nil {
		return err
	}
	w.logger.Info("worker ready", append(recipients(w.running),
		zap.Strings("managers", names), zap.Strings("taskQueues", append(queues, migrationlink.TaskQueue)))...)
	return nil
}

func (w *Worker) pollActivities(c client.Client, m config.Manager) error {
	poller := worker.New(c, migrationlink.ManagerTaskQueue(m.Name), worker.Options{
		Identity:                     w.identity,
		DisableWorkflowWorker:        true,
		Interceptors:                 []interceptor.WorkerInterceptor{&attempts{}},
		TaskQueueActivitiesPerSecond: m.RequestsPerSecond,
		MaxHeartbeatThrottleInterval: heartbeatInterval,
		WorkerStopTimeout:            w.running.Worker.StopTimeout,
		OnFatalError:                 w.fail,
		DeploymentOptions:            versioned(w.running.Deployment),
	})
	activities.Register(poller, w.acts)
	return w.poll(poller)
}

func (w *Worker) pollWorkflows(c client.Client) error {
	poller := worker.New(c, migrationlink.TaskQueue, worker.Options{
		Identity:                w.identity,
		LocalActivityWorkerOnly: true,
		WorkerStopTimeout:       w.running.Worker.StopTimeout,
		OnFatalError:            w.fail,
		DeploymentOptions:       versioned(w.running.Deployment),
	})
	workflows.Register(poller, w.acts)
	return w.poll(poller)
}

// versioned is the part of a worker in a Worker Deployment. A link is pinned: it ends
// on the version where it began, however long it waits, and whatever is current.
func versioned(deployment config.Deployment) worker.DeploymentOptions {
	if deployment == (config.Deployment{}) {
		return worker.DeploymentOptions{}
	}
	return worker.DeploymentOptions{
		UseVersioning:             true,
		Version:                   worker.WorkerDeploymentVersion{DeploymentName: deployment.Name, BuildID: deployment.BuildID},
		DefaultVersioningBehavior: workflow.VersioningBehaviorPinned,
	}
}

func (w *Worker) poll(poller worker.Worker) error {
	if err := poller.Start(); err != nil {
		return err
	}
	w.pollers = append(w.pollers, poller)
	return nil
}

// fail keeps the first error: the others are its consequences.
func (w *Worker) fail(err error) {
	err = fmt.Errorf("temporal refuses the worker: %w", err)
	if w.refused.CompareAndSwap(nil, &err) {
		w.failed <- err
	}
}
