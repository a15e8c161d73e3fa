package links

import (
	"context"
	"errors"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"
	"google.golang.org/grpc/codes"

	"github.com/migrationlink/migrationlink"
	"github.com/migrationlink/migrationlink/internal/temporalerr"
)

const (
	// knownFresh is how long the answer of a worker is used again, and absentFresh how long
	// the absence of workers is.
	knownFresh  = 5 * time.Minute
	absentFresh = 30 * time.Second
)

// knownID is the workflow that asks which managers the workers know. Callers share it, as the
// answer is the same for all.
const knownID = migrationlink.TaskQueue + ".managers"

// RecentlyKnown is Known, but reuses a recent answer. It is empty when no worker
// answers.
func (c *Client) RecentlyKnown(ctx context.Context, timeout time.Duration) (known migrationlink.Inspection) {
	described, err := c.Describe(ctx, knownID, "")
	if err == nil {
		info := described.GetWorkflowExecutionInfo()
		age := c.Now().Sub(TimeOf(info.GetCloseTime()))
		switch {
		case info.GetStatus() == enumspb.WORKFLOW_EXECUTION_STATUS_TIMED_OUT && age < absentFresh:
			return known
		case info.GetStatus() == enumspb.WORKFLOW_EXECUTION_STATUS_COMPLETED && age < knownFresh:
			_ = c.GetWorkflow(ctx, knownID, info.GetExecution().GetRunId()).Get(ctx, &known) // nothing is an answer, too
			return known
		}
	}
	known, _ = c.Known(ctx, timeout)
	return known
}

// Known asks a worker which managers and which Atlas it knows.
func (c *Client) Known(ctx context.Context, timeout time.Duration) (known migrationlink.Inspection, _ error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	run, err := c.StartInspection(ctx, knownID, "List the managers and Atlas connections of the workers", migrationlink.InspectRequest{}, timeout)
	if err != nil {
		return known, err
	}
	return Answer(ctx, run)
}

// Answer waits for the answer of StartInspection.
func Answer(ctx context.Context, run client.WorkflowRun) (answer migrationlink.Inspection, _ error) {
	return answer, answerOf(run.Get(ctx, &answer))
}

// StartInspection asks a worker. Temporal drops the question after the timeout.
func (c *Client) StartInspection(ctx context.Context, id, summary string, request migrationlink.InspectRequest, timeout time.Duration) (client.WorkflowRun, error) {
	return c.ExecuteWorkflow(ctx, client.StartWorkflowOptions{
		ID:                       id,
		TaskQueue:                migrationlink.TaskQueue,
		WorkflowExecutionTimeout: timeout,
		WorkflowIDConflictPolicy: enumspb.WORKFLOW_ID_CONFLICT_POLICY_USE_EXISTING,
		StaticSummary:            summary,
	}, migrationlink.InspectWorkflow, request)
}

// Unanswered means that no worker has answered a question in time. Temporal has ended its workflow
// then, or the caller no longer waits for it.
type Unanswered struct{ error }

// Unwrap returns the error of the workflow or of the wait for it.
func (e *Unanswered) Unwrap() error { return e.error }

// answerOf returns the error of a question, which may be that nobody has answered it.
func answerOf(err error) error {
	_, timedOut := errors.AsType[*temporal.TimeoutError](err)
	if timedOut || temporalerr.Code(err) == codes.DeadlineExceeded {
		return &Unanswered{err}
	}
	return err
}

// IsUnanswered reports whether no worker has answered a question in time.
func IsUnanswered(err error) bool {
	_, ok := errors.AsType[*Unanswered](err)
	return ok
}

// ManagerNames are the managers of an answer.
func ManagerNames(known migrationlink.Inspection) []string {
	names := make([]string, len(known.Managers))
	for i, m := range known.Managers {
		names[i] = m.Name
	}
	return names
}

// AtlasNames are the Atlas connections of an answer.
func AtlasNames(known migrationlink.Inspection) []string {
	names := make([]string, len(known.Atlas))
	for i, a := range known.Atlas {
		names[i] = a.Name
	}
	return names
}
