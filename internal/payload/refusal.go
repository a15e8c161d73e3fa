package payload

import (
	"errors"

	"go.temporal.io/sdk/temporal"

	"github.com/migrationlink/migrationlink"
)

// Refusal returns the error of an update, or of a workflow that only reads, whose input is
// wrong. Its detail is the list of the wrong fields.
func Refusal(errorType string, err error) error {
	return temporal.NewApplicationErrorWithOptions(err.Error(), errorType,
		temporal.ApplicationErrorOptions{NonRetryable: true, Details: []any{Fields(err)}})
}

// Fields returns the wrong fields that err names, if it is a *migrationlink.ValidationError.
func Fields(err error) []migrationlink.FieldProblem {
	if invalid, ok := errors.AsType[*migrationlink.ValidationError](err); ok {
		return invalid.Problems
	}
	return nil
}
