package workflows

import (
	"errors"
	"time"

	enums "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/temporal"

	"github.com/migrationlink/migrationlink"
)

// mayRepeat tells whether an activity ended with something that time may heal:
// what it would have retried, or the lack or loss of a worker.
func mayRepeat(err error) bool {
	if _, ok := errors.AsType[*temporal.TimeoutError](err); ok {
		return true
	}
	applicationError, ok := errors.AsType[*temporal.ApplicationError](err)
	if !ok {
		return false
	}
	switch applicationError.Type() {
	case migrationlink.ErrNotSynced, migrationlink.ErrManagerUnavailable, migrationlink.ErrReplyLost:
		return true
	}
	return false
}

// mayHaveCreated tells whether the one attempt of CreateLink may have made a
// link: it says so, or it vanished. An attempt that no worker took did not, nor
// one that ended as cancelled.
func mayHaveCreated(err error) bool {
	if timeout, ok := errors.AsType[*temporal.TimeoutError](err); ok {
		return timeout.TimeoutType() != enums.TIMEOUT_TYPE_SCHEDULE_TO_START
	}
	applicationError, ok := errors.AsType[*temporal.ApplicationError](err)
	return ok && applicationError.Type() == migrationlink.ErrReplyLost
}

func neverStarted(err error) bool {
	timeout, ok := errors.AsType[*temporal.TimeoutError](err)
	return ok && timeout.TimeoutType() == enums.TIMEOUT_TYPE_SCHEDULE_TO_START
}

func retryDelay(err error) time.Duration {
	if applicationError, ok := errors.AsType[*temporal.ApplicationError](err); ok && applicationError.NextRetryDelay() > 0 {
		return applicationError.NextRetryDelay()
	}
	return defaultDelay
}

// problemOf returns the problem that an error carries, or makes one of it.
func problemOf(err error) migrationlink.Problem {
	if own, ok := errors.AsType[problemError](err); ok {
		return own.Problem
	}
	var problem migrationlink.Problem
	if applicationError, ok := errors.AsType[*temporal.ApplicationError](err); ok {
		if applicationError.HasDetails() && applicationError.Details(&problem) == nil && problem.Type != "" {
			return problem
		}
		return migrationlink.Problem{
			Type:    applicationError.Type(),
			Message: applicationError.Message(),
			Remedy:  "This is not expected: look at the worker's log, and report it.",
		}
	}
	if timeout, ok := errors.AsType[*temporal.TimeoutError](err); ok {
		return timeoutProblem(timeout)
	}
	if err != nil {
		return migrationlink.Problem{Type: migrationlink.ErrRequestRefused, Message: err.Error(), Remedy: "Look at the worker's log."}
	}
	return problem
}

func timeoutProblem(timeout *temporal.TimeoutError) migrationlink.Problem {
	problem := migrationlink.Problem{
		Type:    migrationlink.ErrTimedOut,
		Message: "the worker did not finish the call",
		Remedy:  "Check that the workers run.",
	}
	if timeout.TimeoutType() == enums.TIMEOUT_TYPE_SCHEDULE_TO_START {
		problem.Message = "no worker took the call"
	}
	return problem
}

// lastProgress finds what the polls of AwaitSynced saw in either of the two
// shapes in which their time runs out.
func lastProgress(err error) migrationlink.Progress {
	var progress migrationlink.Progress
	if timeout, ok := errors.AsType[*temporal.TimeoutError](err); ok && timeout.HasLastHeartbeatDetails() {
		_ = timeout.LastHeartbeatDetails(&progress) // of another version: unknown
		return progress
	}
	if applicationError, ok := errors.AsType[*temporal.ApplicationError](err); ok && applicationError.HasDetails() {
		var problem migrationlink.Problem
		_ = applicationError.Details(&problem, &progress) // without one: unknown
	}
	return progress
}
