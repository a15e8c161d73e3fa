package e2e_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/migrationlink/migrationlink"
	"github.com/migrationlink/migrationlink/opsmanager/opsmanagertest"
)

// The creation took effect, but its reply was an error, and reads lag behind.
func TestALinkThatAppearsLateInReadsIsRecognizedAsOurs(t *testing.T) {
	t.Parallel()
	s := newSystem(t, "--sync-delay", "1s")
	s.worker("")
	settled := func(r *migrationlink.LinkRequest) {
		r.SettleTime, r.SyncTimeout, r.Undo = "10s", "20s", migrationlink.UndoAlways
	}
	for _, secondPost := range []string{opsmanagertest.SecondPostConflict, opsmanagertest.SecondPostOverwrite} {
		for _, withoutLink := range []string{opsmanagertest.WithoutLinkNotFound, opsmanagertest.WithoutLinkNotSynced} {
			for _, kind := range []opsmanagertest.FaultKind{opsmanagertest.ErrorAfter, opsmanagertest.LostReply} {
				lagging := map[string]any{"staleReads": "5s", "secondPost": secondPost, "statusWithoutLink": withoutLink}
				name := string(kind) + " " + secondPost + " " + withoutLink
				t.Run(name+", linked", func(t *testing.T) {
					t.Parallel()
					s := s.in(t)
					org := newOrg()
					s.shape(org, lagging)
					s.fault(opsmanagertest.Fault{Kind: kind, Operation: http.MethodPost, OrgID: org, Count: 1})
					run := s.begin(org, settled)
					s.requireLinkedOnce(run, org)
					var result migrationlink.LinkResult
					require.NoError(t, run.Get(t.Context(), &result))
					require.True(t, result.Created)
					require.Zero(t, s.evidence(org).Deletes)
				})
				if withoutLink == opsmanagertest.WithoutLinkNotSynced {
					continue // a link that is not synced looks like none: it stays in doubt
				}
				t.Run(name+", removed", func(t *testing.T) {
					t.Parallel()
					s := s.in(t)
					org := newOrg()
					s.shape(org, map[string]any{
						"staleReads": "5s", "secondPost": secondPost, "statusWithoutLink": withoutLink, "sync": "never",
					})
					s.fault(opsmanagertest.Fault{Kind: kind, Operation: http.MethodPost, OrgID: org, Count: 1})
					run := s.begin(org, settled)
					requireFailure(t, run, migrationlink.OutcomeTimedOut)
					left := s.evidence(org)
					require.Equal(t, 1, left.EffectivePosts)
					require.Equal(t, 1, left.EffectiveDeletes)
					require.Equal(t, opsmanagertest.StatusNone, left.LinkStatus)
				})
			}
		}
	}
}
