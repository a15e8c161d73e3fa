package link_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"

	"github.com/migrationlink/migrationlink"
	"github.com/migrationlink/migrationlink/activities"
)

// hostile is what somebody may write into a text.
const hostile = "ana\x1b[2J\u202e\nlevel=error"

func TestAResultTellsWhoDidWhatInBoundedPrintableWords(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	require.NoError(t, w.SetMemoOnStart(map[string]any{migrationlink.StartedByMemo: hostile}))
	w.onCreate(func(int, activities.CreateLinkInput) (activities.CreateLinkResult, error) {
		return activities.CreateLinkResult{}, applicationError(migrationlink.ErrAccessListRefused, true)
	})
	w.RegisterDelayedCallback(func() {
		w.SignalWorkflow(migrationlink.RetrySignal, migrationlink.RetryRequest{RequestedBy: strings.Repeat("x", migrationlink.MaxRequestedBy+1)})
	}, time.Second)
	const retries = migrationlink.MaxActions + 5
	for i := range retries {
		w.RegisterDelayedCallback(func() {
			w.SignalWorkflow(migrationlink.RetrySignal, migrationlink.RetryRequest{RequestedBy: hostile})
		}, time.Duration(i+2)*time.Second)
	}
	w.RegisterDelayedCallback(func() {
		w.SignalWorkflow(migrationlink.CancelSignal, migrationlink.CancelRequest{Reason: strings.Repeat("é", 1000), RequestedBy: strings.Repeat("é", 1000)})
	}, time.Minute)
	blocked := request()
	blocked.OnBlocked = migrationlink.WaitWhenBlocked
	w.link(blocked)

	require.Equal(t, retries+1, w.creates, "the retry with a name that is too long is refused")
	var cancelled *temporal.CanceledError
	require.ErrorAs(t, w.GetWorkflowError(), &cancelled)
	var result migrationlink.LinkResult
	require.NoError(t, cancelled.Details(&result))
	const clean = "ana [2J  level=error"
	require.Equal(t, clean, result.StartedBy)
	require.Len(t, result.Actions, migrationlink.MaxActions)
	for _, action := range result.Actions[:migrationlink.MaxActions-1] {
		require.Equal(t, migrationlink.ActionRetry, action.Action)
		require.Equal(t, clean, action.RequestedBy)
	}
	last := result.Actions[migrationlink.MaxActions-1]
	require.Equal(t, migrationlink.ActionCancel, last.Action)
	require.Equal(t, strings.Repeat("é", migrationlink.MaxReason)+"…", last.Reason)
	require.Equal(t, strings.Repeat("é", migrationlink.MaxRequestedBy)+"…", last.RequestedBy)
	require.Equal(t, last.Reason, result.CancelReason)
}

func TestTheReasonOfAnUnlinkIsInItsResultUnlessItIsInvalid(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ reason, want string }{
		"valid":    {"moved \x1b[2Jaway", "moved  [2Jaway"},
		"too long": {strings.Repeat("s", migrationlink.MaxReason+1), ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.SetStartWorkflowOptions(client.StartWorkflowOptions{ID: migrationlink.WorkflowID("demo", orgID)})
			w.ExecuteWorkflow(migrationlink.UnlinkWorkflow, migrationlink.UnlinkRequest{Manager: "demo", OrgID: orgID, Reason: test.reason})
			_, result := w.failure(t) // no worker has the manager
			require.NotContains(t, result.Problem.Message, "sss")
			require.Equal(t, test.want, result.Reason)
		})
	}
}

// Programs may send what the starter refuses. Everybody sees the result, the status and the log.
func TestWhatMayBeASecretIsNotRepeatedAsAReasonOrAName(t *testing.T) {
	t.Parallel()
	secret := strings.Repeat("aB3", 64) // as long as a link-token
	for name, signal := range map[string]any{
		"a request": migrationlink.CancelRequest{Reason: "it was " + secret, RequestedBy: secret},
		"a text":    "it was " + secret,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			require.NoError(t, w.SetMemoOnStart(map[string]any{migrationlink.StartedByMemo: secret}))
			w.onCreate(func(int, activities.CreateLinkInput) (activities.CreateLinkResult, error) {
				return activities.CreateLinkResult{}, applicationError(migrationlink.ErrAccessListRefused, true)
			})
			w.RegisterDelayedCallback(func() { w.SignalWorkflow(migrationlink.CancelSignal, signal) }, time.Second)
			blocked := request()
			blocked.OnBlocked = migrationlink.WaitWhenBlocked
			w.link(blocked)
			var cancelled *temporal.CanceledError
			require.ErrorAs(t, w.GetWorkflowError(), &cancelled)
			var result migrationlink.LinkResult
			require.NoError(t, cancelled.Details(&result))
			require.Equal(t, "it was [redacted]", result.CancelReason)
			require.Equal(t, "[redacted]", result.StartedBy)
			require.NotContains(t, fmt.Sprintf("%+v", result), secret[:50])
		})
	}
	w := newWorld(t)
	w.SetStartWorkflowOptions(client.StartWorkflowOptions{ID: migrationlink.WorkflowID("demo", orgID)})
	w.ExecuteWorkflow(migrationlink.UnlinkWorkflow, migrationlink.UnlinkRequest{Manager: "demo", OrgID: orgID, Reason: secret})
	_, result := w.failure(t) // no worker has the manager
	require.Equal(t, "[redacted]", result.Reason)
}
