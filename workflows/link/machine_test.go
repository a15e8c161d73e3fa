package link

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/migrationlink/migrationlink"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func TestALinkIsUndoneOnlyWhereItMustBeOurs(t *testing.T) {
	t.Parallel()
	lostOverNone := &doubt{at: noon, before: migrationlink.LinkNone}
	lostOverNotSynced := &doubt{at: noon, before: migrationlink.LinkNotSynced}
	for name, test := range map[string]struct {
		owner              owner
		undo, deleteTokens bool
	}{
		"nothing known":                         {unread, false, true},
		"no link":                               {nobody, false, true},
		"made, with a reply":                    {ownerOf(true, nil), true, false},
		"made without a reply, where none was":  {ownerOf(true, lostOverNone), true, false},
		"made without a reply, none was unread": {ownerOf(true, lostOverNotSynced), false, false},
		"found":                                 {ownerOf(false, nil), false, false},
	} {
		require.Equal(t, test.undo, test.owner.mayUndo(), name)
		require.Equal(t, test.deleteTokens, test.owner.mayDeleteToken(), name)
	}
}

func TestADoubtEndsWhenNoLinkIsSeenAfterTheSettlingTime(t *testing.T) {
	t.Parallel()
	d := &doubt{at: noon, before: migrationlink.LinkNone, settle: time.Minute}
	require.Equal(t, noon.Add(time.Minute), d.until())
	require.True(t, d.excludesOthers())
	require.False(t, d.endsWith(migrationlink.LinkNone, noon.Add(time.Minute-1)), "it may appear yet")
	require.False(t, d.endsWith(migrationlink.LinkNotSynced, noon.Add(time.Hour)), "it may be the link")
	require.True(t, d.endsWith(migrationlink.LinkNone, noon.Add(time.Minute)))

	var none *doubt
	require.Zero(t, none.until())
	require.Empty(t, none.seenBefore())
	require.False(t, none.excludesOthers())
	require.False(t, none.endsWith(migrationlink.LinkNone, noon))
}

func TestADeadlineIsExtendedUpToItsLimit(t *testing.T) {
	t.Parallel()
	d := newDeadline(noon, time.Hour, 2*time.Hour)
	require.Equal(t, time.Hour, d.left(noon))
	require.False(t, d.passed(noon.Add(time.Hour-1)))
	require.True(t, d.passed(noon.Add(time.Hour)))

	extended, err := d.extended(noon, migrationlink.ExtendRequest{By: "30m"})
	require.NoError(t, err)
	require.Equal(t, noon.Add(90*time.Minute), extended.at)
	unchanged, err := extended.extended(noon, migrationlink.ExtendRequest{By: "1h"})
	require.Error(t, err)
	require.Equal(t, extended, unchanged)
}

func TestARequestToGoOnCountsForOneAttempt(t *testing.T) {
	t.Parallel()
	var w wake
	require.False(t, w.rang())
	w.ring()
	require.True(t, w.rang())
	w.arm()
	require.False(t, w.rang(), "the attempt that begins does what it asked for")
	w.ring()
	w.ring()
	w.arm()
	require.False(t, w.rang())
}

func TestEachErrorHasOneVerdict(t *testing.T) {
	t.Parallel()
	failed := func(errorType string, final bool) error {
		return temporal.NewApplicationErrorWithOptions("", errorType, temporal.ApplicationErrorOptions{NonRetryable: final})
	}
	live, dead := judged{}, judged{err: workflow.ErrCanceled}
	for name, test := range map[string]struct {
		ctx    judged
		policy migrationlink.BlockedPolicy
		err    error
		want   verdict
	}{
		"no error":                      {live, migrationlink.FailWhenBlocked, nil, done},
		"no error, but cancelled":       {dead, migrationlink.FailWhenBlocked, nil, done},
		"cancelled":                     {dead, migrationlink.WaitWhenBlocked, failed(migrationlink.ErrKeyRejected, true), cancelled},
		"asked to go on":                {live, migrationlink.FailWhenBlocked, errAgain, again},
		"a deadline":                    {live, migrationlink.WaitWhenBlocked, deadlineReached{failed(migrationlink.ErrKeyRejected, true)}, later},
		"for a person, who waits":       {live, migrationlink.WaitWhenBlocked, failed(migrationlink.ErrKeyRejected, true), person},
		"for a person, nobody waits":    {live, migrationlink.FailWhenBlocked, failed(migrationlink.ErrKeyRejected, true), final},
		"for the workflow to repeat":    {live, migrationlink.WaitWhenBlocked, failed(migrationlink.ErrReplyLost, true), later},
		"retried by Temporal until now": {live, migrationlink.WaitWhenBlocked, failed("Other", false), later},
		"refused":                       {live, migrationlink.WaitWhenBlocked, failed(migrationlink.ErrOrgNotFound, true), final},
		"an error of the machine":       {live, migrationlink.WaitWhenBlocked, errors.New("unexpected"), final},
	} {
		o := &operation{asked: migrationlink.NewStartRequest(migrationlink.LinkRequest{OnBlocked: test.policy})}
		require.Equal(t, test.want, o.judge(test.ctx, test.err), name)
	}
}

// judged is a context that only says whether it is cancelled.
type judged struct {
	workflow.Context
	err error
}

func (j judged) Err() error { return j.err }
