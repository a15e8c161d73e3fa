package links

import (
	"cmp"
	"errors"
	"strings"
	"time"

	deploymentpb "go.temporal.io/api/deployment/v1"
	enumspb "go.temporal.io/api/enums/v1"
	failurepb "go.temporal.io/api/failure/v1"
	workflowpb "go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/temporal"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/migrationlink/migrationlink"
	"github.com/migrationlink/migrationlink/internal/config"
	"github.com/migrationlink/migrationlink/internal/dataconv"
	"github.com/migrationlink/migrationlink/internal/temporalconn"
	"github.com/migrationlink/migrationlink/internal/words"
)

// Observation is what a run is doing, as far as Temporal and, if one
// is alive, a worker can tell. Zero times and empty texts are not known.
type Observation struct {
	Run   Run
	State string // StateRunning, or how the run ended

	migrationlink.Status
	// Token is where the link-token is from. It is read only where it blocks the link.
	Token migrationlink.TokenSource

	AtlasPolls int       // how often Atlas was asked for the projects
	SeenAt     time.Time // of LinkStatus
	NextTry    time.Time // of the call that is being repeated
	Attempt    int
	Paused     bool
	NoWorker   string // why the workflow itself could not be asked
	Limited    string // the same, where Temporal limits the rate
	Unread     string // the same, where the answer cannot be decoded
	Version    string // of a Worker Deployment on which it began, if workers have versions

	queued  time.Time // since when a call waits for a worker to take it
	endedAt time.Time
}

// Running reports whether the run has not ended.
func (o Observation) Running() bool { return o.State == StateRunning }

// Blocked reports whether the run waits for a person.
func (o Observation) Blocked() bool { return o.Phase == migrationlink.PhaseBlocked }

// BlockedByToken reports whether another link-token may be needed.
func (o Observation) BlockedByToken() bool { return o.Blocked() && words.IsAboutToken(o.Problem) }

// IsEnding reports whether nothing is left but to undo.
func (o Observation) IsEnding() bool {
	return o.Phase == migrationlink.PhaseUndoing || o.BlockedIn == migrationlink.PhaseUndoing
}

// queueTimeout is above what a busy worker takes to pick up a call.
const queueTimeout = 5 * time.Second

// Overdue reports whether a call has waited for a worker for longer than it should.
func (o Observation) Overdue(now time.Time) bool {
	return !o.Paused && !o.queued.IsZero() && now.Sub(o.queued) > queueTimeout
}

// fromDescription is what Temporal knows without a worker.
func fromDescription(run Run, described *workflowservice.DescribeWorkflowExecutionResponse, stored dataconv.Converters) Observation {
	info := described.GetWorkflowExecutionInfo()
	memo, unread := memoOf(info, stored)
	seen := Observation{
		Run:     run.of(info, memo),
		State:   stateOf(info.GetStatus()),
		Status:  migrationlink.Status{StartedAt: TimeOf(info.GetStartTime())},
		Version: VersionOf(info.GetVersioningInfo().GetDeploymentVersion()).String(),
		endedAt: TimeOf(info.GetCloseTime()),
	}
	for _, pending := range described.GetPendingActivities() {
		seen.AddActivity(pending, stored)
	}
	if failed, ok := errors.AsType[*temporalconn.Error](unread); ok {
		seen.Unread = words.Sentences("what Temporal has noted of the workflow cannot be read: "+failed.Message, failed.Remedy)
	}
	if memo[migrationlink.PhaseMemo] == string(migrationlink.PhaseBlocked) {
		seen.Phase, seen.BlockedIn = migrationlink.PhaseBlocked, seen.Phase
	}
	return seen
}

// AddActivity adds what a pending activity reports.
func (o *Observation) AddActivity(pending *workflowpb.PendingActivityInfo, stored dataconv.Converters) {
	phase := phaseOf(pending.GetActivityType().GetName(), o.Run)
	if phase == "" {
		return // a look beside the work
	}
	o.Phase = phase
	o.Attempt = int(pending.GetAttempt())
	o.Deadline = TimeOf(pending.GetExpirationTime())
	o.NextTry = TimeOf(pending.GetNextAttemptScheduleTime())
	o.Paused = pending.GetPaused()
	if pending.GetState() == enumspb.PENDING_ACTIVITY_STATE_SCHEDULED {
		o.queued = cmp.Or(o.NextTry, TimeOf(pending.GetScheduledTime()))
	}
	progress := heartbeatProgress(pending, stored)
	o.Problem, o.Atlas = fromFailure(pending.GetLastFailure(), stored, &progress)
	polls := max(progress.Polls, o.Attempt-1) // nothing else counts those of a lost worker
	switch pending.GetActivityType().GetName() {
	case migrationlink.VerifyInAtlasActivity:
		o.AtlasPolls = polls
	case migrationlink.AwaitSyncedActivity:
		o.Polls, o.LinkStatus, o.SeenAt = polls, progress.LinkStatus, progress.SeenAt
	}
}

// heartbeatProgress returns what a waiting activity has left for its next attempt.
func heartbeatProgress(pending *workflowpb.PendingActivityInfo, stored dataconv.Converters) (progress migrationlink.Progress) {
	details := pending.GetHeartbeatDetails()
	if len(details.GetPayloads()) == 0 || stored.Data.FromPayloads(details, &progress) != nil || progress.Polls == 0 {
		return migrationlink.Progress{}
	}
	return progress
}

// fromFailure reads why the last attempt of an activity failed, and adds what it had seen
// to progress. There is no problem if it only waits for something; then it may report
// what was seen in Atlas.
func fromFailure(last *failurepb.Failure, stored dataconv.Converters, progress *migrationlink.Progress) (*migrationlink.Problem, *migrationlink.AtlasResult) {
	if last == nil {
		return nil, nil
	}
	application, ok := errors.AsType[*temporal.ApplicationError](stored.Failures.FailureToError(last))
	if !ok {
		return &migrationlink.Problem{
			Type:    migrationlink.ErrWorkerUnavailable,
			Message: "the worker did not finish the last call",
			Remedy:  "Check that the workers run.",
		}, nil
	}
	var (
		problem migrationlink.Problem
		newest  migrationlink.Progress
		seen    migrationlink.AtlasResult
	)
	if application.HasDetails() {
		_ = application.Details(&problem, &newest, &seen) // those of another activity or version: unknown
	}
	if newest.Polls > 0 {
		*progress = newest
	}
	switch application.Type() {
	case migrationlink.ErrNotSynced:
		return nil, nil
	case migrationlink.ErrNotInAtlas:
		if seen.SourceProjects == 0 {
			return nil, nil
		}
		return nil, &migrationlink.AtlasResult{SourceProjects: seen.SourceProjects, AvailableProjects: seen.AvailableProjects}
	}
	if problem.Type == "" {
		problem = migrationlink.Problem{Type: application.Type(), Message: application.Message()}
	}
	return &problem, nil
}

// phaseOf guesses the phase, for when no worker answers.
func phaseOf(activity string, run Run) migrationlink.Phase {
	switch activity {
	case migrationlink.FindLinkActivity, migrationlink.CreateLinkActivity, migrationlink.CreateLinkTokenActivity:
		return migrationlink.PhaseCreating
	case migrationlink.AwaitSyncedActivity:
		return migrationlink.PhaseSyncing
	case migrationlink.VerifyInAtlasActivity:
		return migrationlink.PhaseVerifying
	case migrationlink.DeleteLinkTokenActivity:
		return migrationlink.PhaseUndoing
	case migrationlink.DeleteLinkActivity:
		if run.Unlinks() {
			return migrationlink.PhaseRemoving
		}
		return migrationlink.PhaseUndoing
	}
	return ""
}

func stateOf(status enumspb.WorkflowExecutionStatus) string {
	switch status {
	case enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING:
		return StateRunning
	case enumspb.WORKFLOW_EXECUTION_STATUS_CANCELED:
		return StateCancelled
	case enumspb.WORKFLOW_EXECUTION_STATUS_TIMED_OUT:
		return StateTimedOut
	}
	return strings.ToLower(status.String()) // completed, failed, terminated
}

// TimeOf is zero for a time that is not set.
func TimeOf(stamp *timestamppb.Timestamp) time.Time {
	if stamp == nil {
		return time.Time{}
	}
	return stamp.AsTime()
}

// VersionOf is the version of a Worker Deployment; zero for none.
func VersionOf(version *deploymentpb.WorkerDeploymentVersion) config.Deployment {
	return config.Deployment{Name: version.GetDeploymentName(), BuildID: version.GetBuildId()}
}
