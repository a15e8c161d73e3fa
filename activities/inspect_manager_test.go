package activities_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/testsuite"

	"github.com/migrationlink/migrationlink"
	"github.com/migrationlink/migrationlink/activities"
	"github.com/migrationlink/migrationlink/atlas"
	"github.com/migrationlink/migrationlink/internal/seal"
	"github.com/migrationlink/migrationlink/opsmanager"
	"github.com/migrationlink/migrationlink/opsmanager/opsmanagertest"
	"github.com/migrationlink/migrationlink/redact"
)

const inspectKey = "private-canary-7d1e"

// inspect has a worker with this key call the manager.
func inspect(t *testing.T, config opsmanager.Config, orgID string) migrationlink.ManagerInspection {
	t.Helper()
	config.Timeout = 2 * time.Second
	client, err := opsmanager.New(config)
	require.NoError(t, err)
	t.Cleanup(client.Close)
	var found migrationlink.ManagerInspection
	inspected(t, activities.Clients{Managers: map[string]*opsmanager.Client{"demo": client}},
		migrationlink.InspectManagerActivity, activities.Target{Manager: "demo", OrgID: orgID}, &found)
	require.Equal(t, "demo", found.Name)
	requireInspection(t, found.WorkerVersion, found.Problem)
	return found
}

// inspected reads what a worker with these clients finds.
func inspected(t *testing.T, clients activities.Clients, activityType string, asked, found any) {
	t.Helper()
	var suite testsuite.WorkflowTestSuite
	environment := suite.NewTestActivityEnvironment()
	activities.Register(environment, activities.New(clients))
	value, err := environment.ExecuteActivity(activityType, asked)
	require.NoError(t, err, "a problem is a result")
	require.NoError(t, value.Get(found))
}

// requireInspection is what holds for each.
func requireInspection(t *testing.T, workerVersion string, problem *migrationlink.Problem) {
	t.Helper()
	require.NotEmpty(t, workerVersion)
	if problem != nil {
		require.NotEmpty(t, problem.Remedy)
		require.NotContains(t, problem.Message+problem.Remedy, inspectKey)
	}
}

func TestAnInspectionTriesTheKeyAndWithAnOrganizationItsRole(t *testing.T) {
	t.Parallel()

	for name, test := range map[string]struct {
		refusal string
		orgID   string
		key     bool
		role    bool
		problem string
	}{
		"no organization":                     {key: true},
		"no organization, as it is not known": {refusal: opsmanagertest.RefusedOrg, key: true},
		"no organization, no role there":      {refusal: opsmanagertest.RefusedRole, key: true},
		"no organization, access list":        {refusal: opsmanagertest.RefusedAddress, problem: migrationlink.ErrAccessListRefused},
		"no organization, suspended":          {refusal: opsmanagertest.RefusedSuspended, key: true, problem: migrationlink.ErrAccountSuspended},
		"organization":                        {orgID: orgID, key: true, role: true},
		"organization, no role":               {refusal: opsmanagertest.RefusedRole, orgID: orgID, key: true, problem: migrationlink.ErrRoleMissing},
		"organization, not known":             {refusal: opsmanagertest.RefusedOrg, orgID: orgID, key: true, problem: migrationlink.ErrOrgNotFound},
		"organization, access list":           {refusal: opsmanagertest.RefusedAddress, orgID: orgID, problem: migrationlink.ErrAccessListRefused},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := opsmanagertest.NewServer(opsmanagertest.Options{PrivateKey: inspectKey, Defaults: opsmanagertest.OrgSettings{Refusal: test.refusal}})
			t.Cleanup(server.Close)
			found := inspect(t, opsmanager.Config{BaseURL: server.URL, PublicKey: opsmanagertest.DefaultPublicKey, PrivateKey: redact.NewSecret(inspectKey)}, test.orgID)
			require.Equal(t, test.key, found.KeyAccepted)
			require.Equal(t, test.role, found.RoleChecked)
			require.Equal(t, test.role, found.LinkStatus == migrationlink.LinkNone)
			require.Equal(t, test.problem != "", found.Problem != nil)
			if found.Problem != nil {
				require.Equal(t, test.problem, found.Problem.Type)
			}
		})
	}
}

func TestAManagerThatRefusesTheKeyIsAProblem(t *testing.T) {
	t.Parallel()
	manager := opsmanagertest.NewServer(opsmanagertest.Options{PrivateKey: inspectKey})
	t.Cleanup(manager.Close)
	secure := httptest.NewTLSServer(manager)
	t.Cleanup(secure.Close)
	web := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(web.Close)
	cloud := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-Error-Code", "RESOURCE_NOT_FOUND")
		w.WriteHeader(http.StatusNotFound)
	}))
	t.Cleanup(cloud.Close)
	for name, test := range map[string]struct {
		url, key, problem string
	}{
		"wrong key":                {manager.URL, "other-" + inspectKey, migrationlink.ErrKeyRejected},
		"unknown certificate":      {secure.URL, inspectKey, migrationlink.ErrCertificateInvalid},
		"nobody listens":           {"http://127.0.0.1:1", inspectKey, migrationlink.ErrManagerUnavailable},
		"a web server":             {web.URL, inspectKey, migrationlink.ErrWrongAPI},
		"another API of MongoDB's": {cloud.URL, inspectKey, migrationlink.ErrWrongAPI},
	} {
		for with, org := range map[string]string{"": "", ", with organization": orgID} {
			t.Run(name+with, func(t *testing.T) {
				t.Parallel()
				found := inspect(t, opsmanager.Config{BaseURL: test.url, PublicKey: opsmanagertest.DefaultPublicKey, PrivateKey: redact.NewSecret(test.key)}, org)
				require.False(t, found.KeyAccepted)
				require.False(t, found.RoleChecked)
				require.NotNil(t, found.Problem)
				require.Equal(t, test.problem, found.Problem.Type)
			})
		}
	}
}

func TestKnownManagersAreSortedAndAnUnknownOneIsRefused(t *testing.T) {
	t.Parallel()
	a := activities.New(activities.Clients{Managers: map[string]*opsmanager.Client{"prod": nil, "demo": nil}})
	known, err := a.KnownManagers(context.Background(), "")
	require.NoError(t, err)
	require.Equal(t, []string{"demo", "prod"}, known.Managers)
	_, err = a.KnownManagers(context.Background(), "prod")
	require.NoError(t, err)
	_, err = a.KnownManagers(context.Background(), "other")
	require.Contains(t, requireType(t, err, migrationlink.ErrUnknownManager).Message(), "known are: demo, prod")
}

func TestAWorkerListsItsRecipients(t *testing.T) {
	t.Parallel()
	first, recipient, err := seal.GenerateIdentity(false)
	require.NoError(t, err)
	second, other, err := seal.GenerateIdentity(true)
	require.NoError(t, err)
	identities, err := seal.ParseIdentities(first, second)
	require.NoError(t, err)
	known, err := activities.New(activities.Clients{Atlas: map[string]*atlas.Client{"prod": nil, "dev": nil}, Identities: identities}).
		KnownManagers(context.Background(), "")
	require.NoError(t, err)
	require.Equal(t, []string{"dev", "prod"}, known.Atlas)
	require.Equal(t, []string{recipient.String(), other.String()}, known.Recipients)
}

func TestANameThatIsNoneIsNotRepeated(t *testing.T) {
	t.Parallel()
	const secret = "S3cret+Token/"
	_, err := activities.New(activities.Clients{}).KnownManagers(t.Context(), secret)
	require.ErrorContains(t, err, "not a valid name")
	require.NotContains(t, err.Error(), secret)
}
