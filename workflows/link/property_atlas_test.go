package link_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"
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
	shown     int  // how many projects the last look that the workflow was told of has seen
	notShown  bool // that look has seen none, and SYNCED after that
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
		if link.Token.Atlas == nil || !s.scene.manager.syncedSeen {
			s.scene.manager.breaks("a link is verified that is not SYNCED, or has no target")
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
	case activities.FindLinkResult:
		s.atlas.looked = err == nil && !result.Found
	case activities.CreateLinkTokenResult:
		if err == nil {
			s.atlas.held = true
			s.atlas.deliver(result.Sealed)
		}
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

// looks is told of the end of every look.
func (s *simulatedAtlas) looks(result any, err error) {
	seen, _ := result.(activities.VerifyInAtlasResult)
	s.verified, s.shown, s.notShown = err == nil, seen.AvailableProjects, concludes(err)
	s.scene.wrong = err != nil && strings.Contains(err.Error(), migrationlink.ErrWrongTarget)
	if s.scene.wrong {
		s.scene.met("wrong target")
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

// shows reports whether the status showed a link at a time.
func (m *simulatedManager) shows(link *heldLink, at time.Time) bool {
	wasSynced := !link.synced.IsZero() && !link.synced.After(at)
	return !link.made.Add(m.Stale).After(at) && (wasSynced || m.WithoutLink == migrationlink.LinkNone)
}

// available is how many projects of the source Atlas shows.
func (s *simulatedAtlas) available() int {
	m := s.scene.manager
	if !m.synced() || m.link.elsewhere || m.Available < 0 || s.scene.now().Before(m.link.synced.Add(m.Available)) {
		return 0
	}
	return m.Projects
}

// atlasCall makes a call of Atlas. limit is when the worker gives it up.
func (a *attempt) atlasCall(what string, met mishap, limit time.Duration, effect func() answer) answer {
	half := halfOf(met)
	if what == remove {
		half = min(half, a.scene.late) // as for links
	}
	if met == fakeSuccess || met == otherConflict { // nothing of Atlas's tells them from its own
		met = truncatedBefore
	}
	got := a.call(what, met, half, limit, func() answer {
		if refused, ok := a.scene.manager.refuses(a.scene.schedule.Manager.AtlasRefusals); ok {
			return refused
		}
		got := effect()
		got.own = true
		return got
	})
	got = a.believed(got, &a.scene.workers[a.worker].atlas, false)
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
	w := waiting{attempt: a, since: in.Since, deadline: in.Deadline}
	opened := a.atlasCall(get, a.fate.Read, a.until(in.Deadline), func() answer { return answer{} })
	if opened.problem != "" {
		return activities.CreateLinkTokenResult{}, w.tokenRefused(opened, before)
	}
	if !a.before(in.Deadline) || a.fate.Unmarked || !a.mark(activities.TokenTrace{Lost: true}) {
		return activities.CreateLinkTokenResult{}, w.tokenRefused(answer{problem: migrationlink.ErrAtlasUnavailable}, before)
	}
	switch {
	case a.scene.cancelled:
		a.scene.manager.breaks("a link-token is made after the cancellation")
	case a.scene.atlas.held:
		a.scene.manager.breaks("a second link-token is made, and the first is good")
	}
	if a.fate.loses() || len(a.scene.manager.AtlasRefusals) > 0 {
		a.scene.met("token lost")
	}
	var made *issuedToken
	got := a.atlasCall(post, a.fate.Write, noLimit, func() answer {
		made = a.scene.atlas.create()
		return answer{}
	})
	switch {
	case got.lost:
		a.scene.met("token lost")
		return activities.CreateLinkTokenResult{}, failure(got.problem, true, w.delay(lostTokenDelay), activities.TokenTrace{Lost: true})
	case got.problem != "":
		return activities.CreateLinkTokenResult{}, w.tokenRefused(got, before)
	}
	return activities.CreateLinkTokenResult{Sealed: sealed(made.number), InDoubt: before.Lost}, nil
}

// tokenRefused takes back the mark.
func (w waiting) tokenRefused(got answer, before activities.TokenTrace) error {
	w.recorded, w.beat, w.held = true, before, before
	return failure(got.problem, got.final, w.delay(got.retryAfter), before)
}

func (a *attempt) deleteLinkToken(in activities.DeleteLinkTokenInput) (activities.DeleteLinkTokenResult, error) {
	before, _ := a.beat.(activities.TokenTrace)
	before.Lost = before.Lost || in.Lost
	w := waiting{attempt: a, since: in.Since, deadline: in.Deadline}
	status := a.read(a.fate.Read, a.until(in.Deadline), true)
	read := a.scene.manager.readAt
	switch {
	case status.problem != "":
		return activities.DeleteLinkTokenResult{}, w.tokenRefused(status, before)
	case a.showsLink(status.status), status.status != migrationlink.LinkNone && !in.Cleared:
		return activities.DeleteLinkTokenResult{Kept: true}, nil
	case !a.before(in.Deadline) || a.fate.Unmarked || !a.mark(activities.TokenTrace{Lost: true}):
		return activities.DeleteLinkTokenResult{}, w.tokenRefused(answer{problem: migrationlink.ErrAtlasUnavailable}, before)
	}
	got := a.atlasCall(remove, a.fate.Write, noLimit, func() answer {
		return answer{code: a.scene.atlas.remove(read)}
	})
	switch got.code {
	case 204:
		return activities.DeleteLinkTokenResult{Deleted: true}, nil
	case 404:
		return activities.DeleteLinkTokenResult{Deleted: in.Known && before.Lost}, nil
	}
	before.Lost = before.Lost || got.lost
	return activities.DeleteLinkTokenResult{}, w.tokenRefused(got, before)
}

func (a *attempt) verifyInAtlas(in activities.VerifyInAtlasInput) (activities.VerifyInAtlasResult, error) {
	progress := a.progress(migrationlink.Progress{})
	got := a.managerCall(get, a.fate.Read, halfOf(a.fate.Read), noLimit, true, func() answer { return answer{} })
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
	w := waiting{attempt: a, since: in.Since, deadline: in.Deadline}
	switch {
	case got.problem != "":
		seen.AvailableProjects = 0
	case seen.SourceProjects == 0, seen.AvailableProjects > 0:
		for n := range seen.AvailableProjects {
			seen.ProjectIDs = append(seen.ProjectIDs, fmt.Sprintf("%024x", n))
		}
		return seen, nil
	default:
		got = a.conclude(in, &seen)
	}
	if a.before(in.NotShownAt) {
		w.mark = in.NotShownAt
	}
	return activities.VerifyInAtlasResult{}, failure(got.problem, got.final, w.delay(got.retryAfter), progress, seen)
}

// conclude decides about a link that Atlas does not show.
func (a *attempt) conclude(in activities.VerifyInAtlasInput, seen *activities.VerifyInAtlasResult) answer {
	notShown := answer{problem: migrationlink.ErrNotInAtlas}
	if in.Foreign {
		notShown.retryAfter = 5 * time.Second
	}
	if in.NotShownAt.IsZero() || a.before(in.NotShownAt) {
		return notShown
	}
	m := a.scene.manager
	ours, hidden := m.lastSyncedOurs, m.oursHidden
	got := a.read(a.fate.Write, noLimit, true)
	m.lastSyncedOurs, m.oursHidden = ours, hidden // those are of the wait for SYNCED
	if got.problem != "" {
		return got
	}
	seen.LinkStatus = got.status
	if got.status == migrationlink.LinkSynced && a.scene.now().Before(a.scene.syncedAt.Add(migrationlink.TargetGrace)) {
		m.breaks("a link is not shown, and was SYNCED for %v only", a.scene.now().Sub(a.scene.syncedAt))
	}
	if !in.Foreign || got.status != migrationlink.LinkSynced {
		return notShown
	}
	wrong := answer{problem: migrationlink.ErrWrongTarget, final: true, own: true}
	a.scene.finals = append(a.scene.finals, finalAnswer{answer: wrong, at: a.scene.now()})
	return wrong
}

// concludes reports whether the error of a look says that the link was SYNCED after that.
func concludes(err error) bool {
	var problem migrationlink.Problem
	var progress migrationlink.Progress
	var seen activities.VerifyInAtlasResult
	failed, ok := errors.AsType[*temporal.ApplicationError](err)
	return ok && failed.HasDetails() && failed.Details(&problem, &progress, &seen) == nil && seen.LinkStatus == migrationlink.LinkSynced
}

// leavesLinkToken reports whether an undo has failed after the link was removed.
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
	undone := s.seen["undone"] && (!undoFailed || leavesLinkToken(result))
	if result.Created && !result.Removed && !undone {
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
		require.True(t, s.atlas.verified || !toVerify)
		require.Equal(t, s.atlas.shown > 0, !said.VerifiedAt.IsZero())
		require.True(t, s.schedule.Manager.Projects == 0 || s.atlas.shown > 0 || !toVerify)
		require.Equal(t, result.LinkStatus, migrationlink.LinkSynced)
		require.NotEmpty(t, result.Target)
	}
	tellsOfTheTarget(t, s, result, said)
	switch {
	case s.atlas.verified:
		s.met("verified")
	case s.seen["looked into Atlas"] && result.Outcome == migrationlink.OutcomeTimedOut:
		s.met("verification timed out")
	}
}

// tellsOfTheTarget: nothing is claimed that no look has seen, and no link is kept that was
// seen to be the wrong one.
func tellsOfTheTarget(t *rapid.T, s *scene, result migrationlink.LinkResult, said migrationlink.AtlasResult) {
	require.Equal(t, result.Target == migrationlink.TargetVerified, s.atlas.shown > 0)
	require.Len(t, said.ProjectIDs, s.atlas.shown)
	require.Equal(t, result.Target == migrationlink.TargetUnknown, result.TargetReason != "")
	wrong := result.Problem != nil && result.Problem.Type == migrationlink.ErrWrongTarget
	if result.Target == migrationlink.TargetNotShown {
		require.True(t, s.atlas.notShown, "no look has seen that")
		require.NotEqual(t, migrationlink.OutcomeAlreadyLinked, result.Outcome, "it is the wrong one")
	}
	if wrong {
		require.Equal(t, migrationlink.TargetNotShown, result.Target)
		require.False(t, result.Created)
		require.Equal(t, migrationlink.KeepLink, s.schedule.Link.IfLinked)
	}
	if result.Outcome.Done() {
		s.met("target " + string(result.Target))
	}
	if result.Outcome == migrationlink.OutcomeAlreadyLinked && s.schedule.looksAreFine() && !s.manager.othersCalled {
		require.Equal(t, migrationlink.TargetVerified, result.Target, "it is kept for %s", result.TargetReason)
	}
}

// looksAreFine reports whether nothing keeps a look from seeing what there is to see.
func (s *schedule) looksAreFine() bool {
	disturbs := func(e event) bool {
		return e.What == killWorker || e.What == retryAtOnce || e.What == fixAndRetry || e.What == retryUpdate
	}
	return s.Manager.Projects > 0 && len(s.Manager.Refusals)+len(s.Manager.AtlasRefusals)+len(s.Fates[migrationlink.VerifyInAtlasActivity]) == 0 &&
		!slices.ContainsFunc(s.Events, disturbs) && s.Link.SyncLimit() > time.Minute
}

// tellsOfLeftLinkTokens: an undo that was asked to has deleted the link-token,
// unless it says why not.
func tellsOfLeftLinkTokens(t *rapid.T, s *scene, result migrationlink.LinkResult) {
	link := s.schedule.Link
	undone := link.Undo == migrationlink.UndoAlways && !result.Outcome.Done() || link.Undo == migrationlink.UndoOnCancel && result.Outcome == migrationlink.OutcomeCancelled
	others := s.manager.Others != "" || s.manager.othersCalled || result.InDoubt ||
		(s.manager.WithoutLink == migrationlink.LinkNotSynced && !result.Removed || s.manager.Stale > 0) // it looks like somebody else's link
	failed := result.Problem != nil && result.Problem.Type == migrationlink.ErrUndoFailed
	failed = failed || result.Atlas != nil && result.Atlas.TokenInDoubt // one may come yet
	if undone && link.DeleteTokenOnUndo && !others && !failed {
		require.Empty(t, s.atlas.tokens, "they are left")
	}
}
