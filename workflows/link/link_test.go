package link_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"

	"github.com/migrationlink/migrationlink"
	"github.com/migrationlink/migrationlink/activities"
	"github.com/migrationlink/migrationlink/workflows"
)

const orgID = "5f1b2c3d4e5f6a7b8c9d0e1f"

func request() migrationlink.LinkRequest {
	return migrationlink.LinkRequest{
		Manager: "demo", OrgID: orgID,
		Token: migrationlink.TokenSource{Ref: "env:LINK_TOKEN_DEMO"},
	}
}

// world is the test environment with every activity scripted by a function.
type world struct {
	*testsuite.TestWorkflowEnvironment
	creates, deletes int
}

func newWorld(t *testing.T) *world {
	t.Helper()
	var suite testsuite.WorkflowTestSuite
	w := &world{TestWorkflowEnvironment: suite.NewTestWorkflowEnvironment()}
	workflows.Register(w.TestWorkflowEnvironment, activities.New(activities.Clients{}))
	activities.Register(w.TestWorkflowEnvironment, activities.New(activities.Clients{}))
	t.Cleanup(func() { w.AssertExpectations(t) })
	return w
}

func (w *world) onCreate(f func(attempt int, in activities.CreateLinkInput) (activities.CreateLinkResult, error)) {
	w.OnActivity(migrationlink.CreateLinkActivity, mock.Anything, mock.Anything).Return(
		func(_ context.Context, in activities.CreateLinkInput) (activities.CreateLinkResult, error) {
			w.creates++
			return f(w.creates, in)
		})
}

func (w *world) onAwait(f func(ctx context.Context, in activities.AwaitSyncedInput) (activities.AwaitSyncedResult, error)) {
	w.OnActivity(migrationlink.AwaitSyncedActivity, mock.Anything, mock.Anything).Return(f)
}

func (w *world) onDelete(err error) {
	w.OnActivity(migrationlink.DeleteLinkActivity, mock.Anything, mock.Anything).Return(
		func(context.Context, activities.DeleteLinkInput) (activities.DeleteLinkResult, error) {
			w.deletes++
			return activities.DeleteLinkResult{Found: true}, err
		})
}

func (w *world) link(request migrationlink.LinkRequest) {
	w.SetStartWorkflowOptions(client.StartWorkflowOptions{ID: migrationlink.WorkflowID(request.Manager, request.OrgID)})
	w.ExecuteWorkflow(migrationlink.LinkWorkflow, request)
}

func (w *world) failure(t *testing.T) (string, migrationlink.LinkResult) {
	t.Helper()
	require.True(t, w.IsWorkflowCompleted())
	var result migrationlink.LinkResult
	var applicationError *temporal.ApplicationError
	require.ErrorAs(t, w.GetWorkflowError(), &applicationError)
	require.NoError(t, applicationError.Details(&result))
	return applicationError.Type(), result
}

func (w *world) status(t *testing.T) migrationlink.Status {
	t.Helper()
	answer, err := w.QueryWorkflow(migrationlink.StatusQuery)
	require.NoError(t, err)
	var status migrationlink.Status
	require.NoError(t, answer.Get(&status))
	return status
}

func applicationError(errorType string, final bool) error {
	return temporal.NewApplicationErrorWithOptions("words", errorType, temporal.ApplicationErrorOptions{
		NonRetryable: final,
		Details:      []any{migrationlink.Problem{Type: errorType, Message: "words", Remedy: "Do this."}},
	})
}

func created(status string) (activities.CreateLinkResult, error) {
	return activities.CreateLinkResult{Created: true, LinkStatus: status, Polls: 1}, nil
}

func TestLinkThatIsSyncedAtOnceIsNotWaitedFor(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.onCreate(func(int, activities.CreateLinkInput) (activities.CreateLinkResult, error) { return created("SYNCED") })
	w.link(request())

	var result migrationlink.LinkResult
	require.NoError(t, w.GetWorkflowResult(&result))
	require.Equal(t, migrationlink.OutcomeLinked, result.Outcome)
	require.Equal(t, 1, result.Polls)
	require.Equal(t, migrationlink.PhaseEnded, w.status(t).Phase)
}

func TestInvalidRequestFailsWithEveryFieldAndCallsNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.link(migrationlink.LinkRequest{Manager: "No!", OrgID: "1", SyncTimeout: "0s", Token: migrationlink.TokenSource{Ref: "file:../x"}})

	errorType, result := w.failure(t)
	require.Equal(t, migrationlink.ErrInvalidRequest, errorType)
	for _, field := range []string{"manager:", "orgId:", "token.ref:", "syncTimeout:"} {
		require.Contains(t, result.Problem.Message, field)
	}
}

func TestLostReplyIsLookedForBeforeAnythingIsCreatedAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.onCreate(func(int, activities.CreateLinkInput) (activities.CreateLinkResult, error) {
		return activities.CreateLinkResult{}, applicationError(migrationlink.ErrReplyLost, false)
	})
	w.onAwait(func(_ context.Context, in activities.AwaitSyncedInput) (activities.AwaitSyncedResult, error) {
		require.False(t, in.NoLinkAfter.IsZero())
		return activities.AwaitSyncedResult{LinkStatus: "SYNCED", Polls: 2}, nil
	})
	w.link(request())

	var result migrationlink.LinkResult
	require.NoError(t, w.GetWorkflowResult(&result))
	require.Equal(t, migrationlink.OutcomeLinked, result.Outcome)
	require.True(t, result.Created)
	require.Equal(t, 1, w.creates)
}

func TestLostReplyWithoutLinkIsCreatedAgainInDoubt(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.onCreate(func(attempt int, in activities.CreateLinkInput) (activities.CreateLinkResult, error) {
		if attempt == 1 {
			require.True(t, in.DoubtUntil.IsZero())
			return activities.CreateLinkResult{}, applicationError(migrationlink.ErrReplyLost, false)
		}
		require.False(t, in.DoubtUntil.IsZero())
		return created("SYNCED")
	})
	w.onAwait(func(context.Context, activities.AwaitSyncedInput) (activities.AwaitSyncedResult, error) {
		return activities.AwaitSyncedResult{LinkStatus: migrationlink.LinkNone, Polls: 1}, nil
	})
	w.link(request())

	require.NoError(t, w.GetWorkflowError())
	require.Equal(t, 2, w.creates)
}

// vanished is what is left of an attempt whose worker died.
func vanished(details ...any) error {
	return temporal.NewTimeoutError(enumspb.TIMEOUT_TYPE_HEARTBEAT, nil, details...)
}

func TestVanishedAttemptThatMayHavePostedCountsAsLostReply(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.onCreate(func(int, activities.CreateLinkInput) (activities.CreateLinkResult, error) {
		return activities.CreateLinkResult{}, vanished(activities.Posting{Before: migrationlink.LinkNone})
	})
	w.onAwait(func(_ context.Context, in activities.AwaitSyncedInput) (activities.AwaitSyncedResult, error) {
		if in.AnyLink { // settling: there was none before, so any is ours
			return activities.AwaitSyncedResult{LinkStatus: "NOT_SYNCED", Polls: 1}, nil
		}
		return activities.AwaitSyncedResult{LinkStatus: "SYNCED", Polls: 1}, nil
	})
	w.link(request())

	var result migrationlink.LinkResult
	require.NoError(t, w.GetWorkflowResult(&result))
	require.True(t, result.Created)
	require.Equal(t, 1, w.creates)
}

func TestVanishedAttemptThatLeftNoMarkHasMadeNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.onCreate(func(attempt int, in activities.CreateLinkInput) (activities.CreateLinkResult, error) {
		require.True(t, in.DoubtUntil.IsZero())
		if attempt < 3 {
			return activities.CreateLinkResult{}, vanished()
		}
		w.CancelWorkflow()
		return activities.CreateLinkResult{}, vanished()
	})
	r := request()
	r.Undo = migrationlink.UndoAlways
	w.link(r)

	require.True(t, temporal.IsCanceledError(w.GetWorkflowError()))
	require.Equal(t, 3, w.creates)
	require.Zero(t, w.deletes, "it would be somebody else's link")
}

func TestLostRepliesAreNotRepeatedInHaste(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.onCreate(func(int, activities.CreateLinkInput) (activities.CreateLinkResult, error) {
		return activities.CreateLinkResult{}, temporal.NewApplicationErrorWithOptions("words", migrationlink.ErrReplyLost, temporal.ApplicationErrorOptions{
			NextRetryDelay: 2 * time.Minute,
			Details:        []any{migrationlink.Problem{Type: migrationlink.ErrReplyLost}, activities.Posting{Before: migrationlink.LinkNone}},
		})
	})
	w.onAwait(func(context.Context, activities.AwaitSyncedInput) (activities.AwaitSyncedResult, error) {
		return activities.AwaitSyncedResult{LinkStatus: migrationlink.LinkNone, Polls: 1}, nil
	})
	w.link(request())

	errorType, _ := w.failure(t)
	require.Equal(t, migrationlink.ErrTimedOut, errorType)
	require.LessOrEqual(t, w.creates, 7, "in ten minutes")
}

func TestADoubtEndsWhenNoLinkHasAppeared(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.onCreate(func(attempt int, in activities.CreateLinkInput) (activities.CreateLinkResult, error) {
		errorType, final := migrationlink.ErrManagerUnavailable, false
		switch {
		case attempt == 1:
			errorType = migrationlink.ErrReplyLost
		case attempt > 25: // the settling time is over by then
			require.True(t, in.DoubtUntil.IsZero())
			errorType, final = migrationlink.ErrTokenRejected, true
		}
		return activities.CreateLinkResult{}, temporal.NewApplicationErrorWithOptions("words", errorType, temporal.ApplicationErrorOptions{
			NonRetryable: final, NextRetryDelay: 2 * time.Second,
			Details: []any{migrationlink.Problem{Type: errorType}, activities.Posting{Before: migrationlink.LinkNone}},
		})
	})
	w.onAwait(func(context.Context, activities.AwaitSyncedInput) (activities.AwaitSyncedResult, error) {
		return activities.AwaitSyncedResult{LinkStatus: migrationlink.LinkNone, Polls: 1}, nil
	})
	r := request()
	r.Undo = migrationlink.UndoAlways
	w.link(r)

	errorType, _ := w.failure(t)
	require.Equal(t, migrationlink.ErrTokenRejected, errorType)
	require.Zero(t, w.deletes)
}

func TestCancelSignalInAnyFormCancels(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		payload any
		reason  string
	}{
		"as documented": {migrationlink.CancelRequest{Reason: "wrong org"}, "wrong org"},
		"words":         {"wrong org", "wrong org"},
		"a number":      {7, ""},
		"nothing":       {nil, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.onCreate(func(int, activities.CreateLinkInput) (activities.CreateLinkResult, error) {
				return created("NOT_SYNCED")
			})
			w.onAwait(func(context.Context, activities.AwaitSyncedInput) (activities.AwaitSyncedResult, error) {
				return activities.AwaitSyncedResult{}, activity.ErrResultPending
			})
			w.onDelete(nil)
			w.RegisterDelayedCallback(func() { w.SignalWorkflow(migrationlink.CancelSignal, test.payload) }, time.Minute)
			w.link(request())

			require.True(t, temporal.IsCanceledError(w.GetWorkflowError()))
			require.Equal(t, test.reason, w.status(t).CancelReason)
		})
	}
}

func TestAWarningOfTheManagerIsShownWhileItIsWaitedFor(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.onCreate(func(int, activities.CreateLinkInput) (activities.CreateLinkResult, error) {
		return activities.CreateLinkResult{Created: true, LinkStatus: "NOT_SYNCED", Warning: "no route to Atlas"}, nil
	})
	w.onAwait(func(context.Context, activities.AwaitSyncedInput) (activities.AwaitSyncedResult, error) {
		return activities.AwaitSyncedResult{}, applicationError(migrationlink.ErrNotSynced, true)
	})
	w.link(request())

	_, result := w.failure(t)
	require.Contains(t, result.Problem.Message, "no route to Atlas")
}

func TestUnavailableManagerIsTriedUntilTheCreateTimeout(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.onCreate(func(int, activities.CreateLinkInput) (activities.CreateLinkResult, error) {
		return activities.CreateLinkResult{}, applicationError(migrationlink.ErrManagerUnavailable, false)
	})
	r := request()
	r.CreateTimeout = "10s"
	r.Undo = migrationlink.UndoAlways
	w.link(r)

	errorType, result := w.failure(t)
	require.Equal(t, migrationlink.ErrTimedOut, errorType)
	require.Equal(t, migrationlink.OutcomeTimedOut, result.Outcome)
	require.Greater(t, w.creates, 5)
	require.Zero(t, w.deletes, "nothing was created, so nothing is removed")
}

func TestBothShapesOfAReachedSyncTimeoutAreOneOutcome(t *testing.T) {
	t.Parallel()
	for name, err := range map[string]error{
		"last poll":         applicationError(migrationlink.ErrNotSynced, true),
		"last poll failed":  applicationError(migrationlink.ErrManagerUnavailable, true),
		"schedule to close": temporal.NewTimeoutError(enumspb.TIMEOUT_TYPE_SCHEDULE_TO_CLOSE, errors.New("cause")),
	} {
		for _, undo := range []migrationlink.UndoPolicy{migrationlink.UndoOnCancel, migrationlink.UndoAlways} {
			t.Run(name+" "+string(undo), func(t *testing.T) {
				t.Parallel()
				w := newWorld(t)
				w.onCreate(func(int, activities.CreateLinkInput) (activities.CreateLinkResult, error) {
					return created("NOT_SYNCED")
				})
				w.onAwait(func(context.Context, activities.AwaitSyncedInput) (activities.AwaitSyncedResult, error) {
					return activities.AwaitSyncedResult{}, err
				})
				if undo == migrationlink.UndoAlways {
					w.onDelete(nil)
				}
				r := request()
				r.Undo = undo
				w.link(r)

				errorType, result := w.failure(t)
				require.Equal(t, migrationlink.ErrTimedOut, errorType)
				require.Equal(t, undo == migrationlink.UndoAlways, result.Removed)
			})
		}
	}
}

func TestFinalProblemKeepsItsTypeAndRemedy(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.onCreate(func(int, activities.CreateLinkInput) (activities.CreateLinkResult, error) {
		return activities.CreateLinkResult{}, applicationError(migrationlink.ErrKeyRejected, true)
	})
	w.link(request())

	errorType, result := w.failure(t)
	require.Equal(t, migrationlink.ErrKeyRejected, errorType)
	require.Equal(t, "Do this. Then start it again.", result.Problem.Remedy)
	require.Equal(t, 1, w.creates)
}

func TestCancelDuringSyncRemovesTheLink(t *testing.T) {
	t.Parallel()
	for name, cancel := range map[string]func(*world){
		"Temporal's own": func(w *world) { w.CancelWorkflow() },
		"signal": func(w *world) {
			w.SignalWorkflow(migrationlink.CancelSignal, migrationlink.CancelRequest{Reason: "wrong org"})
		},
	} {
		for _, undo := range []migrationlink.UndoPolicy{"", migrationlink.UndoNever} {
			t.Run(name+" "+string(undo), func(t *testing.T) {
				t.Parallel()
				w := newWorld(t)
				w.onCreate(func(int, activities.CreateLinkInput) (activities.CreateLinkResult, error) {
					return created("NOT_SYNCED")
				})
				w.onAwait(func(context.Context, activities.AwaitSyncedInput) (activities.AwaitSyncedResult, error) {
					return activities.AwaitSyncedResult{}, activity.ErrResultPending // never ends by itself
				})
				if undo != migrationlink.UndoNever {
					w.onDelete(nil)
				}
				w.RegisterDelayedCallback(func() { cancel(w) }, time.Minute)
				r := request()
				r.Undo = undo
				w.link(r)

				var canceled *temporal.CanceledError
				require.ErrorAs(t, w.GetWorkflowError(), &canceled)
				var result migrationlink.LinkResult
				require.NoError(t, canceled.Details(&result))
				require.Equal(t, migrationlink.OutcomeCancelled, result.Outcome)
				require.Equal(t, undo != migrationlink.UndoNever, result.Removed)
				if name == "signal" {
					require.Equal(t, "wrong org", result.CancelReason)
				}
			})
		}
	}
}

func TestCancelNeverRemovesALinkMadeByOthers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.onCreate(func(int, activities.CreateLinkInput) (activities.CreateLinkResult, error) {
		return activities.CreateLinkResult{Created: false, LinkStatus: "NOT_SYNCED", Polls: 1}, nil
	})
	w.onAwait(func(context.Context, activities.AwaitSyncedInput) (activities.AwaitSyncedResult, error) {
		return activities.AwaitSyncedResult{}, activity.ErrResultPending
	})
	w.RegisterDelayedCallback(w.CancelWorkflow, time.Minute)
	r := request()
	r.Undo = migrationlink.UndoAlways
	w.link(r)

	require.True(t, temporal.IsCanceledError(w.GetWorkflowError()))
	require.Zero(t, w.deletes)
}

func TestUndoThatFailsIsSaid(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.onCreate(func(int, activities.CreateLinkInput) (activities.CreateLinkResult, error) {
		return created("NOT_SYNCED")
	})
	w.onAwait(func(context.Context, activities.AwaitSyncedInput) (activities.AwaitSyncedResult, error) {
		return activities.AwaitSyncedResult{}, applicationError(migrationlink.ErrKeyRejected, true)
	})
	w.onDelete(applicationError(migrationlink.ErrMigrationRunning, true))
	r := request()
	r.Undo = migrationlink.UndoAlways
	w.link(r)

	errorType, result := w.failure(t)
	require.Equal(t, migrationlink.ErrUndoFailed, errorType)
	require.False(t, result.Removed)
}

func TestUnknownManagerFailsSoonWithTheNamesThatAreKnown(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.onCreate(func(int, activities.CreateLinkInput) (activities.CreateLinkResult, error) {
		return activities.CreateLinkResult{}, temporal.NewTimeoutError(enumspb.TIMEOUT_TYPE_SCHEDULE_TO_START, nil)
	})
	w.link(request())

	errorType, result := w.failure(t)
	require.Equal(t, migrationlink.ErrUnknownManager, errorType)
	require.Contains(t, result.Problem.Message, "known are:")
}

func TestARetryDuringAnAttemptIsNotLost(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.onCreate(func(attempt int, in activities.CreateLinkInput) (activities.CreateLinkResult, error) {
		if attempt == 1 {
			w.SignalWorkflow(migrationlink.RetrySignal, migrationlink.RetryRequest{Token: &migrationlink.TokenSource{Ref: "file:new"}})
			return activities.CreateLinkResult{}, applicationError(migrationlink.ErrTokenRejected, true)
		}
		require.Equal(t, "file:new", in.Token.Ref)
		return created("SYNCED")
	})
	r := request()
	r.OnBlocked = migrationlink.WaitWhenBlocked
	w.link(r)

	require.NoError(t, w.GetWorkflowError())
	require.Equal(t, 2, w.creates)
}

// Temporal ends a wait early when a worker is lost: the time is not up then.
func TestSettlingGoesOnUntilItsTimeIsUp(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	looks, end := 0, time.Time{}
	w.onCreate(func(attempt int, _ activities.CreateLinkInput) (activities.CreateLinkResult, error) {
		if attempt == 1 {
			return activities.CreateLinkResult{}, applicationError(migrationlink.ErrReplyLost, true)
		}
		require.False(t, w.Now().Before(end))
		return created("SYNCED")
	})
	w.onAwait(func(_ context.Context, in activities.AwaitSyncedInput) (activities.AwaitSyncedResult, error) {
		looks++
		end = in.Deadline
		return activities.AwaitSyncedResult{}, applicationError(migrationlink.ErrNotSynced, true)
	})
	w.link(request())

	require.NoError(t, w.GetWorkflowError())
	require.Greater(t, looks, 1)
}

func TestARetryThatCannotBeReadIsRefusedInWords(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.onCreate(func(int, activities.CreateLinkInput) (activities.CreateLinkResult, error) {
		return activities.CreateLinkResult{}, applicationError(migrationlink.ErrTokenRejected, true)
	})
	for i := range 2 {
		w.RegisterDelayedCallback(func() {
			w.SignalWorkflow(migrationlink.RetrySignal, map[string]string{"token": "env:LINK_TOKEN_NEW"})
		}, time.Duration(i+1)*time.Minute)
	}
	w.RegisterDelayedCallback(func() {
		problem := w.status(t).Problem
		require.Equal(t, 1, strings.Count(problem.Message, "the last retry was refused"))
		require.Contains(t, problem.Message, `{"token": {"ref"`)
		w.CancelWorkflow()
	}, 3*time.Minute)
	r := request()
	r.OnBlocked = migrationlink.WaitWhenBlocked
	w.link(r)

	require.True(t, temporal.IsCanceledError(w.GetWorkflowError()))
	require.Equal(t, 1, w.creates)
}

// What it saw may have been another link.
func TestACheckThatBeganBeforeTheLinkDoesNotEndTheWaiting(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.onCreate(func(attempt int, _ activities.CreateLinkInput) (activities.CreateLinkResult, error) {
		if attempt == 1 {
			return activities.CreateLinkResult{}, temporal.NewApplicationErrorWithOptions("words", migrationlink.ErrManagerUnavailable,
				temporal.ApplicationErrorOptions{NextRetryDelay: time.Minute, Details: []any{migrationlink.Problem{Type: migrationlink.ErrManagerUnavailable}}})
		}
		return created("NOT_SYNCED")
	})
	w.onAwait(func(context.Context, activities.AwaitSyncedInput) (activities.AwaitSyncedResult, error) {
		return activities.AwaitSyncedResult{}, activity.ErrResultPending
	})
	w.onDelete(nil)
	w.OnActivity(migrationlink.LinkStatusActivity, mock.Anything, mock.Anything).After(2*time.Minute).Return("SYNCED", nil)
	var answer migrationlink.Check
	w.RegisterDelayedCallback(func() {
		w.UpdateWorkflow(migrationlink.CheckUpdate, "", &testsuite.TestUpdateCallback{
			OnAccept: func() {},
			OnReject: func(err error) { require.NoError(t, err) },
			OnComplete: func(seen any, err error) {
				require.NoError(t, err)
				answer, _ = seen.(migrationlink.Check)
			},
		})
	}, 10*time.Second)
	w.RegisterDelayedCallback(w.CancelWorkflow, 5*time.Minute)
	w.link(request())

	require.True(t, temporal.IsCanceledError(w.GetWorkflowError()))
	require.Equal(t, "SYNCED", answer.LinkStatus, "it is answered all the same")
}

// retry sends the update and returns its answer, or why it was refused.
func (w *world) retry(after time.Duration, request migrationlink.RetryRequest) (answer func() (any, error)) {
	return w.update(after, migrationlink.RetryUpdate, request)
}

// update sends an update after a while, and returns its answer once the workflow has ended.
func (w *world) update(after time.Duration, name string, request any) (answer func() (any, error)) {
	var (
		got    any
		failed error
	)
	w.RegisterDelayedCallback(func() {
		w.UpdateWorkflow(name, "", &testsuite.TestUpdateCallback{
			OnAccept:   func() {},
			OnReject:   func(err error) { failed = err },
			OnComplete: func(a any, err error) { got, failed = a, err },
		}, request)
	}, after)
	return func() (any, error) { return got, failed }
}

func TestARetryAnswersWhatComesOfIt(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.onCreate(func(attempt int, _ activities.CreateLinkInput) (activities.CreateLinkResult, error) {
		if attempt < 3 {
			return activities.CreateLinkResult{}, applicationError(migrationlink.ErrKeyRejected, true)
		}
		return created("NOT_SYNCED")
	})
	w.onAwait(func(ctx context.Context, _ activities.AwaitSyncedInput) (activities.AwaitSyncedResult, error) {
		return activities.AwaitSyncedResult{}, activity.ErrResultPending
	})
	w.onDelete(nil)
	blockedAgain := w.retry(time.Minute, migrationlink.RetryRequest{})
	goesOn := w.retry(2*time.Minute, migrationlink.RetryRequest{})
	refused := map[string]func() (any, error){
		migrationlink.ErrNotBlocked:    w.retry(3*time.Minute, migrationlink.RetryRequest{}),
		migrationlink.ErrInvalidUpdate: w.retry(3*time.Minute, migrationlink.RetryRequest{Token: &migrationlink.TokenSource{Ref: "nonsense"}}),
	}
	w.RegisterDelayedCallback(w.CancelWorkflow, 5*time.Minute)
	r := request()
	r.OnBlocked = migrationlink.WaitWhenBlocked
	w.link(r)

	require.True(t, temporal.IsCanceledError(w.GetWorkflowError()))
	for phase, answer := range map[migrationlink.Phase]func() (any, error){migrationlink.PhaseBlocked: blockedAgain, migrationlink.PhaseSyncing: goesOn} {
		status, err := answer()
		require.NoError(t, err)
		require.Equal(t, phase, status.(migrationlink.Status).Phase)
	}
	for errorType, answer := range refused {
		_, err := answer()
		application, ok := errors.AsType[*temporal.ApplicationError](err)
		require.True(t, ok, "%v", err)
		require.Equal(t, errorType, application.Type())
	}
}

func TestUnlinkingTakesNoLinkToken(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.OnActivity(migrationlink.DeleteLinkActivity, mock.Anything, mock.Anything).Return(activities.DeleteLinkResult{}, applicationError(migrationlink.ErrKeyRejected, true))
	w.OnActivity(migrationlink.CheckManagerActivity, mock.Anything, mock.Anything).Return(nil)
	refused := w.retry(time.Minute, migrationlink.RetryRequest{Token: &migrationlink.TokenSource{Ref: "env:LINK_TOKEN_NEW"}})
	w.RegisterDelayedCallback(w.CancelWorkflow, 2*time.Minute)
	w.SetStartWorkflowOptions(client.StartWorkflowOptions{ID: migrationlink.WorkflowID("demo", orgID)})
	w.ExecuteWorkflow(migrationlink.UnlinkWorkflow, migrationlink.UnlinkRequest{Manager: "demo", OrgID: orgID, OnBlocked: migrationlink.WaitWhenBlocked})

	_, err := refused()
	require.ErrorContains(t, err, "unlinking takes no link-token")
}

// Somebody may make a link again and again, or a manager show one that is gone: a workflow that
// removed it at once each time would reach Temporal's limit of events.
func TestALinkThatComesBackIsReplacedWithPauses(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.onCreate(func(int, activities.CreateLinkInput) (activities.CreateLinkResult, error) {
		return activities.CreateLinkResult{LinkStatus: "SYNCED", Polls: 1}, nil
	})
	w.onDelete(nil)
	r := request()
	r.IfLinked = migrationlink.Relink
	w.link(r)

	errorType, result := w.failure(t)
	require.Equal(t, migrationlink.ErrTimedOut, errorType)
	require.True(t, result.Replaced)
	require.Contains(t, result.Problem.Message, "had a link again")
	require.Greater(t, w.deletes, 2)
	require.Less(t, w.deletes, 100)
}

// What is sent without end is not all read.
func TestRetriesWithoutEndAreIgnored(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.onCreate(func(int, activities.CreateLinkInput) (activities.CreateLinkResult, error) {
		return activities.CreateLinkResult{}, applicationError(migrationlink.ErrKeyRejected, true)
	})
	for i := range 6 {
		w.RegisterDelayedCallback(func() {
			for range 500 { // more at once block the environment of the test
				w.SignalWorkflow(migrationlink.RetrySignal, "no request")
			}
		}, time.Minute+time.Duration(i)*time.Second)
	}
	w.RegisterDelayedCallback(func() {
		status := w.status(t)
		require.Equal(t, migrationlink.PhaseBlocked, status.Phase)
		require.Contains(t, status.Problem.Message, "the last retry was refused")
		require.Less(t, len(status.Problem.Message), 1000)
	}, 2*time.Minute)
	r := request()
	r.OnBlocked = migrationlink.WaitWhenBlocked
	w.link(r)

	errorType, _ := w.failure(t)
	require.Equal(t, migrationlink.ErrTimedOut, errorType)
}

// A request that has got another link-token by a retry is still the one that was started: who starts
// it again, with either, joins.
func TestARetriedRequestIsJoinedWithEitherLinkToken(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.onCreate(func(int, activities.CreateLinkInput) (activities.CreateLinkResult, error) {
		return activities.CreateLinkResult{}, applicationError(migrationlink.ErrTokenRejected, true)
	})
	r := request()
	r.OnBlocked = migrationlink.WaitWhenBlocked
	first := migrationlink.NewStartRequest(r)
	w.retry(time.Minute, migrationlink.RetryRequest{Token: &migrationlink.TokenSource{Ref: "env:LINK_TOKEN_NEW"}})
	answers := map[bool][]func() (any, error){
		true: {
			w.update(2*time.Minute, migrationlink.AcceptUpdate, first),
			w.update(2*time.Minute, migrationlink.AcceptUpdate, first.WithToken(migrationlink.TokenSource{Ref: "env:LINK_TOKEN_NEW"})),
		},
		false: {w.update(2*time.Minute, migrationlink.AcceptUpdate, first.WithToken(migrationlink.TokenSource{Ref: "env:LINK_TOKEN_OTHER"}))},
	}
	w.RegisterDelayedCallback(w.CancelWorkflow, 5*time.Minute)
	w.link(r)

	for joins, all := range answers {
		for _, answer := range all {
			_, err := answer()
			require.Equal(t, joins, err == nil, "%v", err)
		}
	}
}

// A time that cannot be read is not repeated: it may be a secret in the wrong field.
func TestAnExtensionThatCannotBeReadIsNotRepeated(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.onCreate(func(int, activities.CreateLinkInput) (activities.CreateLinkResult, error) {
		return activities.CreateLinkResult{}, applicationError(migrationlink.ErrKeyRejected, true)
	})
	refused := w.update(time.Minute, migrationlink.ExtendUpdate, map[string]string{"until": "s3cret"})
	w.RegisterDelayedCallback(w.CancelWorkflow, 5*time.Minute)
	r := request()
	r.OnBlocked = migrationlink.WaitWhenBlocked
	w.link(r)

	_, err := refused()
	require.ErrorContains(t, err, "RFC 3339")
	require.NotContains(t, err.Error(), "s3cret")
}

// What has no room for an undo left would be terminated in its middle.
func TestALinkWithoutRoomInItsHistoryIsUndone(t *testing.T) {
	t.Parallel()
	for name, fill := range map[string]func(*world){
		"events": func(w *world) { w.SetCurrentHistoryLength(40_000) },
		"bytes":  func(w *world) { w.SetCurrentHistorySize(30 << 20) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.onCreate(func(int, activities.CreateLinkInput) (activities.CreateLinkResult, error) {
				return created(migrationlink.LinkNotSynced)
			})
			w.onAwait(func(context.Context, activities.AwaitSyncedInput) (activities.AwaitSyncedResult, error) {
				return activities.AwaitSyncedResult{}, applicationError(migrationlink.ErrNotSynced, false)
			})
			w.onDelete(nil)
			w.RegisterDelayedCallback(func() {
				fill(w)
				w.SignalWorkflow("noise", nil)
			}, time.Minute)
			asked := request()
			asked.Undo = migrationlink.UndoAlways
			w.link(asked)
			errorType, result := w.failure(t)
			require.Equal(t, migrationlink.ErrHistoryFull, errorType)
			require.True(t, result.Removed)
			require.Contains(t, result.Problem.Message, "the link was removed again")
			require.Contains(t, result.Problem.Remedy, "To try again, start the link again.")
		})
	}
}

// Nobody reads it, and the SDK gives no channel for it.
func TestASignalWithANameOfTemporalHarmsNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.onCreate(func(int, activities.CreateLinkInput) (activities.CreateLinkResult, error) {
		return created(migrationlink.LinkNotSynced)
	})
	polls := 0
	w.onAwait(func(context.Context, activities.AwaitSyncedInput) (activities.AwaitSyncedResult, error) {
		if polls++; polls < 90 {
			return activities.AwaitSyncedResult{}, applicationError(migrationlink.ErrNotSynced, false)
		}
		return activities.AwaitSyncedResult{LinkStatus: migrationlink.LinkSynced}, nil
	})
	w.RegisterDelayedCallback(func() {
		for _, name := range []string{"__temporal_x", "noise", "__temporal_workflow_stream_x"} {
			w.SignalWorkflow(name, "text")
		}
	}, time.Minute)
	w.link(request())
	require.NoError(t, w.GetWorkflowError())
}
