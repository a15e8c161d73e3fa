package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"

	"github.com/migrationlink/migrationlink"
)

// signal tells a run something that needs no worker now.
func (s *server) signal(ctx context.Context, run linkRun, name string, payload any) error {
	callCtx, cancel := context.WithTimeout(ctx, callLimit)
	defer cancel()
	err := s.SignalWorkflow(callCtx, run.workflowID(), run.runID, name, payload)
	if isNotFound(err) {
		return nothingRunning(run, "ended")
	}
	return s.explain(ctx, err)
}

// update asks a run for something and reads the answer. That a worker takes it
// is waited for as long as for one call; the answer for as long as it needs.
func (s *server) update(ctx context.Context, run linkRun, name string, input []any, answer any) error {
	callCtx, cancel := context.WithTimeout(ctx, callLimit)
	defer cancel()
	taken, err := s.UpdateWorkflow(callCtx, client.UpdateWorkflowOptions{
		WorkflowID: run.workflowID(), RunID: run.runID,
		UpdateName: name, Args: input, WaitForStage: client.WorkflowUpdateStageAccepted,
	})
	if err == nil {
		err = taken.Get(ctx, answer)
	}
	switch {
	case ctx.Err() != nil:
		return failure{ExitOther, "interrupted before the answer came; what was asked for may still be done",
			fmt.Sprintf("See with 'starter status %s'.", run.flags())}
	case isLate(err):
		return failure{ExitOther,
			fmt.Sprintf("no worker is answering on task queue %s; what was asked for may still be done when one is there", migrationlink.TaskQueue),
			fmt.Sprintf("Start a worker, or look at its log, and then at 'starter status %s'.", run.flags())}
	case endedMeanwhile(err):
		return nothingRunning(run, "ended")
	}
	if refused, ok := errors.AsType[*temporal.ApplicationError](err); ok {
		return refused
	}
	return s.explain(ctx, err)
}

// fieldProblems reads the fields for which a workflow refuses something.
func fieldProblems(err error, errorType string) ([]migrationlink.FieldProblem, bool) {
	refused, ok := errors.AsType[*temporal.ApplicationError](err)
	if !ok || refused.Type() != errorType {
		return nil, false
	}
	var fields []migrationlink.FieldProblem
	if refused.HasDetails() && refused.Details(&fields) == nil && len(fields) > 0 {
		return fields, true
	}
	return []migrationlink.FieldProblem{{Field: "request", Problem: refused.Message()}}, true
}

// isUnknownUpdate tells whether a worker is of a version without the update: the
// words are the SDK's.
func isUnknownUpdate(refused *temporal.ApplicationError) bool {
	return strings.HasPrefix(refused.Message(), "unknown update ")
}

// refusedBy makes words of an ApplicationError with which a workflow refuses an
// update, and leaves any other error as it is.
func refusedBy(err error, run linkRun, code int) error {
	refused, ok := errors.AsType[*temporal.ApplicationError](err)
	if !ok {
		return err
	}
	problem := migrationlink.Problem{}
	if !refused.HasDetails() || refused.Details(&problem) != nil || problem.Message == "" {
		problem = migrationlink.Problem{Message: refused.Message()}
	}
	switch {
	case refused.Type() == migrationlink.ErrAlreadyEnded:
		return failure{ExitOther, fmt.Sprintf("nothing was done for the %s of organization %s of manager %s: %s", run.noun(), run.orgID, run.manager, problem.Message),
			problem.Remedy}
	case isUnknownUpdate(refused):
		return failure{ExitOther, "the worker is of an older version, which does not know what was asked for", "Update the workers."}
	}
	return failure{code, problem.Message, problem.Remedy}
}
