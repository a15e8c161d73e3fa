package link_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	sdkpb "go.temporal.io/api/sdk/v1"
	"go.temporal.io/sdk/temporal"

	"github.com/migrationlink/migrationlink"
	"github.com/migrationlink/migrationlink/activities"
)

// details is what the Web UI shows.
func (w *world) details(t *testing.T) string {
	t.Helper()
	answer, err := w.QueryWorkflow("__temporal_workflow_metadata")
	require.NoError(t, err)
	var metadata sdkpb.WorkflowMetadata
	require.NoError(t, answer.Get(&metadata))
	return metadata.GetCurrentDetails()
}

func refusedWith(problem migrationlink.Problem) error {
	return temporal.NewApplicationErrorWithOptions(problem.Message, problem.Type,
		temporal.ApplicationErrorOptions{NonRetryable: true, Details: []any{problem}})
}

// Who copies the command from the page is not blocked again by what it was blocked
// by before.
func TestTheStoryNamesTheCommandThatHelps(t *testing.T) {
	t.Parallel()
	ref, sealed := request().Token, sealed(1)
	target := "--manager demo --org " + orgID
	plain := "Then `starter retry " + target + "`, or send the signal `retry`."
	with := "Then `starter retry " + target + " --token-stdin`, or send the signal `retry` with the new link-token, sealed."
	for name, test := range map[string]struct {
		token   migrationlink.TokenSource
		problem migrationlink.Problem
		want    string
	}{
		"sealed to somebody else":            {sealed, migrationlink.Problem{Type: migrationlink.ErrTokenNotOpened, Message: "token.sealed: it is sealed to somebody else"}, with},
		"sealed, and the manager refuses it": {sealed, migrationlink.Problem{Type: migrationlink.ErrTokenRejected, Message: "HTTP 400"}, with},
		"sealed, and nobody can open any":    {sealed, migrationlink.Problem{Type: migrationlink.ErrTokenNotOpened, Code: migrationlink.CodeNoIdentities}, plain},
		"sealed, and something else":         {sealed, migrationlink.Problem{Type: migrationlink.ErrKeyRejected, Message: "HTTP 401"}, plain},
		"by reference, read again":           {ref, migrationlink.Problem{Type: migrationlink.ErrTokenRejected, Message: "HTTP 400"}, plain},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			test.problem.Remedy = "Do this."
			w.onCreate(func(int, activities.CreateLinkInput) (activities.CreateLinkResult, error) {
				return activities.CreateLinkResult{}, refusedWith(test.problem)
			})
			w.RegisterDelayedCallback(func() {
				require.Contains(t, w.details(t), "| What to do | Do this. "+test.want+" |")
				w.CancelWorkflow()
			}, time.Minute)
			r := request()
			r.Token, r.OnBlocked = test.token, migrationlink.WaitWhenBlocked
			w.link(r)
			require.True(t, temporal.IsCanceledError(w.GetWorkflowError()))
		})
	}
}

// The words of a manager may end with a full stop; more follows.
func TestAFailureIsToldInWholeSentences(t *testing.T) {
	t.Parallel()
	w := newAtlasWorld(t, func(int, activities.CreateLinkInput) (activities.CreateLinkResult, error) {
		return activities.CreateLinkResult{}, refusedWith(migrationlink.Problem{
			Type: migrationlink.ErrAccessListRefused, Message: "HTTP 403: not allowed from this IP address.", Remedy: "Add 127.0.0.1."})
	})
	w.onToken()
	w.link(atlasRequest())
	_, result := w.failure(t)
	const deletion = "To delete what is left in Atlas, run 'atlas liveMigrations link delete' for the target organization, but only if it has no other link"
	require.Equal(t, "HTTP 403: not allowed from this IP address; the link-token made for this request is left in Atlas", result.Problem.Message)
	require.Contains(t, result.Problem.Remedy, "Add 127.0.0.1. Then start it again. "+deletion)
	require.ErrorContains(t, w.GetWorkflowError(), "is left in Atlas. Add 127.0.0.1.")
	require.Equal(t, 1, result.Atlas.TokensLeft)
	require.Contains(t, w.details(t), "link delete")
}

func TestATimeOutNamesTheLimitThatWasReached(t *testing.T) {
	t.Parallel()
	const create, sync = "set createTimeout (--create-timeout), or extend", "set syncTimeout (--sync-timeout), or extend"
	for want, link := range map[string]func(int, activities.CreateLinkInput) (activities.CreateLinkResult, error){
		create: func(int, activities.CreateLinkInput) (activities.CreateLinkResult, error) {
			return activities.CreateLinkResult{}, applicationError(migrationlink.ErrManagerUnavailable, false)
		},
		sync: linkSynced,
	} {
		w := newAtlasWorld(t, link)
		w.onToken()
		if want == sync {
			w.onVerify(func(int) (activities.VerifyInAtlasResult, error) {
				return activities.VerifyInAtlasResult{}, applicationError(migrationlink.ErrNotInAtlas, true)
			})
		}
		r := atlasRequest()
		r.VerifyInAtlas, r.Undo = true, migrationlink.UndoNever
		w.link(r)
		_, result := w.failure(t)
		require.Equal(t, migrationlink.OutcomeTimedOut, result.Outcome)
		require.Contains(t, result.Problem.Remedy, want)
	}
}

func linkSynced(int, activities.CreateLinkInput) (activities.CreateLinkResult, error) {
	return created("SYNCED")
}
