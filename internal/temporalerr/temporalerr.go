// Package temporalerr classifies the errors of calls to Temporal. It imports nothing that
// the SDK does not.
package temporalerr

import (
	"context"
	"errors"
	"strings"
	"time"

	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// Silent reports whether err means only that Temporal does not answer now.
func Silent(err error) bool {
	code := Code(err)
	return code == codes.Unavailable || code == codes.DeadlineExceeded
}

// Limited reports whether Temporal has refused a call because of a rate limit.
func Limited(err error) bool { return Code(err) == codes.ResourceExhausted }

// Transient reports whether a call has no answer for a reason that passes.
func Transient(err error) bool { return Silent(err) || Limited(err) }

// Unsent reports whether the call has surely done nothing: it was not let in, or
// there was no connection.
func Unsent(err error) bool {
	return Limited(err) || Code(err) == codes.Unavailable && strings.Contains(err.Error(), "connection error: ")
}

// NotOffered reports whether the server does not offer the call at all: it is of
// an older version, or its operators have disabled the call.
func NotOffered(err error) bool {
	switch Code(err) {
	case codes.Unimplemented:
		return true
	case codes.PermissionDenied:
		return strings.Contains(err.Error(), " disabled on this namespace")
	}
	return false
}

// UpdateTimedOut reports whether an update has no answer in time: no worker takes it, or
// Temporal does not answer.
func UpdateTimedOut(err error) bool {
	_, late := errors.AsType[*client.WorkflowUpdateServiceTimeoutOrCanceledError](err)
	return late && !Limited(err)
}

// UnknownUpdate reports whether a worker is of a version without an update: the words are the
// SDK's.
func UnknownUpdate(refused *temporal.ApplicationError) bool {
	return strings.HasPrefix(refused.Message(), "unknown update ")
}

// NotFound reports whether Temporal has no such workflow.
func NotFound(err error) bool {
	_, ok := errors.AsType[*serviceerror.NotFound](err)
	return ok
}

// Ended reports whether a workflow has ended while it was being called.
func Ended(err error) bool {
	_, aborted := errors.AsType[*serviceerror.Aborted](err)
	return aborted || NotFound(err)
}

// Code is the gRPC code of an error.
func Code(err error) codes.Code {
	if errors.Is(err, context.DeadlineExceeded) {
		return codes.DeadlineExceeded
	}
	if found, ok := errors.AsType[serviceerror.ServiceError](err); ok {
		return found.Status().Code()
	}
	return status.Code(err) // not every code has a type of its own
}

// ShortestWait is the time between two calls that are repeated.
const ShortestWait = time.Second

// NextWait returns the time until the next call after one that ended with err. Those who
// watch share the rate limit of a namespace with the workers, whose calls matter more.
func NextWait(last time.Duration, err error) time.Duration {
	const longest = 15 * time.Second
	if !Limited(err) {
		return ShortestWait
	}
	return min(2*last, longest)
}

// Pause reports whether the time has passed, rather than the context.
func Pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
