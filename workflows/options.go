package workflows

import (
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/migrationlink/migrationlink"
)

const (
	// queueTimeout is how long the first call of a link may wait for a worker
	// before it is asked whether any knows the manager.
	queueTimeout = 3 * time.Second
	// createAttempt covers several HTTP requests of at most a minute each.
	createAttempt = 2 * time.Minute
	// silence is how soon the loss of a worker is noticed during a call. Calls
	// that take longer than three seconds send heartbeats.
	silence = 10 * time.Second
	// oneCall is above the longest HTTP timeout that a configuration may set.
	oneCall = 75 * time.Second
	// undoLimit is how long a link is tried to be removed: the outage of a
	// manager is bridged, and somebody waits for the end.
	undoLimit = 15 * time.Minute
	// undoReserve is what is left of it at least when a link has been looked
	// for until its doubt was over.
	undoReserve = 5 * time.Minute
	// lastCall is what the call on a deadline gets: the server ends a wait whose
	// next attempt would come after its limit.
	lastCall = 3 * time.Second
	// acceptLimit is how long an update waits for the manager to accept: Temporal
	// lets ten of them wait at a time.
	acceptLimit = 20 * time.Second
	// maxChecks is half of the updates that Temporal takes for one workflow.
	maxChecks = 1000
	// defaultDelay is for failures that say no delay of their own.
	defaultDelay = time.Second
)

// once is for a call that must not be repeated without looking first. A
// cancellation waits for it to end, so that nothing overtakes it.
func once(ctx workflow.Context, manager, summary string, queue time.Duration) workflow.Context {
	return workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		TaskQueue:              migrationlink.ManagerTaskQueue(manager),
		ScheduleToStartTimeout: queue,
		StartToCloseTimeout:    createAttempt,
		HeartbeatTimeout:       silence,
		WaitForCancellation:    true,
		RetryPolicy:            &temporal.RetryPolicy{MaximumAttempts: 1},
		Summary:                summary,
	})
}

// again is for what is repeated until it sees or does what it is for: it may be
// abandoned at any time, so a cancellation does not wait for it. The delay comes
// with each attempt's error.
func again(ctx workflow.Context, manager, summary string, limit time.Duration) workflow.Context {
	return workflow.WithActivityOptions(ctx, repeated(manager, summary, limit))
}

// traced is for what is repeated and must not be forgotten or overtaken: a
// cancellation waits for it, and an attempt that vanishes ends it with its trace.
func traced(ctx workflow.Context, manager, summary string, limit time.Duration) workflow.Context {
	options := repeated(manager, summary, limit)
	options.WaitForCancellation = true
	options.RetryPolicy.NonRetryableErrorTypes = []string{"TemporalTimeout:Heartbeat", "TemporalTimeout:StartToClose"} // the server's words
	return workflow.WithActivityOptions(ctx, options)
}

// making is traced for a creation, which takes several calls: what was sent before
// the limit is waited for after it, too.
func making(ctx workflow.Context, manager, summary string, limit time.Duration) workflow.Context {
	options := workflow.GetActivityOptions(traced(ctx, manager, summary, limit))
	options.ScheduleToStartTimeout = limit
	options.StartToCloseTimeout = createAttempt
	options.ScheduleToCloseTimeout = limit + createAttempt
	return workflow.WithActivityOptions(ctx, options)
}

func repeated(manager, summary string, limit time.Duration) workflow.ActivityOptions {
	return workflow.ActivityOptions{
		TaskQueue:              migrationlink.ManagerTaskQueue(manager),
		ScheduleToCloseTimeout: limit + lastCall,
		StartToCloseTimeout:    oneCall,
		HeartbeatTimeout:       silence,
		RetryPolicy:            &temporal.RetryPolicy{InitialInterval: time.Second, BackoffCoefficient: 1.5, MaximumInterval: 45 * time.Second},
		Summary:                summary,
	}
}

// glance is for one read that somebody waits for.
func glance(ctx workflow.Context, manager, summary string) workflow.Context {
	return workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		TaskQueue:              migrationlink.ManagerTaskQueue(manager),
		ScheduleToStartTimeout: queueTimeout,
		StartToCloseTimeout:    oneCall,
		HeartbeatTimeout:       silence,
		RetryPolicy:            &temporal.RetryPolicy{MaximumAttempts: 1},
		Summary:                summary,
	})
}

// here is for what the worker of the workflow answers by itself.
func here(ctx workflow.Context) workflow.Context {
	return workflow.WithLocalActivityOptions(ctx, workflow.LocalActivityOptions{
		StartToCloseTimeout: time.Second,
		RetryPolicy:         &temporal.RetryPolicy{MaximumAttempts: 3},
	})
}
