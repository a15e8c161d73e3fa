package activities

import (
	"context"
	"time"

	"github.com/migrationlink/migrationlink"
	"github.com/migrationlink/migrationlink/opsmanager"
)

// DeleteLinkInput asks to remove a link.
type DeleteLinkInput struct {
	Target
	// Since is when it began, and Deadline when it ends.
	Since    time.Time `json:"since"`
	Deadline time.Time `json:"deadline"`
	// DoubtUntil, when set, says that the link may still come into being until
	// then: its creation was sent, and its reply lost.
	DoubtUntil time.Time `json:"doubtUntil,omitzero"`
	// Before is the status that was read before that creation.
	Before string `json:"before,omitempty"`
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
	defer heartbeat(ctx)()
	there, err := in.mayBeThere(ctx, client)
	if err == nil && there {
		err = client.DeleteLink(ctx, in.OrgID)
	}
	switch {
	case opsmanager.NoLink(err):
		there = false
	case err != nil:
		return DeleteLinkResult{}, in.later(ctx, classify(in.Target, err))
	}
	if !there && time.Now().Before(in.DoubtUntil) {
		return DeleteLinkResult{}, in.later(ctx, mayAppear(in.Target))
	}
	return DeleteLinkResult{Found: there}, nil
}

// mayBeThere looks before it removes when a creation may not have arrived: some
// managers answer a DELETE without a link as one with it.
func (in DeleteLinkInput) mayBeThere(ctx context.Context, client *opsmanager.Client) (bool, error) {
	if in.DoubtUntil.IsZero() {
		return true, nil
	}
	status, err := readStatus(ctx, client, in.Target)
	if !time.Now().Before(in.DoubtUntil) || in.Before == migrationlink.LinkNone {
		return status != migrationlink.LinkNone, err
	}
	// The manager shows a missing link as one that is not synced: that is waited
	// out, as only SYNCED is proof.
	return status == migrationlink.LinkSynced, err
}

func (in DeleteLinkInput) later(ctx context.Context, found finding) error {
	delay, again := untilNextPoll(max(backoff(in.Since), found.retryAfter), time.Until(in.Deadline))
	found.final = found.final || !again
	found.retryAfter = 0 // it is in the delay
	return asTemporal(ctx, found, delay)
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
