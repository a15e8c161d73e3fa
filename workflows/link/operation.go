package link

import (
	"errors"
	"time"

	"go.temporal.io/sdk/workflow"

	"github.com/migrationlink/migrationlink"
	"github.com/migrationlink/migrationlink/activities"
	"github.com/migrationlink/migrationlink/internal/dataconv"
)

// operation is what linking and unlinking have in common: the state that operators see,
// and what they can do to it.
type operation struct {
	asked migrationlink.StartRequest // with the link-token of the last retry
	first migrationlink.StartRequest // as it was started
	// invalid reports whether asked is, so that its values may be anything.
	invalid bool
	target  activities.Target
	stage   stage
	result  migrationlink.LinkResult
	// work is cancelled with the operation. What must be done nevertheless runs on a
	// context of its own.
	work     workflow.Context
	deadline deadline
	wake     wake
	desk     desk
	guests   guests
	// owner says whose link there is.
	owner owner
	// served reports whether a worker has the manager in its configuration.
	served bool
	// addLeftovers adds to a problem what an unfinished operation leaves behind.
	addLeftovers func(migrationlink.Problem) migrationlink.Problem
}

// stage is where an operation is.
type stage struct {
	phase     migrationlink.Phase
	blockedIn migrationlink.Phase
	since     time.Time // zero until the first phase is entered
	// until is when the phase ends, where that is not the deadline of the operation.
	until time.Time
	// next is when the next attempt begins, where the workflow decides that.
	next time.Time
	// problem is the last one met in this phase.
	problem *migrationlink.Problem
	// linkStatus is the last status that anything has read, and seenAt is when.
	linkStatus string
	seenAt     time.Time
}

func newOperation(ctx workflow.Context, asked migrationlink.StartRequest, target activities.Target, limit deadline, first migrationlink.Phase) *operation {
	invalid := asked.Validate() != nil
	if invalid {
		target = withoutSecrets(target)
	}
	return &operation{
		asked:        asked,
		first:        asked,
		invalid:      invalid,
		target:       target,
		stage:        stage{phase: first},
		result:       migrationlink.LinkResult{Manager: target.Manager, OrgID: target.OrgID, StartedAt: now(ctx)},
		deadline:     limit,
		addLeftovers: nothingLeft,
	}
}

// withoutSecrets drops names that are invalid: they may be secrets in the wrong field.
func withoutSecrets(target activities.Target) activities.Target {
	if !migrationlink.ValidManagerName(target.Manager) {
		target.Manager = ""
	}
	if !migrationlink.ValidOrgID(target.OrgID) {
		target.OrgID = ""
	}
	return target
}

// serve does the work of a valid request under the key of its organization. Another
// workflow id makes it a guest of the workflow that has the key.
func (o *operation) serve(ctx workflow.Context, stored dataconv.Converters, invalid error, work func(workflow.Context) error) (migrationlink.LinkResult, error) {
	if invalid == nil && workflow.GetInfo(ctx).WorkflowExecution.ID != o.key() {
		return (&guest{operation: o, stored: stored}).run(ctx)
	}
	o.started(ctx, stored, invalid)
	if err := o.listen(ctx); err != nil {
		return migrationlink.LinkResult{}, err
	}
	if invalid != nil {
		return o.end(ctx, invalidRequest(invalid))
	}
	return o.end(ctx, work(o.work))
}

// key is the workflow id under which the work on an organization is done.
func (o *operation) key() string { return o.asked.WorkflowID() }

// orCancelled returns why the work was cancelled, whatever else the steps made of it. The signal may have
// come with the event that ended them.
func (o *operation) orCancelled(ctx workflow.Context, err error) error {
	if err == nil {
		return nil
	}
	o.takeCancel(ctx)
	switch {
	case o.work.Err() == nil:
		return err
	case o.desk.full && !o.desk.asked && ctx.Err() == nil:
		return o.historyFull()
	}
	return errCancelled
}

// enter begins a phase. It ends at until, or at the deadline of the operation if that
// is zero.
func (o *operation) enter(ctx workflow.Context, phase migrationlink.Phase, until time.Time) {
	s := &o.stage
	begins := s.phase != phase || s.since.IsZero()
	if begins {
		s.since = now(ctx)
		o.log(ctx, phase, "deadline", o.phaseEnd(until))
	}
	switch phase {
	case migrationlink.PhaseSyncing, migrationlink.PhaseVerifying:
		s.problem = nil // of an earlier phase or attempt
	case migrationlink.PhaseRemoving, migrationlink.PhaseUndoing:
		if begins {
			s.problem = nil
		}
	default:
	}
	s.phase, s.blockedIn, s.until = phase, "", until
	o.tell(ctx)
}

func (o *operation) phaseEnd(until time.Time) time.Time {
	if until.IsZero() {
		return o.deadline.at
	}
	return until
}

// log writes the line of a change of state. docs/reference/log.md documents its words and
// fields.
func (o *operation) log(ctx workflow.Context, phase migrationlink.Phase, fields ...any) {
	if problem := o.stage.problem; problem != nil && (phase == migrationlink.PhaseBlocked || phase == migrationlink.PhaseEnded) {
		fields = append(fields, "type", problem.Type, "httpStatus", problem.HTTPStatus, "code", problem.Code)
	}
	workflow.GetLogger(ctx).Info("link "+string(phase), append([]any{"manager", o.target.Manager, "orgId", o.target.OrgID}, fields...)...)
}

// met records a problem, so that operators see it while it is being retried.
func (o *operation) met(ctx workflow.Context, err error) {
	if err == nil || errors.Is(err, errAgain) || ctx.Err() != nil {
		return // a cancellation is no problem
	}
	o.served = o.served || !neverStarted(err)
	problem := problemOf(err)
	o.stage.problem = &problem
	o.tell(ctx)
}

// saw records a status that the manager reported.
func (o *operation) saw(ctx workflow.Context, linkStatus string) {
	o.served = true
	o.stage.linkStatus, o.stage.seenAt, o.result.LinkStatus = linkStatus, now(ctx), linkStatus
	if linkStatus == migrationlink.LinkSynced {
		o.result.SyncedAt = now(ctx)
	}
}

// status returns what the status query answers.
func (o *operation) status() migrationlink.Status {
	s, result := o.stage, o.result
	status := migrationlink.Status{
		Workflow: workflowType(o.asked), Manager: o.target.Manager, OrgID: o.target.OrgID,
		Phase: s.phase, BlockedIn: s.blockedIn, PhaseSince: s.since, Deadline: o.phaseEnd(s.until),
		LinkStatus: s.linkStatus, Created: result.Created, CreatedAt: result.CreatedAt, InDoubt: result.InDoubt,
		Target: result.Target, TargetReason: result.TargetReason, TargetProblem: result.TargetProblem,
		Polls: result.Polls, Problem: s.problem, CancelReason: result.CancelReason, StartedAt: result.StartedAt,
	}
	if s.since.IsZero() {
		status.PhaseSince = result.StartedAt
	}
	if result.Atlas != nil {
		atlas := *result.Atlas
		status.Atlas = &atlas
	}
	if s.phase == migrationlink.PhaseEnded {
		status.Deadline, status.Result = time.Time{}, &result
	}
	return status
}

// checkManager fails when no worker knows the manager, whose task queue nobody polls then.
func (o *operation) checkManager(ctx workflow.Context) error {
	if o.served {
		return nil
	}
	err := workflow.ExecuteLocalActivity(activities.FromMemory(ctx), migrationlink.CheckManagerActivity, o.target.Manager).Get(ctx, nil)
	if err != nil && (ctx.Err() != nil || !mayRepeat(err)) {
		return err
	}
	o.served = true // or a busy worker has not answered in time: the task queue will tell
	return nil
}

func now(ctx workflow.Context) time.Time { return workflow.Now(ctx).UTC() }

func workflowType(asked migrationlink.StartRequest) string {
	if asked.Unlink != nil {
		return migrationlink.UnlinkWorkflow
	}
	return migrationlink.LinkWorkflow
}
