package link

import (
	"errors"
	"strings"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/migrationlink/migrationlink"
	"github.com/migrationlink/migrationlink/activities"
)

// verdict is what follows an attempt.
type verdict int

const (
	done      verdict = iota // the step is done
	again                    // another attempt, at once
	later                    // another attempt, after a pause
	person                   // a person has to act first
	cancelled                // the operation was cancelled
	final                    // nothing heals it
)

// judge decides what follows an attempt that ended with err.
func (o *operation) judge(ctx workflow.Context, err error) verdict {
	switch {
	case err == nil:
		return done
	case ctx.Err() != nil:
		return cancelled
	case errors.Is(err, errAgain):
		return again
	case isLate(err):
		return later
	case o.waitsWhenBlocked() && migrationlink.Blockable(problemOf(err).Type):
		return person
	case mayRepeat(err):
		return later
	}
	return final
}

func (o *operation) waitsWhenBlocked() bool {
	if o.asked.Unlink != nil {
		return o.asked.Unlink.OnBlocked == migrationlink.WaitWhenBlocked
	}
	return o.asked.Link.OnBlocked == migrationlink.WaitWhenBlocked
}

// errAgain asks for another attempt at once: the state has changed.
var errAgain = errors.New("try again at once")

// withoutAgain returns an error that an attempt has met, nil for errAgain.
func withoutAgain(err error) error {
	if errors.Is(err, errAgain) {
		return nil
	}
	return err
}

// metEarlier is an error from which the delay before the next attempt counts since at.
type metEarlier struct {
	error
	at time.Time
}

func (e metEarlier) Unwrap() error { return e.error }

// deadlineReached carries what a step met last before its time was up.
type deadlineReached struct{ error }

func (e deadlineReached) Unwrap() error { return e.error }

func isLate(err error) bool {
	_, late := errors.AsType[deadlineReached](err)
	return late
}

// mayRepeat reports whether time may heal what ended an activity: what it would have
// retried itself, or the lack or loss of a worker.
func mayRepeat(err error) bool {
	if _, ok := activities.LastFailure[*temporal.TimeoutError](err); ok {
		return true
	}
	if _, ok := activities.LastFailure[*temporal.PanicError](err); ok {
		return true
	}
	applicationError, ok := activities.LastFailure[*temporal.ApplicationError](err)
	if !ok {
		return false
	}
	switch applicationError.Type() {
	case migrationlink.ErrNotSynced, migrationlink.ErrManagerUnavailable, migrationlink.ErrReplyLost,
		migrationlink.ErrAtlasUnavailable, migrationlink.ErrNotInAtlas, migrationlink.ErrWorkerUnavailable:
		return true // final for Temporal where the workflow itself repeats the activity
	}
	return !applicationError.NonRetryable()
}

func neverStarted(err error) bool {
	timeout, ok := activities.LastFailure[*temporal.TimeoutError](err)
	return ok && timeout.TimeoutType() == enumspb.TIMEOUT_TYPE_SCHEDULE_TO_START
}

func retryDelay(err error) time.Duration {
	applicationError, ok := activities.LastFailure[*temporal.ApplicationError](err)
	if !ok || applicationError.NextRetryDelay() <= 0 || applicationError.NextRetryDelay() > longestDelay {
		return defaultDelay
	}
	return applicationError.NextRetryDelay()
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
	if applicationError, ok := activities.LastFailure[*temporal.ApplicationError](err); ok {
		if applicationError.HasDetails() && applicationError.Details(&problem) == nil && problem.Type != "" {
			return problem
		}
		return migrationlink.Problem{
			Type:    applicationError.Type(),
			Message: applicationError.Message(),
			Remedy:  "This is unexpected: check the worker's log, and report it.",
		}
	}
	if timeout, ok := activities.LastFailure[*temporal.TimeoutError](err); ok {
		if last := timeout.Unwrap(); last != nil && timeout.TimeoutType() == enumspb.TIMEOUT_TYPE_SCHEDULE_TO_CLOSE {
			return foundProblem(last) // of the last attempt that has ended
		}
		return timeoutProblem(timeout)
	}
	if err != nil {
		return migrationlink.Problem{Type: migrationlink.ErrRequestRefused, Message: err.Error(), Remedy: "Check the worker's log."}
	}
	return problem
}

func timeoutProblem(timeout *temporal.TimeoutError) migrationlink.Problem {
	problem := migrationlink.Problem{
		Type:    migrationlink.ErrWorkerUnavailable,
		Message: "the worker did not finish the call",
		Remedy:  "Check that the workers run.",
	}
	if timeout.TimeoutType() == enumspb.TIMEOUT_TYPE_SCHEDULE_TO_START {
		problem.Message = "no worker took the call"
	}
	return problem
}

// lastProgress finds what the polls of AwaitSynced saw. When the limit of the activity
// ends it, that is in the failure of the last attempt. When a worker was lost, only the
// heartbeat details are left.
func lastProgress(err error) (progress migrationlink.Progress) {
	if timeout, ok := activities.LastFailure[*temporal.TimeoutError](err); ok {
		err = timeout.Unwrap()
		if timeout.HasLastHeartbeatDetails() {
			_ = timeout.LastHeartbeatDetails(&progress) // of another version: unknown
		}
	}
	if applicationError, ok := activities.LastFailure[*temporal.ApplicationError](err); ok && applicationError.HasDetails() {
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

// lostToken reports whether Atlas may have made a link-token although the activity
// ended with err, in the manner of lastRemoval.
func lostToken(err error) bool {
	if _, ok := activities.LastFailure[*temporal.PanicError](err); ok {
		return true // it says nothing of how far it came
	}
	left, _ := lastTrace[activities.TokenTrace](err)
	return left.Lost
}

// lastTrace finds the trace that an activity has left, in any of the shapes in
// which it comes. There is none, or one of another version, when it is not read.
func lastTrace[T any](err error) (left T, read bool) {
	var problem migrationlink.Problem
	if canceled, ok := activities.LastFailure[*temporal.CanceledError](err); ok && canceled.HasDetails() {
		read = canceled.Details(&left) == nil
	} else if timeout, ok := activities.LastFailure[*temporal.TimeoutError](err); ok && timeout.HasLastHeartbeatDetails() {
		read = timeout.LastHeartbeatDetails(&left) == nil
	} else if failed, ok := activities.LastFailure[*temporal.ApplicationError](err); ok && failed.HasDetails() {
		read = failed.Details(&problem, &left) == nil
	}
	return left, read
}
