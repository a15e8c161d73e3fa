package migrationlink

import (
	"context"
	"errors"
	"fmt"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"

	"github.com/migrationlink/migrationlink/internal/temporalerr"
)

// Run is a workflow that links or unlinks an organization.
type Run struct {
	WorkflowID, RunID string
	Workflow          string // LinkWorkflow or UnlinkWorkflow
	StartedBy         string
	// Joined reports whether it was running before Start.
	Joined bool

	client *Client
	// accept is the update that was sent with the start. It is nil if no worker has answered it;
	// noAnswer is the reason.
	accept   client.WorkflowUpdateHandle
	noAnswer error
}

// Accepted waits until the manager has accepted the link, or the workflow is blocked or has
// ended: see Phase and Result of the Status, and its Problem where the manager needs longer than
// the workflow lets a caller wait. It outlives outages of Temporal; ctx limits it. The error is a
// *NoAnswerError where nothing tells when the manager accepts.
func (r *Run) Accepted(ctx context.Context) (Status, error) {
	if err := r.Answered(); err != nil {
		return Status{}, err
	}
	wait := temporalerr.ShortestWait
	for {
		var status Status
		err := r.accept.Get(ctx, &status)
		wait = temporalerr.NextWait(wait, err)
		switch {
		case err == nil:
			return status, nil
		case temporalerr.UpdateTimedOut(err), temporalerr.Transient(err):
			if !temporalerr.Pause(ctx, wait) {
				return Status{}, err
			}
		case !endedWithoutAnswer(err):
			return Status{}, err
		default:
			result, err := r.Result(ctx)
			return Status{Workflow: r.Workflow, Manager: result.Manager, OrgID: result.OrgID, Phase: PhaseEnded, Result: &result}, err
		}
	}
}

// endedWithoutAnswer reports whether Temporal itself has ended the workflow of an update.
func endedWithoutAnswer(err error) bool {
	_, closed := errors.AsType[*temporal.ApplicationError](err)
	return closed || temporalerr.Ended(err)
}

// Answered returns the *NoAnswerError that Accepted would return, or nil.
func (r *Run) Answered() error {
	if r.accept == nil {
		return &NoAnswerError{r, r.noAnswer}
	}
	return nil
}

// Result waits for the end of the workflow. Its error is of the waiting: a link that failed, or was
// cancelled, has a LinkResult with that Outcome. It outlives outages of Temporal; ctx limits it.
func (r *Run) Result(ctx context.Context) (LinkResult, error) {
	return r.client.Result(ctx, r.WorkflowID, r.RunID)
}

// Result is Run.Result for a workflow that is known by its ids. An empty run ID means the latest.
func (c *Client) Result(ctx context.Context, workflowID, runID string) (LinkResult, error) {
	wait := temporalerr.ShortestWait
	for {
		result, err := c.resultNow(ctx, workflowID, runID)
		wait = temporalerr.NextWait(wait, err)
		if err == nil || !temporalerr.Transient(err) || !temporalerr.Pause(ctx, wait) {
			return result, err
		}
	}
}

func (c *Client) resultNow(ctx context.Context, workflowID, runID string) (result LinkResult, err error) {
	err = c.temporal.GetWorkflow(ctx, workflowID, runID).Get(ctx, &result)
	if ended, ok := errors.AsType[*temporal.WorkflowExecutionError](err); ok {
		result, err = resultOf(ended.Unwrap())
	}
	if manager, orgID, ok := SplitWorkflowID(workflowID); ok && err == nil {
		result.Manager, result.OrgID = manager, orgID
	}
	return result, err
}

// DifferentRequestError means that another request for the organization is running.
type DifferentRequestError struct {
	Run    *Run
	Fields []FieldProblem // in which it differs
}

func (e *DifferentRequestError) Error() string {
	return fmt.Sprintf("another request is running as workflow %s: %s", e.Run.WorkflowID, DescribeFields(e.Fields))
}

// EndingError means that the running workflow is being cancelled or undone, and cannot be joined.
type EndingError struct{ Run *Run }

func (e *EndingError) Error() string { return "workflow " + e.Run.WorkflowID + " is ending" }

// UnknownError means that the request was sent and Temporal does not report what became of it.
// The run ID is that of the workflow that it reached, empty if it may have reached none.
type UnknownError struct {
	Run *Run
	Err error
}

func (e *UnknownError) Error() string {
	return "it is not known what has become of workflow " + e.Run.WorkflowID + ": " + e.Err.Error()
}

// Unwrap returns why Temporal gives no answer.
func (e *UnknownError) Unwrap() error { return e.Err }

// NotStartedError means that Temporal did not start the workflow in time.
type NotStartedError struct{}

func (e *NotStartedError) Error() string { return "Temporal has not started it in time" }

// UnreadableError means that a workflow is running whose request cannot be decoded, so that it
// cannot be compared.
type UnreadableError struct {
	Run *Run
	Err error
}

func (e *UnreadableError) Error() string {
	return "what workflow " + e.Run.WorkflowID + " was started with cannot be read: " + e.Err.Error()
}

// Unwrap returns the error of the data converter.
func (e *UnreadableError) Unwrap() error { return e.Err }

// InterruptedError means that the context of Start ended before it returned.
type InterruptedError struct {
	// Run is what is running now; Joined is set if that was not started by the call. It is nil if
	// nothing is running, or if Unknown is set because Temporal did not say.
	Run     *Run
	Unknown bool
	Err     error // of the context
}

func (e *InterruptedError) Error() string {
	switch {
	case e.Unknown:
		return "interrupted; it is not known whether the workflow was started"
	case e.Run == nil:
		return "interrupted; nothing was started"
	}
	return "interrupted; workflow " + e.Run.WorkflowID + " is running"
}

// Unwrap returns the error of the context.
func (e *InterruptedError) Unwrap() error { return e.Err }

// NoAnswerError means that the workflow continues, but nothing reports when the manager accepts its
// request.
type NoAnswerError struct {
	Run *Run
	// Err is the answer of Temporal: no worker took the request in time, or updates are not
	// supported. It is nil for a worker of an older version.
	Err error
}

func (e *NoAnswerError) Error() string {
	if e.Err == nil {
		return "the worker runs an older version, which does not tell when the manager accepts"
	}
	return "no worker has answered: " + e.Err.Error()
}

// Unwrap returns what Temporal said.
func (e *NoAnswerError) Unwrap() error { return e.Err }
