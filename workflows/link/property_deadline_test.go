package link_test

import (
	"slices"
	"strings"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/migrationlink/migrationlink"
	"github.com/migrationlink/migrationlink/activities"
)

// limits are the deadlines of the phases, as the request and its extensions set
// them. A phase is that of the status, but settling and removing are a part of
// creating.
type limits struct {
	phase migrationlink.Phase // that has begun last, but for the undo
	ends  map[migrationlink.Phase]time.Time
}

// enters is told of every activity that the workflow starts.
func (s *scene) enters(in any) {
	phase, limit := migrationlink.PhaseCreating, time.Duration(0)
	link := s.schedule.Link
	switch in := in.(type) {
	case activities.Target:
		return
	case activities.VerifyInAtlasInput:
		phase, limit = migrationlink.PhaseVerifying, link.SyncLimit()
	case activities.AwaitSyncedInput:
		if in.NoLinkAfter.IsZero() {
			phase, limit = migrationlink.PhaseSyncing, link.SyncLimit()
		}
	case activities.DeleteLinkTokenInput:
		phase = migrationlink.PhaseUndoing
	case activities.DeleteLinkInput:
		if undoes(in) {
			phase = migrationlink.PhaseUndoing
		}
	}
	if phase == migrationlink.PhaseUndoing {
		limit = max(15*time.Minute, link.SettleLimit()+5*time.Minute)
	} else {
		s.limits.phase = phase
	}
	if s.limits.ends[phase].IsZero() {
		s.limits.ends[phase] = s.now().Add(limit)
	}
}

// startsOver is told of every activity that the workflow starts, too: a retry after a wrong
// target starts over, with limits of its own.
func (s *scene) startsOver(in any) {
	switch in.(type) {
	case activities.FindLinkInput, activities.CreateLinkInput:
	default:
		return
	}
	if !s.wrong {
		return
	}
	s.wrong = false
	s.startedOver++
	s.met("started over")
	s.limits.ends = map[migrationlink.Phase]time.Time{migrationlink.PhaseCreating: s.now().Add(s.schedule.Link.CreateLimit())}
}

// extends is told of every extension.
func (s *scene) extends(extension migrationlink.Extension) {
	phase := extension.Phase
	switch phase {
	case migrationlink.PhaseSettling, migrationlink.PhaseRemoving:
		phase = migrationlink.PhaseCreating
	}
	s.limits.ends[phase] = extension.Deadline
}

// learns is told of the end of every activity.
func (s *scene) learns(result any, err error) {
	linkStatus := ""
	switch result := result.(type) {
	case activities.FindLinkResult:
		linkStatus = result.LinkStatus
	case activities.CreateLinkResult:
		linkStatus = result.LinkStatus
	case activities.AwaitSyncedResult:
		linkStatus = result.LinkStatus
	}
	if linkStatus == migrationlink.LinkSynced {
		s.syncedAt = s.now()
	}
	switch result.(type) {
	case activities.FindLinkResult, activities.CreateLinkResult:
		posting, _ := activities.LostPosting(err)
		s.answeredBefore = s.answeredBefore || err == nil || posting.Before != ""
	case activities.AwaitSyncedResult, activities.DeleteLinkResult:
		s.answeredBefore = s.answeredBefore || err == nil
	}
}

// endsForAReason: nothing ends before its deadline, unless somebody has asked for it
// or the manager has given a final answer.
func endsForAReason(t *rapid.T, s *scene, result migrationlink.LinkResult) {
	ended := result.EndedAt
	if !s.undoneAt.IsZero() {
		ended = s.undoneAt
	}
	switch {
	case result.Outcome == migrationlink.OutcomeTimedOut:
		require.False(t, ended.Before(s.limits.ends[s.limits.phase]), "it ends %v before its time is up", s.limits.ends[s.limits.phase].Sub(ended))
	case result.Outcome != migrationlink.OutcomeFailed, result.Problem.Type == migrationlink.ErrAlreadyLinked:
	case result.Problem.Type == migrationlink.ErrUndoFailed:
		undoGivesUpForAReason(t, s, result)
	default:
		require.True(t, s.saidFinally(time.Time{}, func(f finalAnswer) bool { return f.problem == result.Problem.Type }),
			"it ends as %s, and nobody has said so for good", result.Problem.Type)
	}
}

func undoGivesUpForAReason(t *rapid.T, s *scene, result migrationlink.LinkResult) {
	require.True(t, s.seen["undone"], "it was not tried")
	if leavesLinkToken(result) || !result.EndedAt.Before(s.limits.ends[migrationlink.PhaseUndoing]) {
		return // several organizations of Atlas share the time
	}
	require.True(t, s.saidFinally(s.undoneAt, func(f finalAnswer) bool { return strings.Contains(result.Problem.Message, "said "+f.problem) }),
		"undo gives up: %s", result.Problem.Message)
}

// saidFinally reports whether such an answer was given, and is one that ends a
// request.
func (s *scene) saidFinally(since time.Time, such func(finalAnswer) bool) bool {
	waits := s.schedule.Link != nil && s.schedule.Link.OnBlocked == migrationlink.WaitWhenBlocked ||
		s.schedule.Unlink != nil && s.schedule.Unlink.OnBlocked == migrationlink.WaitWhenBlocked
	return slices.ContainsFunc(s.finals, func(f finalAnswer) bool {
		return !f.at.Before(since) && f.proven() && such(f) && (!waits || !migrationlink.Blockable(f.problem))
	})
}

// saysWhereTheLinkIs: the words on a link that was not finished are those of the
// manager. atTheEnd is what it held when the workflow ended.
func saysWhereTheLinkIs(t *rapid.T, s *scene, result migrationlink.LinkResult, atTheEnd *heldLink) {
	undoFailed := result.Problem != nil && result.Problem.Type == migrationlink.ErrUndoFailed
	if s.manager.othersCalled && (!s.seen["undone"] || undoFailed) {
		return
	}
	if result.Removed && !s.manager.othersCalled && s.manager.tellsNone() && s.schedule.Link != nil {
		require.True(t, s.manager.oursRemoved, "the manager has removed no link of ours")
	}
	if result.Problem == nil {
		return
	}
	for _, words := range []string{"the link stays at the manager", "there is a link at the manager"} {
		require.False(t, strings.Contains(result.Problem.Message, words) && atTheEnd == nil && s.manager.link == nil,
			"there is none: %s", result.Problem.Message)
	}
}
