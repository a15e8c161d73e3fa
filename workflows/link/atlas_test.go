package link_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/interceptor"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"github.com/migrationlink/migrationlink"
	"github.com/migrationlink/migrationlink/activities"
)

const targetOrgID = "6a1b2c3d4e5f6a7b8c9d0e1f"

func atlasRequest() migrationlink.LinkRequest {
	r := request()
	r.Token = migrationlink.TokenSource{Atlas: &migrationlink.AtlasToken{Name: "prod", OrgID: targetOrgID}}
	r.Undo = migrationlink.UndoAlways
	return r
}

// atlasWorld is a world with Atlas, whose link-tokens are numbered.
type atlasWorld struct {
	*world
	looks, tokens, deletedTokens int
	linked                       []string // the link-tokens with which it was tried to link
}

func sealed(number int) migrationlink.TokenSource {
	return migrationlink.TokenSource{Sealed: armored(fmt.Sprintf("%08d", number))}
}

func armored(body string) string {
	return "-----BEGIN AGE ENCRYPTED FILE-----\n" + body + "\n-----END AGE ENCRYPTED FILE-----\n"
}

// newAtlasWorld has a link-token made where link tells what becomes of it. With nil,
// no link is to be created.
func newAtlasWorld(t *testing.T, link func(attempt int, in activities.CreateLinkInput) (activities.CreateLinkResult, error)) *atlasWorld {
	t.Helper()
	w := &atlasWorld{world: newWorld(t)}
	w.OnActivity(migrationlink.FindLinkActivity, mock.Anything, mock.Anything).Return(
		func(context.Context, activities.FindLinkInput) (activities.FindLinkResult, error) {
			w.looks++
			return activities.FindLinkResult{LinkStatus: migrationlink.LinkNone}, nil
		})
	if link == nil {
		return w
	}
	w.OnActivity(migrationlink.CreateLinkActivity, mock.Anything, mock.Anything).Return(
		func(_ context.Context, in activities.CreateLinkInput) (activities.CreateLinkResult, error) {
			w.creates++
			w.linked = append(w.linked, in.Token.Sealed)
			return link(w.creates, in)
		})
	return w
}

// onFind has every look find the same, and nothing created.
func (w *world) onFind(found activities.FindLinkResult) {
	w.OnActivity(migrationlink.FindLinkActivity, mock.Anything, mock.Anything).Return(found, nil)
}

// onToken has each link-token made in as many attempts as there are errors, and
// one more.
func (w *atlasWorld) onToken(errs ...error) {
	attempts := 0
	w.OnActivity(migrationlink.CreateLinkTokenActivity, mock.Anything, mock.Anything).Return(
		func(context.Context, activities.CreateLinkTokenInput) (activities.CreateLinkTokenResult, error) {
			attempts++
			if attempts <= len(errs) {
				return activities.CreateLinkTokenResult{}, errs[attempts-1]
			}
			w.tokens++
			return activities.CreateLinkTokenResult{Sealed: sealed(w.tokens)}, nil
		})
}

func (w *atlasWorld) onVerify(look func(attempt int) (activities.VerifyInAtlasResult, error)) {
	attempts := 0
	w.OnActivity(migrationlink.VerifyInAtlasActivity, mock.Anything, mock.Anything).Return(
		func(context.Context, activities.VerifyInAtlasInput) (activities.VerifyInAtlasResult, error) {
			attempts++
			return look(attempts)
		})
}

func (w *atlasWorld) onDeleteToken(result activities.DeleteLinkTokenResult, err error) {
	w.OnActivity(migrationlink.DeleteLinkTokenActivity, mock.Anything, mock.Anything).Return(
		func(context.Context, activities.DeleteLinkTokenInput) (activities.DeleteLinkTokenResult, error) {
			w.deletedTokens++
			return result, err
		})
}

func tokenLost() error {
	return temporal.NewApplicationErrorWithOptions("words", migrationlink.ErrAtlasUnavailable, temporal.ApplicationErrorOptions{
		NonRetryable: true,
		Details:      []any{migrationlink.Problem{Type: migrationlink.ErrAtlasUnavailable, Message: "words", Remedy: "Do this."}, activities.TokenTrace{Lost: true}},
	})
}

func TestALinkTokenIsMadeOnceForAllAttempts(t *testing.T) {
	t.Parallel()
	w := newAtlasWorld(t, func(attempt int, _ activities.CreateLinkInput) (activities.CreateLinkResult, error) {
		if attempt < 3 {
			return activities.CreateLinkResult{}, applicationError(migrationlink.ErrManagerUnavailable, false)
		}
		return created("SYNCED")
	})
	w.onToken()
	w.link(atlasRequest())

	var result migrationlink.LinkResult
	require.NoError(t, w.GetWorkflowResult(&result))
	require.Equal(t, migrationlink.OutcomeLinked, result.Outcome)
	require.Equal(t, &migrationlink.AtlasResult{TokenCreated: true}, result.Atlas)
	require.Equal(t, 1, w.looks)
	require.Equal(t, 1, w.tokens)
	require.Equal(t, []string{sealed(1).Sealed, sealed(1).Sealed, sealed(1).Sealed}, w.linked)
}

func TestNoLinkTokenIsMadeForALinkThatIsKept(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.onFind(activities.FindLinkResult{Found: true, LinkStatus: "SYNCED", Polls: 1})
	w.link(atlasRequest())

	var result migrationlink.LinkResult
	require.NoError(t, w.GetWorkflowResult(&result))
	require.Equal(t, migrationlink.OutcomeAlreadyLinked, result.Outcome)
	require.Nil(t, result.Atlas)
}

// An expired link-token is not healed by trying it again, nor one that no worker
// can open any more.
func TestALinkTokenOfNoUseIsReplacedByARetry(t *testing.T) {
	t.Parallel()
	for _, problem := range []string{migrationlink.ErrTokenRejected, migrationlink.ErrTokenNotOpened} {
		t.Run(problem, func(t *testing.T) {
			t.Parallel()
			w := newAtlasWorld(t, func(_ int, in activities.CreateLinkInput) (activities.CreateLinkResult, error) {
				if in.Token.Sealed == sealed(1).Sealed {
					return activities.CreateLinkResult{}, applicationError(problem, true)
				}
				return created("SYNCED")
			})
			w.onToken()
			w.RegisterDelayedCallback(func() {
				require.Contains(t, w.status(t).Problem.Remedy, "the next attempt makes a new")
				w.SignalWorkflow(migrationlink.RetrySignal, nil)
			}, time.Minute)
			r := atlasRequest()
			r.OnBlocked = migrationlink.WaitWhenBlocked
			w.link(r)

			require.NoError(t, w.GetWorkflowError())
			require.Equal(t, 2, w.looks, "it may be linked by now")
			require.Equal(t, []string{sealed(1).Sealed, sealed(2).Sealed}, w.linked)
		})
	}
}

func TestARetryWithAnotherSourceBringsAnotherLinkToken(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		source migrationlink.TokenSource
		second string
	}{
		"a sealed one":        {sealed(7), sealed(7).Sealed},
		"made in Atlas again": {atlasRequest().Token, sealed(2).Sealed},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newAtlasWorld(t, func(attempt int, _ activities.CreateLinkInput) (activities.CreateLinkResult, error) {
				if attempt == 1 {
					return activities.CreateLinkResult{}, applicationError(migrationlink.ErrTokenNotOpened, true)
				}
				return created("SYNCED")
			})
			w.onToken()
			w.RegisterDelayedCallback(func() {
				w.SignalWorkflow(migrationlink.RetrySignal, migrationlink.RetryRequest{Token: &test.source})
			}, time.Minute)
			r := atlasRequest()
			r.OnBlocked = migrationlink.WaitWhenBlocked
			w.link(r)

			require.NoError(t, w.GetWorkflowError())
			require.Equal(t, []string{sealed(1).Sealed, test.second}, w.linked)
		})
	}
}

func TestARetryMustFitTheWholeRequest(t *testing.T) {
	t.Parallel()
	w := newAtlasWorld(t, nil)
	w.onToken(applicationError(migrationlink.ErrRoleMissing, true))
	w.RegisterDelayedCallback(func() {
		w.SignalWorkflow(migrationlink.RetrySignal, migrationlink.RetryRequest{Token: &migrationlink.TokenSource{Ref: "env:LINK_TOKEN_NEW"}})
	}, time.Minute)
	w.RegisterDelayedCallback(func() {
		status := w.status(t)
		require.Equal(t, migrationlink.PhaseBlocked, status.Phase)
		require.Contains(t, status.Problem.Message, "verifyInAtlas")
		w.CancelWorkflow()
	}, 2*time.Minute)
	r := atlasRequest()
	r.OnBlocked, r.VerifyInAtlas, r.DeleteTokenOnUndo = migrationlink.WaitWhenBlocked, true, true
	w.link(r)

	require.True(t, temporal.IsCanceledError(w.GetWorkflowError()))
	require.Zero(t, w.deletedTokens, "none was made")
}

func TestALostLinkTokenIsMadeAgainAndSaid(t *testing.T) {
	t.Parallel()
	w := newAtlasWorld(t, func(int, activities.CreateLinkInput) (activities.CreateLinkResult, error) { return created("SYNCED") })
	w.onToken(tokenLost(), tokenLost())
	w.link(atlasRequest())

	var result migrationlink.LinkResult
	require.NoError(t, w.GetWorkflowResult(&result))
	require.Equal(t, &migrationlink.AtlasResult{TokenCreated: true, TokenInDoubt: true}, result.Atlas)
	require.Equal(t, 3, w.looks, "after each failure")
}

// As after an operator's pause, which makes Temporal repeat what it would not.
func TestALinkTokenThatMayHaveACompanionIsSaid(t *testing.T) {
	t.Parallel()
	w := newAtlasWorld(t, func(int, activities.CreateLinkInput) (activities.CreateLinkResult, error) { return created("SYNCED") })
	w.OnActivity(migrationlink.CreateLinkTokenActivity, mock.Anything, mock.Anything).
		Return(activities.CreateLinkTokenResult{Sealed: sealed(1), InDoubt: true}, nil)
	w.link(atlasRequest())

	require.NoError(t, w.GetWorkflowError())
	require.True(t, w.status(t).Atlas.TokenInDoubt)
}

func TestALinkIsVerifiedWhoeverMadeIt(t *testing.T) {
	t.Parallel()
	for outcome, made := range map[migrationlink.Outcome]bool{migrationlink.OutcomeLinked: true, migrationlink.OutcomeAlreadyLinked: false} {
		for name, seen := range map[string]activities.VerifyInAtlasResult{"projects": {SourceProjects: 3, AvailableProjects: 2}, "no projects": {}} {
			t.Run(string(outcome)+", "+name, func(t *testing.T) {
				t.Parallel()
				w := newWorld(t)
				w.onFind(activities.FindLinkResult{Found: true, Created: made, LinkStatus: "NOT_SYNCED"})
				synced := false
				w.onAwait(func(context.Context, activities.AwaitSyncedInput) (activities.AwaitSyncedResult, error) {
					synced = true
					return activities.AwaitSyncedResult{LinkStatus: "SYNCED", Polls: 1}, nil
				})
				(&atlasWorld{world: w}).onVerify(func(int) (activities.VerifyInAtlasResult, error) {
					require.True(t, synced)
					require.Equal(t, migrationlink.PhaseVerifying, w.status(t).Phase)
					return seen, nil
				})
				r := atlasRequest()
				r.VerifyInAtlas = true
				w.link(r)

				var result migrationlink.LinkResult
				require.NoError(t, w.GetWorkflowResult(&result))
				require.Equal(t, outcome, result.Outcome)
				if seen.SourceProjects == 0 {
					require.Nil(t, result.Atlas)
					return
				}
				require.Equal(t, 2, result.Atlas.AvailableProjects)
				require.Equal(t, result.EndedAt, result.Atlas.VerifiedAt)
			})
		}
	}
}

func TestALinkThatAtlasDoesNotShowTimesOutAndIsUndone(t *testing.T) {
	t.Parallel()
	w := newAtlasWorld(t, func(int, activities.CreateLinkInput) (activities.CreateLinkResult, error) { return created("SYNCED") })
	w.onToken()
	w.onVerify(func(int) (activities.VerifyInAtlasResult, error) {
		return activities.VerifyInAtlasResult{}, temporal.NewApplicationErrorWithOptions("words", migrationlink.ErrNotInAtlas, temporal.ApplicationErrorOptions{
			NonRetryable: true,
			Details: []any{
				migrationlink.Problem{Type: migrationlink.ErrNotInAtlas, Message: "none of 3", Remedy: "Refresh."},
				migrationlink.Progress{}, activities.VerifyInAtlasResult{SourceProjects: 3},
			},
		})
	})
	w.onDelete(nil)
	w.onDeleteToken(activities.DeleteLinkTokenResult{Deleted: true}, nil)
	r := atlasRequest()
	r.VerifyInAtlas, r.DeleteTokenOnUndo = true, true
	w.link(r)

	errorType, result := w.failure(t)
	require.Equal(t, migrationlink.ErrTimedOut, errorType)
	require.Contains(t, result.Problem.Message, "none of 3")
	require.True(t, result.Removed)
	require.Equal(t, &migrationlink.AtlasResult{TokenCreated: true, TokenDeleted: true, SourceProjects: 3}, result.Atlas)
}

func TestALinkThatIsLostWhileAtlasIsAwaitedIsNotCalledSynced(t *testing.T) {
	t.Parallel()
	w := newAtlasWorld(t, func(int, activities.CreateLinkInput) (activities.CreateLinkResult, error) { return created("SYNCED") })
	w.onToken()
	w.onVerify(func(int) (activities.VerifyInAtlasResult, error) {
		return activities.VerifyInAtlasResult{}, lookFails(migrationlink.ErrNotInAtlas, 0,
			activities.VerifyInAtlasResult{SourceProjects: 3, LinkStatus: migrationlink.LinkNone})
	})
	r := atlasRequest()
	r.VerifyInAtlas, r.Undo = true, migrationlink.UndoNever
	w.link(r)

	errorType, result := w.failure(t)
	require.Equal(t, migrationlink.ErrTimedOut, errorType)
	require.Equal(t, migrationlink.LinkNone, result.LinkStatus)
	require.Contains(t, result.Problem.Message, "the manager does not show the link any more")
	require.NotContains(t, result.Problem.Message, "the link stays")
}

// Ten that wait would use up the updates that Temporal lets a workflow have at a time.
func TestACallerOfAcceptWaitsForAtlasNoLongerThanAMinute(t *testing.T) {
	t.Parallel()
	w := newAtlasWorld(t, nil)
	w.OnActivity(migrationlink.CreateLinkTokenActivity, mock.Anything, mock.Anything).Return(activities.CreateLinkTokenResult{}, applicationError(migrationlink.ErrAtlasUnavailable, false))
	began, took := time.Time{}, time.Duration(0)
	w.RegisterDelayedCallback(func() {
		began = w.Now()
		w.UpdateWorkflow(migrationlink.AcceptUpdate, "", &testsuite.TestUpdateCallback{
			OnAccept: func() {},
			OnReject: func(err error) { require.NoError(t, err) },
			OnComplete: func(status any, err error) {
				require.NoError(t, err)
				require.Equal(t, migrationlink.PhaseCreating, status.(migrationlink.Status).Phase)
				took = w.Now().Sub(began)
			},
		}, migrationlink.NewStartRequest(atlasRequest()))
	}, time.Second)
	w.link(atlasRequest())
	require.InDelta(t, time.Minute, took, float64(time.Second))
}

// resetRun makes a workflow the run after a reset.
type resetRun struct {
	interceptor.WorkerInterceptorBase
	interceptor.WorkflowInboundInterceptorBase
	interceptor.WorkflowOutboundInterceptorBase
}

func (*resetRun) InterceptWorkflow(_ workflow.Context, next interceptor.WorkflowInboundInterceptor) interceptor.WorkflowInboundInterceptor {
	return &resetRun{WorkflowInboundInterceptorBase: interceptor.WorkflowInboundInterceptorBase{Next: next}}
}

func (r *resetRun) Init(outbound interceptor.WorkflowOutboundInterceptor) error {
	r.WorkflowOutboundInterceptorBase.Next = outbound
	return r.WorkflowInboundInterceptorBase.Next.Init(r)
}

func (r *resetRun) GetInfo(ctx workflow.Context) *workflow.Info {
	info := *r.WorkflowOutboundInterceptorBase.Next.GetInfo(ctx)
	info.OriginalRunID = "the run before the reset"
	return &info
}

func TestAfterAResetALinkTokenMayBeLeft(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.SetWorkerOptions(worker.Options{Interceptors: []interceptor.WorkerInterceptor{&resetRun{}}})
	w.onFind(activities.FindLinkResult{Found: true, Created: true, LinkStatus: migrationlink.LinkSynced, Past: activities.Past{PastRead: true}, Polls: 1})
	w.OnActivity(migrationlink.VerifyInAtlasActivity, mock.Anything, mock.Anything).Return(activities.VerifyInAtlasResult{SourceProjects: 1, AvailableProjects: 1}, nil)
	w.link(atlasRequest())

	require.NoError(t, w.GetWorkflowError())
	var result migrationlink.LinkResult
	require.NoError(t, w.GetWorkflowResult(&result))
	require.True(t, result.Created)
	require.True(t, result.Atlas.TokenInDoubt)
}

func TestTheLinkTokenIsDeletedOnlyAfterItsLinkAndOnlyWhenAsked(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		asked   bool
		link    func(int, activities.CreateLinkInput) (activities.CreateLinkResult, error)
		removal error // of the link
		removes bool
		deletes bool
		problem string
	}{
		"our link":           {asked: true, link: linkStays, removes: true, deletes: true},
		"no link was made":   {asked: true, link: refusedLink, deletes: true},
		"not asked":          {link: linkStays, removes: true},
		"the link stays":     {asked: true, link: linkStays, removal: applicationError(migrationlink.ErrMigrationRunning, true), removes: true, problem: migrationlink.ErrUndoFailed},
		"a link in doubt":    {asked: true, link: linkInDoubt},
		"somebody else's":    {asked: true, link: foreignLink},
		"a doubt that stays": {asked: true, link: lostForGood},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newAtlasWorld(t, test.link)
			w.onToken()
			await := w.OnActivity(migrationlink.AwaitSyncedActivity, mock.Anything, mock.Anything).Maybe()
			await.Return(func(context.Context, activities.AwaitSyncedInput) (activities.AwaitSyncedResult, error) {
				return activities.AwaitSyncedResult{}, applicationError(migrationlink.ErrKeyRejected, true)
			})
			if test.removes {
				w.onDelete(test.removal)
			}
			if test.deletes {
				w.onDeleteToken(activities.DeleteLinkTokenResult{Deleted: true}, nil)
			}
			r := atlasRequest()
			r.DeleteTokenOnUndo = test.asked
			w.link(r)

			errorType, result := w.failure(t)
			if test.problem != "" {
				require.Equal(t, test.problem, errorType)
			}
			require.Equal(t, test.deletes, w.deletedTokens == 1)
			require.Equal(t, test.deletes, result.Atlas.TokenDeleted)
			require.True(t, result.Atlas.TokenCreated)
		})
	}
}

func linkStays(int, activities.CreateLinkInput) (activities.CreateLinkResult, error) {
	return created("NOT_SYNCED")
}

func refusedLink(int, activities.CreateLinkInput) (activities.CreateLinkResult, error) {
	return activities.CreateLinkResult{}, applicationError(migrationlink.ErrTokenRejected, true)
}

func foreignLink(int, activities.CreateLinkInput) (activities.CreateLinkResult, error) {
	return activities.CreateLinkResult{LinkStatus: "NOT_SYNCED"}, nil
}

// lostForGood ends while it is not known whether there is a link.
func lostForGood(int, activities.CreateLinkInput) (activities.CreateLinkResult, error) {
	return activities.CreateLinkResult{}, temporal.NewApplicationErrorWithOptions("words", migrationlink.ErrReplyLost, temporal.ApplicationErrorOptions{
		NonRetryable: true,
		Details:      []any{migrationlink.Problem{Type: migrationlink.ErrReplyLost}, activities.Posting{Before: "NOT_SYNCED"}},
	})
}

// linkInDoubt is a link that may be somebody else's.
func linkInDoubt(attempt int, in activities.CreateLinkInput) (activities.CreateLinkResult, error) {
	if attempt == 1 {
		return lostForGood(attempt, in)
	}
	return created("NOT_SYNCED")
}

func TestAnUndoThatLeavesTheLinkTokenSaysWhatToDo(t *testing.T) {
	t.Parallel()
	w := newAtlasWorld(t, linkStays)
	w.onToken()
	w.onAwait(func(context.Context, activities.AwaitSyncedInput) (activities.AwaitSyncedResult, error) {
		return activities.AwaitSyncedResult{}, activity.ErrResultPending
	})
	w.onDelete(nil)
	w.onDeleteToken(activities.DeleteLinkTokenResult{}, applicationError(migrationlink.ErrRoleMissing, true))
	w.RegisterDelayedCallback(w.CancelWorkflow, time.Minute)
	r := atlasRequest()
	r.DeleteTokenOnUndo = true
	w.link(r)

	errorType, result := w.failure(t)
	require.Equal(t, migrationlink.ErrUndoFailed, errorType)
	require.Contains(t, result.Problem.Message, "the link-token could not be deleted in Atlas")
	require.Contains(t, result.Problem.Remedy, "Then delete it in Atlas")
	require.Contains(t, result.Problem.Remedy, targetOrgID)
	require.True(t, result.Removed)
	require.False(t, result.Atlas.TokenDeleted)
}

func TestCancellationDuringTheVerificationUndoes(t *testing.T) {
	t.Parallel()
	w := newAtlasWorld(t, func(int, activities.CreateLinkInput) (activities.CreateLinkResult, error) { return created("SYNCED") })
	w.onToken()
	w.onVerify(func(int) (activities.VerifyInAtlasResult, error) {
		return activities.VerifyInAtlasResult{}, activity.ErrResultPending
	})
	w.onDelete(nil)
	w.RegisterDelayedCallback(func() {
		status := w.status(t)
		require.Equal(t, migrationlink.PhaseVerifying, status.Phase)
		require.True(t, status.Atlas.TokenCreated)
		w.CancelWorkflow()
	}, time.Minute)
	r := atlasRequest()
	r.VerifyInAtlas = true
	w.link(r)

	require.True(t, temporal.IsCanceledError(w.GetWorkflowError()))
	require.Equal(t, 1, w.deletes)
}

const otherTargetOrgID = "6a1b2c3d4e5f6a7b8c9d0e2f"

// waits never ends by itself.
func (w *atlasWorld) waits() {
	w.onAwait(func(context.Context, activities.AwaitSyncedInput) (activities.AwaitSyncedResult, error) {
		return activities.AwaitSyncedResult{}, activity.ErrResultPending
	})
}

// rejectedFirst is for a link-token that is replaced.
func rejectedFirst(attempt int, in activities.CreateLinkInput) (activities.CreateLinkResult, error) {
	if attempt == 1 {
		return refusedLink(attempt, in)
	}
	return linkStays(attempt, in)
}

func TestNoLinkTokenIsLeftInAtlasUnsaid(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		deletes bool                               // it is asked for
		found   []activities.DeleteLinkTokenResult // by each deletion
		want    migrationlink.AtlasResult
	}{
		"both are deleted": {
			deletes: true, found: []activities.DeleteLinkTokenResult{{Deleted: true}, {Deleted: true}},
			want: migrationlink.AtlasResult{TokenCreated: true, TokenDeleted: true},
		},
		"one had expired": {
			deletes: true, found: []activities.DeleteLinkTokenResult{{Deleted: true}, {}},
			want: migrationlink.AtlasResult{TokenCreated: true, TokenDeleted: true},
		},
		"a link came between": {
			deletes: true, found: []activities.DeleteLinkTokenResult{{Deleted: true}, {Kept: true}},
			want: migrationlink.AtlasResult{TokenCreated: true, TokenDeleted: true, TokensLeft: 1},
		},
		"not asked for": {want: migrationlink.AtlasResult{TokenCreated: true, TokensLeft: 2}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newAtlasWorld(t, rejectedFirst)
			w.onToken()
			w.waits()
			w.onDelete(nil)
			if test.deletes {
				w.OnActivity(migrationlink.DeleteLinkTokenActivity, mock.Anything, mock.Anything).Return(
					func(context.Context, activities.DeleteLinkTokenInput) (activities.DeleteLinkTokenResult, error) {
						w.deletedTokens++
						return test.found[w.deletedTokens-1], nil
					})
			}
			w.RegisterDelayedCallback(func() { w.SignalWorkflow(migrationlink.RetrySignal, nil) }, time.Minute)
			w.RegisterDelayedCallback(w.CancelWorkflow, 2*time.Minute)
			r := atlasRequest()
			r.OnBlocked, r.DeleteTokenOnUndo = migrationlink.WaitWhenBlocked, test.deletes
			w.link(r)

			require.True(t, temporal.IsCanceledError(w.GetWorkflowError()))
			require.Equal(t, len(test.found), w.deletedTokens)
			require.Equal(t, &test.want, w.status(t).Result.Atlas)
		})
	}
}

func TestALinkSaysWhichLinkTokensItLeaves(t *testing.T) {
	t.Parallel()
	w := newAtlasWorld(t, func(attempt int, in activities.CreateLinkInput) (activities.CreateLinkResult, error) {
		if attempt == 1 {
			return refusedLink(attempt, in)
		}
		return created("SYNCED")
	})
	w.onToken()
	w.RegisterDelayedCallback(func() { w.SignalWorkflow(migrationlink.RetrySignal, nil) }, time.Minute)
	r := atlasRequest()
	r.OnBlocked = migrationlink.WaitWhenBlocked
	w.link(r)

	require.NoError(t, w.GetWorkflowError())
	require.Equal(t, 1, w.status(t).Atlas.TokensLeft, "the second one serves the link")
}

// A retry named another organization, so that each has a link-token. The time of
// the undo is for both of them.
func TestTheLinkTokensOfEachOrganizationAreDeletedWhateverBecomesOfTheOthers(t *testing.T) {
	t.Parallel()
	for name, problem := range map[string]error{
		"which cannot be":         applicationError(migrationlink.ErrOrgNotFound, true),
		"which blocks":            applicationError(migrationlink.ErrRoleMissing, true),
		"which cannot be reached": applicationError(migrationlink.ErrAtlasUnavailable, true),
	} {
		for bad, good := range map[string]string{targetOrgID: otherTargetOrgID, otherTargetOrgID: targetOrgID} {
			t.Run(name+", "+bad, func(t *testing.T) {
				t.Parallel()
				w := newAtlasWorld(t, rejectedFirst)
				w.onToken()
				w.waits()
				w.onDelete(nil)
				var deleted []string
				w.OnActivity(migrationlink.DeleteLinkTokenActivity, mock.Anything, mock.Anything).Return(
					func(_ context.Context, in activities.DeleteLinkTokenInput) (activities.DeleteLinkTokenResult, error) {
						if !w.Now().Before(in.Deadline) || in.Atlas.OrgID == bad {
							return activities.DeleteLinkTokenResult{}, problem
						}
						deleted = append(deleted, in.Atlas.OrgID)
						return activities.DeleteLinkTokenResult{Deleted: true}, nil
					})
				other := migrationlink.TokenSource{Atlas: &migrationlink.AtlasToken{Name: "prod", OrgID: otherTargetOrgID}}
				w.RegisterDelayedCallback(func() { w.SignalWorkflow(migrationlink.RetrySignal, migrationlink.RetryRequest{Token: &other}) }, time.Minute)
				w.RegisterDelayedCallback(w.CancelWorkflow, 2*time.Minute)
				r := atlasRequest()
				r.OnBlocked, r.DeleteTokenOnUndo = migrationlink.WaitWhenBlocked, true
				w.link(r)

				errorType, result := w.failure(t)
				require.Equal(t, migrationlink.ErrUndoFailed, errorType)
				require.Equal(t, []string{good}, deleted)
				require.Contains(t, result.Problem.Remedy, "/orgs/"+bad)
				require.NotContains(t, result.Problem.Remedy, "/orgs/"+good)
				require.Equal(t, &migrationlink.AtlasResult{TokenCreated: true, TokenDeleted: true, TokensLeft: 1}, result.Atlas)
				require.LessOrEqual(t, result.EndedAt.Sub(result.StartedAt), 18*time.Minute)
			})
		}
	}
}

func TestAnUndoThatFailsInTwoOrganizationsNamesBoth(t *testing.T) {
	t.Parallel()
	w := newAtlasWorld(t, rejectedFirst)
	w.onToken()
	w.waits()
	w.onDelete(nil)
	w.onDeleteToken(activities.DeleteLinkTokenResult{}, applicationError(migrationlink.ErrOrgNotFound, true))
	other := migrationlink.TokenSource{Atlas: &migrationlink.AtlasToken{Name: "prod", OrgID: otherTargetOrgID}}
	w.RegisterDelayedCallback(func() { w.SignalWorkflow(migrationlink.RetrySignal, migrationlink.RetryRequest{Token: &other}) }, time.Minute)
	w.RegisterDelayedCallback(w.CancelWorkflow, 2*time.Minute)
	r := atlasRequest()
	r.OnBlocked, r.DeleteTokenOnUndo = migrationlink.WaitWhenBlocked, true
	w.link(r)

	_, result := w.failure(t)
	require.Contains(t, result.Problem.Remedy, "/orgs/"+targetOrgID)
	require.Contains(t, result.Problem.Remedy, "/orgs/"+otherTargetOrgID)
	require.Contains(t, result.Problem.Message, "2 link-tokens made for this request are left in Atlas")
}

func TestALinkWhoseReplyWasLostIsVerifiedWhereItsLinkTokenIsFrom(t *testing.T) {
	t.Parallel()
	w := newAtlasWorld(t, nil)
	w.OnActivity(migrationlink.CreateLinkActivity, mock.Anything, mock.Anything).After(2*time.Minute).
		Return(activities.CreateLinkResult{}, applicationError(migrationlink.ErrReplyLost, true))
	w.onToken()
	w.onAwait(func(context.Context, activities.AwaitSyncedInput) (activities.AwaitSyncedResult, error) {
		return activities.AwaitSyncedResult{LinkStatus: "SYNCED", Polls: 1}, nil
	})
	w.OnActivity(migrationlink.VerifyInAtlasActivity, mock.Anything, mock.Anything).Return(
		func(_ context.Context, in activities.VerifyInAtlasInput) (activities.VerifyInAtlasResult, error) {
			require.Equal(t, targetOrgID, in.Atlas.OrgID)
			return activities.VerifyInAtlasResult{SourceProjects: 1, AvailableProjects: 1}, nil
		})
	w.RegisterDelayedCallback(func() {
		w.SignalWorkflow(migrationlink.RetrySignal, migrationlink.RetryRequest{Token: &migrationlink.TokenSource{Atlas: &migrationlink.AtlasToken{Name: "prod", OrgID: otherTargetOrgID}}})
	}, time.Minute)
	r := atlasRequest()
	r.VerifyInAtlas = true
	w.link(r)

	var result migrationlink.LinkResult
	require.NoError(t, w.GetWorkflowResult(&result))
	require.Equal(t, migrationlink.OutcomeLinked, result.Outcome)
	require.Zero(t, result.Atlas.TokensLeft)
}

// The link is where its link-token is from, whatever a retry names.
func TestALinkIsVerifiedWhereItIs(t *testing.T) {
	t.Parallel()
	w := newAtlasWorld(t, func(int, activities.CreateLinkInput) (activities.CreateLinkResult, error) { return created("SYNCED") })
	w.onToken()
	var looked []migrationlink.AtlasToken
	w.OnActivity(migrationlink.VerifyInAtlasActivity, mock.Anything, mock.Anything).Return(
		func(_ context.Context, in activities.VerifyInAtlasInput) (activities.VerifyInAtlasResult, error) {
			if looked = append(looked, in.Atlas); len(looked) < 3 {
				return activities.VerifyInAtlasResult{}, applicationError(migrationlink.ErrRoleMissing, true)
			}
			return activities.VerifyInAtlasResult{SourceProjects: 1, AvailableProjects: 1}, nil
		})
	linked, otherOrg := *atlasRequest().Token.Atlas, migrationlink.AtlasToken{Name: "prod", OrgID: otherTargetOrgID}
	renamed := migrationlink.AtlasToken{Name: "renamed", OrgID: targetOrgID}
	for i, atlas := range []migrationlink.AtlasToken{otherOrg, renamed} {
		w.RegisterDelayedCallback(func() {
			w.SignalWorkflow(migrationlink.RetrySignal, migrationlink.RetryRequest{Token: &migrationlink.TokenSource{Atlas: &atlas}})
		}, time.Duration(i+1)*time.Minute)
	}
	r := atlasRequest()
	r.OnBlocked, r.VerifyInAtlas = migrationlink.WaitWhenBlocked, true
	w.link(r)

	require.NoError(t, w.GetWorkflowError())
	require.Equal(t, []migrationlink.AtlasToken{linked, linked, renamed}, looked)
}

// lookFails is the error of a look that has ended.
func lookFails(errorType string, httpStatus int, seen activities.VerifyInAtlasResult) error {
	return temporal.NewApplicationErrorWithOptions("words", errorType, temporal.ApplicationErrorOptions{
		NonRetryable: true,
		Details: []any{
			migrationlink.Problem{Type: errorType, Message: "none of 3", Remedy: "Look there.", HTTPStatus: httpStatus}, migrationlink.Progress{}, seen,
		},
	})
}

func wrongTarget() error {
	return lookFails(migrationlink.ErrWrongTarget, 0, activities.VerifyInAtlasResult{SourceProjects: 3, LinkStatus: "SYNCED"})
}

func TestALinkOfSomebodyElseWithAnotherTargetIsNeitherKeptNorRemoved(t *testing.T) {
	t.Parallel()
	for _, verify := range []bool{false, true} {
		w := newWorld(t)
		w.onFind(activities.FindLinkResult{Found: true, LinkStatus: "SYNCED"})
		w.OnActivity(migrationlink.VerifyInAtlasActivity, mock.Anything, mock.Anything).Return(
			func(_ context.Context, in activities.VerifyInAtlasInput) (activities.VerifyInAtlasResult, error) {
				require.True(t, in.Foreign)
				require.WithinDuration(t, w.Now().Add(migrationlink.TargetGrace), in.NotShownAt, time.Second)
				if !verify {
					require.WithinDuration(t, in.NotShownAt, in.Deadline, 15*time.Second, "it is seen within a minute")
				}
				return activities.VerifyInAtlasResult{}, wrongTarget()
			})
		r := atlasRequest()
		r.VerifyInAtlas = verify
		w.link(r)

		errorType, result := w.failure(t)
		require.Equal(t, migrationlink.ErrWrongTarget, errorType)
		require.Equal(t, migrationlink.OutcomeFailed, result.Outcome)
		require.Equal(t, migrationlink.TargetNotShown, result.Target)
		require.Equal(t, &migrationlink.AtlasResult{SourceProjects: 3}, result.Atlas)
		require.Zero(t, w.deletes, "an undo leaves the links of others")
	}
}

func TestARetryAfterAWrongTargetLooksForTheLinkAnew(t *testing.T) {
	t.Parallel()
	w := &atlasWorld{world: newWorld(t)}
	w.OnActivity(migrationlink.FindLinkActivity, mock.Anything, mock.Anything).Return(
		func(context.Context, activities.FindLinkInput) (activities.FindLinkResult, error) {
			if w.looks++; w.looks == 1 {
				return activities.FindLinkResult{Found: true, LinkStatus: "SYNCED"}, nil
			}
			return activities.FindLinkResult{LinkStatus: migrationlink.LinkNone}, nil
		})
	w.OnActivity(migrationlink.CreateLinkActivity, mock.Anything, mock.Anything).Return(linkSynced(0, activities.CreateLinkInput{}))
	w.onToken()
	w.onVerify(func(attempt int) (activities.VerifyInAtlasResult, error) {
		if attempt == 1 {
			return activities.VerifyInAtlasResult{}, wrongTarget()
		}
		return activities.VerifyInAtlasResult{SourceProjects: 3, AvailableProjects: 1, ProjectIDs: []string{"p"}}, nil
	})
	w.RegisterDelayedCallback(func() {
		status := w.status(t)
		require.Equal(t, migrationlink.PhaseBlocked, status.Phase)
		require.Equal(t, migrationlink.PhaseVerifying, status.BlockedIn)
		require.Equal(t, migrationlink.TargetNotShown, status.Target)
		w.SignalWorkflow(migrationlink.RetrySignal, nil)
	}, time.Minute)
	r := atlasRequest()
	r.OnBlocked = migrationlink.WaitWhenBlocked
	w.link(r)

	var result migrationlink.LinkResult
	require.NoError(t, w.GetWorkflowResult(&result))
	require.Equal(t, migrationlink.OutcomeLinked, result.Outcome)
	require.Equal(t, migrationlink.TargetVerified, result.Target)
	require.Equal(t, 1, w.tokens)
	require.Equal(t, []string{"p"}, result.Atlas.ProjectIDs)
}

func TestATargetIsClaimedOnlyAsItWasSeen(t *testing.T) {
	t.Parallel()
	seen := activities.VerifyInAtlasResult{SourceProjects: 3}
	with := func(linkStatus string) activities.VerifyInAtlasResult {
		seen := seen
		seen.LinkStatus = linkStatus
		return seen
	}
	for name, test := range map[string]struct {
		seen    activities.VerifyInAtlasResult
		err     error
		target  migrationlink.Target
		reason  migrationlink.TargetReason
		problem bool
	}{
		"shown":                   {activities.VerifyInAtlasResult{SourceProjects: 3, AvailableProjects: 1}, nil, migrationlink.TargetVerified, "", false},
		"no projects":             {activities.VerifyInAtlasResult{}, nil, migrationlink.TargetUnknown, migrationlink.TargetNoProjects, false},
		"not yet":                 {seen, lookFails(migrationlink.ErrNotInAtlas, 0, seen), migrationlink.TargetUnknown, migrationlink.TargetNotShownYet, false},
		"Atlas knows no link":     {seen, lookFails(migrationlink.ErrNotInAtlas, 404, seen), migrationlink.TargetUnknown, migrationlink.TargetNotShownYet, false},
		"Atlas refuses":           {seen, lookFails(migrationlink.ErrNotInAtlas, 409, seen), migrationlink.TargetUnknown, migrationlink.TargetRefused, true},
		"SYNCED and not shown":    {seen, lookFails(migrationlink.ErrNotInAtlas, 0, with("SYNCED")), migrationlink.TargetNotShown, "", false},
		"SYNCED no more":          {seen, lookFails(migrationlink.ErrNotInAtlas, 0, with("NOT_SYNCED")), migrationlink.TargetUnknown, migrationlink.TargetNotSynced, false},
		"no role":                 {seen, lookFails(migrationlink.ErrRoleMissing, 401, seen), migrationlink.TargetUnknown, migrationlink.TargetNoPermission, true},
		"unreachable":             {seen, lookFails(migrationlink.ErrAtlasUnavailable, 0, seen), migrationlink.TargetUnknown, migrationlink.TargetUnreachable, true},
		"an unknown connection":   {seen, lookFails(migrationlink.ErrUnknownAtlas, 0, seen), migrationlink.TargetUnknown, migrationlink.TargetRefused, true},
		"of a worker that panics": {seen, temporal.NewApplicationError("panic", "PanicError"), migrationlink.TargetUnknown, migrationlink.TargetRefused, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newAtlasWorld(t, linkSynced)
			w.onToken()
			w.onVerify(func(int) (activities.VerifyInAtlasResult, error) {
				if test.err != nil {
					return activities.VerifyInAtlasResult{}, test.err
				}
				return test.seen, nil
			})
			w.link(atlasRequest())

			var result migrationlink.LinkResult
			require.NoError(t, w.GetWorkflowResult(&result), "a link does not depend on it")
			require.Equal(t, migrationlink.OutcomeLinked, result.Outcome)
			require.Equal(t, test.target, result.Target)
			require.Equal(t, test.reason, result.TargetReason)
			require.Equal(t, test.problem, result.TargetProblem != nil)
		})
	}
}

// A retry may bring a link-token of one's own while Atlas is asked about somebody else's link. Then
// the request has no target organization any more.
func TestARetryWithoutAtlasEndsTheLookAtTheTarget(t *testing.T) {
	t.Parallel()
	w := &atlasWorld{world: newWorld(t)}
	w.onFind(activities.FindLinkResult{Found: true, LinkStatus: "SYNCED"})
	looks := 0
	w.onVerify(func(attempt int) (activities.VerifyInAtlasResult, error) {
		looks = attempt
		return activities.VerifyInAtlasResult{}, temporal.NewApplicationErrorWithOptions("words", migrationlink.ErrNotInAtlas, temporal.ApplicationErrorOptions{
			NextRetryDelay: 20 * time.Second,
			Details:        []any{migrationlink.Problem{Type: migrationlink.ErrNotInAtlas, Message: "words", Remedy: "Wait."}},
		})
	})
	w.RegisterDelayedCallback(func() {
		require.Equal(t, migrationlink.PhaseVerifying, w.status(t).Phase)
		w.SignalWorkflow(migrationlink.RetrySignal, migrationlink.RetryRequest{Token: &migrationlink.TokenSource{Ref: "env:LINK_TOKEN_X"}})
	}, 5*time.Second)
	w.link(atlasRequest())

	var result migrationlink.LinkResult
	require.NoError(t, w.GetWorkflowResult(&result))
	require.Equal(t, migrationlink.OutcomeAlreadyLinked, result.Outcome)
	require.Empty(t, result.Target)
	require.Equal(t, 1, looks)
}
