package activities

import (
	"context"
	"errors"
	"net/http"
	"time"

	"go.temporal.io/sdk/activity"

	"github.com/migrationlink/migrationlink"
	"github.com/migrationlink/migrationlink/opsmanager"
)

// CreateLinkInput asks for one attempt to create a link.
type CreateLinkInput struct {
	Target
	Token migrationlink.TokenSource `json:"token"`
	// DoubtUntil, when set, says that an earlier attempt may have created the
	// link, and when it should have appeared at the latest.
	DoubtUntil time.Time `json:"doubtUntil,omitzero"`
	// Since is when creating began, for the delay before the next attempt.
	Since time.Time `json:"since"`
}

func (in CreateLinkInput) inDoubt() bool { return !in.DoubtUntil.IsZero() }

// CreateLinkResult says that there is a link now.
type CreateLinkResult struct {
	// Created says that this request made it; otherwise somebody else did.
	Created bool `json:"created"`
	// LinkStatus is empty when it could not be read after the creation.
	LinkStatus string `json:"linkStatus,omitempty"`
	Polls      int    `json:"polls"`
	// Warning is a problem that the manager reported with the accepted link.
	Warning string `json:"warning,omitempty"`
}

// CreateLink creates a link, once. It reads the status before it writes: a link
// that is SYNCED already was made by somebody else, or by an earlier attempt
// whose reply was lost.
//
// It must run with one attempt only: the workflow decides about the next,
// because what it does depends on whether this one may have created the link,
// and Temporal does not tell a workflow of attempts that it retries itself.
// ErrReplyLost says that it may; any other error, and a cancellation, that it
// did not.
func (a *Activities) CreateLink(ctx context.Context, in CreateLinkInput) (CreateLinkResult, error) {
	client, err := a.client(in.Manager)
	if err != nil {
		return CreateLinkResult{}, err
	}
	token, err := a.tokens.Resolve(in.Token)
	if err != nil {
		return CreateLinkResult{}, tokenUnavailable(err)
	}
	defer heartbeat(ctx, soon)()

	status, err := readStatus(ctx, client, in.Target)
	if err != nil {
		return CreateLinkResult{}, asTemporal(ctx, classify(in.Target, err), backoff(in.Since))
	}
	if status == migrationlink.LinkSynced {
		return CreateLinkResult{Created: in.inDoubt(), LinkStatus: status, Polls: 1}, nil
	}
	if status != migrationlink.LinkNone && time.Now().Before(in.DoubtUntil) {
		return CreateLinkResult{}, stillInDoubt(in, status)
	}
	created, err := post(ctx, client, in, token)
	if err != nil {
		return a.refused(ctx, client, in, err)
	}
	result := afterwards(ctx, client, in.Target)
	result.Created = true
	result.Warning = created.ErrorMessage
	return result, nil
}

// post is not cut short by a cancellation: a POST that was sent is waited for,
// so that the undo, which comes next, cannot overtake it. It keeps to the
// attempt's deadline: past it the workflow may have decided to post again.
func post(ctx context.Context, client *opsmanager.Client, in CreateLinkInput, token string) (opsmanager.Created, error) {
	if err := ctx.Err(); err != nil {
		return opsmanager.Created{}, err
	}
	ctx, cancel := context.WithDeadline(context.WithoutCancel(ctx), activity.GetInfo(ctx).Deadline)
	defer cancel()
	return client.CreateLink(ctx, in.OrgID, token)
}

func (a *Activities) refused(ctx context.Context, client *opsmanager.Client, in CreateLinkInput, err error) (CreateLinkResult, error) {
	if opsmanager.MayHaveTakenEffect(err) {
		return CreateLinkResult{}, replyLost(in.Target, err, backoff(in.Since))
	}
	if apiError, ok := errors.AsType[*opsmanager.Error](err); ok && apiError.StatusCode == http.StatusConflict {
		result := afterwards(ctx, client, in.Target)
		if result.LinkStatus != migrationlink.LinkNone {
			// There is a link: after a lost reply it is this request's.
			result.Created = in.inDoubt()
			return result, nil
		}
	}
	return CreateLinkResult{}, asTemporal(ctx, classify(in.Target, err), backoff(in.Since))
}

// afterwards reads the status once more: an organization that is SYNCED at once
// needs no waiting. If it cannot be read, the waiting will.
func afterwards(ctx context.Context, client *opsmanager.Client, target Target) CreateLinkResult {
	status, err := readStatus(ctx, client, target)
	if err != nil {
		return CreateLinkResult{}
	}
	return CreateLinkResult{LinkStatus: status, Polls: 1}
}
