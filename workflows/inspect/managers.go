// Package inspect holds the workflow that reports what the workers know of managers and of
// Atlas.
package inspect

import (
	"errors"
	"fmt"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/migrationlink/migrationlink"
	"github.com/migrationlink/migrationlink/activities"
	"github.com/migrationlink/migrationlink/internal/payload"
)

const (
	// inspectQueue is how long a worker may take to pick a call up; one that is
	// there does within a second.
	inspectQueue = 5 * time.Second
	// inspectCall is above what the activity itself allows a manager. Together
	// they keep a person waiting for less than 40 s.
	inspectCall = 30 * time.Second
)

// Managers returns which managers and Atlas connections a worker knows and, if asked
// to, what they say to its keys. All are called at once.
func Managers(ctx workflow.Context, input converter.RawValue) (migrationlink.Inspection, error) {
	var request migrationlink.InspectRequest
	if !payload.IsEmpty(input) { // all fields are optional
		if err := payload.Valid(input, &request); err != nil {
			return migrationlink.Inspection{}, payload.Refusal(migrationlink.ErrInvalidRequest, err)
		}
	}
	var known activities.Known
	err := workflow.ExecuteLocalActivity(activities.FromMemory(ctx), migrationlink.KnownManagersActivity, request.Manager).Get(ctx, &known)
	if failed, ok := errors.AsType[*temporal.ApplicationError](err); ok {
		return migrationlink.Inspection{}, failed
	}
	if temporal.IsTimeoutError(err) {
		return migrationlink.Inspection{}, workerIsBusy()
	}
	if err != nil {
		return migrationlink.Inspection{}, err
	}
	if request.Manager != "" {
		known.Managers = []string{request.Manager}
	}
	inspection := inspectionOf(known, request)
	if !request.Call {
		return inspection, nil
	}
	// The managers come first: a queue may let few calls through.
	managersAnswered := callManagers(ctx, inspection.Managers, request.OrgID)
	atlasAnswered := callAtlas(ctx, inspection.Atlas, request.AtlasOrgID, known.Managers)
	managersAnswered()
	atlasAnswered()
	return inspection, nil
}

// workerIsBusy is for a worker that has not told in time which managers it knows.
func workerIsBusy() error {
	problem := migrationlink.Problem{
		Type: migrationlink.ErrWorkerUnavailable, Message: "the worker is too busy to say which managers it knows",
		Remedy: "Try again, or start more workers. Check the worker's CPU and log.",
	}
	return temporal.NewApplicationErrorWithOptions(problem.Message, problem.Type, temporal.ApplicationErrorOptions{NonRetryable: true, Details: []any{problem}})
}

func inspectionOf(known activities.Known, request migrationlink.InspectRequest) migrationlink.Inspection {
	inspection := migrationlink.Inspection{
		WorkerVersion: known.Version, Managers: make([]migrationlink.ManagerInspection, len(known.Managers)), Recipients: known.Recipients,
	}
	for i, name := range known.Managers {
		inspection.Managers[i].Name = name
	}
	for _, name := range known.Atlas {
		if request.Atlas == "" || request.Atlas == name {
			inspection.Atlas = append(inspection.Atlas, migrationlink.AtlasInspection{Name: name})
		}
	}
	return inspection
}

// callManagers returns once the calls are on their way. The answers are there when
// the function that it returns has ended.
func callManagers(ctx workflow.Context, managers []migrationlink.ManagerInspection, orgID string) func() {
	calls := make([]workflow.Future, len(managers))
	for i, m := range managers {
		calls[i] = workflow.ExecuteActivity(inspecting(ctx, m.Name, "manager "+m.Name), migrationlink.InspectManagerActivity,
			activities.Target{Manager: m.Name, OrgID: orgID})
	}
	return func() {
		for i, call := range calls {
			if err := call.Get(ctx, &managers[i]); err != nil {
				managers[i].Problem = managerNotInspected(managers[i].Name, err)
			}
		}
	}
}

// inspecting is for a call that somebody waits for: it is made once.
func inspecting(ctx workflow.Context, manager, whose string) workflow.Context {
	return workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		TaskQueue:              migrationlink.ManagerTaskQueue(manager),
		ScheduleToStartTimeout: inspectQueue,
		StartToCloseTimeout:    inspectCall,
		RetryPolicy:            &temporal.RetryPolicy{MaximumAttempts: 1},
		Priority:               activities.Background,
		Summary:                "Check the key of " + whose,
	})
}

func managerNotInspected(manager string, err error) *migrationlink.Problem {
	return notInspected(migrationlink.ErrManagerUnavailable, fmt.Sprintf("manager %q", manager), "[managers."+manager+"]",
		migrationlink.ManagerTaskQueue(manager), err)
}

// notInspected is why no worker has an answer of the other side.
func notInspected(errorType, side, section, queue string, err error) *migrationlink.Problem {
	problem := &migrationlink.Problem{Type: errorType}
	late, timedOut := errors.AsType[*temporal.TimeoutError](err)
	failed, refused := errors.AsType[*temporal.ApplicationError](err)
	switch {
	case timedOut && late.TimeoutType() == enumspb.TIMEOUT_TYPE_SCHEDULE_TO_START:
		problem.Message = fmt.Sprintf("no worker took the call to %s within %s", side, inspectQueue)
		problem.Remedy = fmt.Sprintf("Start a worker with %s in its configuration. If there is one, it is busy, or requests_per_second is used up: "+
			"see task queue %s.", section, queue)
	case timedOut:
		problem.Message = fmt.Sprintf("the worker that called %s did not report within %s", side, inspectCall)
		problem.Remedy = "Check the worker's log: the worker may have ended."
	case refused:
		problem.Type, problem.Message = failed.Type(), failed.Message()
		problem.Remedy = fmt.Sprintf("Give every worker that polls task queue %s the same configuration.", queue)
	default:
		problem.Message, problem.Remedy = err.Error(), "Check the worker's log."
	}
	return problem
}
