package link

import (
	"reflect"
	"slices"

	"go.temporal.io/sdk/workflow"

	"github.com/migrationlink/migrationlink"
	"github.com/migrationlink/migrationlink/activities"
)

// tokens are those that were made in Atlas for this request.
type tokens struct {
	// wanted reports whether the next attempt makes a link-token: the status was read, and
	// there is no link. before is that status.
	wanted bool
	before string
	// sealed is the one to link with, made for source, the token source of a
	// retry; nil is that of the request.
	sealed *migrationlink.TokenSource
	source *migrationlink.TokenSource
	// posted is the source of the link-token with which the link was made, or may
	// have been.
	posted migrationlink.TokenSource
	// past reports whether runs before a reset may have made one that nobody knows.
	past bool
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
func (t *tokens) rejected(err error) {
	switch problemOf(err).Type {
	case migrationlink.ErrTokenRejected, migrationlink.ErrTokenNotOpened:
		t.sealed = nil
	}
}

// in is the count for an organization of Atlas.
func (t *tokens) in(atlas migrationlink.AtlasToken) *madeTokens {
	same := func(m madeTokens) bool { return m.atlas.Name == atlas.Name && m.atlas.OrgID == atlas.OrgID }
	i := slices.IndexFunc(t.made, same)
	if i < 0 {
		i = len(t.made)
		t.made = append(t.made, madeTokens{atlas: atlas})
	}
	return &t.made[i]
}

// tokenSource is where the link-token is from: a retry may have said so.
func (l *link) tokenSource() migrationlink.TokenSource {
	if l.desk.token != nil {
		return *l.desk.token
	}
	return l.request.Token
}

// linkToken returns the link-token to link with, and whether it has yet to be made in Atlas.
func (l *link) linkToken() (_ migrationlink.TokenSource, missing bool) {
	source := l.tokenSource()
	switch {
	case source.Atlas == nil:
		return source, false
	case l.tokens.sealed != nil && l.tokens.source == l.desk.token:
		return *l.tokens.sealed, false
	}
	return source, true
}

// makeToken has a link-token made in Atlas, unless a retry has named one, or names one
// meanwhile. The next attempt looks again whether it is still needed.
func (l *link) makeToken(ctx workflow.Context) error {
	l.tokens.wanted = false
	source, missing := l.linkToken()
	from := l.desk.token
	if !missing {
		return errAgain
	}
	var made activities.CreateLinkTokenResult
	err := l.untilWoken(ctx, func(ctx workflow.Context) workflow.Future {
		return workflow.ExecuteActivity(withTrackedCreation(ctx, l.request.Manager, "Create the link-token in Atlas", l.deadline.left(now(ctx))),
			migrationlink.CreateLinkTokenActivity, activities.CreateLinkTokenInput{
				Target: l.target, Atlas: *source.Atlas, Since: l.result.StartedAt, Deadline: l.deadline.at, Known: l.known.atlas,
			})
	}, &made)
	if made.InDoubt || lostToken(err) {
		l.tokens.in(*source.Atlas).lost++
		l.inAtlas().TokenInDoubt = true
	}
	switch {
	case wasWoken(ctx, err):
		return errAgain
	case err != nil:
		return err
	}
	l.tokens.in(*source.Atlas).known++
	l.known.atlas = true
	if newest := l.tokenSource().Atlas; newest != nil && reflect.DeepEqual(newest, source.Atlas) {
		from = l.desk.token // a retry that came meanwhile asked for the same
	}
	l.tokens.sealed, l.tokens.source = &made.Sealed, from
	l.inAtlas().TokenCreated = true
	l.stage.problem = nil
	l.tell(ctx)
	return errAgain
}

// explained says of a link-token that was made in Atlas what a retry does.
func (l *link) explained(used migrationlink.TokenSource, err error) error {
	if l.tokens.sealed == nil || used != *l.tokens.sealed {
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

// saysNotSyncedWithoutLink reports whether that is known of the manager: a link was
// removed, and the manager had not said before that there was none.
func (l *link) saysNotSyncedWithoutLink() bool {
	return l.tokens.before != migrationlink.LinkNone && (l.known.cleared || l.result.Removed)
}

// deleteTokens returns when an organization of Atlas has none of the link-tokens left that
// were made for this request, or may have been. One whose creation got no reply may still
// appear after that, and stays in doubt.
func (l *link) deleteTokens(ctx workflow.Context, made *madeTokens) error {
	for more := true; more && made.known+made.lost > 0 && l.owner != theirs; {
		gone, err := l.deleteToken(ctx, *made)
		if err != nil {
			return err
		}
		l.deleted(ctx, made, gone)
		more = gone.Deleted
	}
	return nil
}

// deleteToken returns when Atlas has deleted a link-token, or has none.
func (l *link) deleteToken(ctx workflow.Context, made madeTokens) (gone activities.DeleteLinkTokenResult, _ error) {
	began := now(ctx)
	lost := false
	err := l.drive(ctx, step{
		phase: migrationlink.PhaseUndoing,
		pause: "Before the next attempt to delete the link-token",
		try: func(ctx workflow.Context) error {
			err := workflow.ExecuteActivity(withPolling(ctx, l.request.Manager, "Delete the link-token in Atlas", l.deadline.left(now(ctx))),
				migrationlink.DeleteLinkTokenActivity, activities.DeleteLinkTokenInput{
					Target: l.target, Atlas: made.atlas, Known: made.known > 0, Lost: lost, Cleared: l.saysNotSyncedWithoutLink(), Since: began, Deadline: l.deadline.at,
				}).Get(ctx, &gone)
			lost = lost || lostToken(err)
			return err
		},
		tooLate: func(last error) error { return deadlineReached{last} },
	})
	return gone, err
}

// deleted records what is left. Of several link-tokens nobody knows which one Atlas has
// deleted.
func (l *link) deleted(ctx workflow.Context, made *madeTokens, gone activities.DeleteLinkTokenResult) {
	l.stage.problem = nil
	switch {
	case gone.Kept:
		l.owner = theirs
		l.tell(ctx)
		return
	case !gone.Deleted:
		made.known = 0
	case made.known > 0:
		made.known--
	default:
		made.lost--
	}
	l.inAtlas().TokenDeleted = l.inAtlas().TokenDeleted || gone.Deleted
	l.inAtlas().TokenInDoubt = l.tokens.past || slices.ContainsFunc(l.tokens.made, func(m madeTokens) bool { return m.lost > 0 })
	l.tell(ctx)
}

// countTokensLeft counts the link-tokens that Atlas still has and that serve no
// link.
func (l *link) countTokensLeft() {
	left := 0
	for _, made := range l.tokens.made {
		left += made.known
	}
	if serves := l.stays() && l.tokens.posted.Atlas != nil; serves {
		left--
	}
	if left > 0 {
		l.inAtlas().TokensLeft = left
	}
}
