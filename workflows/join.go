package workflows

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"time"

	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	enums "go.temporal.io/api/enums/v1"

	"github.com/migrationlink/migrationlink"
)

// One workflow at a time works on an organization: the one under its business
// key. A workflow that was started under another id, as children and Nexus
// operations are, has the one under the key do it, as its child, or joins the
// one that is under way: by the same rule that refuses a different request to
// every caller.

// Joining is the payload of the signal join: a workflow waits for the end of
// the one that it sends it to.
type Joining struct {
	Request    migrationlink.StartRequest `json:"request"`
	WorkflowID string                     `json:"workflowId"`
	RunID      string                     `json:"runId"`
}

// Answer is the payload of the signal answer.
type Answer struct {
	// Different says why the request was refused.
	Different []migrationlink.FieldProblem `json:"different,omitempty"`
	// Result is how the workflow that was joined has ended. Without it, it was
	// ending already: start anew.
	Result *migrationlink.LinkResult `json:"result,omitempty"`
}

const (
	// askAgain is when it is first looked whether the workflow that was joined is
	// there still: somebody may have terminated it. It doubles up to askSeldom:
	// Temporal lets one workflow have 10,000 signals.
	askAgain  = time.Minute
	askSeldom = 24 * time.Hour
	// startAgain keeps two that start and end at the same moment apart.
	startAgain = time.Second
)

func (o *operation) key() string { return o.asked.WorkflowID() }

func (o *operation) isElsewhere(ctx workflow.Context) bool {
	return workflow.GetInfo(ctx).WorkflowExecution.ID != o.key()
}

// throughTheKey has the workflow under the business key do what was asked for.
func (o *operation) throughTheKey(ctx workflow.Context) (migrationlink.LinkResult, error) {
	if _, _, isKey := migrationlink.SplitWorkflowID(workflow.GetInfo(ctx).WorkflowExecution.ID); isKey {
		return o.end(ctx, o.underAnotherKey(ctx))
	}
	work, cancel := workflow.WithCancel(ctx)
	o.work = work
	o.onCancel(ctx, cancel)
	if err := o.onStatus(ctx); err != nil {
		return migrationlink.LinkResult{}, err
	}
	o.through = true
	o.status.Phase = migrationlink.PhaseJoined
	o.left = func(problem migrationlink.Problem) migrationlink.Problem { return problem } // this one makes nothing
	workflow.SetCurrentDetails(ctx, "Waits for the workflow `"+o.key()+"`, which works on this organization.")
	for {
		result, err := o.asChild(work)
		if isAlreadyStarted(err) {
			result, err = o.join(work)
		}
		switch {
		case result != nil:
			return o.pass(ctx, *result)
		case isTerminated(err): // also when this one was cancelled: nothing says that it was undone
			o.result.InDoubt = true
			return o.end(ctx, err)
		case work.Err() != nil:
			return o.end(ctx, errCancelled)
		case err != nil:
			return o.end(ctx, err)
		}
		if workflow.Sleep(work, startAgain) != nil {
			return o.end(ctx, errCancelled)
		}
	}
}

// pass ends with the result of the workflow under the key. That somebody else
// has cancelled it is no cancellation of this one.
func (o *operation) pass(ctx workflow.Context, result migrationlink.LinkResult) (migrationlink.LinkResult, error) {
	if result.Outcome == migrationlink.OutcomeCancelled && o.work.Err() == nil {
		problem := o.cancelledByOther(result)
		result.Outcome, result.Problem = migrationlink.OutcomeFailed, &problem
	}
	result.CancelReason = cmp.Or(result.CancelReason, o.result.CancelReason)
	o.result = result
	o.status.Phase, o.status.PhaseSince = migrationlink.PhaseEnded, now(ctx)
	o.status.Result, o.status.Problem = &result, result.Problem
	return result, conclude(result)
}

// underAnotherKey refuses to stand in the way of another organization.
func (o *operation) underAnotherKey(ctx workflow.Context) error {
	return problemError{Problem: migrationlink.Problem{
		Type: migrationlink.ErrInvalidRequest,
		Message: fmt.Sprintf("the workflow id %s is for another organization than %s of manager %q",
			workflow.GetInfo(ctx).WorkflowExecution.ID, o.target.OrgID, o.target.Manager),
		Remedy: "Start it with the workflow id " + o.key() + ", or with one of your own that does not begin with " + migrationlink.WorkflowIDPrefix,
	}}
}

// asChild starts the workflow under the key and waits for its end. It goes on
// when this workflow is terminated, as it would for any other caller.
func (o *operation) asChild(ctx workflow.Context) (*migrationlink.LinkResult, error) {
	ctx = workflow.WithChildOptions(ctx, workflow.ChildWorkflowOptions{
		WorkflowID:          o.key(),
		TaskQueue:           migrationlink.TaskQueue,
		WaitForCancellation: true,
		ParentClosePolicy:   enums.PARENT_CLOSE_POLICY_ABANDON,
		StaticSummary:       o.asked.Summary(),
		StaticDetails:       o.asked.Details(),
		Memo:                map[string]any{migrationlink.StartedByMemo: startedBy(ctx)},
	})
	child := workflow.ExecuteChildWorkflow(ctx, o.status.Workflow, o.request())
	if err := child.GetChildWorkflowExecution().Get(ctx, nil); err != nil {
		return nil, err
	}
	var result migrationlink.LinkResult
	err := child.Get(ctx, &result)
	if err == nil || readResult(err, &result) {
		return &result, nil
	}
	return nil, o.terminated()
}

// startedBy is who has started this workflow, if it says so, or this workflow.
func startedBy(ctx workflow.Context) (who string) {
	info := workflow.GetInfo(ctx)
	if said, ok := info.Memo.GetFields()[migrationlink.StartedByMemo]; ok &&
		converter.GetDefaultDataConverter().FromPayload(said, &who) == nil && who != "" {
		return who
	}
	return "workflow " + info.WorkflowExecution.ID
}

func (o *operation) terminated() error {
	return problemError{Problem: migrationlink.Problem{
		Type:    migrationlink.ErrTerminated,
		Message: "the workflow " + o.key() + " was ended in Temporal before it could say how far it came; nothing was undone since",
		Remedy:  "Start it again to go on: what the manager has by then is found and kept. Or remove it with " + migrationlink.UnlinkWorkflow + " (starter unlink).",
	}}
}

func isTerminated(err error) bool {
	own, ok := errors.AsType[problemError](err)
	return ok && own.Type == migrationlink.ErrTerminated
}

func (o *operation) request() any {
	if o.asked.Unlink != nil {
		return *o.asked.Unlink
	}
	return *o.asked.Link
}

// readResult reads the result that a workflow carries in its error.
func readResult(err error, result *migrationlink.LinkResult) bool {
	if canceled, ok := errors.AsType[*temporal.CanceledError](err); ok && canceled.HasDetails() {
		return canceled.Details(result) == nil && result.Outcome != ""
	}
	failed, ok := errors.AsType[*temporal.ApplicationError](err)
	return ok && failed.HasDetails() && failed.Details(result) == nil && result.Outcome != ""
}

func isAlreadyStarted(err error) bool {
	_, ok := errors.AsType[*temporal.ChildWorkflowExecutionAlreadyStartedError](err)
	return ok
}

// join waits for the end of the workflow under the key. It returns nothing when
// that had ended before, or was ending.
func (o *operation) join(ctx workflow.Context) (*migrationlink.LinkResult, error) {
	answers := workflow.GetSignalChannel(ctx, migrationlink.AnswerSignal)
	self := workflow.GetInfo(ctx).WorkflowExecution
	for wait := askAgain; ; wait = min(2*wait, askSeldom) {
		err := workflow.SignalExternalWorkflow(ctx, o.key(), "", migrationlink.JoinSignal,
			Joining{Request: o.asked, WorkflowID: self.ID, RunID: self.RunID}).Get(ctx, nil)
		_, gone := errors.AsType[*temporal.UnknownExternalWorkflowExecutionError](err)
		switch {
		case gone && wait == askAgain:
			return nil, nil
		case gone && answers.Len() == 0:
			return nil, o.terminated() // it would have answered
		case err != nil && !gone:
			return nil, err
		}
		answered, err := await(ctx, wait, "Until it is looked whether "+o.key()+" is there still", func() bool { return answers.Len() > 0 })
		if err != nil {
			return nil, err
		}
		var answer Answer
		switch {
		case !answered:
			continue
		case answers.ReceiveAsync(&answer) && len(answer.Different) > 0:
			return nil, refusedAsDifferent(o.target, answer.Different)
		}
		return answer.Result, nil
	}
}

func (o *operation) cancelledByOther(result migrationlink.LinkResult) migrationlink.Problem {
	message := "somebody else cancelled the workflow " + o.key() + ", which this request was waiting for"
	if result.CancelReason != "" {
		message += " (" + result.CancelReason + ")"
	}
	return migrationlink.Problem{Type: migrationlink.ErrCancelledByOther, Message: message, Remedy: "Start it again if it is still wanted."}
}

// onJoin takes in the workflows that wait for this one's end.
func (o *operation) onJoin(ctx workflow.Context) {
	o.joins = workflow.GetSignalChannel(ctx, migrationlink.JoinSignal)
	workflow.Go(ctx, func(ctx workflow.Context) {
		ctx, _ = workflow.NewDisconnectedContext(ctx)
		for {
			// A coroutine that waits in Receive would be handed a signal that comes
			// with the end, and the end would not see it.
			_ = workflow.Await(ctx, func() bool { return o.joins.Len() > 0 }) // nothing cancels this context
			o.takeJoins(ctx)
		}
	})
}

func (o *operation) takeJoins(ctx workflow.Context) {
	var joining Joining
	for o.joins.ReceiveAsync(&joining) {
		different := o.asked.Difference(joining.Request)
		switch {
		case len(different) > 0:
			o.answers = append(o.answers, answer(ctx, joining, Answer{Different: different}))
		case o.work.Err() != nil, o.isUndoing():
			o.late = append(o.late, joining)
		case !slices.ContainsFunc(o.joiners, func(known Joining) bool { return known.RunID == joining.RunID }):
			o.joiners = append(o.joiners, joining)
		}
		joining = Joining{}
	}
}

// answerJoiners tells the end to who waits for it, and whether anybody did.
func (o *operation) answerJoiners(ctx workflow.Context) bool {
	for _, joining := range o.joiners {
		o.answers = append(o.answers, answer(ctx, joining, Answer{Result: &o.result}))
	}
	for _, joining := range o.late {
		o.answers = append(o.answers, answer(ctx, joining, Answer{}))
	}
	answers := o.answers
	o.joiners, o.late, o.answers = nil, nil, nil
	for _, sent := range answers {
		_ = sent.Get(ctx, nil) // it does not wait any more
	}
	return len(answers) > 0
}

func answer(ctx workflow.Context, to Joining, answer Answer) workflow.Future {
	return workflow.SignalExternalWorkflow(ctx, to.WorkflowID, to.RunID, migrationlink.AnswerSignal, answer)
}
