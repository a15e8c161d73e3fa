package link_test

import (
	"strings"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/migrationlink/migrationlink"
)

// tellsTheTruth checks how a workflow says that it has ended against what the
// manager holds.
func tellsTheTruth(t *rapid.T, s *scene, result migrationlink.LinkResult) {
	endsAsItSays(t, s, result)
	endsInTime(t, s, result)
	endsForAReason(t, s, result)
	saysWhatIsInAtlas(t, s, result)
	atTheEnd := s.manager.link
	s.manager.takeEffect(s.now().Add(365 * 24 * time.Hour)) // what is still at work
	saysWhereTheLinkIs(t, s, result, atTheEnd)
	if s.schedule.Unlink != nil {
		saysWhatIsUnlinked(t, s, result, atTheEnd)
		return
	}
	switch result.Outcome {
	case migrationlink.OutcomeLinked:
		isLinked(t, s, result)
	case migrationlink.OutcomeAlreadyLinked:
		require.False(t, result.Created)
		require.False(t, s.manager.lastSyncedOurs, "the link is ours")
		require.Equal(t, migrationlink.KeepLink, s.schedule.Link.IfLinked)
	default:
		saysWhatIsLeft(t, s, result)
	}
	saysWhatWasReplaced(t, s, result)
}

// endsAsItSays: the error, the problem and the status are those of the outcome.
func endsAsItSays(t *rapid.T, s *scene, result migrationlink.LinkResult) {
	err := s.env.GetWorkflowError()
	require.Equal(t, result.Outcome.Done(), err == nil)
	unfinished := result.Outcome == migrationlink.OutcomeFailed || result.Outcome == migrationlink.OutcomeTimedOut
	require.Equal(t, unfinished, result.Problem != nil)
	if unfinished {
		require.NotEmpty(t, result.Problem.Message)
		require.NotEmpty(t, result.Problem.Remedy)
		require.Equal(t, result.Outcome == migrationlink.OutcomeTimedOut, result.Problem.Type == migrationlink.ErrTimedOut)
	}
	require.False(t, result.Outcome == migrationlink.OutcomeCancelled && !s.cancelled)
	answer, err := s.env.QueryWorkflow(migrationlink.StatusQuery)
	require.NoError(t, err)
	var status migrationlink.Status
	require.NoError(t, answer.Get(&status))
	require.Equal(t, migrationlink.PhaseEnded, status.Phase)
	require.Equal(t, result, *status.Result)
}

// endsInTime: the limits hold, and a cancellation is not slept over.
func endsInTime(t *rapid.T, s *scene, result migrationlink.LinkResult) {
	const attempt, undo = 3 * time.Minute, 15 * time.Minute
	limit := attempt + s.extended
	if s.schedule.Link != nil {
		round := s.schedule.Link.CreateLimit() + s.schedule.Link.SyncLimit()
		if s.schedule.Link.Token.Atlas != nil {
			round += s.schedule.Link.SyncLimit()
		}
		limit += round * time.Duration(1+s.startedOver)
	} else {
		limit += s.schedule.Unlink.Limit()
	}
	late := attempt
	if s.seen["undone"] {
		limit, late = limit+undo, late+undo+s.extended
	}
	require.LessOrEqual(t, result.EndedAt.Sub(result.StartedAt), limit)
	if s.cancelled {
		require.LessOrEqual(t, result.EndedAt.Sub(s.cancelledAt), late, "after the cancellation")
	}
}

func isLinked(t *rapid.T, s *scene, result migrationlink.LinkResult) {
	require.True(t, result.Created)
	require.False(t, result.Removed)
	require.Equal(t, migrationlink.LinkSynced, result.LinkStatus)
	if result.InDoubt {
		return // it says that it may be somebody else's
	}
	// Left out, as documented: a manager whose reads are stale may show the SYNCED of
	// the link that was just replaced or overwritten.
	staleSynced := s.manager.oursHidden || s.manager.Stale > 0 && s.manager.othersRemoved
	require.True(t, s.manager.lastSyncedOurs || staleSynced, "what was seen as SYNCED is not ours")
	require.True(t, s.manager.othersCalled || s.manager.holdsOurs(), "the manager holds %s", s.manager.link.heldBy())
}

// saysWhatIsLeft is for a link that was not finished.
func saysWhatIsLeft(t *rapid.T, s *scene, result migrationlink.LinkResult) {
	policy := s.schedule.Link.Undo
	undo := policy == migrationlink.UndoAlways || policy == migrationlink.UndoOnCancel && result.Outcome == migrationlink.OutcomeCancelled
	undoFailed := result.Problem != nil && result.Problem.Type == migrationlink.ErrUndoFailed
	if undoFailed && leavesLinkToken(result) { // the link is gone by then
		undo, undoFailed = undo || s.cancelled && policy == migrationlink.UndoOnCancel, false
	}
	if result.Outcome == migrationlink.OutcomeFailed && undoFailed && s.cancelled {
		undo = undo || policy == migrationlink.UndoOnCancel
	}
	if result.Removed {
		require.True(t, undo && !undoFailed, "it was not to be undone")
	}
	alone := s.manager.Others == "" && !s.manager.othersCalled && s.manager.WithoutLink == migrationlink.LinkNone && s.manager.Earlier == ""
	if undo && !undoFailed && alone {
		require.False(t, result.InDoubt, "the manager tells, and nobody else has linked")
	}
	if result.InDoubt {
		require.True(t, result.Problem == nil || result.Replaced || saysSo(result.Problem), "in doubt: %v", result.Problem)
		require.False(t, result.Removed && s.manager.holdsOurs(), "our link is there")
		return
	}
	require.True(t, s.manager.oursEver || !result.Created, "none was created")
	switch {
	case undoFailed:
	case undo, result.Removed:
		require.False(t, s.manager.holdsOurs(), "our link is there")
	default:
		require.True(t, s.manager.othersCalled || result.Created == s.manager.holdsOurs(), "the manager holds %s", s.manager.link.heldBy())
	}
}

// saysSo reports whether a problem says of a doubt.
func saysSo(problem *migrationlink.Problem) bool {
	return strings.Contains(problem.Message, "not known") || strings.Contains(problem.Message, "may have been")
}

// saysWhatWasReplaced is about links of somebody else.
func saysWhatWasReplaced(t *rapid.T, s *scene, result migrationlink.LinkResult) {
	if s.manager.othersRemoved {
		require.True(t, result.Replaced || result.ReplacedInDoubt || result.InDoubt, "somebody else's link was removed")
	}
	if result.Replaced && s.manager.tellsNone() && !s.manager.othersCalled {
		require.True(t, s.manager.othersRemoved, "nothing was replaced")
	}
	if result.ReplacedInDoubt {
		isUnsure := s.seen["lost removal"] || !result.Outcome.Done() || s.manager.Earlier != ""
		require.True(t, isUnsure, "no reply was lost, the removal was confirmed, and there was no reset")
		require.False(t, result.Replaced)
	}
}

func saysWhatIsUnlinked(t *rapid.T, s *scene, result migrationlink.LinkResult, atTheEnd *heldLink) {
	require.False(t, result.Created)
	require.False(t, result.Replaced)
	if result.Outcome.Done() {
		require.True(t, s.manager.othersCalled || atTheEnd == nil, "the manager holds %s", atTheEnd.heldBy())
		require.Equal(t, result.Outcome == migrationlink.OutcomeUnlinked, result.Removed)
		require.False(t, result.InDoubt && result.Removed)
		require.True(t, s.seen["lost removal"] || !result.InDoubt, "no reply was lost")
	}
	if s.manager.othersRemoved {
		require.True(t, result.Removed || result.InDoubt, "a link was removed")
	}
	if result.Removed && s.manager.tellsNone() && !s.manager.othersCalled {
		require.True(t, s.manager.othersRemoved, "nothing was removed")
	}
}
