package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	commonpb "go.temporal.io/api/common/v1"
	enumspb "go.temporal.io/api/enums/v1"
	failurepb "go.temporal.io/api/failure/v1"
	"go.temporal.io/api/serviceerror"
	workflowpb "go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/temporal"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/migrationlink/migrationlink"
)

// observation is what a run of a link is doing, as far as Temporal and, if one
// is alive, a worker can tell. Zero times and empty texts are not known.
type observation struct {
	run   linkRun
	state string // "running", or how Temporal says that it ended

	phase        migrationlink.Phase
	phaseSince   time.Time
	deadline     time.Time
	linkStatus   string
	created      bool
	cancelReason string
	problem      *migrationlink.Problem

	polls    int
	seenAt   time.Time // of linkStatus
	nextTry  time.Time // of the call that is being repeated
	attempt  int
	paused   bool
	queued   time.Time // since when a call waits for a worker to take it
	queue    string
	noWorker string // why the workflow itself could not be asked

	startedAt time.Time
	endedAt   time.Time
	result    *migrationlink.LinkResult
}

func (o observation) running() bool { return o.state == stateRunning }

const stateRunning = "running"

const (
	// queryLimit is what a living worker needs at most; without one Temporal
	// lets the caller wait.
	queryLimit = 3 * time.Second
	// queryAgain asks a worker again although nothing has happened in the
	// workflow, to notice that the worker is gone.
	queryAgain = 15 * time.Second
)

// observer tells again and again what one run is doing.
type observer struct {
	server *server
	run    linkRun
	now    func() time.Time

	// The workflow's own status changes with its history only, so it is not
	// asked for, which costs a worker's time, when nothing was added.
	status   *migrationlink.Status
	noWorker string
	events   int64
	askedAt  time.Time
}

func (s *server) observe(run linkRun, now func() time.Time) *observer {
	return &observer{server: s, run: run, now: now}
}

// look returns what the run is doing now.
func (o *observer) look(ctx context.Context) (observation, error) {
	described, err := o.server.describe(ctx, o.run)
	if err != nil {
		return observation{}, err
	}
	o.run.runID = described.GetWorkflowExecutionInfo().GetExecution().GetRunId()
	seen := fromDescription(o.run, described)
	if !seen.running() {
		callCtx, cancel := context.WithTimeout(ctx, callLimit)
		defer cancel()
		result, err := awaitResult(callCtx, o.server.Client, o.run)
		if err != nil {
			return observation{}, err
		}
		return seen.ended(result), nil
	}
	o.ask(ctx, described.GetWorkflowExecutionInfo().GetHistoryLength())
	return seen.withStatus(o.status, o.noWorker), nil
}

func (s *server) describe(ctx context.Context, run linkRun) (*workflowservice.DescribeWorkflowExecutionResponse, error) {
	ctx, cancel := context.WithTimeout(ctx, callLimit)
	defer cancel()
	return s.DescribeWorkflowExecution(ctx, run.workflowID(), run.runID)
}

func (o *observer) ask(ctx context.Context, events int64) {
	if o.noWorker == "" && o.status != nil && o.events == events && o.now().Sub(o.askedAt) < queryAgain {
		return
	}
	status, noWorker := o.query(ctx)
	if status != nil || events != o.events {
		o.status = status // an older one would tell of what is over
	}
	o.noWorker, o.events, o.askedAt = noWorker, events, o.now()
}

func (o *observer) query(ctx context.Context) (_ *migrationlink.Status, noWorker string) {
	ctx, cancel := context.WithTimeout(ctx, queryLimit)
	defer cancel()
	answer, err := o.server.QueryWorkflow(ctx, o.run.workflowID(), o.run.runID, migrationlink.StatusQuery)
	var status migrationlink.Status
	if err == nil {
		err = answer.Get(&status)
	}
	if failed, ok := errors.AsType[*serviceerror.QueryFailed](err); ok {
		return nil, "the worker cannot tell the status: " + failed.Error()
	}
	if err != nil {
		return nil, "no worker is answering on task queue " + migrationlink.TaskQueue
	}
	return &status, ""
}

// fromDescription is what Temporal knows without a worker.
func fromDescription(run linkRun, described *workflowservice.DescribeWorkflowExecutionResponse) observation {
	info := described.GetWorkflowExecutionInfo()
	run.runID = info.GetExecution().GetRunId()
	seen := observation{
		run:       run,
		state:     stateOf(info.GetStatus()),
		startedAt: timeOf(info.GetStartTime()),
		endedAt:   timeOf(info.GetCloseTime()),
	}
	for _, pending := range described.GetPendingActivities() {
		seen.addActivity(pending)
	}
	return seen
}

func (o *observation) addActivity(pending *workflowpb.PendingActivityInfo) {
	o.phase = phaseOf(pending.GetActivityType().GetName())
	o.attempt = int(pending.GetAttempt())
	o.deadline = timeOf(pending.GetExpirationTime())
	o.nextTry = timeOf(pending.GetNextAttemptScheduleTime())
	o.paused = pending.GetPaused()
	o.queue = migrationlink.ManagerTaskQueue(o.run.manager)
	if pending.GetState() == enumspb.PENDING_ACTIVITY_STATE_SCHEDULED && o.nextTry.IsZero() {
		o.queued = timeOf(pending.GetScheduledTime())
	}
	o.problem = problemOf(pending.GetLastFailure())

	var progress migrationlink.Progress
	if !readHeartbeat(pending.GetHeartbeatDetails(), &progress) {
		return
	}
	o.polls, o.linkStatus, o.seenAt = progress.Polls, progress.LinkStatus, progress.SeenAt
	if o.problem == nil {
		o.problem = progress.Problem
	}
}

// readHeartbeat tells whether there was a Progress to read: other activities
// leave other details, or none.
func readHeartbeat(details *commonpb.Payloads, progress *migrationlink.Progress) bool {
	if len(details.GetPayloads()) == 0 {
		return false
	}
	err := converter.GetDefaultDataConverter().FromPayloads(details, progress)
	return err == nil && progress.Polls > 0
}

// problemOf is why the last attempt of an activity did not do; nil when it only
// says that the link is not synced yet.
func problemOf(last *failurepb.Failure) *migrationlink.Problem {
	if last == nil {
		return nil
	}
	err := temporal.GetDefaultFailureConverter().FailureToError(last)
	application, ok := errors.AsType[*temporal.ApplicationError](err)
	if !ok {
		return &migrationlink.Problem{
			Type:    migrationlink.ErrTimedOut,
			Message: "the worker did not finish the last call",
			Remedy:  "Check that the workers run.",
		}
	}
	if application.Type() == migrationlink.ErrNotSynced {
		return nil
	}
	problem := migrationlink.Problem{}
	if !application.HasDetails() || application.Details(&problem) != nil || problem.Type == "" {
		problem = migrationlink.Problem{Type: application.Type(), Message: application.Message()}
	}
	return &problem
}

// phaseOf guesses the phase, for when no worker answers.
func phaseOf(activity string) migrationlink.Phase {
	switch activity {
	case migrationlink.CreateLinkActivity:
		return migrationlink.PhaseCreating
	case migrationlink.AwaitSyncedActivity:
		return migrationlink.PhaseSyncing
	case migrationlink.DeleteLinkActivity:
		return migrationlink.PhaseUndoing
	}
	return ""
}

// withStatus adds what the workflow itself says, which is right about phase and
// deadline; its pending activity is right about the last poll.
func (o observation) withStatus(status *migrationlink.Status, noWorker string) observation {
	o.noWorker = noWorker
	if status == nil {
		return o
	}
	o.phase, o.phaseSince, o.deadline = status.Phase, status.PhaseSince, status.Deadline
	o.created, o.cancelReason = status.Created, status.CancelReason
	if o.linkStatus == "" {
		o.linkStatus = status.LinkStatus
	}
	if o.problem == nil {
		o.problem = status.Problem
	}
	return o
}

// ended adds the result of a closed run.
func (o observation) ended(result migrationlink.LinkResult) observation {
	result = o.completed(result)
	o.phase, o.phaseSince = migrationlink.PhaseEnded, result.EndedAt
	o.linkStatus, o.created, o.cancelReason = result.LinkStatus, result.Created, result.CancelReason
	o.problem, o.polls, o.result = result.Problem, result.Polls, &result
	return o
}

// completed fills in the times of a result that the workflow could not give.
func (o observation) completed(result migrationlink.LinkResult) migrationlink.LinkResult {
	if result.StartedAt.IsZero() {
		result.StartedAt = o.startedAt
	}
	if result.EndedAt.IsZero() {
		result.EndedAt = o.endedAt
	}
	return result
}

// notes are what a person should know besides the phase, one sentence or two
// each. They hold no times, so that they are told once.
func (o observation) notes(now time.Time) []string {
	var notes []string
	if o.noWorker != "" {
		notes = append(notes, oneLine(o.noWorker)+". Start a worker, or look at its log; the link goes on as soon as one is there.")
	}
	if o.paused {
		notes = append(notes, "paused in Temporal. Unpause the activity to go on.")
	}
	if !o.queued.IsZero() && now.Sub(o.queued) > queuedTooLong {
		notes = append(notes, fmt.Sprintf("no worker has taken the call to manager %s yet. Check that a worker polls task queue %s.", o.run.manager, o.queue))
	}
	if o.problem != nil && o.running() {
		note := oneLine(o.problem.Message)
		if o.problem.Remedy != "" {
			note = strings.TrimSuffix(note, ".") + ". " + oneLine(o.problem.Remedy)
		}
		notes = append(notes, note)
	}
	return notes
}

// queuedTooLong is above what a busy worker takes to pick up a call.
const queuedTooLong = 5 * time.Second

func stateOf(status enumspb.WorkflowExecutionStatus) string {
	switch status {
	case enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING:
		return stateRunning
	case enumspb.WORKFLOW_EXECUTION_STATUS_CANCELED:
		return "cancelled"
	case enumspb.WORKFLOW_EXECUTION_STATUS_TIMED_OUT:
		return "timed-out"
	}
	return strings.ToLower(status.String()) // completed, failed, terminated
}

func timeOf(stamp *timestamppb.Timestamp) time.Time {
	if stamp == nil {
		return time.Time{}
	}
	return stamp.AsTime()
}
