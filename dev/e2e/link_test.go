package e2e_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"

	"github.com/migrationlink/migrationlink"
)

func TestLinkEndsSynced(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	s.worker("")

	for name, test := range map[string]struct {
		delay  string
		events int // two of them are the starter's accept update
	}{
		"at once":      {"0s", 13},
		"after 5 s":    {"5s", 19},
		"after 60 s":   {"60s", 19},
		"never before": {"", 19}, // the stack's own delay
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := s.in(t)
			org := newOrg()
			if test.delay != "" {
				s.shape(org, map[string]any{"syncDelay": test.delay})
			}
			result, code := s.linkJSON(org)
			require.Equal(t, 0, code)
			require.Equal(t, migrationlink.OutcomeLinked, result.Outcome)
			require.Equal(t, migrationlink.LinkSynced, result.LinkStatus)
			require.Equal(t, migrationlink.WorkflowID("demo", org), result.WorkflowID)
			require.Positive(t, result.Polls)
			require.False(t, result.SyncedAt.Before(result.CreatedAt))
			require.False(t, result.EndedAt.IsZero())
			require.Len(t, s.history(result.WorkflowID, result.RunID), test.events)

			again, code := s.linkJSON(org)
			require.Equal(t, 0, code)
			require.Equal(t, migrationlink.OutcomeAlreadyLinked, again.Outcome)
			require.NotEqual(t, result.RunID, again.RunID)
			require.Equal(t, 1, s.evidence(org).Posts)
		})
	}
	t.Cleanup(func() {
		require.Zero(t, s.state().Totals.PostsFirstOnConnection)
		require.Zero(t, s.state().Totals.BodiesWithoutCredentials)
	})
}

// For every answer that the documentation leaves open.
func TestEveryUndocumentedAnswerLeadsToTheSameLink(t *testing.T) {
	t.Parallel()
	s := newSystem(t, "--sync-delay", "2s")
	s.worker("")
	for _, withoutLink := range []string{"not-found", "not-synced"} {
		for _, reply := range []string{"200", "201"} {
			for _, second := range []string{"conflict", "overwrite", "idempotent"} {
				t.Run(withoutLink+" "+reply+" "+second, func(t *testing.T) {
					t.Parallel()
					s := s.in(t)
					org := newOrg()
					s.shape(org, map[string]any{"statusWithoutLink": withoutLink, "postReply": reply, "secondPost": second, "echoToken": true})
					result, code := s.linkJSON(org)
					require.Equal(t, 0, code)
					require.Equal(t, migrationlink.OutcomeLinked, result.Outcome)
					require.Equal(t, 1, s.evidence(org).EffectivePosts)
				})
			}
		}
	}
}

func TestLinkMadeByOthersIsKept(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	s.worker("")
	org := newOrg()
	s.shape(org, map[string]any{"linked": true})
	result, code := s.linkJSON(org, "--undo", "always")
	require.Equal(t, 0, code)
	require.Equal(t, migrationlink.OutcomeAlreadyLinked, result.Outcome)
	require.False(t, result.Created)
	require.Zero(t, s.evidence(org).Posts)
	require.Zero(t, s.evidence(org).Deletes)
}

func TestASyncTimeoutHasItsOwnOutcome(t *testing.T) { //nolint:tparallel // it measures time
	s := newSystem(t)
	s.worker("")
	for name, test := range map[string]struct {
		undo string
		left string
	}{"kept": {"on-cancel", migrationlink.LinkNotSynced}, "undone": {"always", "NONE"}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := s.in(t)
			org := newOrg()
			s.shape(org, map[string]any{"sync": "never"})
			began := time.Now()
			result, code := s.linkJSON(org, "--sync-timeout", "6s", "--undo", test.undo)
			require.Equal(t, 4, code)
			require.Equal(t, migrationlink.OutcomeTimedOut, result.Outcome)
			require.Equal(t, migrationlink.ErrTimedOut, result.Problem.Type)
			require.Equal(t, test.undo == "always", result.Removed)
			require.InDelta(t, 6, time.Since(began).Seconds(), 4)
			require.Greater(t, result.Polls, 3)
			if test.undo == "always" {
				require.Equal(t, 1, s.evidence(org).EffectiveDeletes)
			} else {
				require.Zero(t, s.evidence(org).Deletes)
			}
		})
	}
}

func TestSecondStarterJoinsTheRunningLink(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	s.worker("")
	org := newOrg()
	s.shape(org, map[string]any{"syncDelay": "4s"})
	run := s.begin(org, nil)
	result, code := s.linkJSON(org)
	require.Equal(t, 0, code)
	require.Equal(t, run.GetRunID(), result.RunID)
	require.Equal(t, migrationlink.OutcomeLinked, result.Outcome)
	require.Equal(t, 1, s.evidence(org).Posts)
}

func TestDetachReturnsAndStatusShowsTheLink(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	s.worker("")
	org := newOrg()
	s.shape(org, map[string]any{"sync": "never"})
	target := []string{"--manager", "demo", "--org", org}
	done := s.starter(append([]string{"link", "--token-ref", "env:LINK_TOKEN_DEMO", "--detach"}, target...)...)
	require.Equal(t, 0, done.code, done.stderr)
	require.Eventually(t, func() bool {
		status := s.starter(append([]string{"status"}, target...)...)
		return status.code == 0 && containsAll(status.stdout, "syncing", migrationlink.LinkNotSynced)
	}, 30*time.Second, 100*time.Millisecond)
	cancelled := s.starter(append([]string{"cancel", "--reason", "enough seen"}, target...)...)
	require.Equal(t, 0, cancelled.code, cancelled.stderr)
	ended := s.starter(append([]string{"status"}, target...)...)
	require.True(t, containsAll(ended.stdout, "cancelled", "enough seen"), ended.stdout)
}

func TestUnknownManagerFailsWithinFiveSeconds(t *testing.T) { // not parallel: it measures time
	s := newSystem(t)
	s.worker("")
	done := s.starter("link", "--manager", "nowhere", "--org", newOrg(), "--token-ref", "env:LINK_TOKEN_DEMO")
	require.Equal(t, 3, done.code)
	require.Less(t, done.took, 5*time.Second)
	require.Contains(t, done.stderr, "known are: demo")
}

func TestPollsLeaveNoEventsInTheHistory(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	s.worker("")
	org := newOrg()
	s.shape(org, map[string]any{"sync": "never"})
	run := s.begin(org, nil)
	require.Eventually(t, func() bool { return s.evidence(org).Gets > 6 }, time.Minute, 100*time.Millisecond)
	events := s.history(run.GetID(), run.GetRunID())
	require.Equal(t, enumspb.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED, events[len(events)-1].EventType)
	require.Len(t, events, 11)
	require.NoError(t, s.temporal.CancelWorkflow(t.Context(), run.GetID(), run.GetRunID()))
	require.Error(t, run.Get(t.Context(), nil))
}
