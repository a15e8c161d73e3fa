package activities

import (
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"
)

// fromMemory is for the local activities CheckManager and KnownManagers. Neither calls
// anybody, so only a busy worker keeps them waiting. The SDK counts the limit of the whole
// from the start of the workflow task, and takes that of one attempt for it if it is not set.
var fromMemory = workflow.LocalActivityOptions{
	ScheduleToCloseTimeout: 20 * time.Second,
	StartToCloseTimeout:    5 * time.Second,
	RetryPolicy:            &temporal.RetryPolicy{MaximumAttempts: 3},
}

// FromMemory returns a context for what the worker of the workflow answers by itself.
func FromMemory(ctx workflow.Context) workflow.Context {
	return workflow.WithLocalActivityOptions(ctx, fromMemory)
}

// Background is the priority of polls, inspections and assessments: the calls that change a
// link go first. What only reads must not go before polls, or endless reads would stop them.
var Background = temporal.Priority{PriorityKey: 5} // 1 is the highest, 3 the default
