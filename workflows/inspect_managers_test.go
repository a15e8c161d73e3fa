package workflows_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"
	enums "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/temporal"

	"github.com/migrationlink/migrationlink"
	"github.com/migrationlink/migrationlink/activities"
	"github.com/migrationlink/migrationlink/workflows"
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

func (w *world) inspect(t *testing.T, request migrationlink.InspectRequest) migrationlink.Inspection {
	t.Helper()
	w.ExecuteWorkflow(workflows.InspectManagers, request)
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

func TestInspectTellsOfAManagerWhoseWorkersAreGone(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		err  error
		says string
	}{
		"nobody polls": {temporal.NewTimeoutError(enums.TIMEOUT_TYPE_SCHEDULE_TO_START, nil), `no worker has taken the call to manager "prod" within 5s`},
		"ended":        {temporal.NewTimeoutError(enums.TIMEOUT_TYPE_START_TO_CLOSE, nil), "has not reported within 30s"},
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
	for errorType, request := range map[string]migrationlink.InspectRequest{
		migrationlink.ErrUnknownManager: {Manager: "other", Call: true},
		migrationlink.ErrInvalidRequest: {OrgID: "x", Call: true},
	} {
		t.Run(errorType, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.ExecuteWorkflow(workflows.InspectManagers, request)
			var failed *temporal.ApplicationError
			require.ErrorAs(t, w.GetWorkflowError(), &failed)
			require.Equal(t, errorType, failed.Type())
			require.True(t, failed.NonRetryable())
		})
	}
}
