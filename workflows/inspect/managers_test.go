package inspect_test

import (
	"context"
	"strings"
	"testing"

	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"

	"github.com/migrationlink/migrationlink"
	"github.com/migrationlink/migrationlink/activities"
	"github.com/migrationlink/migrationlink/workflows"
)

const (
	orgID  = "5f1b2c3d4e5f6a7b8c9d0e1f"
	secret = "S3cret+Token/"
)

// knowing is a worker whose managers answer as in the function.
func knowing(t *testing.T, answer func(activities.Target) (migrationlink.ManagerInspection, error)) *world {
	t.Helper()
	w := newWorld(t)
	w.OnActivity(migrationlink.KnownManagersActivity, mock.Anything, mock.Anything).
		Return(activities.Known{Version: "v1", Managers: []string{"demo", "prod"}}, nil)
	if answer != nil {
		w.OnActivity(migrationlink.InspectManagerActivity, mock.Anything, mock.Anything).Return(
			func(_ context.Context, target activities.Target) (migrationlink.ManagerInspection, error) {
				return answer(target)
			})
	}
	return w
}

// knowingAtlas is one that knows two Atlas as well.
func knowingAtlas(t *testing.T, answer func(migrationlink.AtlasToken) (migrationlink.AtlasInspection, error)) *world {
	t.Helper()
	w := newWorld(t)
	w.OnActivity(migrationlink.KnownManagersActivity, mock.Anything, mock.Anything).
		Return(activities.Known{Version: "v1", Managers: []string{"demo"}, Atlas: []string{"eu", "us"}}, nil)
	w.OnActivity(migrationlink.InspectManagerActivity, mock.Anything, mock.Anything).Return(
		func(_ context.Context, target activities.Target) (migrationlink.ManagerInspection, error) {
			return accepted(target)
		}).Maybe()
	if answer != nil {
		w.OnActivity(migrationlink.InspectAtlasActivity, mock.Anything, mock.Anything).Return(
			func(ctx context.Context, asked migrationlink.AtlasToken) (migrationlink.AtlasInspection, error) {
				require.Equal(t, migrationlink.ManagerTaskQueue("demo"), activity.GetInfo(ctx).TaskQueue)
				return answer(asked)
			})
	}
	return w
}

func letIn(asked migrationlink.AtlasToken) (migrationlink.AtlasInspection, error) {
	return migrationlink.AtlasInspection{Name: asked.Name, WorkerVersion: "v2", KeyAccepted: true, RoleChecked: asked.OrgID == orgID}, nil
}

func (w *world) inspect(t *testing.T, request migrationlink.InspectRequest) migrationlink.Inspection {
	t.Helper()
	w.ExecuteWorkflow(migrationlink.InspectWorkflow, request)
	var inspection migrationlink.Inspection
	require.NoError(t, w.GetWorkflowResult(&inspection))
	require.Equal(t, "v1", inspection.WorkerVersion)
	return inspection
}

func accepted(target activities.Target) (migrationlink.ManagerInspection, error) {
	return migrationlink.ManagerInspection{Name: target.Manager, WorkerVersion: "v2", KeyAccepted: true, RoleChecked: target.OrgID != ""}, nil
}

func TestInspectNamesTheManagersAndCallsThemOnlyWhenAsked(t *testing.T) {
	t.Parallel()
	require.Equal(t, []migrationlink.ManagerInspection{{Name: "demo"}, {Name: "prod"}},
		knowing(t, nil).inspect(t, migrationlink.InspectRequest{}).Managers)
	require.Equal(t, []migrationlink.ManagerInspection{
		{Name: "demo", WorkerVersion: "v2", KeyAccepted: true}, {Name: "prod", WorkerVersion: "v2", KeyAccepted: true},
	}, knowing(t, accepted).inspect(t, migrationlink.InspectRequest{Call: true}).Managers)
	require.Equal(t, []migrationlink.ManagerInspection{
		{Name: "prod", WorkerVersion: "v2", KeyAccepted: true, RoleChecked: true},
	}, knowing(t, accepted).inspect(t, migrationlink.InspectRequest{Call: true, Manager: "prod", OrgID: orgID}).Managers)
}

func TestInspectNamesEachAtlasAndCallsItOnlyWhenAsked(t *testing.T) {
	t.Parallel()
	require.Equal(t, []migrationlink.AtlasInspection{{Name: "eu"}, {Name: "us"}},
		knowingAtlas(t, nil).inspect(t, migrationlink.InspectRequest{}).Atlas)
	called := knowingAtlas(t, letIn).inspect(t, migrationlink.InspectRequest{Call: true, OrgID: "0123456789abcdef01234567"})
	require.Equal(t, []migrationlink.AtlasInspection{
		{Name: "eu", WorkerVersion: "v2", KeyAccepted: true}, {Name: "us", WorkerVersion: "v2", KeyAccepted: true},
	}, called.Atlas)
	require.True(t, called.Managers[0].KeyAccepted)
	require.Equal(t, []migrationlink.AtlasInspection{{Name: "us", WorkerVersion: "v2", KeyAccepted: true, RoleChecked: true}},
		knowingAtlas(t, letIn).inspect(t, migrationlink.InspectRequest{Call: true, Atlas: "us", AtlasOrgID: orgID}).Atlas)
	require.Empty(t, knowingAtlas(t, nil).inspect(t, migrationlink.InspectRequest{Call: true, Atlas: "other"}).Atlas)
}

func TestInspectTellsOfAnAtlasThatNoWorkerHasCalled(t *testing.T) {
	t.Parallel()
	for says, err := range map[string]error{
		`no worker took the call to Atlas "us" within 5s`:  temporal.NewTimeoutError(enumspb.TIMEOUT_TYPE_SCHEDULE_TO_START, nil),
		`the worker that called Atlas "us" did not report`: temporal.NewTimeoutError(enumspb.TIMEOUT_TYPE_START_TO_CLOSE, nil),
		"the worker does not have it":                      temporal.NewNonRetryableApplicationError("token.atlas.name: the worker does not have it", migrationlink.ErrUnknownAtlas, nil),
	} {
		t.Run(says, func(t *testing.T) {
			t.Parallel()
			all := knowingAtlas(t, func(asked migrationlink.AtlasToken) (migrationlink.AtlasInspection, error) {
				if asked.Name == "us" {
					return migrationlink.AtlasInspection{}, err
				}
				return letIn(asked)
			}).inspect(t, migrationlink.InspectRequest{Call: true}).Atlas
			require.True(t, all[0].KeyAccepted)
			require.Equal(t, "us", all[1].Name)
			require.True(t, strings.HasPrefix(all[1].Problem.Message, says), all[1].Problem.Message)
			require.Contains(t, all[1].Problem.Remedy, "orker")
		})
	}
}

func TestInspectTellsOfAManagerWhoseWorkersAreGone(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		err  error
		says string
	}{
		"nobody polls": {temporal.NewTimeoutError(enumspb.TIMEOUT_TYPE_SCHEDULE_TO_START, nil), `no worker took the call to manager "prod" within 5s`},
		"ended":        {temporal.NewTimeoutError(enumspb.TIMEOUT_TYPE_START_TO_CLOSE, nil), "did not report within 30s"},
		"not known":    {temporal.NewNonRetryableApplicationError("no worker has it", migrationlink.ErrUnknownManager, nil), "no worker has it"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			managers := knowing(t, func(target activities.Target) (migrationlink.ManagerInspection, error) {
				if target.Manager == "prod" {
					return migrationlink.ManagerInspection{}, test.err
				}
				return accepted(target)
			}).inspect(t, migrationlink.InspectRequest{Call: true}).Managers
			require.Nil(t, managers[0].Problem)
			require.True(t, managers[0].KeyAccepted)
			require.Equal(t, "prod", managers[1].Name)
			require.Contains(t, managers[1].Problem.Message, test.says)
			require.NotEmpty(t, managers[1].Problem.Remedy)
		})
	}
}

func TestInspectRefusesWhatNoWorkerCanAnswer(t *testing.T) {
	t.Parallel()
	for says, request := range map[string]migrationlink.InspectRequest{
		migrationlink.ErrUnknownManager + ": ":                              {Manager: "other", Call: true},
		migrationlink.ErrInvalidRequest + ": invalid request: manager: ":    {Manager: secret, Call: true},
		migrationlink.ErrInvalidRequest + ": invalid request: orgId: ":      {OrgID: secret, Call: true},
		migrationlink.ErrInvalidRequest + ": invalid request: atlas: ":      {Atlas: secret, Call: true},
		migrationlink.ErrInvalidRequest + ": invalid request: atlasOrgId: ": {AtlasOrgID: secret, Call: true},
	} {
		t.Run(says, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.ExecuteWorkflow(migrationlink.InspectWorkflow, request)
			var failed *temporal.ApplicationError
			require.ErrorAs(t, w.GetWorkflowError(), &failed)
			require.True(t, strings.HasPrefix(failed.Type()+": "+failed.Message(), says), failed.Message())
			require.True(t, failed.NonRetryable())
			require.NotContains(t, failed.Message(), secret)
			require.Equal(t, failed.Type() == migrationlink.ErrInvalidRequest, len(migrationlink.FieldsOf(failed)) == 1)
		})
	}
}

func TestAnInspectionReadsNoMoreThanARequestMayHave(t *testing.T) {
	t.Parallel()
	for says, request := range map[string]any{
		"request: is 1000014 bytes long": map[string]string{"manager": strings.Repeat("m", 1_000_000)},
		"call: is a text; write true":    map[string]string{"call": "yes"},
	} {
		w := newWorld(t)
		w.ExecuteWorkflow(migrationlink.InspectWorkflow, request)
		var failed *temporal.ApplicationError
		require.ErrorAs(t, w.GetWorkflowError(), &failed)
		require.Equal(t, migrationlink.ErrInvalidRequest, failed.Type())
		require.Contains(t, failed.Message(), says)
		require.Len(t, migrationlink.FieldsOf(failed), 1)
	}
}

func TestAnInspectionNeedsNoInput(t *testing.T) {
	t.Parallel()
	w := knowing(t, nil)
	w.ExecuteWorkflow(migrationlink.InspectWorkflow)
	var inspection migrationlink.Inspection
	require.NoError(t, w.GetWorkflowResult(&inspection))
	require.Len(t, inspection.Managers, 2)
}

// world is the test environment.
type world struct {
	*testsuite.TestWorkflowEnvironment
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

func TestAWorkerThatIsTooBusyToAnswerIsReportedAsSuch(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.OnActivity(migrationlink.KnownManagersActivity, mock.Anything, mock.Anything).
		Return(activities.Known{}, temporal.NewTimeoutError(enumspb.TIMEOUT_TYPE_SCHEDULE_TO_CLOSE, nil))
	w.ExecuteWorkflow(migrationlink.InspectWorkflow, migrationlink.InspectRequest{})
	var failed *temporal.ApplicationError
	require.ErrorAs(t, w.GetWorkflowError(), &failed)
	require.Equal(t, migrationlink.ErrWorkerUnavailable, failed.Type())
	var problem migrationlink.Problem
	require.NoError(t, failed.Details(&problem))
	require.NotEmpty(t, problem.Remedy)
}
