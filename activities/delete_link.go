package activities

import (
	"context"
	"time"

	"go.temporal.io/sdk/activity"

	"github.com/migrationlink/migrationlink"
	"github.com/migrationlink/migrationlink/opsmanager"
)

// DeleteLinkInput asks to remove a link.
type DeleteLinkInput struct {
	Target
	// DoubtUntil, when set, says that the link may still come into being until
	// then: its creation was sent, and its reply lost.
	DoubtUntil time.Time `json:"doubtUntil,omitzero"`
}

// DeleteLinkResult says that no link is left.
type DeleteLinkResult struct {
	// Found says that there was one to remove.
	Found bool `json:"found"`
}

// DeleteLink removes a link. That there is none is no error; it is retried
// while one may still appear.
func (a *Activities) DeleteLink(ctx context.Context, in DeleteLinkInput) (DeleteLinkResult, error) {
	client, err := a.client(in.Manager)
	if err != nil {
		return DeleteLinkResult{}, err
	}
	defer heartbeat(ctx, seldom)()
	err = client.DeleteLink(ctx, in.OrgID)
	switch {
	case err == nil:
		return DeleteLinkResult{Found: true}, nil
	case !opsmanager.NoLink(err):
		return DeleteLinkResult{}, asTemporal(ctx, classify(in.Target, err), backoff(activity.GetInfo(ctx).ScheduledTime))
	case time.Now().Before(in.DoubtUntil):
		return DeleteLinkResult{}, asTemporal(ctx, mayAppear(in.Target), backoff(activity.GetInfo(ctx).ScheduledTime))
	}
	return DeleteLinkResult{}, nil
}

func mayAppear(target Target) finding {
	return finding{
		benign: true,
		Problem: migrationlink.Problem{
			Type:    migrationlink.ErrReplyLost,
			Message: "organization " + target.OrgID + " has no link yet, but the reply to its creation was lost: looking whether it appears",
			Remedy:  "Nothing to do: it is looked for until the settling time of the request is over.",
		},
	}
}
