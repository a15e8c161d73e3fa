package cli

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"
	commonpb "go.temporal.io/api/common/v1"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/temporal"

	"github.com/migrationlink/migrationlink"
)

// startFlags are those of a command that starts a workflow.
type startFlags struct {
	target
	onBlocked string
	detach    bool
}

func (f *startFlags) register(cmd *cobra.Command, work string) {
	f.target.register(cmd)
	cmd.Flags().StringVar(&f.onBlocked, "on-blocked", "", "what to do about a problem that a person can fix: fail, or wait for 'starter retry' (default fail)")
	cmd.Flags().BoolVar(&f.detach, "detach", false, "end as soon as the manager has accepted "+work+", or it is blocked or ended")
}

// starting is a request on its way to a workflow.
type starting struct {
	run   linkRun // without the id of the run
	asked migrationlink.StartRequest
	input any
	// mark is in the memo of a workflow that this command has started: Temporal
	// does not tell who starts from who joins.
	mark string
}

func (a *app) newStart(run linkRun, asked migrationlink.StartRequest, input any) starting {
	return starting{run: run, asked: asked, input: input, mark: a.env.user() + " " + rand.Text()}
}

// started is a workflow that does what was asked for.
type started struct {
	run    linkRun
	joined bool
	// accepted has the workflow's answer when the manager has accepted the
	// request. It is nil when no worker has taken it yet, or when the workflow is
	// of a version that does not give one.
	accepted client.WorkflowUpdateHandle
	noWorker bool
}

// start starts or joins a workflow, says so, and watches it for as long as the
// user asks for.
func (a *app) start(ctx context.Context, asked starting, detach bool) error {
	s, err := a.connect(ctx)
	if err != nil {
		return err
	}
	defer s.Close()
	var begun started
	a.patiently("a worker", func() { begun, err = s.startOrJoin(ctx, asked) })
	if err != nil {
		return s.explain(ctx, err)
	}
	a.say("%s", begun.text())
	if detach {
		return a.untilAccepted(ctx, s, begun)
	}
	result, err := a.watch(ctx, s, begun.run, a.newView(begun.run))
	if err != nil {
		return errors.Join(err, a.receipt(begun.run, &begun.joined))
	}
	return a.conclude(begun.run, &begun.joined, result)
}

// startOrJoin starts what is asked for, or joins it if the very same is under
// way; anything else is refused. What has ended is started anew.
func (s *server) startOrJoin(ctx context.Context, asked starting) (started, error) {
	begun, err := s.startOrJoinOnce(ctx, asked)
	if endedMeanwhile(err) || s.endsNow(ctx, err) {
		begun, err = s.startOrJoinOnce(ctx, asked)
	}
	if err != nil && ctx.Err() != nil {
		err = s.interruptedStart(context.WithoutCancel(ctx), asked)
	}
	return begun, err
}

func (s *server) startOrJoinOnce(ctx context.Context, asked starting) (started, error) {
	callCtx, cancel := context.WithTimeout(ctx, callLimit)
	defer cancel()
	answer, err := s.UpdateWithStartWorkflow(callCtx, client.UpdateWithStartWorkflowOptions{
		StartWorkflowOperation: s.NewWithStartWorkflowOperation(client.StartWorkflowOptions{
			ID:                       asked.run.workflowID(),
			TaskQueue:                migrationlink.TaskQueue,
			WorkflowIDConflictPolicy: enumspb.WORKFLOW_ID_CONFLICT_POLICY_USE_EXISTING,
			StaticSummary:            asked.asked.Summary(),
			StaticDetails:            asked.asked.Details(),
			Memo:                     map[string]any{migrationlink.StartedByMemo: asked.mark},
		}, asked.run.workflow, asked.input),
		UpdateOptions: client.UpdateWorkflowOptions{
			UpdateName:   migrationlink.AcceptUpdate,
			Args:         []any{asked.asked},
			WaitForStage: client.WorkflowUpdateStageAccepted,
		},
	})
	switch {
	case ctx.Err() == nil && isLate(err):
		return s.startedUnheard(ctx, asked)
	case err != nil:
		return started{}, err
	}
	asked.run.runID = answer.RunID()
	refused := refusalOf(ctx, answer)
	if refused != nil && !isUnknownUpdate(refused) {
		return started{}, asked.run.refusedStart(refused)
	}
	begun, err := s.begun(ctx, asked)
	if err == nil && refused == nil {
		begun.accepted = answer
	}
	return begun, err
}

// refusalOf returns at once why a workflow refuses an update, or nil.
func refusalOf(ctx context.Context, answer client.WorkflowUpdateHandle) *temporal.ApplicationError {
	ctx, cancel := context.WithCancel(ctx)
	cancel() // what is not answered yet was accepted
	refused, _ := errors.AsType[*temporal.ApplicationError](answer.Get(ctx, nil))
	return refused
}

// refusedStart says why the workflow under way does not take the request.
func (r linkRun) refusedStart(refused *temporal.ApplicationError) error {
	if different, ok := fieldProblems(refused, migrationlink.ErrDifferentRequest); ok {
		return r.refuse(different)
	}
	if invalid, ok := fieldProblems(refused, migrationlink.ErrInvalidRequest); ok {
		return conflict{failure{ExitUsage, "the worker refuses the request", "Correct the flags, or update the workers, should they be of an older version."}, flagProblems(invalid)}
	}
	if refused.Type() == migrationlink.ErrAlreadyEnded {
		return endingError{failure{ExitDifferent, fmt.Sprintf("what is under way for organization %s of manager %s is being ended (workflow %s, run %s)",
			r.orgID, r.manager, r.workflowID(), r.runID), fmt.Sprintf("Start again when it has ended: watch it with 'starter status --watch %s'.", r.flags())}, r}
	}
	return refusedBy(refused, r, ExitOther)
}

// endingError says that a run is at its end.
type endingError struct {
	failure
	run linkRun
}

func (e endingError) Unwrap() error { return e.failure }

// endLimit is what Temporal needs to close a workflow that has nothing more to do.
const endLimit = time.Second

// endsNow tells whether a run that is at its end has ended. An undo takes
// longer, and is not waited for.
func (s *server) endsNow(ctx context.Context, err error) bool {
	ending, ok := errors.AsType[endingError](err)
	if !ok {
		return false
	}
	ctx, cancel := context.WithTimeout(ctx, endLimit)
	defer cancel()
	_, err = awaitResult(ctx, s.Client, ending.run)
	return err == nil
}

// endedMeanwhile tells whether a workflow has ended while it was asked.
func endedMeanwhile(err error) bool {
	_, aborted := errors.AsType[*serviceerror.Aborted](err)
	return aborted || isNotFound(err)
}

// startedUnheard is for a request that no worker has taken: what is under way
// has to be looked up.
func (s *server) startedUnheard(ctx context.Context, asked starting) (started, error) {
	begun, err := s.begun(ctx, asked)
	begun.noWorker = true
	return begun, err
}

// begun finds out whether this command has started what is under way, and
// otherwise whether it does the same.
func (s *server) begun(ctx context.Context, asked starting) (started, error) {
	described, err := s.describe(ctx, asked.run)
	if err != nil {
		return started{}, err
	}
	info := described.GetWorkflowExecutionInfo()
	begun := started{run: asked.run.of(info), joined: memoOf(info.GetMemo(), migrationlink.StartedByMemo) != asked.mark}
	if !begun.joined {
		return begun, nil
	}
	if state := stateOf(info.GetStatus()); state != stateRunning && asked.run.runID == "" {
		return started{}, failure{ExitOther, "Temporal has not started it in time", "Try again."}
	}
	under, err := s.requestOf(ctx, begun.run)
	if err != nil {
		return started{}, err
	}
	if different := under.Difference(asked.asked); len(different) > 0 {
		return started{}, begun.run.refuse(different)
	}
	return begun, nil
}

// requestOf reads what a workflow was started with.
func (s *server) requestOf(ctx context.Context, run linkRun) (request migrationlink.StartRequest, _ error) {
	ctx, cancel := context.WithTimeout(ctx, callLimit)
	defer cancel()
	events := s.GetWorkflowHistory(ctx, run.workflowID(), run.runID, false, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	first, err := events.Next()
	if err != nil {
		return request, err
	}
	input := first.GetWorkflowExecutionStartedEventAttributes().GetInput()
	if run.unlinks() {
		request.Unlink = &migrationlink.UnlinkRequest{}
		err = converter.GetDefaultDataConverter().FromPayloads(input, request.Unlink)
	} else {
		request.Link = &migrationlink.LinkRequest{}
		err = converter.GetDefaultDataConverter().FromPayloads(input, request.Link)
	}
	if err != nil {
		return request, failure{ExitOther,
			fmt.Sprintf("workflow %s is under way, and whether it does the same cannot be read from its history", run.workflowID()),
			run.howToGoOn()}
	}
	return request, nil
}

// interruptedStart says honestly what an interrupted command has left behind.
func (s *server) interruptedStart(ctx context.Context, asked starting) error {
	described, err := s.describe(ctx, asked.run)
	info := described.GetWorkflowExecutionInfo()
	run := asked.run
	if err == nil {
		run = run.of(info)
	}
	switch {
	case err != nil && !isNotFound(err):
		return failure{ExitOther, "interrupted; whether the " + run.noun() + " was started is not known",
			fmt.Sprintf("See with 'starter status %s'.", run.flags())}
	case memoOf(info.GetMemo(), migrationlink.StartedByMemo) == asked.mark:
		return failure{ExitOther, fmt.Sprintf("interrupted; the %s was started (workflow %s, run %s) and goes on", run.noun(), run.workflowID(), run.runID),
			run.howToGoOn()}
	case stateOf(info.GetStatus()) == stateRunning:
		return failure{ExitOther, fmt.Sprintf("interrupted; workflow %s, run %s was under way before and goes on", run.workflowID(), run.runID),
			run.howToGoOn()}
	}
	return failure{ExitOther, "interrupted; nothing was started", ""}
}

// refuse says that the workflow does something else than what is asked for.
func (r linkRun) refuse(different []migrationlink.FieldProblem) error {
	remedy := fmt.Sprintf("Watch it with 'starter status --watch %s'. To have it your way, cancel it with 'starter cancel %s --reason TEXT' and start again", r.flags(), r.flags())
	if movesDeadline(different) {
		remedy += fmt.Sprintf("; a deadline is moved with '%s'", r.extendCommand())
	}
	return conflict{
		failure{ExitDifferent, fmt.Sprintf("another request for organization %s of manager %s is under way (workflow %s, run %s)",
			r.orgID, r.manager, r.workflowID(), r.runID), remedy + "."},
		flagProblems(different),
	}
}

func movesDeadline(different []migrationlink.FieldProblem) bool {
	for _, field := range different {
		switch field.Field {
		case "createTimeout", "syncTimeout", "timeout":
			return true
		}
	}
	return false
}

func (b started) text() string {
	what := fmt.Sprintf("workflow %s, run %s", b.run.workflowID(), b.run.runID)
	if !b.joined {
		return "Started " + what
	}
	by := ""
	if b.run.startedBy != "" {
		by = ", started by " + b.run.startedBy
	}
	return fmt.Sprintf("Joined the %s that is under way: %s%s", b.run.noun(), what, by)
}

// memoOf reads a text of a memo; it is empty when there is none.
func memoOf(memo *commonpb.Memo, name string) string { return textOf(memo.GetFields()[name]) }

func textOf(payload *commonpb.Payload) (text string) {
	_ = converter.GetDefaultDataConverter().FromPayload(payload, &text) // a foreign one says nothing
	return text
}
