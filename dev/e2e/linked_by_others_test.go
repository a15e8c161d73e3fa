package e2e_test

import (
	"maps"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/migrationlink/migrationlink"
	"github.com/migrationlink/migrationlink/opsmanager/opsmanagertest"
)

func relink(r *migrationlink.LinkRequest) { r.IfLinked = migrationlink.Relink }

func TestALinkMadeByOthersIsKeptUnlessAskedOtherwise(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	s.worker("")
	for name, test := range map[string]struct {
		policy   migrationlink.LinkedPolicy
		synced   bool
		outcome  migrationlink.Outcome
		posts    int
		replaced bool
	}{
		"keep":                   {migrationlink.KeepLink, true, migrationlink.OutcomeAlreadyLinked, 0, false},
		"by default":             {"", true, migrationlink.OutcomeAlreadyLinked, 0, false},
		"fail":                   {migrationlink.FailIfLinked, true, migrationlink.OutcomeFailed, 0, false},
		"relink":                 {migrationlink.Relink, true, migrationlink.OutcomeLinked, 1, true},
		"relink one that hangs":  {migrationlink.Relink, false, migrationlink.OutcomeLinked, 1, true},
		"fail on one that hangs": {migrationlink.FailIfLinked, false, migrationlink.OutcomeFailed, 0, false},
		"keep one that syncs":    {migrationlink.KeepLink, false, migrationlink.OutcomeAlreadyLinked, 0, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := s.in(t)
			org := newOrg()
			shape := map[string]any{"linked": true, "syncDelay": "0s"}
			if !test.synced {
				shape["sync"] = opsmanagertest.SyncNever
			}
			s.shape(org, shape)
			run := s.begin(org, func(r *migrationlink.LinkRequest) { r.IfLinked = test.policy })
			if !test.synced && test.outcome != migrationlink.OutcomeFailed {
				s.waitForPhase(run, migrationlink.PhaseSyncing)
				s.shape(org, map[string]any{"syncDelay": "0s"})
			}
			if test.outcome == migrationlink.OutcomeFailed {
				problem := requireFailure(t, run, test.outcome)
				require.Equal(t, migrationlink.ErrAlreadyLinked, problem.Type)
				require.Contains(t, problem.Remedy, "relink")
			} else {
				var result migrationlink.LinkResult
				require.NoError(t, run.Get(t.Context(), &result))
				require.Equal(t, test.outcome, result.Outcome)
				require.Equal(t, test.replaced, result.Replaced)
			}
			left := s.evidence(org)
			require.Equal(t, test.posts, left.EffectivePosts)
			require.Equal(t, test.posts, left.EffectiveDeletes)
			require.NotEqual(t, opsmanagertest.StatusNone, left.LinkStatus)
		})
	}
}

// For every lost reply, and every answer that the manuals leave open, there is one new
// link, and it stays.
func TestRelinkUnderLostRepliesAtEveryStepMakesOneLink(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	s.worker(impatient)
	behaviours := map[string]map[string]any{
		"strict":                   {},
		"204 without a link":       {"deleteWithoutLink": opsmanagertest.WithoutLinkNoContent, "secondPost": opsmanagertest.SecondPostOverwrite},
		"NOT_SYNCED without one":   {"statusWithoutLink": opsmanagertest.WithoutLinkNotSynced, "secondPost": opsmanagertest.SecondPostIdempotent},
		"neither tells the absent": {"statusWithoutLink": opsmanagertest.WithoutLinkNotSynced, "deleteWithoutLink": opsmanagertest.WithoutLinkNoContent},
	}
	faults := map[string]opsmanagertest.Fault{
		"effect, no reply": {Kind: opsmanagertest.LostReply},
		"no effect, reset": {Kind: opsmanagertest.ConnectionReset},
		"gateway":          {Kind: opsmanagertest.BadGateway},
		"late effect":      {Kind: opsmanagertest.LateEffect, Duration: opsmanagertest.Duration(4 * time.Second)},
	}
	for behaviour, shape := range behaviours {
		for kind, fault := range faults {
			for _, operation := range []string{http.MethodDelete, http.MethodPost, http.MethodGet} {
				t.Run(operation+" "+kind+", "+behaviour, func(t *testing.T) {
					t.Parallel()
					s := s.in(t)
					org := newOrg()
					shape, fault := maps.Clone(shape), fault
					shape["linked"], shape["syncDelay"] = true, "0s"
					s.shape(org, shape)
					fault.Operation, fault.OrgID, fault.Count = operation, org, 1
					s.fault(fault)
					run := s.begin(org, func(r *migrationlink.LinkRequest) {
						relink(r)
						r.Manager, r.SettleTime = "impatient", "7s"
					})
					var result migrationlink.LinkResult
					require.NoError(t, run.Get(t.Context(), &result))
					require.Equal(t, migrationlink.OutcomeLinked, result.Outcome)
					require.True(t, result.Replaced)
					left := s.evidence(org)
					require.Equal(t, 1, left.EffectivePosts)
					require.Equal(t, 1, left.EffectiveDeletes)
					require.Equal(t, opsmanagertest.StatusSynced, left.LinkStatus)
					require.NotEmpty(t, left.TokenSHA256, "the link is this request's")
				})
			}
		}
	}
}

func TestRelinkWaitsForARunningMigrationWhenAsked(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	s.worker("")
	org := newOrg()
	s.shape(org, map[string]any{"linked": true, "runningMigrations": []string{"project-1"}})
	run := s.begin(org, relink)
	require.Equal(t, migrationlink.ErrMigrationRunning, requireFailure(t, run, migrationlink.OutcomeFailed).Type)
	require.Zero(t, s.evidence(org).Posts)

	run = s.begin(org, func(r *migrationlink.LinkRequest) {
		relink(r)
		whenBlocked(r)
	})
	s.waitForPhase(run, migrationlink.PhaseBlocked)
	require.Equal(t, migrationlink.PhaseRemoving, s.status(run).BlockedIn)
	s.shape(org, map[string]any{"syncDelay": "0s"})
	var result migrationlink.LinkResult
	require.NoError(t, run.Get(t.Context(), &result))
	require.Equal(t, migrationlink.OutcomeLinked, result.Outcome)
}

func TestUndoAfterARelinkRemovesTheNewLinkOnly(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	s.worker("")
	org := newOrg()
	s.shape(org, map[string]any{"linked": true})
	s.shape(org, map[string]any{"sync": "never"})
	run := s.begin(org, relink)
	s.waitForPhase(run, migrationlink.PhaseSyncing)
	require.NoError(t, s.temporal.CancelWorkflow(t.Context(), run.GetID(), ""))
	result := requireCancelled(t, run)
	require.True(t, result.Removed)
	require.True(t, result.Replaced)
	require.Equal(t, 2, s.evidence(org).EffectiveDeletes)
}

// telling configures the demo manager as one that answers 404 if there is no link.
const telling = `
[managers.telling]
base_url        = "SIMULATOR"
public_key      = "env:DEMO_PUBLIC_KEY"
private_key     = "env:DEMO_PRIVATE_KEY"
unlinked_is_404 = true
`

// A link that does not sync also belongs to somebody, if the manager distinguishes it
// from no link.
func TestAnUnsyncedLinkMadeByOthersIsNeitherOverwrittenNorUndone(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	s.worker(telling)
	for _, second := range []string{opsmanagertest.SecondPostConflict, opsmanagertest.SecondPostOverwrite, opsmanagertest.SecondPostIdempotent} {
		t.Run(second, func(t *testing.T) {
			t.Parallel()
			s := s.in(t)
			org := newOrg()
			shape := map[string]any{"linked": true, "sync": opsmanagertest.SyncNever, "secondPost": second}
			s.shape(org, shape)
			run := s.begin(org, func(r *migrationlink.LinkRequest) { r.Manager, r.Undo = "telling", migrationlink.UndoAlways })
			s.waitForPhase(run, migrationlink.PhaseSyncing)
			require.NoError(t, s.temporal.CancelWorkflow(t.Context(), run.GetID(), ""))
			require.Error(t, run.Get(t.Context(), nil))

			run = s.begin(org, func(r *migrationlink.LinkRequest) { r.Manager, r.IfLinked = "telling", migrationlink.FailIfLinked })
			require.Equal(t, migrationlink.ErrAlreadyLinked, requireFailure(t, run, migrationlink.OutcomeFailed).Type)
			require.Zero(t, s.evidence(org).Posts)
			require.Zero(t, s.evidence(org).Deletes)
		})
	}
}

// The reply to the creation is lost, and the link that existed before looks like no
// link. The present link may be somebody else's.
func TestALinkThatMayBeSomebodyElsesIsNeverUndone(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	s.worker("")
	org := newOrg()
	s.shape(org, map[string]any{"linked": true, "sync": opsmanagertest.SyncNever})
	s.fault(opsmanagertest.Fault{Kind: opsmanagertest.BadGateway, Operation: http.MethodPost, OrgID: org, Count: 1})
	run := s.begin(org, func(r *migrationlink.LinkRequest) { r.SettleTime, r.Undo = "3s", migrationlink.UndoAlways })
	s.waitForPhase(run, migrationlink.PhaseSyncing)
	require.NoError(t, s.temporal.CancelWorkflow(t.Context(), run.GetID(), ""))
	result := requireCancelled(t, run)
	require.True(t, result.InDoubt)
	require.False(t, result.Removed)
	require.Zero(t, s.evidence(org).Deletes)
	require.NotEqual(t, opsmanagertest.StatusNone, s.evidence(org).LinkStatus)
}
