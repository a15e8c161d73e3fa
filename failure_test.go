package migrationlink_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/nexus-rpc/sdk-go/nexus"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"

	"github.com/migrationlink/migrationlink"
)

var (
	endedBadly = migrationlink.LinkResult{
		Manager: "demo", OrgID: "5f1b2c3d4e5f6a7b8c9d0e1f", Outcome: migrationlink.OutcomeFailed,
		Problem: &migrationlink.Problem{Type: migrationlink.ErrRoleMissing, Message: "no role", Remedy: "grant it"},
	}
	cancelled = migrationlink.LinkResult{Outcome: migrationlink.OutcomeCancelled, Created: true, Removed: true}
	badFields = []migrationlink.FieldProblem{{Field: "orgId", Problem: "too short"}, {Field: "undo", Problem: "not a policy"}}
	errOther  = errors.New("something else")
)

// failure is how a link fails.
func failure(errorType string, details ...any) error {
	return temporal.NewApplicationErrorWithOptions("words", errorType, temporal.ApplicationErrorOptions{NonRetryable: true, Details: details})
}

func TestTheResultIsFoundInAnErrorHoweverItHasTravelled(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		err   error
		found *migrationlink.LinkResult
	}{
		"failed":                            {failure(migrationlink.ErrRoleMissing, endedBadly), &endedBadly},
		"cancelled":                         {temporal.NewCanceledError(cancelled), &cancelled},
		"with fields":                       {failure(migrationlink.ErrInvalidRequest, endedBadly, badFields), &endedBadly},
		"as the cause of another":           {temporal.NewNonRetryableApplicationError("mine", "Mine", failure(migrationlink.ErrRoleMissing, endedBadly)), &endedBadly},
		"below other details":               {temporal.NewNonRetryableApplicationError("mine", "Mine", failure(migrationlink.ErrRoleMissing, endedBadly), "step 2", 7), &endedBadly},
		"below another result":              {temporal.NewNonRetryableApplicationError("mine", "Mine", failure(migrationlink.ErrRoleMissing, endedBadly), map[string]any{"manager": 1}), &endedBadly},
		"joined with another":               {errors.Join(errOther, fmt.Errorf("link: %w", temporal.NewCanceledError(cancelled))), &cancelled},
		"in two of one format":              {fmt.Errorf("%w, then %w", errOther, temporal.NewCanceledError(cancelled)), &cancelled},
		"of an update, which has no result": {failure(migrationlink.ErrDifferentRequest, badFields), nil},
		"a cancellation of another":         {temporal.NewCanceledError(), nil},
		"an empty result":                   {failure("Other", map[string]any{}), nil},
		"other details":                     {failure("Other", "step 2"), nil},
		"another error":                     {errOther, nil},
		"none":                              {nil, nil},
	} {
		for way, err := range travelled(test.err) {
			result, found := migrationlink.ResultOf(err)
			require.Equal(t, test.found != nil, found, "%s, %s", name, way)
			if found {
				require.Equal(t, *test.found, result, "%s, %s", name, way)
				continue
			}
			require.Zero(t, result, "%s, %s: nothing half read", name, way)
		}
	}
}

func TestTheFieldsAreFoundWhereverARefusalComesFrom(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		err   error
		found []migrationlink.FieldProblem
	}{
		"of a workflow":        {failure(migrationlink.ErrInvalidRequest, endedBadly, badFields), badFields},
		"of an update":         {failure(migrationlink.ErrDifferentRequest, badFields), badFields},
		"of a Nexus operation": {&nexus.HandlerError{Type: nexus.HandlerErrorTypeBadRequest, Cause: failure(migrationlink.ErrInvalidRequest, badFields)}, badFields},
		"below other details":  {temporal.NewNonRetryableApplicationError("mine", "Mine", failure(migrationlink.ErrInvalidUpdate, badFields), "step 2"), badFields},
		"of a failure":         {failure(migrationlink.ErrRoleMissing, endedBadly), nil},
		"of a cancellation":    {temporal.NewCanceledError(cancelled), nil},
		"of a full history":    {failure(migrationlink.ErrTooManyChecks, *endedBadly.Problem), nil},
		"of a list of others":  {failure("Other", []map[string]any{{"step": 2}}), nil},
		"of another error":     {errOther, nil},
		"of none":              {nil, nil},
	} {
		for way, err := range travelled(test.err) {
			require.Equal(t, test.found, migrationlink.FieldsOf(err), "%s, %s", name, way)
		}
	}
}

// travelled are the ways of an error to the one who reads it: as it is, in the words of
// a caller, and across the boundaries of workflows, where it is written and read again.
func travelled(err error) map[string]error {
	ways := map[string]error{"as it is": err}
	if err == nil {
		return ways
	}
	ways["in words"] = fmt.Errorf("platform: %w", err)
	if _, joined := err.(interface{ Unwrap() []error }); joined {
		return ways // Temporal keeps one cause, and these have none
	}
	across := func(err error) error {
		failures := temporal.GetDefaultFailureConverter()
		return failures.FailureToError(failures.ErrorToFailure(err))
	}
	ways["across one boundary"] = across(err)
	ways["in words across two"] = across(fmt.Errorf("grandparent: %w", across(fmt.Errorf("parent: %w", err))))
	return ways
}
