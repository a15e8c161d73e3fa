package activities_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"

	"github.com/migrationlink/migrationlink"
	"github.com/migrationlink/migrationlink/activities"
	"github.com/migrationlink/migrationlink/atlas"
	"github.com/migrationlink/migrationlink/opsmanager"
	"github.com/migrationlink/migrationlink/opsmanager/opsmanagertest"
	"github.com/migrationlink/migrationlink/redact"
)

// assess runs the activity once, as its last attempt or not.
func assess(t *testing.T, server *opsmanagertest.Server, in migrationlink.AssessRequest) (found migrationlink.Assessment, _ error) {
	t.Helper()
	manager, err := opsmanager.New(opsmanager.Config{BaseURL: server.URL, PublicKey: opsmanagertest.DefaultPublicKey, PrivateKey: redact.NewSecret(opsmanagertest.DefaultPrivateKey)})
	require.NoError(t, err)
	t.Cleanup(manager.Close)
	target, err := atlas.New(atlas.Config{BaseURL: server.URL, PublicKey: opsmanagertest.DefaultAtlasPublicKey, PrivateKey: redact.NewSecret(opsmanagertest.DefaultAtlasPrivateKey)})
	require.NoError(t, err)
	t.Cleanup(target.Close)
	var suite testsuite.WorkflowTestSuite
	environment := suite.NewTestActivityEnvironment()
	activities.Register(environment, activities.New(activities.Clients{
		Managers: map[string]*opsmanager.Client{"demo": manager}, Atlas: map[string]*atlas.Client{"demo": target},
	}))
	value, err := environment.ExecuteActivity(migrationlink.AssessActivity, in)
	if err != nil {
		return found, err
	}
	return found, value.Get(&found)
}

func TestAnAssessmentStopsAtItsBoundsAndJudgesNothingThatItHasNotSeen(t *testing.T) {
	t.Parallel()
	server := opsmanagertest.NewServer(opsmanagertest.Options{})
	t.Cleanup(server.Close)
	in := migrationlink.AssessRequest{Manager: "demo", OrgID: orgID}
	useless := []opsmanagertest.Deployment{{Versions: []string{"7.0.13"}, Hosts: 1}}
	require.NoError(t, server.SetOrg(orgID, opsmanagertest.OrgSettings{Projects: new(1001), Deployments: useless}))
	found, err := assess(t, server, in)
	require.NoError(t, err)
	require.Equal(t, migrationlink.VerdictUnknown, found.Verdict, "the last project may be ready")
	require.Equal(t, migrationlink.ErrTooLarge, found.Problem.Type)
	require.Equal(t, 1000, found.Useless)
	require.Len(t, found.Deployments, 100)
	require.Equal(t, 1000, server.State().Orgs[orgID].HostReads)

	require.NoError(t, server.SetOrg(orgID, opsmanagertest.OrgSettings{Projects: new(2), Deployments: useless}))
	require.NoError(t, server.SetFaults(opsmanagertest.Faults{{Kind: opsmanagertest.OtherError, Status: 403, ErrorCode: "FEATURE_UNSUPPORTED", Operation: opsmanagertest.ReadHosts, Every: 2}}))
	found, err = assess(t, server, in)
	require.NoError(t, err)
	require.Equal(t, migrationlink.ErrForbidden, found.Problem.Type)
	require.Equal(t, migrationlink.VerdictUnknown, found.Verdict)
	require.Equal(t, 1, found.Useless, "what was read is assessed all the same")
}

func TestAnAssessmentTriesAgainWhatMayPass(t *testing.T) {
	t.Parallel()
	server := opsmanagertest.NewServer(opsmanagertest.Options{})
	t.Cleanup(server.Close)
	require.NoError(t, server.SetFaults(opsmanagertest.Faults{{Kind: opsmanagertest.TooManyRequests, Operation: opsmanagertest.ReadHosts, RetryAfter: opsmanagertest.After(7e9)}}))
	_, err := assess(t, server, migrationlink.AssessRequest{Manager: "demo", OrgID: orgID})
	var failed *temporal.ApplicationError
	require.ErrorAs(t, err, &failed)
	require.False(t, failed.NonRetryable())
	require.Equal(t, 7.0, failed.NextRetryDelay().Seconds())
}

// What only Atlas does not say leaves the verdict as it is.
func TestAnAtlasThatRefusesLeavesTheVerdict(t *testing.T) {
	t.Parallel()
	const target = "6a1b2c3d4e5f6a7b8c9d0e1f"
	server := opsmanagertest.NewServer(opsmanagertest.Options{})
	t.Cleanup(server.Close)
	require.NoError(t, server.SetOrg(orgID, opsmanagertest.OrgSettings{Deployments: []opsmanagertest.Deployment{{Versions: []string{"7.0.13"}}}}))
	in := migrationlink.AssessRequest{Manager: "demo", OrgID: orgID, Atlas: "demo", AtlasOrgID: target}
	found, err := assess(t, server, in)
	require.NoError(t, err)
	require.Equal(t, 0, *found.ProjectsInAtlas)
	require.NoError(t, server.SetOrg(target, opsmanagertest.OrgSettings{Refusal: opsmanagertest.RefusedAddress}))
	found, err = assess(t, server, in)
	require.NoError(t, err)
	require.Nil(t, found.ProjectsInAtlas)
	require.Equal(t, migrationlink.ErrAccessListRefused, found.Problem.Type)
	require.Equal(t, migrationlink.VerdictUseless, found.Verdict)
}
