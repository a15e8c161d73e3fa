package workflows

import (
	"errors"
	"fmt"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/migrationlink/migrationlink"
	"github.com/migrationlink/migrationlink/activities"
)

const (
	// inspectQueue is how long a worker may take to pick a call up; one that is
	// there does within a second.
	inspectQueue = 5 * time.Second
	// inspectCall is above what the activity itself allows a manager. Together
	// they keep a person waiting for less than 40 s.
	inspectCall = 30 * time.Second
)

// InspectManagers tells which managers a worker knows and, if asked to, what
// they say to its key. All are called at once.
func InspectManagers(ctx workflow.Context, request migrationlink.InspectRequest) (migrationlink.Inspection, error) {
	if request.OrgID != "" && !migrationlink.ValidOrgID(request.OrgID) {
		return migrationlink.Inspection{}, temporal.NewNonRetryableApplicationError(
			"orgId: not an organization's id; use its 24 lower-case hexadecimal digits", migrationlink.ErrInvalidRequest, nil)
	}
	var known activities.Known
	err := workflow.ExecuteLocalActivity(here(ctx), migrationlink.KnownManagersActivity, request.Manager).Get(ctx, &known)
	if failed, ok := errors.AsType[*temporal.ApplicationError](err); ok {
		return migrationlink.Inspection{}, failed
	}
	if err != nil {
		return migrationlink.Inspection{}, err
	}
	names := known.Managers
	if request.Manager != "" {
		names = []string{request.Manager}
	}
	inspection := migrationlink.Inspection{
		WorkerVersion: known.Version, Managers: make([]migrationlink.ManagerInspection, len(names)),
		Atlas: known.Atlas, Recipients: known.Recipients,
	}
	for i, name := range names {
		inspection.Managers[i].Name = name
	}
	if request.Call {
		callManagers(ctx, inspection.Managers, request.OrgID)
	}
	return inspection, nil
}

func callManagers(ctx workflow.Context, managers []migrationlink.ManagerInspection, orgID string) {
	calls := make([]workflow.Future, len(managers))
	for i, m := range managers {
		calls[i] = workflow.ExecuteActivity(inspecting(ctx, m.Name), migrationlink.InspectManagerActivity,
			activities.Target{Manager: m.Name, OrgID: orgID})
	}
	for i, call := range calls {
		if err := call.Get(ctx, &managers[i]); err != nil {
			managers[i].Problem = notInspected(managers[i].Name, err)
		}
	}
}

// inspecting is for a call that somebody waits for: it is made once.
func inspecting(ctx workflow.Context, manager string) workflow.Context {
	return workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		TaskQueue:              migrationlink.ManagerTaskQueue(manager),
		ScheduleToStartTimeout: inspectQueue,
		StartToCloseTimeout:    inspectCall,
		RetryPolicy:            &temporal.RetryPolicy{MaximumAttempts: 1},
		Summary:                "Try the key of manager " + manager,
	})
}

// notInspected is why no worker has an answer of the manager.
func notInspected(manager string, err error) *migrationlink.Problem {
	problem := &migrationlink.Problem{Type: migrationlink.ErrManagerUnavailable}
	queue := migrationlink.ManagerTaskQueue(manager)
	late, timedOut := errors.AsType[*temporal.TimeoutError](err)
	failed, refused := errors.AsType[*temporal.ApplicationError](err)
	switch {
	case timedOut && late.TimeoutType() == enumspb.TIMEOUT_TYPE_SCHEDULE_TO_START:
		problem.Message = fmt.Sprintf("no worker has taken the call to manager %q within %s", manager, inspectQueue)
		problem.Remedy = fmt.Sprintf("Start a worker with [managers.%s] in its configuration. If there is one, it is busy, or requests_per_second is used up: "+
			"task queue %s tells.", manager, queue)
	case timedOut:
		problem.Message = fmt.Sprintf("the worker that called manager %q has not reported within %s", manager, inspectCall)
		problem.Remedy = "Look at the worker's log: it may have ended."
	case refused:
		problem.Type, problem.Message = failed.Type(), failed.Message()
		problem.Remedy = fmt.Sprintf("Give every worker that polls task queue %s the same configuration.", queue)
	default:
		problem.Message, problem.Remedy = err.Error(), "Look at the worker's log."
	}
	return problem
}
