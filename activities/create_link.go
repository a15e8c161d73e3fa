package activities

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/migrationlink/migrationlink"
	"github.com/migrationlink/migrationlink/internal/seeded"
	"github.com/migrationlink/migrationlink/opsmanager"
	"github.com/migrationlink/migrationlink/redact"
)

// CreateLinkInput asks for one attempt to create a link.
type CreateLinkInput struct {
	FindLinkInput
	Token migrationlink.TokenSource `json:"token"`
}

// CreateLinkResult is the link that there is now.
type CreateLinkResult struct {
	// Created is true when this request made the link, or may have made it.
	// Otherwise somebody else did.
	Created bool `json:"created"`
	// InDoubt is true when the reply shows that the link may be older than the POST.
	InDoubt bool `json:"inDoubt,omitempty"`
	// LinkStatus is empty when it could not be read after the creation.
	LinkStatus string `json:"linkStatus,omitempty"`
	Polls      int    `json:"polls"`
	// Before is the status that was read before the creation.
	Before string `json:"before,omitempty"`
	// Warning is a problem that the manager reported when it accepted the link.
	Warning string `json:"warning,omitempty"`
	Past
}

// Posting is the journal entry of an attempt that sends a POST. It is also a detail of
// the errors of such an attempt, after the problem.
type Posting struct {
	// Before is the status that was read before the POST. It is empty when it is
	// unknown or nothing was sent.
	Before string `json:"before"`
	Past
}

// afterwardsLimit bounds the read after a creation: the result does not need it.
const afterwardsLimit = 5 * time.Second

// CreateLink creates a link, unless there is one already. It reads the status before it
// writes: an existing link was made by somebody else, or by an earlier attempt whose
// reply was lost.
//
// Run it with a single attempt. The next one depends on whether this one may have
// created the link, so the workflow decides about it: Temporal does not report
// attempts that it retries itself. ErrReplyLost means that there may be a link. Any
// other error, and a cancellation, mean that this attempt created none.
func (a *Activities) CreateLink(ctx context.Context, in CreateLinkInput) (CreateLinkResult, error) {
	c := a.newCreation(ctx, in.FindLinkInput)
	ctx, stop := c.keep(ctx)
	defer stop()
	if err := c.prepare(ctx, a); err != nil {
		return CreateLinkResult{}, err
	}
	token, err := a.clients.Load().linkToken(ctx, in)
	if err != nil {
		return CreateLinkResult{}, err
	}
	seen, err := c.find(ctx)
	switch {
	case err != nil:
		return CreateLinkResult{}, err
	case seen.Found:
		return CreateLinkResult{Created: seen.Created, LinkStatus: seen.LinkStatus, Polls: seen.Polls, Past: c.past}, nil
	}
	return c.post(ctx, c.posting(seen.LinkStatus), token)
}

func (c *creation) post(ctx context.Context, posting Posting, token redact.Secret) (CreateLinkResult, error) {
	created, err := c.manager.CreateLink(ctx, c.in.OrgID, token, func() error { return c.mark(ctx, posting) })
	if err != nil {
		return c.refused(ctx, posting, err)
	}
	result := c.afterwards(ctx)
	result.Before = posting.Before
	none := posting.Before == migrationlink.LinkNone // a moment ago
	result.Created = none || !created.Existed || c.in.inDoubt()
	result.InDoubt = !c.in.inDoubt() && (none && created.Existed || !none && created.MayHaveExisted)
	result.Warning = redact.Line(created.ErrorMessage, maxWords)
	return result, nil
}

func (c *creation) refused(ctx context.Context, posting Posting, err error) (CreateLinkResult, error) {
	found := c.manager.classify(err)
	if opsmanager.MayHaveTakenEffect(err) {
		return CreateLinkResult{}, c.end(replyLost(found), posting)
	}
	refusal, replied := errors.AsType[*opsmanager.Error](err)
	if !replied || refusal.StatusCode != http.StatusConflict || seeded.On(seeded.ConflictRefused) {
		c.correct(ctx, Posting{}) // Temporal would keep the entry if the activity is paused
		return CreateLinkResult{}, c.again(ctx, found, posting)
	}
	result := c.afterwards(ctx)
	switch shown := result.LinkStatus != "" && result.LinkStatus != migrationlink.LinkNone; {
	case shown:
		// There was none a moment ago: somebody else may have just made it, or a proxy has
		// repeated the POST. If a reply was lost, the link is this request's.
		none := posting.Before == migrationlink.LinkNone
		result.Before = posting.Before
		result.Created, result.InDoubt = none || c.in.inDoubt(), none && !c.in.inDoubt()
		return result, nil
	case c.in.inDoubt():
		return CreateLinkResult{}, c.end(replyLost(found), c.posting(c.in.Before))
	}
	// The manager refuses a second link and shows none: somebody else may have just
	// made one, and the manager shows it late.
	found.final, found.Type = false, migrationlink.ErrManagerUnavailable
	found.Remedy = "Check whether organization " + c.in.OrgID + " has a link on the manager's Live Migration page. The status is read again until the deadline."
	return CreateLinkResult{}, c.again(ctx, found, posting)
}

// replyLost makes found the meaning of a creation that may have taken effect. It is
// final for Temporal, which otherwise repeats an attempt that an operator has paused,
// whatever its limit of attempts. The workflow repeats it.
func replyLost(found finding) finding {
	found.Type, found.final = migrationlink.ErrReplyLost, true
	found.Remedy = "Check that the manager is up and that the worker reaches it. The status is read first, and the link is created again only if it does not appear."
	return found
}

// afterwards reads the status after a creation: a link that is SYNCED at once needs no
// wait. If the read fails, AwaitSynced reads it again.
func (c *creation) afterwards(ctx context.Context) (result CreateLinkResult) {
	result.Past = c.past
	ctx, cancel := context.WithTimeout(ctx, afterwardsLimit)
	defer cancel()
	status, err := c.manager.status(ctx)
	if err == nil {
		result.LinkStatus, result.Polls = status, 1
	}
	return result
}
