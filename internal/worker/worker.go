// Package worker runs the workflows and activities of migrationlink, and has the
// command line of the program that does.
package worker

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
	"github.com/migrationlink/migrationlink/internal/dataconv"
	"github.com/migrationlink/migrationlink/workflows"
)

// heartbeatInterval limits how long the SDK may delay a heartbeat. By default it would
// take most of the heartbeat timeout.
const heartbeatInterval = 500 * time.Millisecond

// More pollers are open while tasks wait, and fewer at rest: each is a call that stays open
// for a minute. They are never fewer than the partitions of a task queue: the server
// forwards the tasks of a partition that nobody polls, at 10 a second. They are few even
// then: the server hands out as many tasks at once as there are pollers, and loses those
// that its database cannot record within a second.
const partitions, mostPollers = 4, 6

func pollers() worker.PollerBehavior {
	return worker.NewPollerBehaviorAutoscaling(worker.PollerBehaviorAutoscalingOptions{
		InitialNumberOfPollers: partitions,
		MinimumNumberOfPollers: partitions,
		MaximumNumberOfPollers: mostPollers,
	})
}

// followingEnds is how long Stop waits for a configuration that is being read.
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
	version  string                // its Worker Deployment version
	refused  atomic.Pointer[error] // why it no longer polls
	// misconfigured reports whether the latest configuration is invalid.
	misconfigured atomic.Bool

	// The active configuration and its clients. Only start changes them, and later only
	// the follower.
	running config.Config
	clients activities.Clients

	stopFollowing context.CancelFunc
	following     sync.WaitGroup
}

// run runs a worker until ctx ends, and stops it gracefully: the error is nil. It
// returns an error if the worker could not start, or Temporal has refused it for
// good. It follows the configuration in source, from which cfg was loaded, see
// Worker.Follow. It calls started once the worker polls. The converters are those
// of c.
func run(ctx context.Context, c client.Client, stored dataconv.Converters, cfg config.Config, source config.Source, hangup <-chan os.Signal, logger *zap.Logger, started func(*Worker)) error {
	w, err := Start(c, stored, cfg, logger)
	if err != nil {
		return err
	}
	defer w.Stop()
	w.Follow(source, hangup)
	started(w)
	select {
	case <-ctx.Done():
		return nil
	case err := <-w.failed:
		return err
	}
}

// Start returns a worker that polls. Stop it, then close c. Run one worker at a time:
// the cache of workflows is shared by the process. The converters are those of c.
func Start(c client.Client, stored dataconv.Converters, cfg config.Config, logger *zap.Logger) (*Worker, error) {
	w, err := newWorker(cfg, logger)
	if err != nil {
		return nil, err
	}
	w.acts.ReadWith(stored)
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

// Stop stops polling, waits for running calls up to the configured stop timeout, and
// returns when all have ended.
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

// endClients closes the clients once the follower has ended. It does not wait long: the
// file that is being read may be on a server that hangs.
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
		w.logger.Warn("the configuration is still being read; the worker ends without waiting for it")
	}
}

func (w *Worker) start(c client.Client) error {
	w.temporal = c
	cfg := w.running
	worker.SetStickyWorkflowCacheSize(cfg.Worker.MaxCachedWorkflows)

	// Activities first, so that they are polled before the first link needs them.
	var queues []string
	for _, m := range cfg.Managers {
		queues = append(queues, migrationlink.ManagerTaskQueue(m.Name))
		if err := w.pollActivities(c, m); err != nil {
			return err
		}
	}
	if err := w.pollWorkflows(c); err != nil {
		return err
	}
	w.logger.Info("worker ready", append(recipients(w.running),
		zap.Strings("managers", w.managers), zap.Strings("taskQueues", append(queues, migrationlink.TaskQueue)))...)
	return nil
}

func (w *Worker) pollActivities(c client.Client, m config.Manager) error {
	poller := worker.New(c, migrationlink.ManagerTaskQueue(m.Name), worker.Options{
		Identity:                     w.identity,
		DisableWorkflowWorker:        true,
		Interceptors:                 []interceptor.WorkerInterceptor{&attempts{}},
		TaskQueueActivitiesPerSecond: m.RequestsPerSecond,
		ActivityTaskPollerBehavior:   pollers(),
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

		WorkflowTaskPollerBehavior: pollers(),
		// A workflow may find thousands of signals at once, on a machine that has little time.
		DeadlockDetectionTimeout: 5 * time.Second,
		WorkerStopTimeout:        w.running.Worker.StopTimeout,
		OnFatalError:             w.fail,
		DeploymentOptions:        versioned(w.running.Deployment),
	})
	workflows.Register(poller, w.acts)
	return w.poll(poller)
}

// versioned returns the options for a worker in a Worker Deployment. A link is pinned to
// the version where it began, however long it waits.
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

// fail keeps the first error: later ones are its consequences.
func (w *Worker) fail(err error) {
	err = fmt.Errorf("temporal refuses the worker: %w", err)
	if w.refused.CompareAndSwap(nil, &err) {
		w.failed <- err
	}
}
