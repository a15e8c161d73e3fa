package assess_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"

	"github.com/migrationlink/migrationlink"
	"github.com/migrationlink/migrationlink/activities"
	"github.com/migrationlink/migrationlink/workflows"
)

const orgID = "5f1b2c3d4e5f6a7b8c9d0e1f"

// newWorld is a worker whose check of a manager answers known.
func newWorld(t *testing.T, known error) *testsuite.TestWorkflowEnvironment {
	t.Helper()
	var suite testsuite.WorkflowTestSuite
	w := suite.NewTestWorkflowEnvironment()
	a := activities.New(activities.Clients{})
	workflows.Register(w, a)
	activities.Register(w, a)
	w.OnActivity(migrationlink.CheckManagerActivity, mock.Anything, "demo").Return(known).Maybe()
	return w
}

var request = migrationlink.AssessRequest{Manager: "demo", OrgID: orgID}

func TestAnAssessmentThatNoWorkerTookIsUnknown(t *testing.T) {
	t.Parallel()
	for message, err := range map[string]error{
		`no worker took the call to manager "demo" within 1m0s`:         temporal.NewTimeoutError(enumspb.TIMEOUT_TYPE_SCHEDULE_TO_START, nil),
		`the worker that called manager "demo" did not report in time`:  temporal.NewTimeoutError(enumspb.TIMEOUT_TYPE_START_TO_CLOSE, nil),
		`the worker that called manager "demo" did not report in time `: temporal.NewHeartbeatTimeoutError(),
	} {
		w := newWorld(t, nil)
		w.SetTestTimeout(time.Minute)
		w.OnActivity(migrationlink.AssessActivity, mock.Anything, request).Return(migrationlink.Assessment{}, err)
		w.ExecuteWorkflow(migrationlink.AssessWorkflow, request)
		var found migrationlink.Assessment
		require.NoError(t, w.GetWorkflowResult(&found))
		require.Equal(t, migrationlink.VerdictUnknown, found.Verdict)
		require.Equal(t, orgID, found.OrgID)
		require.Equal(t, migrationlink.ErrWorkerUnavailable, found.Problem.Type)
		require.Contains(t, message, found.Problem.Message)
		require.NotEmpty(t, found.Problem.Remedy)
	}
}

func TestARequestThatCannotBeCarriedOutIsRefusedBeforeAnyCall(t *testing.T) {
	t.Parallel()
	unknown := temporal.NewNonRetryableApplicationError("manager: no worker has it", migrationlink.ErrUnknownManager, nil)
	for name, test := range map[string]struct {
		workflow string
		request  any
		known    error
		want     string
		fields   []string
	}{
		"assessment":                  {migrationlink.AssessWorkflow, migrationlink.AssessRequest{Manager: "Demo", OrgID: "x"}, nil, migrationlink.ErrInvalidRequest, []string{"manager", "orgId"}},
		"assessment with half Atlas":  {migrationlink.AssessWorkflow, migrationlink.AssessRequest{Manager: "demo", OrgID: orgID, Atlas: "demo"}, nil, migrationlink.ErrInvalidRequest, []string{"atlasOrgId"}},
		"organizations":               {migrationlink.OrganizationsWorkflow, migrationlink.OrganizationsRequest{Manager: "demo"}, nil, migrationlink.ErrInvalidRequest, []string{"page"}},
		"projects":                    {migrationlink.ProjectsWorkflow, migrationlink.ProjectsRequest{Manager: "demo", OrgID: orgID}, nil, migrationlink.ErrInvalidRequest, []string{"atlas", "atlasOrgId"}},
		"assessment, too long":        {migrationlink.AssessWorkflow, map[string]string{"manager": strings.Repeat("m", 1_000_000)}, nil, migrationlink.ErrInvalidRequest, []string{"request"}},
		"organizations, no number":    {migrationlink.OrganizationsWorkflow, map[string]string{"page": "1"}, nil, migrationlink.ErrInvalidRequest, []string{"page"}},
		"organizations, too high":     {migrationlink.OrganizationsWorkflow, map[string]float64{"page": 1e30}, nil, migrationlink.ErrInvalidRequest, []string{"page"}},
		"projects, too long":          {migrationlink.ProjectsWorkflow, map[string]string{"manager": strings.Repeat("m", 1_000_000)}, nil, migrationlink.ErrInvalidRequest, []string{"request"}},
		"a manager that nobody knows": {migrationlink.AssessWorkflow, request, unknown, migrationlink.ErrUnknownManager, nil},
		"organizations of such a one": {migrationlink.OrganizationsWorkflow, migrationlink.OrganizationsRequest{Manager: "demo", Page: 1}, unknown, migrationlink.ErrUnknownManager, nil},
	} {
		w := newWorld(t, test.known)
		w.ExecuteWorkflow(test.workflow, test.request)
		var failed *temporal.ApplicationError
		require.ErrorAs(t, w.GetWorkflowError(), &failed, name)
		require.Equal(t, test.want, failed.Type(), name)
		var fields []string
		for _, field := range migrationlink.FieldsOf(failed) {
			fields = append(fields, field.Field)
		}
		require.Equal(t, test.fields, fields, name)
		require.NotContains(t, failed.Message(), "is ;", name)
		require.Less(t, len(failed.Message()), 400, name)
	}
}

func TestABusyWorkerFailsNoRequest(t *testing.T) {
	t.Parallel()
	w := newWorld(t, temporal.NewTimeoutError(enumspb.TIMEOUT_TYPE_SCHEDULE_TO_CLOSE, nil))
	w.OnActivity(migrationlink.AssessActivity, mock.Anything, request).Return(migrationlink.Assessment{Verdict: migrationlink.VerdictReady}, nil)
	w.ExecuteWorkflow(migrationlink.AssessWorkflow, request)
	var found migrationlink.Assessment
	require.NoError(t, w.GetWorkflowResult(&found))
	require.Equal(t, migrationlink.VerdictReady, found.Verdict)
}
