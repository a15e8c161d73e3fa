package workflows

import (
	"errors"
	"strings"
	"time"

	enums "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/temporal"

	"github.com/migrationlink/migrationlink"
	"github.com/migrationlink/migrationlink/activities"
)

// mayRepeat tells whether an activity ended with something that time may heal:
// what it would have retried, or the lack or loss of a worker.
func mayRepeat(err error) bool {
	if _, ok := errors.AsType[*temporal.TimeoutError](err); ok {
		return true
	}
	if _, ok := errors.AsType[*temporal.PanicError](err); ok {
		return true
	}
	applicationError, ok := errors.AsType[*temporal.ApplicationError](err)
	if !ok {
		return false
	}
	switch applicationError.Type() {
	case migrationlink.ErrNotSynced, migrationlink.ErrManagerUnavailable, migrationlink.ErrReplyLost,
		migrationlink.ErrAtlasUnavailable, migrationlink.ErrNotInAtlas:
		return true // final or not: an activity makes them final when its time is up
	}
	return !applicationError.NonRetryable()
}

// lostPosting returns how far the one attempt of CreateLink came, and whether it
// may have made a link: it says so, or it vanished after it had left its mark. An
// attempt that no worker took did not, nor one that ended as cancelled.
func lostPosting(err error) (posting activities.Posting, lost bool) {
	if _, ok := errors.AsType[*temporal.PanicError](err); ok {
		return activities.Posting{Slow: true}, true // it says nothing of how far it came
	}
	if timeout, ok := errors.AsType[*temporal.TimeoutError](err); ok && timeout.HasLastHeartbeatDetails() {
		lost = timeout.LastHeartbeatDetails(&posting) == nil && posting.Before != ""
		posting.Slow = true // nobody knows what became of the connection
		return posting, lost
	}
	applicationError, ok := errors.AsType[*temporal.ApplicationError](err)
	if !ok {
		return posting, false
	}
	var problem migrationlink.Problem
	_ = applicationError.Details(&problem, &posting) // none, or of another version: unknown, which is waited out
	return posting, applicationError.Type() == migrationlink.ErrReplyLost
}

func isLost(err error) bool {
	_, lost := lostPosting(err)
	return lost
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

// outOfTime tells whether err is what was met last before a deadline.
func outOfTime(err error) bool {
	_, ok := errors.AsType[deadlineReached](err)
	return ok || mayRepeat(err)
}

// problemOf returns the problem that an error carries, or makes one of it. Its
// message has no full stop, which the words of a server may end with: more may
// follow.
func problemOf(err error) migrationlink.Problem {
	problem := foundProblem(err)
	problem.Message = strings.TrimSuffix(problem.Message, ".")
	return problem
}

func foundProblem(err error) migrationlink.Problem {
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
		Type:    migrationlink.ErrWorkerUnavailable,
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

// lastRemoval finds what a removal had done when it ended without success. A
// removal that is cancelled between two attempts says nothing, and has nothing to
// say: what is not certain ends it.
func lastRemoval(err error, known activities.Removal) activities.Removal {
	if left, read := lastTrace[activities.Removal](err); read {
		return left
	}
	return known
}

// lostToken tells whether Atlas may have made a link-token although the activity
// ended with err, in the manner of lastRemoval.
func lostToken(err error) bool {
	if _, ok := errors.AsType[*temporal.PanicError](err); ok {
		return true // it says nothing of how far it came
	}
	left, _ := lastTrace[activities.TokenTrace](err)
	return left.Lost
}

// lastTrace finds the trace that an activity has left, in any of the shapes in
// which it comes. There is none, or one of another version, when it is not read.
func lastTrace[T any](err error) (left T, read bool) {
	var problem migrationlink.Problem
	if canceled, ok := errors.AsType[*temporal.CanceledError](err); ok && canceled.HasDetails() {
		read = canceled.Details(&left) == nil
	} else if timeout, ok := errors.AsType[*temporal.TimeoutError](err); ok && timeout.HasLastHeartbeatDetails() {
		read = timeout.LastHeartbeatDetails(&left) == nil
	} else if failed, ok := errors.AsType[*temporal.ApplicationError](err); ok && failed.HasDetails() {
		read = failed.Details(&problem, &left) == nil
	}
	return left, read
}

func readRetryRequest(payload converter.RawValue) (request migrationlink.RetryRequest, _ error) {
	if payload.Payload() == nil {
		return request, nil
	}
	if err := converter.GetDefaultDataConverter().FromPayload(payload.Payload(), &request); err != nil {
		// The error may repeat what was sent.
		return request, errors.New(`its payload cannot be read; send nothing, or {"token": {"ref": "…"}}`)
	}
	return request, nil
}

// readCancelRequest takes any payload: a reason in another form is still a
// cancellation.
func readCancelRequest(payload converter.RawValue) migrationlink.CancelRequest {
	var request migrationlink.CancelRequest
	read := converter.GetDefaultDataConverter()
	if payload.Payload() == nil || read.FromPayload(payload.Payload(), &request) == nil {
		return request
	}
	_ = read.FromPayload(payload.Payload(), &request.Reason) // just the words, as people type them
	return request
}
