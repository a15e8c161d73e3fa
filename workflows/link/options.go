package link

import (
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/migrationlink/migrationlink"
	"github.com/migrationlink/migrationlink/activities"
)

const (
	// queueTimeout is how long the first call of a link may wait for a worker
	// before it is asked whether any knows the manager.
	queueTimeout = 3 * time.Second
	// createAttempt covers several HTTP requests of at most a minute each.
	createAttempt = 2 * time.Minute
	// heartbeatTimeout bounds how long the loss of a worker during a call goes unnoticed. Calls
	// that take longer than three seconds send heartbeats.
	heartbeatTimeout = 10 * time.Second
	// oneCall is above the longest HTTP timeout that a configuration may set.
	oneCall = 75 * time.Second
	// undoLimit is how long a link is tried to be removed: the outage of a
	// manager is bridged, and somebody waits for the end.
	undoLimit = 15 * time.Minute
	// undoReserve is what is left of it at least when a link has been looked
	// for until its doubt was over.
	undoReserve = 5 * time.Minute
	// finalCallGrace is what the call on a deadline gets: the server ends a wait whose
	// next attempt would come after its limit.
	finalCallGrace = 3 * time.Second
	// acceptLimit is how long an update waits for the manager to accept: Temporal
	// lets ten of them wait at a time.
	acceptLimit = 20 * time.Second
	// unseenLimit is how long it waits while Temporal itself may be retrying a step: the
	// workflow then sees no problem that it could report.
	unseenLimit = time.Minute
	// retryMoment is how long a retry waits for its effect: what is not fixed blocks it
	// again at once.
	retryMoment = 2 * time.Second
	// maxChecks is half of the updates that Temporal takes for one workflow.
	maxChecks = 1000
	// maxEvents and maxHistory are when an operation ends by itself. Temporal terminates a
	// workflow with 51,200 events or 50 MiB, and nobody would undo anything or have an answer.
	// The rest is for the undo, and for the answers to guests.
	maxEvents  = 40_000
	maxHistory = 30 << 20
	// leastLimit keeps the limit of an activity positive where a deadline has passed
	// meanwhile: Temporal would fail the workflow task for ever.
	leastLimit = time.Second
	// longestDelay is above what a manager can ask for. A longer one only says that no
	// time was left, and the deadline may have been extended since.
	longestDelay = 20 * time.Minute
	// maxRetries bounds the retries of one link: each costs about 16 events.
	maxRetries = 500
	// defaultDelay is for failures that say no delay of their own.
	defaultDelay = time.Second
)

// The priorities of calls that wait in the queue of a manager. What somebody waits for does
// not stand behind the polls of thousands of links. All share one queue, so the rate limit
// of the manager holds for them together. Creations have Temporal's default, 3.
// Polls have activities.Background.
var urgent = temporal.Priority{PriorityKey: 1} // an undo, a removal, a check

// withSingleAttempt is for a call that must not be repeated without looking first. A
// cancellation waits for it to end, so that nothing overtakes it.
func withSingleAttempt(ctx workflow.Context, manager, summary string, queue time.Duration) workflow.Context {
	return workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		TaskQueue:              migrationlink.ManagerTaskQueue(manager),
		ScheduleToStartTimeout: max(queue, leastLimit),
		StartToCloseTimeout:    createAttempt,
		HeartbeatTimeout:       heartbeatTimeout,
		WaitForCancellation:    true,
		RetryPolicy:            &temporal.RetryPolicy{MaximumAttempts: 1},
		Summary:                summary,
	})
}

// withPolling is for what is repeated until it sees or does what it is for: it may be
// abandoned at any time, so a cancellation does not wait for it. The delay comes
// with each attempt's error.
func withPolling(ctx workflow.Context, manager, summary string, limit time.Duration) workflow.Context {
	options := repeated(manager, summary, limit)
	options.Priority = activities.Background
	return workflow.WithActivityOptions(ctx, options)
}

// withTrackedRetries is for what is repeated and must not be forgotten or overtaken: a
// cancellation waits for it, and an attempt that vanishes ends it with its trace.
func withTrackedRetries(ctx workflow.Context, manager, summary string, limit time.Duration) workflow.Context {
	options := repeated(manager, summary, limit)
	options.Priority = urgent
	options.WaitForCancellation = true
	options.RetryPolicy.NonRetryableErrorTypes = []string{"TemporalTimeout:Heartbeat", "TemporalTimeout:StartToClose"} // the server's words
	return workflow.WithActivityOptions(ctx, options)
}

// withTrackedCreation is withTrackedRetries for a creation, which takes several calls: what was sent before
// the limit is waited for after it, too.
func withTrackedCreation(ctx workflow.Context, manager, summary string, limit time.Duration) workflow.Context {
	options := workflow.GetActivityOptions(withTrackedRetries(ctx, manager, summary, limit))
	limit = max(limit, leastLimit)
	options.Priority = temporal.Priority{}
	options.ScheduleToStartTimeout = limit
	options.StartToCloseTimeout = createAttempt
	options.ScheduleToCloseTimeout = limit + createAttempt
	return workflow.WithActivityOptions(ctx, options)
}

func repeated(manager, summary string, limit time.Duration) workflow.ActivityOptions {
	return workflow.ActivityOptions{
		TaskQueue:              migrationlink.ManagerTaskQueue(manager),
		ScheduleToCloseTimeout: max(limit, leastLimit) + finalCallGrace,
		StartToCloseTimeout:    oneCall,
		HeartbeatTimeout:       heartbeatTimeout,
		RetryPolicy:            &temporal.RetryPolicy{InitialInterval: time.Second, BackoffCoefficient: 1.5, MaximumInterval: 45 * time.Second},
		Summary:                summary,
	}
}

// withSingleRead is for one read that somebody waits for.
func withSingleRead(ctx workflow.Context, manager, summary string) workflow.Context {
	return workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		TaskQueue:              migrationlink.ManagerTaskQueue(manager),
		ScheduleToStartTimeout: queueTimeout,
		StartToCloseTimeout:    oneCall,
		HeartbeatTimeout:       heartbeatTimeout,
		RetryPolicy:            &temporal.RetryPolicy{MaximumAttempts: 1},
		Summary:                summary,
		Priority:               urgent,
	})
}
