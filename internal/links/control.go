package links

import (
	"context"
	"crypto/rand"
	"errors"
	"strings"
	"time"

	commonpb "go.temporal.io/api/common/v1"
	"go.temporal.io/api/serviceerror"
	workflowpb "go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	"github.com/migrationlink/migrationlink"
	"github.com/migrationlink/migrationlink/internal/temporalerr"
)

// Signal sends something to a run that needs no worker now.
func (c *Client) Signal(ctx context.Context, run Run, name string, payload any) error {
	call, cancel := context.WithTimeout(ctx, c.CallTimeout)
	defer cancel()
	err := c.SignalWorkflow(call, run.WorkflowID(), run.RunID, name, payload)
	if refused, ok := errors.AsType[*serviceerror.InvalidArgument](err); ok && strings.Contains(refused.Error(), "limit for signal events") {
		return &SignalsFull{run}
	}
	return c.explainSent(ctx, run, err)
}

// Cancel asks a run to end: with a signal, which carries the reason to the result, or with Temporal's
// own cancellation where the run can have no more signals.
func (c *Client) Cancel(ctx context.Context, run Run, request migrationlink.CancelRequest) error {
	err := c.Signal(ctx, run, migrationlink.CancelSignal, request)
	if _, full := errors.AsType[*SignalsFull](err); full {
		err = c.cancelWithoutSignal(ctx, run, request)
	}
	if err == nil {
		c.hurry(ctx, run)
	}
	return err
}

func (c *Client) cancelWithoutSignal(ctx context.Context, run Run, request migrationlink.CancelRequest) error {
	call, cancel := context.WithTimeout(ctx, c.CallTimeout)
	defer cancel()
	_, err := c.WorkflowService().RequestCancelWorkflowExecution(call, &workflowservice.RequestCancelWorkflowExecutionRequest{
		Namespace:         c.Options.Namespace,
		WorkflowExecution: execution(run),
		RequestId:         rand.Text(),
		Reason:            request.Reason,
	})
	return c.explainSent(ctx, run, err)
}

// hurry gives the tasks of a run the highest priority, also the one that is in the queue now: it
// would stand behind the starts of thousands of links. The run ends without that, too, so a Temporal
// that refuses it, or does not answer, is no error.
func (c *Client) hurry(ctx context.Context, run Run) {
	call, cancel := context.WithTimeout(ctx, hurryTimeout)
	defer cancel()
	_, _ = c.WorkflowService().UpdateWorkflowExecutionOptions(call, &workflowservice.UpdateWorkflowExecutionOptionsRequest{
		Namespace:                c.Options.Namespace,
		WorkflowExecution:        execution(run),
		WorkflowExecutionOptions: &workflowpb.WorkflowExecutionOptions{Priority: &commonpb.Priority{PriorityKey: 1}},
		UpdateMask:               &fieldmaskpb.FieldMask{Paths: []string{"priority"}},
	})
}

// hurryTimeout bounds how long a cancellation that was sent waits for its priority.
const hurryTimeout = 2 * time.Second

func execution(run Run) *commonpb.WorkflowExecution {
	return &commonpb.WorkflowExecution{WorkflowId: run.WorkflowID(), RunId: run.RunID}
}

// explainSent is Explain for a call that may have had an effect.
func (c *Client) explainSent(ctx context.Context, run Run, err error) error {
	switch {
	case err == nil:
		return nil
	case temporalerr.Ended(err):
		return &NotRunning{run, "ended"}
	case ctx.Err() != nil:
		return &Unknown{Run: run, Interrupted: true}
	case temporalerr.Silent(err) && !temporalerr.Unsent(err):
		return &Unknown{Run: run, Reason: c.Silence(err)}
	}
	return c.Explain(ctx, err)
}

// Update asks a run for something and reads the answer. It waits for a worker to accept it as long
// as for one call, and for the answer as long as that needs. A refusal of the workflow is a
// *temporal.ApplicationError.
func (c *Client) Update(ctx context.Context, run Run, name string, answer any, input ...any) error {
	call, cancel := context.WithTimeout(ctx, c.CallTimeout)
	defer cancel()
	update, err := c.UpdateWorkflow(call, client.UpdateWorkflowOptions{
		WorkflowID: run.WorkflowID(), RunID: run.RunID,
		UpdateName: name, Args: input, WaitForStage: client.WorkflowUpdateStageAccepted,
	})
	if err == nil {
		err = c.awaitAnswer(ctx, run, update, answer)
	}
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return &Unknown{Run: run, Interrupted: true, Accepted: true}
	case temporalerr.UpdateTimedOut(err):
		return c.unanswered(ctx, run)
	case temporalerr.NotOffered(err):
		return &NoUpdates{c.Options.HostPort, Reason(err)}
	}
	if refused, ok := errors.AsType[*temporal.ApplicationError](err); ok {
		return refused
	}
	return c.explainSent(ctx, run, err)
}

// answerTimeout is the time after which Temporal is asked whether it is still there.
const answerTimeout = 30 * time.Second

func (c *Client) awaitAnswer(ctx context.Context, run Run, update client.WorkflowUpdateHandle, answer any) error {
	for {
		waiting, cancel := context.WithTimeout(ctx, answerTimeout)
		err := update.Get(waiting, answer)
		cancel()
		if !temporalerr.UpdateTimedOut(err) || ctx.Err() != nil {
			return err
		}
		if _, away := c.describe(ctx, run); temporalerr.Transient(away) {
			return away
		}
	}
}

// unanswered distinguishes a Temporal without a worker from one that does not answer.
func (c *Client) unanswered(ctx context.Context, run Run) error {
	if _, err := c.describe(ctx, run); temporalerr.Transient(err) {
		return &Unknown{Run: run, Reason: c.Silence(err)}
	}
	return &NoWorker{run, c.Options.WasLimited()}
}
