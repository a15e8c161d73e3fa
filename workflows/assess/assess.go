// Package assess holds the workflows that read source organizations before and after they are
// linked: what a link would be worth, which organizations there are, and what Atlas shows.
package assess

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
	// queueTimeout leaves time for others on the queue, which may have a limit of calls.
	queueTimeout = time.Minute
	// readLimit is enough for an organization with thousands of projects.
	readLimit = 10 * time.Minute
	// heartbeatTimeout bounds how long the loss of a worker goes unnoticed.
	heartbeatTimeout = 10 * time.Second
)

// Organization assesses one source organization. What cannot be read is in the result; only a
// request that cannot be carried out fails.
func Organization(ctx workflow.Context, input converter.RawValue) (migrationlink.Assessment, error) {
	var request migrationlink.AssessRequest
	invalid := payload.Valid(input, &request)
	if err := check(ctx, request.Manager, invalid); err != nil {
		return migrationlink.Assessment{}, err
	}
	var assessed migrationlink.Assessment
	err := workflow.ExecuteActivity(reading(ctx, request.Manager, "Read organization "+request.OrgID), migrationlink.AssessActivity, request).Get(ctx, &assessed)
	if failed, ok := errors.AsType[*temporal.ApplicationError](err); ok {
		return migrationlink.Assessment{}, failed
	}
	if temporal.IsCanceledError(err) {
		return migrationlink.Assessment{}, err
	}
	if err != nil {
		return migrationlink.Assessment{
			Manager: request.Manager, OrgID: request.OrgID, Verdict: migrationlink.VerdictUnknown, Problem: notRead(request.Manager, err),
		}, nil
	}
	return assessed, nil
}

// Organizations lists one page of the organizations that the API key of a manager can see.
func Organizations(ctx workflow.Context, input converter.RawValue) (found migrationlink.Organizations, _ error) {
	var request migrationlink.OrganizationsRequest
	invalid := payload.Valid(input, &request)
	if err := check(ctx, request.Manager, invalid); err != nil {
		return found, err
	}
	summary := fmt.Sprintf("Read page %d of the organizations", request.Page)
	err := workflow.ExecuteActivity(reading(ctx, request.Manager, summary), migrationlink.OrganizationsActivity, request).Get(ctx, &found)
	return found, asFailure(request.Manager, err)
}

// ProjectsInAtlas lists the projects of a source organization that Atlas shows.
func ProjectsInAtlas(ctx workflow.Context, input converter.RawValue) (found migrationlink.ProjectsInAtlas, _ error) {
	var request migrationlink.ProjectsRequest
	invalid := payload.Valid(input, &request)
	if err := check(ctx, request.Manager, invalid); err != nil {
		return found, err
	}
	err := workflow.ExecuteActivity(reading(ctx, request.Manager, "Read what Atlas shows of organization "+request.OrgID), migrationlink.ProjectsActivity, request).Get(ctx, &found)
	return found, asFailure(request.Manager, err)
}

// check fails for a request that is invalid, or names a manager that the worker does not know:
// nobody may poll the queue of such a one.
func check(ctx workflow.Context, manager string, invalid error) error {
	if invalid != nil {
		return payload.Refusal(migrationlink.ErrInvalidRequest, invalid)
	}
	err := workflow.ExecuteLocalActivity(activities.FromMemory(ctx), migrationlink.CheckManagerActivity, manager).Get(ctx, nil)
	if failed, ok := errors.AsType[*temporal.ApplicationError](err); ok {
		return failed
	}
	if temporal.IsTimeoutError(err) {
		return nil // a busy worker has not answered in time: the task queue will tell
	}
	return err
}

func reading(ctx workflow.Context, manager, summary string) workflow.Context {
	return workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		TaskQueue:              migrationlink.ManagerTaskQueue(manager),
		ScheduleToStartTimeout: queueTimeout,
		StartToCloseTimeout:    readLimit,
		HeartbeatTimeout:       heartbeatTimeout,
		RetryPolicy:            &temporal.RetryPolicy{MaximumAttempts: activities.ReadAttempts},
		Priority:               activities.Background,
		Summary:                summary,
	})
}

// asFailure returns the error of an activity without what the SDK wraps it in.
func asFailure(manager string, err error) error {
	if failed, ok := errors.AsType[*temporal.ApplicationError](err); ok {
		return failed
	}
	if err == nil || temporal.IsCanceledError(err) {
		return err
	}
	problem := notRead(manager, err)
	return temporal.NewApplicationErrorWithOptions(problem.Message, problem.Type, temporal.ApplicationErrorOptions{NonRetryable: true, Details: []any{*problem}})
}

// notRead says why no worker has an answer.
func notRead(manager string, err error) *migrationlink.Problem {
	problem := &migrationlink.Problem{
		Type: migrationlink.ErrWorkerUnavailable, Message: err.Error(), Remedy: "Check the worker's log.",
	}
	late, timedOut := errors.AsType[*temporal.TimeoutError](err)
	switch {
	case timedOut && late.TimeoutType() == enumspb.TIMEOUT_TYPE_SCHEDULE_TO_START:
		problem.Message = fmt.Sprintf("no worker took the call to manager %q within %s", manager, queueTimeout)
		problem.Remedy = fmt.Sprintf("Start a worker with [managers.%s] in its configuration. If there is one, it is busy, or requests_per_second is used up: see task queue %s.",
			manager, migrationlink.ManagerTaskQueue(manager))
	case timedOut:
		problem.Message = fmt.Sprintf("the worker that called manager %q did not report in time", manager)
		problem.Remedy = "Check the worker's log: the worker may have ended, or the manager is slow."
	}
	return problem
}
