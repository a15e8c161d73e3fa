package activities

import (
	"context"
	"fmt"
	"time"

	"github.com/migrationlink/migrationlink"
	"github.com/migrationlink/migrationlink/atlas"
	"github.com/migrationlink/migrationlink/internal/seal"
	"github.com/migrationlink/migrationlink/redact"
)

// CreateLinkTokenInput asks for a link-token made in Atlas for one source organization.
type CreateLinkTokenInput struct {
	Target
	Atlas migrationlink.AtlasToken `json:"atlas"`
	// Since is when the first attempt began. The delay between attempts grows with
	// the time since.
	Since time.Time `json:"since"`
	// Deadline is when the attempts end. Nothing is sent after it.
	Deadline time.Time `json:"deadline"`
	// Known reports whether Atlas has answered for this organization before.
	Known bool `json:"known,omitempty"`
}

// CreateLinkTokenResult is a new link-token.
type CreateLinkTokenResult struct {
	// Sealed can be opened only by the workers.
	Sealed migrationlink.TokenSource `json:"sealed"`
	// InDoubt is true when Atlas may have another one, whose reply was lost.
	InDoubt bool `json:"inDoubt,omitempty"`
}

// TokenTrace is the journal entry of an attempt that changes something in Atlas. It is
// also a detail of its errors, after the problem.
type TokenTrace struct {
	// Lost is true from when a call is sent until its reply is there.
	Lost bool `json:"lost"`
}

// lostTokenDelay is the shortest delay before another link-token is made: each lost
// reply may leave one in Atlas.
const lostTokenDelay = 5 * time.Second

// CreateLinkToken makes a link-token in Atlas and returns it sealed to the workers. Only
// the memory of this attempt holds it in clear.
//
// Temporal retries what fails before the call is sent. A lost reply ends the activity,
// and so must an attempt that vanishes: the workflow repeats it, and remembers that
// Atlas may have a link-token that nobody knows.
func (a *Activities) CreateLinkToken(ctx context.Context, in CreateLinkTokenInput) (CreateLinkTokenResult, error) {
	clients := a.clients.Load()
	org, err := clients.targetOrg(in.Atlas, in.Known)
	if err != nil {
		return CreateLinkTokenResult{}, err
	}
	recipients := clients.Identities.Recipients()
	if len(recipients) == 0 {
		return CreateLinkTokenResult{}, refusal(migrationlink.ErrTokenNotOpened,
			"the worker has no identity to seal a link-token to, so none was created in Atlas: tokens.identities is empty",
			"Create one with 'starter keygen', and name its file in tokens.identities of every worker.")
	}
	call := a.newTokenCall(ctx, org, false, in.Since, in.Deadline)
	token, err := call.create(ctx, in.Atlas.AccessListIPs)
	if err != nil {
		return CreateLinkTokenResult{}, err
	}
	sealed, err := recipients[0].Seal(seal.Token{Manager: in.Manager, OrgID: in.OrgID, LinkToken: token})
	if err != nil {
		return CreateLinkTokenResult{}, call.notSealed()
	}
	return CreateLinkTokenResult{Sealed: sealed, InDoubt: call.earlier.Lost}, nil
}

// tokenCall is one attempt to change something in Atlas.
type tokenCall struct {
	attempt[TokenTrace]
	org     targetOrg
	earlier TokenTrace // of the attempts before this one
}

// newTokenCall returns an attempt. If lost, an earlier activity has sent a call whose
// reply was lost.
func (a *Activities) newTokenCall(ctx context.Context, org targetOrg, lost bool, since, deadline time.Time) *tokenCall {
	attempt := startAttempt(ctx, a.record, TokenTrace{}, since, deadline)
	attempt.entry.Lost = attempt.entry.Lost || lost
	return &tokenCall{attempt: attempt, org: org, earlier: attempt.entry}
}

func (c *tokenCall) create(ctx context.Context, accessListIPs []string) (redact.Secret, error) {
	ctx, stop := c.keep(ctx)
	defer stop()
	reads, cancel := c.context(ctx, c.deadline)
	defer cancel()
	sent, _ := ctx.Deadline()
	token, err := c.org.CreateLinkToken(reads, c.org.orgID, accessListIPs, &atlas.Sending{
		Before:    func() error { return c.mark(ctx, TokenTrace{Lost: true}) },
		WaitUntil: sent,
	})
	switch {
	case atlas.MayHaveTakenEffect(err):
		return redact.Secret{}, c.lost(c.org.classify(err))
	case err != nil:
		return redact.Secret{}, c.refused(ctx, c.org.classify(err))
	}
	return token, nil
}

// lost ends an activity whose effect is unknown.
func (c *tokenCall) lost(found finding) error {
	if found.Type == migrationlink.ErrAtlasUnavailable {
		found.Remedy = fmt.Sprintf("Check that Atlas is up and that the worker reaches it. Atlas may have a link-token in organization %s that nobody knows and nobody can use: "+
			"the next attempt creates another one.", c.org.orgID)
	}
	found.retryAfter = max(found.retryAfter, lostTokenDelay)
	return c.end(found, TokenTrace{Lost: true})
}

// refused ends an attempt that has changed nothing.
func (c *tokenCall) refused(ctx context.Context, found finding) error {
	c.correct(ctx, c.earlier)
	return c.again(ctx, found, c.earlier)
}

// notSealed does not repeat the cause, which may quote the link-token.
func (c *tokenCall) notSealed() error {
	found := permanent(migrationlink.ErrRequestRefused, "Check base_url of "+c.org.section+", and delete the link-token in Atlas.")
	found.Message = c.org.name + " returned a link-token that cannot be sealed: it is empty or too long"
	return found.applicationError(0, TokenTrace{Lost: true})
}
