package workflows

import (
	"reflect"
	"slices"
	"time"

	"go.temporal.io/sdk/workflow"

	"github.com/migrationlink/migrationlink"
	"github.com/migrationlink/migrationlink/activities"
)

// linkTokens are those that were made in Atlas for this request.
type linkTokens struct {
	// wanted says that all but the link-token is there, and before which status was
	// read then.
	wanted bool
	before string
	// sealed is the one to link with, made for source, the token source of a
	// retry; nil is that of the request.
	sealed *migrationlink.TokenSource
	source *migrationlink.TokenSource
	// posted is the source of the link-token with which the link was made, or may
	// have been.
	posted migrationlink.TokenSource
	// made has one element for each organization of Atlas.
	made []madeTokens
}

// madeTokens counts the link-tokens that an organization of Atlas got.
type madeTokens struct {
	atlas       migrationlink.AtlasToken
	known, lost int
}

// rejected drops a link-token that is of no use: when it is tried again, that is
// with a new one. It may have expired, or the workers have lost the identity that
// it was sealed to.
func (t *linkTokens) rejected(err error) {
	switch problemOf(err).Type {
	case migrationlink.ErrTokenRejected, migrationlink.ErrTokenNotOpened:
		t.sealed = nil
	}
}

// in is the count for an organization of Atlas.
func (t *linkTokens) in(atlas migrationlink.AtlasToken) *madeTokens {
	same := func(m madeTokens) bool { return m.atlas.Name == atlas.Name && m.atlas.OrgID == atlas.OrgID }
	i := slices.IndexFunc(t.made, same)
	if i < 0 {
		i = len(t.made)
		t.made = append(t.made, madeTokens{atlas: atlas})
	}
	return &t.made[i]
}

// tokenSource is where the link-token is from: a retry may have said so.
func (r *linkRun) tokenSource() migrationlink.TokenSource {
	if r.token != nil {
		return *r.token
	}
	return r.request.Token
}

// linkToken is the one to link with; missing says that it has to be made in Atlas
// before.
func (r *linkRun) linkToken() (_ migrationlink.TokenSource, missing bool) {
	source := r.tokenSource()
	switch {
	case source.Atlas == nil:
		return source, false
	case r.tokens.sealed != nil && r.tokens.source == r.token:
		return *r.tokens.sealed, false
	}
	return source, true
}

// makeToken has a link-token made in Atlas, unless a retry has brought one, or
// brings one meanwhile. When it fails, it is looked first again whether it is
// needed still.
func (r *linkRun) makeToken(ctx workflow.Context, since time.Time) error {
	r.tokens.wanted = false
	source, missing := r.linkToken()
	from := r.token
	if !missing {
		return nil
	}
	var made activities.CreateLinkTokenResult
	retried, err := r.unlessRetried(ctx, func(ctx workflow.Context) workflow.Future {
		return workflow.ExecuteActivity(making(ctx, r.request.Manager, "Make the link-token in Atlas", r.deadline.Sub(now(ctx))),
			migrationlink.CreateLinkTokenActivity, activities.CreateLinkTokenInput{
				Target: r.target, Atlas: *source.Atlas, Since: since, Deadline: r.deadline,
			})
	}, &made)
	lost := made.InDoubt || lostToken(err)
	if lost {
		r.tokens.in(*source.Atlas).lost++
		r.inAtlas().TokenInDoubt = true
	}
	switch {
	case retried:
		return nil
	case err != nil:
		r.met(ctx, err)
		return err
	}
	r.tokens.in(*source.Atlas).known++
	if newest := r.tokenSource().Atlas; newest != nil && reflect.DeepEqual(newest, source.Atlas) {
		from = r.token // a retry that came meanwhile asked for the same
	}
	r.tokens.sealed, r.tokens.source = &made.Sealed, from
	r.inAtlas().TokenCreated = true
	r.status.Problem = nil
	r.tell(ctx)
	return nil
}

// explained says of a link-token that was made in Atlas what a retry does.
func (r *linkRun) explained(used migrationlink.TokenSource, err error) error {
	if r.tokens.sealed == nil || used != *r.tokens.sealed {
		return err
	}
	problem := problemOf(err)
	switch problem.Type {
	case migrationlink.ErrTokenRejected:
		problem.Remedy = "Look up in Atlas whether the link-token was deleted or has expired, and whether token.atlas.orgId is right: the next attempt makes a new one."
	case migrationlink.ErrTokenNotOpened:
		problem.Remedy = "Check that all workers have the same tokens.identities, in the same order: the next attempt makes a new link-token."
	default:
		return err
	}
	return problemError{Problem: problem}
}

// inAtlas is what the result says of Atlas.
func (o *operation) inAtlas() *migrationlink.AtlasResult {
	if o.result.Atlas == nil {
		o.result.Atlas = &migrationlink.AtlasResult{}
	}
	return o.result.Atlas
}

// saysNotSyncedWithoutLink tells whether that is known of the manager: a link was
// removed, and the manager had not said before that there was none.
func (r *linkRun) saysNotSyncedWithoutLink() bool {
	return r.tokens.before != migrationlink.LinkNone && (r.cleared || r.result.Removed)
}

// deleteTokens returns when an organization of Atlas has none of the link-tokens
// left that were made for this request, or may have been. One whose creation got no
// reply may come after that yet, and stays in doubt.
func (r *linkRun) deleteTokens(ctx workflow.Context, made *madeTokens) error {
	for more := true; more && made.known+made.lost > 0 && !r.foreign; {
		gone, err := r.deleteToken(ctx, *made)
		if err != nil {
			return err
		}
		r.deleted(ctx, made, gone)
		more = gone.Deleted
	}
	return nil
}

// deleteToken returns when Atlas has deleted a link-token, or has none.
func (r *linkRun) deleteToken(ctx workflow.Context, made madeTokens) (gone activities.DeleteLinkTokenResult, _ error) {
	since := now(ctx)
	r.enter(ctx, migrationlink.PhaseUndoing, r.deadline)
	for {
		r.handled = r.retries
		err := workflow.ExecuteActivity(again(ctx, r.request.Manager, "Delete the link-token in Atlas", max(r.deadline.Sub(now(ctx)), time.Second)),
			migrationlink.DeleteLinkTokenActivity, activities.DeleteLinkTokenInput{
				Target: r.target, Atlas: made.atlas, Known: made.known > 0, Cleared: r.saysNotSyncedWithoutLink(), Since: since, Deadline: r.deadline,
			}).Get(ctx, &gone)
		if err == nil {
			return gone, nil
		}
		r.met(ctx, err)
		switch {
		case r.blocks(ctx, err):
			if goesOn, stopped := r.blocked(ctx, err, nil); stopped != nil || !goesOn {
				return gone, deadlineReached{err}
			}
			continue
		case !mayRepeat(err) || !now(ctx).Before(r.deadline):
			return gone, err
		}
		if paused := r.pause(ctx, err, now(ctx), "Before the next attempt to delete the link-token"); paused != nil || !now(ctx).Before(r.deadline) {
			return gone, err
		}
	}
}

// deleted records what is left. Of several link-tokens nobody knows which one
// Atlas has deleted.
func (r *linkRun) deleted(ctx workflow.Context, made *madeTokens, gone activities.DeleteLinkTokenResult) {
	r.status.Problem = nil
	switch {
	case gone.Kept:
		r.foreign = true
		r.tell(ctx)
		return
	case !gone.Deleted:
		made.known = 0
	case made.known > 0:
		made.known--
	default:
		made.lost--
	}
	r.inAtlas().TokenDeleted = r.inAtlas().TokenDeleted || gone.Deleted
	r.inAtlas().TokenInDoubt = slices.ContainsFunc(r.tokens.made, func(m madeTokens) bool { return m.lost > 0 })
	r.tell(ctx)
}

// sayTokensLeft counts the link-tokens that Atlas still has and that serve no
// link.
func (r *linkRun) sayTokensLeft() {
	left := 0
	for _, made := range r.tokens.made {
		left += made.known
	}
	if serves := r.result.Created && !r.result.Removed && r.tokens.posted.Atlas != nil; serves {
		left--
	}
	if left > 0 {
		r.inAtlas().TokensLeft = left
	}
}
