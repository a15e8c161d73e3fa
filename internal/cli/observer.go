package cli

import (
	"cmp"
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
	blockedIn    migrationlink.Phase // the phase that goes on after PhaseBlocked
	phaseSince   time.Time
	deadline     time.Time
	linkStatus   string
	created      bool
	createdAt    time.Time
	inDoubt      bool
	cancelReason string
	problem      *migrationlink.Problem
	// token is where the link-token is from, where that was read: it is where it
	// blocks the link.
	token migrationlink.TokenSource

	// atlas is what was done there, if anything was; atlasPolls counts how often it
	// was asked for the projects.
	atlas      *migrationlink.AtlasResult
	atlasPolls int

	polls    int
	seenAt   time.Time // of linkStatus
	nextTry  time.Time // of the call that is being repeated
	attempt  int
	paused   bool
	queued   time.Time // since when a call waits for a worker to take it
	queue    string
	noWorker string // why the workflow itself could not be asked
	version  string // of a Worker Deployment on which it began, if workers have versions

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
	answer
	events  int64
	askedAt time.Time

	// The history is read, too, only when something was added.
	token       migrationlink.TokenSource
	tokenEvents int64
}

// answer is what a workflow itself says, or why it could not be asked.
type answer struct {
	status   *migrationlink.Status
	noWorker string
}

func (s *server) observe(run linkRun, now func() time.Time) *observer {
	return &observer{server: s, run: run, now: now}
}

// look returns what the run is doing now.
func (o *observer) look(ctx context.Context) (observation, error) {
	asking, stop := context.WithCancel(ctx)
	defer stop()
	run := o.run
	query := func() answer { return o.query(asking, run) }
	if o.askedAt.IsZero() {
		query = beginning(query) // who looks for the first time waits for both answers
	}
	described, err := o.server.describe(ctx, o.run)
	if err != nil {
		return observation{}, err
	}
	seen := fromDescription(o.run, described)
	o.run = seen.run
	if !seen.running() {
		callCtx, cancel := context.WithTimeout(ctx, callLimit)
		defer cancel()
		result, err := awaitResult(callCtx, o.server.Client, o.run)
		if err != nil {
			return observation{}, err
		}
		return seen.ended(result), nil
	}
	events := described.GetWorkflowExecutionInfo().GetHistoryLength()
	o.ask(query, events, seen.overdue(o.now()))
	seen = seen.withStatus(o.status, o.noWorker)
	if seen.blockedByToken() {
		seen.token = o.tokenSource(ctx, events)
	}
	return seen, nil
}

func (s *server) describe(ctx context.Context, run linkRun) (*workflowservice.DescribeWorkflowExecutionResponse, error) {
	ctx, cancel := context.WithTimeout(ctx, callLimit)
	defer cancel()
	return s.DescribeWorkflowExecution(ctx, run.workflowID(), run.runID)
}

// beginning runs ask at once; the answer is waited for when it is asked for.
func beginning(ask func() answer) func() answer {
	answers := make(chan answer, 1)
	go func() { answers <- ask() }()
	return func() answer { return <-answers }
}

func (o *observer) ask(query func() answer, events int64, overdue bool) {
	known := queryAgain
	if overdue {
		known = queuedTooLong
	}
	if o.noWorker == "" && o.status != nil && o.events == events && o.now().Sub(o.askedAt) < known {
		return
	}
	said := query()
	if said.status != nil || events != o.events {
		o.status = said.status // an older one would tell of what is over
	}
	o.noWorker, o.events, o.askedAt = said.noWorker, events, o.now()
}

func (o *observer) query(ctx context.Context, run linkRun) answer {
	ctx, cancel := context.WithTimeout(ctx, queryLimit)
	defer cancel()
	answered, err := o.server.QueryWorkflow(ctx, run.workflowID(), run.runID, migrationlink.StatusQuery)
	var status migrationlink.Status
	if err == nil {
		err = answered.Get(&status)
	}
	if failed, ok := errors.AsType[*serviceerror.QueryFailed](err); ok {
		return answer{noWorker: "the worker cannot tell the status: " + failed.Error()}
	}
	if err != nil {
		return answer{noWorker: "no worker is answering on task queue " + migrationlink.TaskQueue}
	}
	return answer{status: &status}
}

// fromDescription is what Temporal knows without a worker.
func fromDescription(run linkRun, described *workflowservice.DescribeWorkflowExecutionResponse) observation {
	info := described.GetWorkflowExecutionInfo()
	seen := observation{
		run:       run.of(info),
		state:     stateOf(info.GetStatus()),
		startedAt: timeOf(info.GetStartTime()),
		endedAt:   timeOf(info.GetCloseTime()),
		version:   versionOf(info.GetVersioningInfo().GetDeploymentVersion()).String(),
	}
	for _, pending := range described.GetPendingActivities() {
		seen.addActivity(pending)
	}
	if memoOf(info.GetMemo(), migrationlink.PhaseMemo) == string(migrationlink.PhaseBlocked) {
		seen.phase, seen.blockedIn = migrationlink.PhaseBlocked, seen.phase
	}
	return seen
}

func (o *observation) addActivity(pending *workflowpb.PendingActivityInfo) {
	phase := phaseOf(pending.GetActivityType().GetName(), o.run)
	if phase == "" {
		return // a look beside the work
	}
	o.phase = phase
	o.attempt = int(pending.GetAttempt())
	o.deadline = timeOf(pending.GetExpirationTime())
	o.nextTry = timeOf(pending.GetNextAttemptScheduleTime())
	o.paused = pending.GetPaused()
	o.queue = migrationlink.ManagerTaskQueue(o.run.manager)
	if pending.GetState() == enumspb.PENDING_ACTIVITY_STATE_SCHEDULED {
		o.queued = firstTime(o.nextTry, timeOf(pending.GetScheduledTime()))
	}
	o.problem = problemOf(pending.GetLastFailure())
	o.atlas = projectsSeen(pending.GetLastFailure())

	var progress migrationlink.Progress
	if !readHeartbeat(pending.GetHeartbeatDetails(), &progress) {
		return
	}
	if phase == migrationlink.PhaseVerifying {
		o.atlasPolls = progress.Polls
	} else {
		o.polls, o.linkStatus, o.seenAt = progress.Polls, progress.LinkStatus, progress.SeenAt
	}
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
// says that what is waited for is not there yet.
func problemOf(last *failurepb.Failure) *migrationlink.Problem {
	if last == nil {
		return nil
	}
	err := temporal.GetDefaultFailureConverter().FailureToError(last)
	application, ok := errors.AsType[*temporal.ApplicationError](err)
	if !ok {
		return &migrationlink.Problem{
			Type:    migrationlink.ErrWorkerUnavailable,
			Message: "the worker did not finish the last call",
			Remedy:  "Check that the workers run.",
		}
	}
	if application.Type() == migrationlink.ErrNotSynced || application.Type() == migrationlink.ErrNotInAtlas {
		return nil
	}
	problem := migrationlink.Problem{}
	if !application.HasDetails() || application.Details(&problem) != nil || problem.Type == "" {
		problem = migrationlink.Problem{Type: application.Type(), Message: application.Message()}
	}
	return &problem
}

// projectsSeen is what the last look at Atlas saw, which its error carries behind
// the problem and the progress; nil when it does not.
func projectsSeen(last *failurepb.Failure) *migrationlink.AtlasResult {
	if last == nil {
		return nil
	}
	application, ok := errors.AsType[*temporal.ApplicationError](temporal.GetDefaultFailureConverter().FailureToError(last))
	if !ok || application.Type() != migrationlink.ErrNotInAtlas || !application.HasDetails() {
		return nil
	}
	var (
		problem  migrationlink.Problem
		progress migrationlink.Progress
		seen     struct{ SourceProjects, AvailableProjects int }
	)
	if application.Details(&problem, &progress, &seen) != nil || seen.SourceProjects == 0 {
		return nil
	}
	return &migrationlink.AtlasResult{SourceProjects: seen.SourceProjects, AvailableProjects: seen.AvailableProjects}
}

// phaseOf guesses the phase, for when no worker answers.
func phaseOf(activity string, run linkRun) migrationlink.Phase {
	switch activity {
	case migrationlink.CreateLinkActivity, migrationlink.CreateLinkTokenActivity:
		return migrationlink.PhaseCreating
	case migrationlink.AwaitSyncedActivity:
		return migrationlink.PhaseSyncing
	case migrationlink.VerifyInAtlasActivity:
		return migrationlink.PhaseVerifying
	case migrationlink.DeleteLinkTokenActivity:
		return migrationlink.PhaseUndoing
	case migrationlink.DeleteLinkActivity:
		if run.unlinks() {
			return migrationlink.PhaseRemoving
		}
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
	calledToUndo := o.isEnding()
	o.phase, o.phaseSince, o.deadline = status.Phase, status.PhaseSince, status.Deadline
	o.blockedIn = status.BlockedIn
	o.polls += status.Polls
	o.inDoubt, o.atlas = status.InDoubt, withProjects(status.Atlas, o.atlas)
	o.created, o.createdAt, o.cancelReason = status.Created, status.CreatedAt, status.CancelReason
	if o.linkStatus == "" {
		o.linkStatus = status.LinkStatus
	}
	if o.isEnding() && !calledToUndo {
		// It was looked at before it was called off: what it was to do next is over.
		o.problem, o.nextTry, o.attempt, o.paused, o.queued = nil, time.Time{}, 0, false, time.Time{}
	}
	if o.problem == nil || o.blocked() {
		o.problem = status.Problem
	}
	return o
}

// withProjects is what the workflow tells of Atlas, with what was seen there last.
func withProjects(told, seen *migrationlink.AtlasResult) *migrationlink.AtlasResult {
	if told == nil || seen == nil {
		return cmp.Or(told, seen)
	}
	all := *told
	all.SourceProjects, all.AvailableProjects = seen.SourceProjects, seen.AvailableProjects
	return &all
}

func (o observation) blocked() bool { return o.phase == migrationlink.PhaseBlocked }

// accepted tells whether the manager has a link, and nothing but waiting is left.
func (o observation) accepted() bool {
	return o.phase == migrationlink.PhaseSyncing || o.phase == migrationlink.PhaseVerifying
}

// notOurs says beforehand what an undo will not remove.
func (o observation) notOurs() []string {
	switch {
	case !o.accepted(), o.phaseSince.IsZero(): // only the workflow itself knows
		return nil
	case o.inDoubt:
		return []string{"It is not known whether this request made the link, as a reply was lost; no undo removes it, 'starter unlink' does"}
	case !o.created:
		return []string{"It was linked before this request; no undo removes that link, 'starter unlink' does"}
	}
	return nil
}

// blockedText says what a person has to fix.
func (o observation) blockedText() string {
	text := "BLOCKED"
	if o.blockedIn != "" {
		text += " while " + string(o.blockedIn)
	}
	if o.problem == nil {
		return text + ": a worker would tell why"
	}
	return text + ": " + inSentences(o.problem.Message, o.remedy())
}

func (o observation) remedy() string {
	if o.blocked() && o.problem.Type == migrationlink.ErrMigrationRunning {
		return o.problem.Remedy + " That is noticed by itself, too."
	}
	return o.problem.Remedy
}

// inSentences puts a message and its remedy on one line.
func inSentences(message, remedy string) string {
	message, remedy = oneLine(message), oneLine(remedy)
	if remedy == "" {
		return message
	}
	return strings.TrimSuffix(message, ".") + ". " + remedy
}

// ended adds the result of a closed run.
func (o observation) ended(result migrationlink.LinkResult) observation {
	result = o.completed(result)
	o.phase, o.phaseSince = migrationlink.PhaseEnded, result.EndedAt
	o.linkStatus, o.created, o.cancelReason = result.LinkStatus, result.Created, result.CancelReason
	o.problem, o.polls, o.result = result.Problem, result.Polls, &result
	o.atlas = result.Atlas
	if result.Outcome == migrationlink.OutcomeTimedOut {
		o.state = stateTimedOut // as lists say it
	}
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
		worker := "a worker"
		if o.version != "" {
			worker = "a worker of version " + o.version + ", on which it began"
		}
		notes = append(notes, oneLine(o.noWorker)+". Start "+worker+", or look at its log; the "+o.run.noun()+" goes on as soon as one is there.")
	}
	if o.running() && o.noWorker == "" {
		for _, note := range o.notOurs() {
			notes = append(notes, note+".")
		}
	}
	if o.running() && o.atlas != nil && o.atlas.TokenInDoubt {
		notes = append(notes, tokenInDoubt+".")
	}
	if o.paused {
		notes = append(notes, "paused in Temporal. Unpause the activity to go on.")
	}
	if o.noWorker == "" && o.overdue(now) {
		notes = append(notes, fmt.Sprintf("no worker has taken the call to manager %s that is due. Check that a worker polls task queue %s; with many links its requests_per_second may hold it back.", o.run.manager, o.queue))
	}
	if o.problem != nil && o.running() && !o.blocked() {
		notes = append(notes, inSentences(o.problem.Message, o.problem.Remedy))
	}
	return notes
}

// overdue tells whether a call waits for a worker for longer than it should.
func (o observation) overdue(now time.Time) bool {
	return !o.paused && !o.queued.IsZero() && now.Sub(o.queued) > queuedTooLong
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
		return stateTimedOut
	}
	return strings.ToLower(status.String()) // completed, failed, terminated
}

func timeOf(stamp *timestamppb.Timestamp) time.Time {
	if stamp == nil {
		return time.Time{}
	}
	return stamp.AsTime()
}
