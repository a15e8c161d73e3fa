package workflows_test

import (
	"strings"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/migrationlink/migrationlink"
	"github.com/migrationlink/migrationlink/activities"
)

// simulatedAtlas is Atlas in memory. It is the witness of its link-tokens, too.
type simulatedAtlas struct {
	scene *scene

	tokens  []*issuedToken // that are there, the newest last
	issued  int            // ever
	deleted int
	// looked says that the link was looked for, and that all but the link-token was
	// there.
	looked bool
	// held says that the workflow has a link-token of which nobody has said that
	// it is no good.
	held      bool
	delivered int  // to the workflow
	verified  bool // the workflow was told so
}

// issuedToken is a link-token of the source organization.
type issuedToken struct {
	number int
	known  bool // to the workflow
}

// tokenIs is what is wrong with a link-token that was made here: the first one may
// have expired, or its identity been lost.
func (s *simulatedAtlas) tokenIs(token migrationlink.TokenSource) string {
	bad := s.scene.schedule.Manager.Token
	switch {
	case token.Atlas != nil, token.Sealed != sealed(1).Sealed:
		return ""
	case bad == migrationlink.ErrTokenUnavailable:
		return migrationlink.ErrTokenNotOpened
	}
	return bad
}

// anotherSource is where a new link-token is: it must fit the request.
func (s *scene) anotherSource() *migrationlink.TokenSource {
	if s.schedule.Link != nil && s.schedule.Link.Token.Atlas != nil {
		s.atlas.held = false
		return &migrationlink.TokenSource{Atlas: s.schedule.Link.Token.Atlas}
	}
	return &migrationlink.TokenSource{Ref: newToken}
}

// started is told of every activity that the workflow starts in Atlas.
func (s *simulatedAtlas) started(in any) {
	link := s.scene.schedule.Link
	switch in.(type) {
	case activities.CreateLinkTokenInput:
		if !s.looked {
			s.scene.manager.breaks("a link-token is asked for, and it was not looked whether it is needed")
		}
		s.looked = false
	case activities.VerifyInAtlasInput:
		s.scene.met("looked into Atlas")
		s.scene.comes(firstLook)
		if !link.VerifyInAtlas || !s.scene.manager.syncedSeen {
			s.scene.manager.breaks("a link is verified that is not SYNCED, or was not to be")
		}
	case activities.DeleteLinkTokenInput:
		s.scene.comes(firstKill)
		if !s.scene.seen["undone"] {
			s.scene.undoneAt = s.scene.now()
		}
		s.scene.met("undone")
		wanted := link.Undo == migrationlink.UndoAlways || link.Undo == migrationlink.UndoOnCancel && s.scene.cancelled
		if !link.DeleteTokenOnUndo || !wanted {
			s.scene.manager.breaks("the link-token was not to be deleted")
		}
	}
}

// ended is told of the end of every activity.
func (s *scene) ended(result any, err error) {
	switch result := result.(type) {
	case activities.CreateLinkResult:
		s.atlas.looked = err == nil && result.NeedsToken
	case activities.CreateLinkTokenResult:
		if err == nil {
			s.atlas.held = true
			s.atlas.deliver(result.Sealed)
		}
	case activities.VerifyInAtlasResult:
		s.atlas.verified = err == nil
	case activities.DeleteLinkTokenResult:
		if err == nil && result.Kept {
			s.met("token kept")
		}
	}
	if err != nil && strings.Contains(err.Error(), migrationlink.ErrTokenRejected) {
		s.atlas.held = false
		s.met("token rejected")
	}
	if err != nil && strings.Contains(err.Error(), migrationlink.ErrTokenNotOpened) {
		s.atlas.held = false
		s.met("token not opened")
	}
}

func (s *simulatedAtlas) deliver(source migrationlink.TokenSource) {
	if s.delivered++; s.delivered > 1 {
		s.scene.met("token replaced")
	}
	s.scene.met("token made")
	s.scene.comes(firstMade)
	for _, token := range s.tokens {
		token.known = token.known || sealed(token.number).Sealed == source.Sealed
	}
}

// create is what a POST does.
func (s *simulatedAtlas) create() *issuedToken {
	s.issued++
	made := &issuedToken{number: s.issued}
	s.tokens = append(s.tokens, made)
	s.scene.tell("  Atlas makes link-token %d", made.number)
	return made
}

// remove is what a DELETE does: 204 or 404. read is when it was looked whether a
// link stands. Left out, as documented: a link of somebody else that could not be
// seen then.
func (s *simulatedAtlas) remove(read time.Time) int {
	m := s.scene.manager
	if m.link != nil && (m.link.ours || m.shows(m.link, read)) {
		m.breaks("the link-token is deleted while %s stands", m.link.heldBy())
	}
	last := len(s.tokens) - 1
	if last < 0 {
		return 404
	}
	s.scene.tell("  Atlas deletes link-token %d", s.tokens[last].number)
	s.scene.met("token deleted")
	s.tokens, s.deleted = s.tokens[:last], s.deleted+1
	return 204
}

// shows tells whether the status showed a link at a time.
func (m *simulatedManager) shows(link *heldLink, at time.Time) bool {
	wasSynced := !link.synced.IsZero() && !link.synced.After(at)
	return !link.made.After(at) && (wasSynced || m.WithoutLink == migrationlink.LinkNone)
}

// available is how many projects of the source Atlas shows.
func (s *simulatedAtlas) available() int {
	m := s.scene.manager
	if !m.synced() || m.Available < 0 || s.scene.now().Before(m.link.synced.Add(m.Available)) {
		return 0
	}
	return m.Projects
}

// atlasCall makes a call of Atlas. limit is when the worker gives it up.
func (a *attempt) atlasCall(what string, met mishap, limit time.Duration, effect func() answer) answer {
	half := halfOf(met)
	if what == "DELETE" {
		half = min(half, a.scene.late) // as for links
	}
	got := a.call(what, met, half, limit, func() answer {
		if refused := a.scene.manager.refusedBy(a.scene.schedule.Manager.AtlasRefusals); refused != "" {
			return answer{problem: refused, final: true}
		}
		return effect()
	})
	if got.problem == migrationlink.ErrManagerUnavailable {
		got.problem = migrationlink.ErrAtlasUnavailable
	}
	if a.heard && what == get {
		panic(attemptStops{})
	}
	return got
}

// lostTokenDelay is the least before a link-token is made once more.
const lostTokenDelay = 5 * time.Second

func (a *attempt) createLinkToken(in activities.CreateLinkTokenInput) (activities.CreateLinkTokenResult, error) {
	before, _ := a.beat.(activities.TokenTrace)
	a.stopsWith = before
	opened := a.atlasCall(get, a.fate.Read, in.Deadline.Sub(a.scene.now()), func() answer { return answer{} })
	if opened.problem != "" {
		return activities.CreateLinkTokenResult{}, a.tokenRefused(opened, before, in.Since, in.Deadline)
	}
	if !a.scene.now().Before(in.Deadline) || a.fate.Unmarked || !a.mark(activities.TokenTrace{Lost: true}) {
		return activities.CreateLinkTokenResult{}, a.tokenRefused(answer{problem: migrationlink.ErrAtlasUnavailable}, before, in.Since, in.Deadline)
	}
	switch {
	case a.scene.cancelled:
		a.scene.manager.breaks("a link-token is made after the cancellation")
	case a.scene.atlas.held:
		a.scene.manager.breaks("a second link-token is made, and the first is good")
	}
	if a.fate.Write.loses() {
		a.scene.met("token lost")
	}
	var made *issuedToken
	got := a.atlasCall("POST", a.fate.Write, noLimit, func() answer {
		made = a.scene.atlas.create()
		return answer{}
	})
	switch {
	case got.lost:
		return activities.CreateLinkTokenResult{}, failure(got.problem, true, max(a.growing(in.Since), lostTokenDelay), activities.TokenTrace{Lost: true})
	case got.problem != "":
		return activities.CreateLinkTokenResult{}, a.tokenRefused(got, before, in.Since, in.Deadline)
	}
	return activities.CreateLinkTokenResult{Sealed: sealed(made.number), InDoubt: before.Lost}, nil
}

// tokenRefused takes back the mark.
func (a *attempt) tokenRefused(got answer, before activities.TokenTrace, since, deadline time.Time) error {
	a.recorded, a.beat, a.held = true, before, before
	delay, again := untilNext(max(a.growing(since), got.retryAfter), deadline.Sub(a.scene.now()))
	return failure(got.problem, got.final || !again, delay, before)
}

func (a *attempt) deleteLinkToken(in activities.DeleteLinkTokenInput) (activities.DeleteLinkTokenResult, error) {
	before, _ := a.beat.(activities.TokenTrace)
	status := a.read(a.fate.Read, in.Deadline.Sub(a.scene.now()))
	read := a.scene.manager.readAt
	switch {
	case status.problem != "":
		return activities.DeleteLinkTokenResult{}, a.tokenRefused(status, before, in.Since, in.Deadline)
	case status.status == migrationlink.LinkSynced, status.status != migrationlink.LinkNone && !in.Cleared:
		return activities.DeleteLinkTokenResult{Kept: true}, nil
	case !a.scene.now().Before(in.Deadline) || a.fate.Unmarked || !a.mark(activities.TokenTrace{Lost: true}):
		return activities.DeleteLinkTokenResult{}, a.tokenRefused(answer{problem: migrationlink.ErrAtlasUnavailable}, before, in.Since, in.Deadline)
	}
	got := a.atlasCall("DELETE", a.fate.Write, noLimit, func() answer {
		return answer{code: a.scene.atlas.remove(read)}
	})
	switch got.code {
	case 204:
		return activities.DeleteLinkTokenResult{Deleted: true}, nil
	case 404:
		return activities.DeleteLinkTokenResult{Deleted: in.Known && before.Lost}, nil
	}
	before.Lost = before.Lost || got.lost
	return activities.DeleteLinkTokenResult{}, a.tokenRefused(got, before, in.Since, in.Deadline)
}

func (a *attempt) verifyInAtlas(in activities.VerifyInAtlasInput) (activities.VerifyInAtlasResult, error) {
	progress, _ := a.beat.(migrationlink.Progress)
	progress.Polls++
	got := a.call(get, a.fate.Read, halfOf(a.fate.Read), noLimit, func() answer {
		refused, _ := a.refused()
		return refused
	})
	seen := activities.VerifyInAtlasResult{Polls: progress.Polls}
	if got.problem == "" {
		seen.SourceProjects = a.scene.schedule.Manager.Projects
	}
	if a.heard {
		panic(attemptStops{})
	}
	if got.problem == "" && seen.SourceProjects > 0 {
		got = a.atlasCall(get, a.fate.After, noLimit, func() answer {
			seen.AvailableProjects = a.scene.atlas.available()
			return answer{}
		})
	}
	switch {
	case got.problem != "":
		seen.AvailableProjects = 0
	case seen.SourceProjects == 0, seen.AvailableProjects > 0:
		return seen, nil
	default:
		got.problem = migrationlink.ErrNotInAtlas
	}
	delay, again := untilNext(max(a.growing(in.Since), got.retryAfter), in.Deadline.Sub(a.scene.now()))
	a.record(progress)
	return activities.VerifyInAtlasResult{}, failure(got.problem, got.final || !again, delay, progress, seen)
}

// leavesLinkToken tells whether an undo has failed after the link was removed.
func leavesLinkToken(result migrationlink.LinkResult) bool {
	return strings.Contains(result.Problem.Message, "the link-token could not be deleted")
}

// saysWhatIsInAtlas checks what the result tells of Atlas.
func saysWhatIsInAtlas(t *rapid.T, s *scene, result migrationlink.LinkResult) {
	if s.schedule.Link == nil || s.schedule.Link.Token.Atlas == nil {
		require.Nil(t, result.Atlas)
		return
	}
	said := migrationlink.AtlasResult{}
	if result.Atlas != nil {
		said = *result.Atlas
	}
	require.Equal(t, s.atlas.delivered > 0, said.TokenCreated)
	isVerified(t, s, result, said)
	undoFailed := result.Problem != nil && result.Problem.Type == migrationlink.ErrUndoFailed
	require.True(t, s.atlas.deleted > 0 || !said.TokenDeleted, "Atlas has deleted none")
	// Not known is it of one that was in doubt itself, and where a link came after
	// a deletion whose reply was lost.
	if s.atlas.delivered > 0 && !undoFailed && !s.seen["token kept"] {
		require.Equal(t, s.atlas.deleted > 0, said.TokenDeleted, "Atlas has deleted %d", s.atlas.deleted)
	}
	for _, token := range s.atlas.tokens {
		require.True(t, token.known || said.TokenInDoubt, "nobody knows of link-token %d", token.number)
	}
	require.False(t, said.TokenInDoubt && !s.seen["token lost"], "no link-token was lost")
	left := len(s.atlas.tokens)
	if result.Created && !result.Removed {
		left-- // it serves the link
	}
	require.True(t, left <= said.TokensLeft || said.TokenInDoubt, "nobody is told of %d link-tokens that are left, but of %d", left, said.TokensLeft)
	// Where the reply to a deletion was lost, and nobody has asked again, one too
	// many is told of.
	require.True(t, said.TokensLeft <= left || undoFailed || s.seen["token kept"], "%d link-tokens are left, not %d", left, said.TokensLeft)
	if said.TokensLeft > 0 {
		s.met("token left")
	}
	tellsOfLeftLinkTokens(t, s, result)
}

func isVerified(t *rapid.T, s *scene, result migrationlink.LinkResult, said migrationlink.AtlasResult) {
	toVerify := s.schedule.Link.VerifyInAtlas
	if result.Outcome.Done() {
		require.Equal(t, toVerify, s.atlas.verified)
		require.Equal(t, toVerify && s.schedule.Manager.Projects > 0, !said.VerifiedAt.IsZero())
		require.Equal(t, result.LinkStatus, migrationlink.LinkSynced)
	}
	switch {
	case s.atlas.verified:
		s.met("verified")
	case s.seen["looked into Atlas"] && result.Outcome == migrationlink.OutcomeTimedOut:
		s.met("verification timed out")
	}
}

// tellsOfLeftLinkTokens: an undo that was asked to has deleted the link-token,
// unless it says why not.
func tellsOfLeftLinkTokens(t *rapid.T, s *scene, result migrationlink.LinkResult) {
	link := s.schedule.Link
	undone := link.Undo == migrationlink.UndoAlways && !result.Outcome.Done() || link.Undo == migrationlink.UndoOnCancel && result.Outcome == migrationlink.OutcomeCancelled
	others := s.manager.Others != "" || s.manager.othersCalled || result.InDoubt ||
		s.manager.WithoutLink == migrationlink.LinkNotSynced && !result.Removed // it looks like somebody else's link
	failed := result.Problem != nil && result.Problem.Type == migrationlink.ErrUndoFailed
	failed = failed || result.Atlas != nil && result.Atlas.TokenInDoubt // one may come yet
	if undone && link.DeleteTokenOnUndo && !others && !failed {
		require.Empty(t, s.atlas.tokens, "they are left")
	}
}
