package e2e_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"

	"github.com/migrationlink/migrationlink"
	"github.com/migrationlink/migrationlink/opsmanager/opsmanagertest"
)

// joint is a manager with its Atlas: the manager accepts only link-tokens of that
// Atlas.
type joint struct {
	*system
	manager *opsmanagertest.Server
	config  string
	worker  *process
}

func newJoint(t *testing.T, more ...string) *joint {
	t.Helper()
	j := &joint{system: newSystem(t), manager: opsmanagertest.NewServer(opsmanagertest.Options{Joint: true, SyncDelay: time.Second})}
	t.Cleanup(j.manager.Close)
	newIdentity(t, filepath.Join(j.dir, "own"))
	j.config = fmt.Sprintf(`
[tokens]
identities = ["file:%[1]s/own"]
[managers.demo]
base_url    = %[2]q
public_key  = "env:DEMO_PUBLIC_KEY"
private_key = "env:DEMO_PRIVATE_KEY"
[atlas.keys]
base_url    = %[2]q
public_key  = "env:DEMO_ATLAS_PUBLIC_KEY"
private_key = "env:DEMO_ATLAS_PRIVATE_KEY"
[atlas.account]
base_url      = %[2]q
client_id     = "env:CLIENT_ID"
client_secret = "env:CLIENT_SECRET"
`, j.dir, j.manager.URL) + strings.Join(more, "")
	j.startWorker()
	return j
}

func (j *joint) startWorker() {
	j.t.Helper()
	j.worker, _ = j.workerFrom(j.config, "CLIENT_ID="+opsmanagertest.DefaultAtlasClientID, "CLIENT_SECRET="+opsmanagertest.DefaultAtlasClientSecret)
}

func (j *joint) atlas(org string) opsmanagertest.AtlasOrgState {
	return j.manager.State().Atlas.Orgs[org]
}

// attempts returns the attempts of a running activity.
func (j *joint) attempts(run client.WorkflowRun, activityType string) (attempts int32) {
	described, err := j.temporal.DescribeWorkflowExecution(j.t.Context(), run.GetID(), run.GetRunID())
	require.NoError(j.t, err)
	for _, pending := range described.GetPendingActivities() {
		if pending.GetActivityType().GetName() == activityType {
			attempts = pending.GetAttempt()
		}
	}
	return attempts
}

// withoutProjects returns what was done in Atlas. The link was seen there, too.
func withoutProjects(t *testing.T, result migrationlink.LinkResult) migrationlink.AtlasResult {
	t.Helper()
	require.Equal(t, migrationlink.TargetVerified, result.Target)
	require.Len(t, result.Atlas.ProjectIDs, 2)
	return migrationlink.AtlasResult{
		TokenCreated: result.Atlas.TokenCreated, TokenDeleted: result.Atlas.TokenDeleted,
		TokenInDoubt: result.Atlas.TokenInDoubt, TokensLeft: result.Atlas.TokensLeft,
	}
}

func TestALinkTokenIsCreatedInAtlasAndTheLinkIsVerifiedThere(t *testing.T) {
	t.Parallel()
	j := newJoint(t)
	for _, name := range []string{"keys", "account"} {
		org, target := newOrg(), newOrg()
		done := j.starter("link", "--manager", "demo", "--org", org, "--atlas", name, "--atlas-org", target, "--access-list-ip", "203.0.113.7", "--verify-in-atlas")
		require.Zero(t, done.code, done.stderr)
		require.Contains(t, done.stdout+done.stderr, "2 of 2 projects")
		require.Equal(t, 1, j.manager.State().Orgs[org].EffectivePosts)
		require.Equal(t, 1, j.atlas(target).LinkTokensMade)
		require.Equal(t, 2, j.atlas(target).AvailableProjects)

		// The organization is linked already, so no link-token is created.
		again := j.starter("link", "--manager", "demo", "--org", org, "--atlas", name, "--atlas-org", target)
		require.Zero(t, again.code, again.stderr)
		require.Equal(t, 1, j.atlas(target).LinkTokensMade)
	}
}

func TestTheUndoDeletesTheLinkTokenOnlyWhenAsked(t *testing.T) {
	t.Parallel()
	j := newJoint(t)
	for _, asked := range []bool{false, true} {
		org, target := newOrg(), newOrg()
		require.NoError(t, j.manager.SetOrg(org, opsmanagertest.OrgSettings{Sync: opsmanagertest.SyncNever}))
		run := j.begin(org, func(r *migrationlink.LinkRequest) {
			r.Token = migrationlink.TokenSource{Atlas: &migrationlink.AtlasToken{Name: "keys", OrgID: target}}
			r.DeleteTokenOnUndo = asked
		})
		j.waitForPhase(run, migrationlink.PhaseSyncing)
		require.Len(t, j.atlas(target).LinkTokens, 1)
		require.NoError(t, j.temporal.CancelWorkflow(t.Context(), run.GetID(), ""))
		requireCancelled(t, run)
		result := j.status(run).Result
		require.True(t, result.Removed)
		left := map[bool]int{false: 1}[asked]
		require.Equal(t, &migrationlink.AtlasResult{TokenCreated: true, TokenDeleted: asked, TokensLeft: left}, result.Atlas)
		require.Equal(t, opsmanagertest.StatusNone, j.manager.State().Orgs[org].LinkStatus)
		require.Equal(t, !asked, len(j.atlas(target).LinkTokens) == 1)
	}
}

// A retry does not wait for the attempts in progress: the delay is up to 45 s, and the
// Atlas of the request may not come back.
func TestARetryEndsTheAttemptsToReachAnUnresponsiveAtlas(t *testing.T) {
	t.Parallel()
	j := newJoint(t, `
[atlas.down]
base_url    = "http://127.0.0.1:1"
public_key  = "env:DEMO_ATLAS_PUBLIC_KEY"
private_key = "env:DEMO_ATLAS_PRIVATE_KEY"
`)
	org, target := newOrg(), newOrg()
	down := migrationlink.TokenSource{Atlas: &migrationlink.AtlasToken{Name: "down", OrgID: target}}
	run := j.begin(org, func(r *migrationlink.LinkRequest) { r.Token = down })
	j.eventually(func() bool { return j.attempts(run, migrationlink.CreateLinkTokenActivity) > 1 })
	done := j.starter("retry", "--manager", "demo", "--org", org, "--atlas", "keys", "--atlas-org", target)
	require.Zero(t, done.code, done.stderr)
	var result migrationlink.LinkResult
	require.NoError(t, run.Get(t.Context(), &result))
	require.Equal(t, migrationlink.AtlasResult{TokenCreated: true}, withoutProjects(t, result))
	require.Equal(t, 1, j.atlas(target).LinkTokensMade)

	// The same holds for the verification, here of the link that exists by now.
	run = j.begin(org, func(r *migrationlink.LinkRequest) { r.Token, r.VerifyInAtlas = down, true })
	j.eventually(func() bool { return j.attempts(run, migrationlink.VerifyInAtlasActivity) > 1 })
	done = j.starter("retry", "--manager", "demo", "--org", org, "--atlas", "keys", "--atlas-org", target)
	require.Zero(t, done.code, done.stderr)
	require.NoError(t, run.Get(t.Context(), &result))
	require.NotZero(t, result.Atlas.VerifiedAt)
}

// The worker dies after the link-token was created, and again during the call that
// creates it.
func TestAWorkerKilledAfterCreatingALinkTokenCreatesNoSecondOne(t *testing.T) {
	t.Parallel()
	j := newJoint(t)
	org, target := newOrg(), newOrg()
	require.NoError(t, j.manager.SetFaults(opsmanagertest.Faults{{Kind: opsmanagertest.Unavailable, Operation: opsmanagertest.CreateLink, OrgID: org}}))
	run := j.begin(org, func(r *migrationlink.LinkRequest) {
		r.Token, r.SettleTime = migrationlink.TokenSource{Atlas: &migrationlink.AtlasToken{Name: "keys", OrgID: target}}, "3s"
	})
	j.eventually(func() bool { return j.manager.State().Orgs[org].Posts > 0 })
	j.worker.kill()
	require.NoError(t, j.manager.SetFaults(nil))
	j.startWorker()
	require.NoError(t, run.Get(t.Context(), nil))
	require.Equal(t, 1, j.atlas(target).LinkTokensMade)
	require.Equal(t, 1, j.manager.State().Orgs[org].EffectivePosts)

	org, target = newOrg(), newOrg()
	require.NoError(t, j.manager.SetFaults(opsmanagertest.Faults{{
		Kind: opsmanagertest.StallAfter, Operation: opsmanagertest.CreateLinkToken, OrgID: target, Count: 1,
	}}))
	run = j.begin(org, func(r *migrationlink.LinkRequest) {
		r.Token = migrationlink.TokenSource{Atlas: &migrationlink.AtlasToken{Name: "keys", OrgID: target}}
	})
	j.eventually(func() bool { return j.atlas(target).LinkTokensMade == 1 })
	j.worker.kill()
	j.startWorker()
	var result migrationlink.LinkResult
	require.NoError(t, run.Get(t.Context(), &result))
	require.Equal(t, migrationlink.AtlasResult{TokenCreated: true, TokenInDoubt: true}, withoutProjects(t, result), "the first one is lost, and that is said")
	require.Equal(t, 2, j.atlas(target).LinkTokensMade)
	require.Equal(t, 1, j.manager.State().Orgs[org].EffectivePosts)
}
