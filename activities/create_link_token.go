package activities

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/temporal"

	"github.com/migrationlink/migrationlink"
	"github.com/migrationlink/migrationlink/atlas"
	"github.com/migrationlink/migrationlink/internal/seal"
)

// CreateLinkTokenInput asks for a link-token to be made in Atlas, for one source
// organization.
type CreateLinkTokenInput struct {
	Target
	Atlas migrationlink.AtlasToken `json:"atlas"`
	// Since is when creating began, for the delay before the next attempt.
	Since time.Time `json:"since"`
	// Deadline is when it ends: nothing is sent after it.
	Deadline time.Time `json:"deadline"`
}

// CreateLinkTokenResult is a link-token that was made.
type CreateLinkTokenResult struct {
	// Sealed can be opened by the workers only.
	Sealed migrationlink.TokenSource `json:"sealed"`
	// InDoubt says that Atlas may have another one, whose reply was lost.
	InDoubt bool `json:"inDoubt,omitempty"`
}

// TokenTrace is the trace of a call that changes something in Atlas. It is in the
// heartbeat details of an attempt, and a detail, after the problem, of its errors.
type TokenTrace struct {
	// Lost says that a call was sent to which no answer came.
	Lost bool `json:"lost"`
}

// lostTokenDelay is the least before a link-token is made once more: each lost
// reply may leave one in Atlas.
const lostTokenDelay = 5 * time.Second

// CreateLinkToken makes a link-token in Atlas and returns it sealed to the workers
// themselves: it is in clear in the memory of this attempt only.
//
// What fails before it is sent is retried by Temporal. A lost reply ends the
// activity, and so must an attempt that vanishes: the workflow repeats it, and
// remembers that Atlas may have a link-token that nobody knows.
func (a *Activities) CreateLinkToken(ctx context.Context, in CreateLinkTokenInput) (CreateLinkTokenResult, error) {
	clients := a.clients.Load()
	client, err := clients.atlas(in.Atlas.Name)
	if err != nil {
		return CreateLinkTokenResult{}, err
	}
	recipients := clients.Identities.Recipients()
	if len(recipients) == 0 {
		return CreateLinkTokenResult{}, notSealable()
	}
	making := &tokenCall{marker: marker{record: a.record}, asked: in.Atlas, since: in.Since, deadline: in.Deadline, before: lastTrace(ctx)}
	return making.create(ctx, client, recipients[0], in.Target)
}

// tokenCall is one attempt to change something in Atlas.
type tokenCall struct {
	marker
	asked           migrationlink.AtlasToken
	since, deadline time.Time
	before          TokenTrace // of the attempts before this one
}

func lastTrace(ctx context.Context) (trace TokenTrace) {
	if activity.HasHeartbeatDetails(ctx) {
		// Unreadable details are those of another version.
		_ = activity.GetHeartbeatDetails(ctx, &trace)
	}
	return trace
}

func (c *tokenCall) create(ctx context.Context, client *atlas.Client, recipient seal.Recipient, target Target) (CreateLinkTokenResult, error) {
	c.left = []any{c.before}
	ctx, stop := c.heartbeat(ctx)
	defer stop()
	// An end of the context cuts off all but what may make one.
	reads, cancel := context.WithDeadline(ctx, c.deadline)
	defer cancel()
	calls := sending{reads, activity.GetInfo(ctx).Deadline}
	token, err := client.CreateLinkToken(calls, c.asked.OrgID, c.asked.AccessListIPs, func() error { return c.mark(ctx) })
	switch {
	case atlas.MayHaveTakenEffect(err):
		return CreateLinkTokenResult{}, c.lost(classifyAtlas(c.asked, err))
	case err != nil:
		return CreateLinkTokenResult{}, c.refused(ctx, classifyAtlas(c.asked, err))
	}
	sealed, err := recipient.Seal(seal.Token{Manager: target.Manager, OrgID: target.OrgID, LinkToken: token})
	if err != nil {
		return CreateLinkTokenResult{}, c.notSealed()
	}
	return CreateLinkTokenResult{Sealed: sealed, InDoubt: c.before.Lost}, nil
}

// sending is a context that ends on time for everything but what ignores that it
// ends, and only asks for the deadline: what was sent, which is waited for until
// then.
type sending struct {
	context.Context
	deadline time.Time
}

// Deadline is that of what was sent.
func (s sending) Deadline() (time.Time, bool) { return s.deadline, true }

// mark leaves the trace of the call that is about to be sent. It must not be sent
// otherwise: nobody would know of it if this worker vanished.
func (c *tokenCall) mark(ctx context.Context) error {
	if !time.Now().Before(c.deadline) {
		return errors.New("no time is left to call Atlas")
	}
	return c.leave(ctx, TokenTrace{Lost: true})
}

// lost ends the activity, whose effect is not known.
func (c *tokenCall) lost(found finding) error {
	found.final, found.cause = true, nil
	if found.Type == migrationlink.ErrAtlasUnavailable {
		found.Remedy = fmt.Sprintf("Check that Atlas is up and that the worker reaches it. Atlas may have a link-token in organization %s that nobody knows and that is of no use to anybody: "+
			"the next attempt makes another one.", c.asked.OrgID)
	}
	return applicationError(found, max(backoff(c.since), lostTokenDelay), TokenTrace{Lost: true})
}

// refused ends an attempt that has changed nothing.
func (c *tokenCall) refused(ctx context.Context, found finding) error {
	if found.cause != nil && cancelled(ctx, found.cause) {
		return temporal.NewCanceledError(c.before)
	}
	c.unmark(ctx)
	delay, again := untilNextPoll(max(backoff(c.since), found.retryAfter), time.Until(c.deadline))
	found.final, found.retryAfter = found.final || !again, 0 // it is in the delay
	return asTemporal(ctx, found, delay, c.before)
}

// unmark takes back the mark of a call that was refused. When Temporal cannot be
// reached, the mark stays, and is a doubt too many.
func (c *tokenCall) unmark(ctx context.Context) {
	_ = c.leave(context.WithoutCancel(ctx), c.before)
}

// notSealed tells nothing of why: it could only be about the link-token.
func (c *tokenCall) notSealed() error {
	return applicationError(finding{final: true, Problem: migrationlink.Problem{
		Type:    migrationlink.ErrRequestRefused,
		Message: fmt.Sprintf("Atlas %q has made what cannot be sealed: no link-token, or one that is longer than any", c.asked.Name),
		Remedy:  "Check base_url of " + section(c.asked) + ", and delete the link-token in Atlas.",
	}}, 0, TokenTrace{Lost: true})
}
