package activities

import (
	"context"
	"errors"

	"go.temporal.io/sdk/activity"

	"github.com/migrationlink/migrationlink"
	"github.com/migrationlink/migrationlink/internal/adminapi"
)

// ReadAttempts is how often a read is tried that somebody waits for.
const ReadAttempts = 3

// unread says why something could not be read that somebody waits for.
type unread struct {
	finding
	again bool // another attempt may help
}

// unread returns the meaning of the error of a read.
func (p party) unread(ctx context.Context, err error) *unread {
	found := p.meaning(err)
	found.Problem = p.inspected(ctx, err)
	reply, replied := errors.AsType[*adminapi.Error](err)
	same := replied && reply.StatusCode < 300 && reply.Cause != adminapi.CauseBrokeOff // what cannot be read would come again
	again := !same && (!found.final || adminapi.Doubtful(err)) && activity.GetInfo(ctx).Attempt < ReadAttempts
	return &unread{found, again}
}

// activityError returns the error of the attempt.
func (u *unread) activityError(ctx context.Context) error {
	found := u.finding
	found.final = !u.again
	return found.activityError(ctx, max(minDelay, found.retryAfter))
}

func tooLarge(message string) *unread {
	found := permanent(migrationlink.ErrTooLarge, "Look at the deployments in the manager.")
	found.Message = message
	return &unread{finding: found}
}

func invalidReading(err error) error {
	return refusal(migrationlink.ErrInvalidRequest, err.Error(), "Correct the request.")
}
