package link

import (
	"cmp"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/migrationlink/migrationlink"
	"github.com/migrationlink/migrationlink/internal/dataconv"
	"github.com/migrationlink/migrationlink/internal/payload"
	"github.com/migrationlink/migrationlink/redact"
)

const (
	// askAgain is when a guest first checks that the workflow that it has joined still runs:
	// somebody may have terminated it. It grows by askLess each time, because every guest asks
	// with a signal, and Temporal lets one workflow have 10,000: a guest sends 11 in 30 days.
	askAgain  = time.Minute
	askLess   = 4
	askSeldom = 7 * 24 * time.Hour
	// startAgain keeps two that start and end at the same moment apart.
	startAgain = time.Second
)

// guest is an operation under an id of its own, as those of children and Nexus operations
// are. One workflow at a time works on an organization: the one under its business key. A
// guest starts that workflow as its child, or joins the one that runs, by the same rule
// that refuses a different request to every caller.
type guest struct {
	*operation
	stored dataconv.Converters
}

// run has the workflow under the business key do what was asked for.
func (g *guest) run(ctx workflow.Context) (migrationlink.LinkResult, error) {
	if _, _, isKey := migrationlink.SplitWorkflowID(workflow.GetInfo(ctx).WorkflowExecution.ID); isKey {
		return g.operation.end(ctx, g.underAnotherKey(ctx))
	}
	g.openCancel(ctx)
	workflow.Go(ctx, func(ctx workflow.Context) {
		ctx, _ = workflow.NewDisconnectedContext(ctx)
		_ = workflow.Await(ctx, func() bool { return g.desk.cancels.Len() > 0 })
		g.takeCancel(ctx)
	})
	if err := g.onStatus(ctx); err != nil {
		return migrationlink.LinkResult{}, err
	}
	g.stage.phase = migrationlink.PhaseJoined
	g.addLeftovers = nothingLeft
	workflow.SetCurrentDetails(ctx, "Waits for the workflow `"+g.key()+"`, which works on this organization.")
	for {
		result, err := g.asChild(g.work)
		if isAlreadyStarted(err) {
			result, err = g.join(g.work)
		}
		switch {
		case result != nil:
			return g.adoptResult(ctx, *result)
		case isTerminated(err): // also when this one was cancelled: nothing says that it was undone
			g.result.InDoubt = true
			return g.end(ctx, err)
		case g.work.Err() != nil:
			return g.end(ctx, errCancelled)
		case err != nil:
			return g.end(ctx, err)
		}
		if workflow.Sleep(g.work, startAgain) != nil {
			return g.end(ctx, errCancelled)
		}
	}
}

func (g *guest) end(ctx workflow.Context, err error) (migrationlink.LinkResult, error) {
	g.ended(ctx, err)
	return g.result, conclude(g.result, wrongFields(err)...)
}

// adoptResult ends with the result of the workflow under the key. If somebody else has
// cancelled that one, this one fails.
func (g *guest) adoptResult(ctx workflow.Context, result migrationlink.LinkResult) (migrationlink.LinkResult, error) {
	if result.Outcome == migrationlink.OutcomeCancelled && g.work.Err() == nil {
		result = g.cancelledByOther(result)
	}
	result.CancelReason = cmp.Or(result.CancelReason, g.result.CancelReason)
	g.result = result
	g.stage = stage{phase: migrationlink.PhaseEnded, since: now(ctx), problem: result.Problem}
	return result, conclude(result)
}

// underAnotherKey refuses to stand in the way of another organization.
func (g *guest) underAnotherKey(ctx workflow.Context) error {
	return problemError{Problem: migrationlink.Problem{
		Type: migrationlink.ErrInvalidRequest,
		Message: fmt.Sprintf("the workflow id %s is for another organization than %s of manager %q",
			workflow.GetInfo(ctx).WorkflowExecution.ID, g.target.OrgID, g.target.Manager),
		Remedy: "Start it with the workflow id " + g.key() + ", or with one of your own that does not begin with " + migrationlink.WorkflowIDPrefix,
	}}
}

// asChild starts the workflow under the key and waits for its end. It continues
// when this workflow is terminated, as it would for any other caller.
func (g *guest) asChild(ctx workflow.Context) (*migrationlink.LinkResult, error) {
	ctx = workflow.WithChildOptions(ctx, workflow.ChildWorkflowOptions{
		WorkflowID:          g.key(),
		TaskQueue:           migrationlink.TaskQueue,
		WaitForCancellation: true,
		ParentClosePolicy:   enumspb.PARENT_CLOSE_POLICY_ABANDON,
		StaticSummary:       g.asked.Summary(),
		StaticDetails:       g.asked.Details(),
		Memo:                map[string]any{migrationlink.StartedByMemo: g.startedBy(ctx)},
	})
	child := workflow.ExecuteChildWorkflow(ctx, workflowType(g.asked), g.request())
	if err := child.GetChildWorkflowExecution().Get(ctx, nil); err != nil {
		return nil, err
	}
	var result migrationlink.LinkResult
	err := child.Get(ctx, &result)
	if err == nil {
		return &result, nil
	}
	if result, found := migrationlink.ResultOf(err); found {
		return &result, nil
	}
	return nil, g.terminated()
}

// startedBy is who has started this workflow, if it says so, or this workflow.
func (g *guest) startedBy(ctx workflow.Context) string {
	if who := g.stored.MemoText(workflow.GetInfo(ctx).Memo, migrationlink.StartedByMemo); who != "" {
		return redact.Remark(who, migrationlink.MaxReason)
	}
	return "workflow " + workflow.GetInfo(ctx).WorkflowExecution.ID
}

func (g *guest) terminated() error {
	return problemError{Problem: migrationlink.Problem{
		Type:    migrationlink.ErrTerminated,
		Message: "the workflow " + g.key() + " was ended in Temporal before it could report its progress; nothing was undone",
		Remedy:  "To continue, start it again: it keeps a link that is SYNCED. Or remove it with " + migrationlink.UnlinkWorkflow + " (starter unlink).",
	}}
}

// unanswered is the error of a guest whose host is gone without an answer. It does not
// claim that the host was terminated: a host answers a limited number of guests.
func (g *guest) unanswered() error {
	return problemError{Problem: migrationlink.Problem{
		Type:    migrationlink.ErrTerminated,
		Message: "the workflow " + g.key() + " has ended and did not report its outcome: it was terminated in Temporal, or more workflows waited for it than it answers",
		Remedy:  "Look at its outcome in Temporal. Starting this request again is safe: it keeps a link that is SYNCED.",
	}}
}

func isTerminated(err error) bool {
	own, ok := errors.AsType[problemError](err)
	return ok && own.Type == migrationlink.ErrTerminated
}

func (g *guest) request() any {
	if g.asked.Unlink != nil {
		return *g.asked.Unlink
	}
	return *g.asked.Link
}

func isAlreadyStarted(err error) bool {
	_, ok := errors.AsType[*temporal.ChildWorkflowExecutionAlreadyStartedError](err)
	return ok
}

// join waits for the end of the workflow under the key. It returns nothing when
// that had ended before, or was ending.
func (g *guest) join(ctx workflow.Context) (*migrationlink.LinkResult, error) {
	proof, err := newProof(ctx)
	if err != nil {
		return nil, err
	}
	answers := workflow.GetSignalChannel(ctx, migrationlink.AnswerSignal)
	self := workflow.GetInfo(ctx).WorkflowExecution
	for wait := askAgain; ; wait = min(wait*askLess, askSeldom) {
		err := workflow.SignalExternalWorkflow(ctx, g.key(), "", migrationlink.JoinSignal,
			Joining{Request: g.asked, WorkflowID: self.ID, RunID: self.RunID, Proof: proof}).Get(ctx, nil)
		_, gone := errors.AsType[*temporal.UnknownExternalWorkflowExecutionError](err)
		switch {
		case gone && wait == askAgain:
			return nil, nil
		case gone && answers.Len() == 0:
			return nil, g.unanswered()
		case ctx.Err() != nil && err != nil && !gone:
			return nil, err
		case err != nil && !gone && wait == askAgain:
			return nil, g.notJoined("it accepts no more signals")
		} // later, that is no reason to leave: it still runs, and knows this workflow
		var answer Answer
		received := false
		err = await(ctx, wait, "Until it is checked whether "+g.key()+" still runs", func() bool {
			received = received || receive(answers, proof, &answer)
			return received
		})
		switch {
		case errors.Is(err, errTimeIsUp):
			continue
		case err != nil:
			return nil, err
		case answer.Refused:
			return nil, g.notJoined(fmt.Sprintf("%d workflows already wait for it", maxGuests))
		case len(answer.Different) > 0:
			return nil, refusedAsDifferent(g.target, answer.Different)
		}
		return answer.Result, nil
	}
}

// maxProof bounds what a guest may have repeated to it, in bytes.
const maxProof = 64

// newProof returns a random text, the same in a replay.
func newProof(ctx workflow.Context) (proof string, _ error) {
	err := workflow.SideEffect(ctx, func(workflow.Context) any { return rand.Text() }).Get(&proof)
	return proof, err
}

// receive reports whether an answer with the proof has come. Any other is dropped:
// whoever may send signals could tell this workflow an end that was not.
func receive(answers workflow.ReceiveChannel, proof string, answer *Answer) bool {
	var input converter.RawValue
	for answers.ReceiveAsync(&input) {
		*answer = Answer{}
		if payload.Decode(input, answer) == nil && answer.Proof == proof {
			return true
		}
		input = converter.RawValue{}
	}
	return false
}

func (g *guest) notJoined(why string) error {
	return problemError{Problem: migrationlink.Problem{
		Type:    migrationlink.ErrDifferentRequest,
		Message: "the workflow " + g.key() + ", which works on this organization, cannot be joined: " + why,
		Remedy:  "Wait until it ends, then start this request again.",
	}}
}

// cancelledByOther returns what a result says to somebody who has not cancelled.
func (o *operation) cancelledByOther(result migrationlink.LinkResult) migrationlink.LinkResult {
	message := "somebody else cancelled the workflow " + o.key() + ", which this request was waiting for"
	if result.CancelReason != "" {
		message += " (" + result.CancelReason + ")"
	}
	result.Outcome = migrationlink.OutcomeFailed
	result.Problem = &migrationlink.Problem{Type: migrationlink.ErrCancelledByOther, Message: message, Remedy: "Start it again if it is still wanted."}
	return result
}
