package migrationlink

import (
	"errors"
	"fmt"

	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/temporal"
)

// ResultOf reads how a link ended out of the error of its workflow, also when that
// has travelled: through a child workflow, a Nexus operation, or the failure of a
// parent. It is false for an error that does not tell, such as the termination of
// the very workflow that was waited for: the link may still be running then.
func ResultOf(err error) (result LinkResult, found bool) {
	found = anyOf(err, func(details reader) bool {
		result = LinkResult{}
		return details.read(&result) && result.Outcome != ""
	})
	if !found {
		return LinkResult{}, false
	}
	return result, true
}

// seeHistory is the remedy where nothing else is known.
const seeHistory = "Check the workflow's history in Temporal."

// resultOf is ResultOf for the error of a closed workflow. Where that carries no result, as
// Temporal itself or another version of the workflow ended it, the result says so, and is in doubt.
// The error is that of a payload codec.
func resultOf(err error) (LinkResult, error) {
	result, found := ResultOf(err)
	result.InDoubt = result.InDoubt || !found
	switch cause := err.(type) { //nolint:errorlint // the outermost says how it ended
	case *temporal.CanceledError:
		result.Outcome = OutcomeCancelled
		return result, unreadable(found, cause.Details)
	case *temporal.ApplicationError:
		if cause.Type() == ErrCancelledByOther { // to the Nexus operation that started it
			result.Outcome, result.Problem = OutcomeCancelled, nil
			return result, unreadable(found, cause.Details)
		}
		result.Outcome = OutcomeFailed
		if cause.Type() == ErrTimedOut {
			result.Outcome = OutcomeTimedOut
		}
		if result.Problem == nil {
			result.Problem = &Problem{Type: cause.Type(), Message: cause.Message(), Remedy: seeHistory}
		}
		return result, unreadable(found, cause.Details)
	case *temporal.TimeoutError:
		return LinkResult{Outcome: OutcomeTimedOut, InDoubt: true, Problem: &Problem{
			Type:    ErrTimedOut,
			Message: "Temporal ended the workflow at its own time limit; nothing was undone",
			Remedy:  "To continue, start it again.",
		}}, nil
	case *temporal.TerminatedError:
		return LinkResult{Outcome: OutcomeFailed, InDoubt: true, Problem: &Problem{
			Type:    ErrTerminated,
			Message: "somebody terminated the workflow in Temporal; nothing was undone",
			Remedy:  "To continue, start it again. To end a link, use 'starter cancel' instead.",
		}}, nil
	}
	return LinkResult{Outcome: OutcomeFailed, InDoubt: true, Problem: &Problem{Type: "Unknown", Message: fmt.Sprint(err), Remedy: seeHistory}}, nil
}

// unreadable returns the error of a payload codec that keeps details from being read. Details
// of something else are none.
func unreadable(found bool, details reader) error {
	err := details(&LinkResult{})
	if found || errors.Is(err, temporal.ErrNoData) || errors.Is(err, converter.ErrUnableToDecode) || errors.Is(err, converter.ErrEncodingIsNotSupported) {
		return nil
	}
	return err
}

// FieldsOf are the fields that an error of ErrInvalidRequest, ErrInvalidUpdate or
// ErrDifferentRequest names, wherever it comes from; nil for any other error.
func FieldsOf(err error) (fields []FieldProblem) {
	found := anyOf(err, func(details reader) bool {
		var result LinkResult
		fields = nil
		if !details.read(&fields) { // of an update or a Nexus operation, or
			fields = nil
			_ = details.read(&result, &fields) // of a workflow; another error has none
		}
		return len(fields) > 0 && fields[0].Field != ""
	})
	if !found {
		return nil
	}
	return fields
}

// reader is the method of an error that reads its details.
type reader func(into ...any) error

// read reports whether the details are what they are read into. Those of an error that
// has not left its workflow yet are not encoded: of another type, they panic.
func (details reader) read(into ...any) (is bool) {
	defer func() {
		if recover() != nil {
			is = false
		}
	}()
	return details(into...) == nil
}

// anyOf looks through all that an error has travelled in for one whose details are
// those that are wanted.
func anyOf(err error, wanted func(details reader) bool) bool {
	switch err := err.(type) { //nolint:errorlint // each link of the chain is looked at
	case nil:
		return false
	case *temporal.ApplicationError:
		if err.HasDetails() && wanted(err.Details) {
			return true
		}
	case *temporal.CanceledError:
		if err.HasDetails() && wanted(err.Details) {
			return true
		}
	}
	switch err := err.(type) { //nolint:errorlint // as above
	case interface{ Unwrap() error }:
		return anyOf(err.Unwrap(), wanted)
	case interface{ Unwrap() []error }:
		for _, err := range err.Unwrap() {
			if anyOf(err, wanted) {
				return true
			}
		}
	}
	return false
}
