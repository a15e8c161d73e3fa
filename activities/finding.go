package activities

import (
	"context"
	"time"

	"go.temporal.io/sdk/temporal"

	"github.com/migrationlink/migrationlink"
	"github.com/migrationlink/migrationlink/redact"
)

// finding is the meaning of an answer of an API, or of the lack of one.
type finding struct {
	migrationlink.Problem
	final      bool          // a retry does not help
	benign     bool          // no failure, but not the end either
	retryAfter time.Duration // the shortest delay that the server asks for
	cause      error         // holds the context's error if the call was cancelled
}

func permanent(errorType, remedy string) finding {
	return finding{final: true, Problem: migrationlink.Problem{Type: errorType, Remedy: remedy}}
}

func passing(errorType, remedy string, cause error) finding {
	return finding{cause: cause, Problem: migrationlink.Problem{Type: errorType, Remedy: remedy}}
}

// notYet returns the meaning of a wait that continues.
func notYet(errorType, message, remedy string) finding {
	return finding{benign: true, Problem: migrationlink.Problem{Type: errorType, Message: message, Remedy: remedy}}
}

// maxWords bounds a message in characters: a server may send any amount of text, and a
// failure is stored in the history.
const maxWords = 2000

// refusal returns the error of an activity that cannot succeed.
func refusal(errorType, message, remedy string) error {
	return finding{final: true, Problem: migrationlink.Problem{Type: errorType, Message: message, Remedy: remedy}}.applicationError(0)
}

// applicationError returns the error for Temporal, never wrapped: only the outermost
// error says whether and when to retry.
func (f finding) applicationError(delay time.Duration, details ...any) error {
	f.Message, f.Remedy = redact.Line(f.Message, maxWords), redact.Line(f.Remedy, maxWords)
	options := temporal.ApplicationErrorOptions{
		NonRetryable:   f.final,
		NextRetryDelay: delay,
		Details:        append([]any{f.Problem}, details...),
	}
	if f.benign {
		options.Category = temporal.ApplicationErrorCategoryBenign
	}
	return temporal.NewApplicationErrorWithOptions(f.Message, f.Type, options)
}

// activityError returns the error of a cancellation if that is the cause, and else the
// application error.
func (f finding) activityError(ctx context.Context, delay time.Duration, details ...any) error {
	if f.cause != nil && cancelled(ctx, f.cause) {
		return temporal.NewCanceledError(details...)
	}
	return f.applicationError(delay, details...)
}
