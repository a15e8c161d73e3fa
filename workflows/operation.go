package workflows

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/workflow"

	"github.com/migrationlink/migrationlink"
	"github.com/migrationlink/migrationlink/activities"
)

// operation is what linking and unlinking have in common: the state that an
// operator sees, and what he can do to it.
type operation struct {
	asked     migrationlink.StartRequest
	target    activities.Target
	onBlocked migrationlink.BlockedPolicy
	status    migrationlink.Status
	result    migrationlink.LinkResult

	// work is cancelled when the operation is. What must be done nevertheless
	// runs on a context of its own.
	work workflow.Context
	// deadline is that of the present phase, latest how far it can be extended.
	deadline, latest time.Time
	// retries counts the signals, handled those that came before the present
	// attempt began; token is where they say that the link-token is.
	retries, handled int
	token            *migrationlink.TokenSource
	// synced says that a check has seen SYNCED in PhaseSyncing.
	synced bool
	checks int
	// entered says that the first phase has begun.
	entered bool
	// served says that a worker was found that knows the manager; the field of links,
	// managerKnown, decides what is asked, and replays hold it to that.
	served bool
	// nextAttempt is when it is tried again, where the workflow decides that.
	nextAttempt time.Time
	// joins are those who ask to be told the end, joiners those who will be, and
	// late those who came when it was being cancelled or undone.
	joins         workflow.ReceiveChannel
	joiners, late []Joining
	answers       []workflow.Future // to them, on the way
	// through says that the workflow under the key does it.
	through bool
	// left says what a link that was not finished leaves behind.
	left func(migrationlink.Problem) migrationlink.Problem
}

func newOperation(ctx workflow.Context, asked migrationlink.StartRequest, workflowType string, target activities.Target, onBlocked migrationlink.BlockedPolicy) *operation {
	now := now(ctx)
	if asked.Validate() != nil { // what is no name, such as a secret in the wrong field, is repeated nowhere
		target = shown(target)
	}
	return &operation{
		asked:     asked,
		target:    target,
		onBlocked: onBlocked,
		status: migrationlink.Status{
			Workflow: workflowType, Manager: target.Manager, OrgID: target.OrgID,
			PhaseSince: now, StartedAt: now,
		},
		result: migrationlink.LinkResult{Manager: target.Manager, OrgID: target.OrgID, StartedAt: now},
		left:   func(problem migrationlink.Problem) migrationlink.Problem { return problem },
	}
}

func shown(target activities.Target) activities.Target {
	if !migrationlink.ValidManagerName(target.Manager) {
		target.Manager = ""
	}
	if !migrationlink.ValidOrgID(target.OrgID) {
		target.OrgID = ""
	}
	return target
}

// run does the work of a valid request under the key of its organization, and
// ends with what came of it. The context of the work is cancelled with it.
func (o *operation) run(ctx workflow.Context, invalid error, do func(work workflow.Context) error) (migrationlink.LinkResult, error) {
	if invalid == nil && o.isElsewhere(ctx) {
		return o.throughTheKey(ctx)
	}
	work, err := o.listen(ctx)
	switch {
	case err != nil:
		return migrationlink.LinkResult{}, err
	case invalid != nil:
		return o.end(ctx, invalidRequest(invalid))
	}
	return o.end(ctx, do(work))
}

// orCancelled is the cancellation, whatever else the steps made of it.
func orCancelled(work workflow.Context, err error) error {
	if err != nil && work.Err() != nil {
		return errCancelled
	}
	return err
}

// listen makes the operation answer whoever asks. It returns the context that
// is cancelled with the operation.
func (o *operation) listen(ctx workflow.Context) (workflow.Context, error) {
	work, cancel := workflow.WithCancel(ctx)
	o.work = work
	o.onCancel(ctx, cancel)
	o.onRetry(ctx)
	o.onJoin(ctx)
	for _, set := range []func(workflow.Context) error{o.onStatus, o.onAccept, o.onExtend, o.onCheck} {
		if err := set(ctx); err != nil {
			return nil, err
		}
	}
	return work, nil
}

func (o *operation) onStatus(ctx workflow.Context) error {
	return workflow.SetQueryHandlerWithOptions(ctx, migrationlink.StatusQuery,
		func() (migrationlink.Status, error) { return o.seen(), nil },
		workflow.QueryHandlerOptions{Description: "Phase, last status, deadline and problem of the link."})
}

func (o *operation) seen() migrationlink.Status {
	status := o.status
	status.Polls, status.InDoubt = o.result.Polls, o.result.InDoubt
	if o.result.Atlas != nil {
		atlas := *o.result.Atlas
		status.Atlas = &atlas
	}
	return status
}

// onCancel makes the signal do what Temporal's own cancellation does.
func (o *operation) onCancel(ctx workflow.Context, cancel workflow.CancelFunc) {
	signals := workflow.GetSignalChannelWithOptions(ctx, migrationlink.CancelSignal,
		workflow.SignalChannelOptions{Description: "Cancels. Payload: {\"reason\": \"…\"}."})
	workflow.Go(ctx, func(ctx workflow.Context) {
		var payload converter.RawValue // a cancellation must not fail for its form
		signals.Receive(ctx, &payload)
		request := readCancelRequest(payload)
		o.status.CancelReason, o.result.CancelReason = request.Reason, request.Reason
		cancel()
	})
}

func (o *operation) onRetry(ctx workflow.Context) {
	signals := workflow.GetSignalChannelWithOptions(ctx, migrationlink.RetrySignal,
		workflow.SignalChannelOptions{Description: "Goes on when blocked, or tries at once. Payload, optional: {\"token\": {\"ref\": \"…\"}}."})
	workflow.Go(ctx, func(ctx workflow.Context) {
		for {
			var payload converter.RawValue
			signals.Receive(ctx, &payload)
			if request, err := readRetryRequest(payload); err != nil {
				o.refuseRetry(ctx, err)
			} else {
				o.retry(ctx, request)
			}
		}
	})
}

func (o *operation) retry(ctx workflow.Context, request migrationlink.RetryRequest) {
	if request.Token != nil {
		asked := o.asked.WithToken(*request.Token)
		if err := cmp.Or(request.Token.Validate(), asked.Validate()); err != nil {
			o.refuseRetry(ctx, err)
			return
		}
		o.token, o.asked = request.Token, asked
	}
	o.retries++
}

// refuseRetry shows why a signal did nothing: its sender gets no answer.
func (o *operation) refuseRetry(ctx workflow.Context, err error) {
	workflow.GetLogger(ctx).Warn("retry refused", "error", err)
	if o.status.Problem == nil {
		return
	}
	const refused = "; the last retry was refused: "
	problem := *o.status.Problem
	problem.Message, _, _ = strings.Cut(problem.Message, refused)
	problem.Message += refused + err.Error()
	o.status.Problem = &problem
	o.tell(ctx)
}

func (o *operation) onAccept(ctx workflow.Context) error {
	return workflow.SetUpdateHandlerWithOptions(ctx, migrationlink.AcceptUpdate,
		func(ctx workflow.Context, _ migrationlink.StartRequest) (migrationlink.Status, error) {
			ctx, _ = workflow.NewDisconnectedContext(ctx) // the end is an answer, too
			err := o.awaitAccepted(ctx)
			return o.seen(), err
		},
		workflow.UpdateHandlerOptions{
			Description: "Answers the status once the manager has accepted the request, or what keeps it. Refuses another request than the one under way.",
			Validator:   o.admits,
		})
}

// admits refuses what is not under way.
func (o *operation) admits(asked migrationlink.StartRequest) error {
	if err := asked.Validate(); err != nil {
		return invalidInput(migrationlink.ErrInvalidRequest, err) // a difference would show what may be a secret
	}
	if found := o.asked.Difference(asked); len(found) > 0 {
		return differentRequest(o.target, found)
	}
	return o.alreadyEnded()
}

// awaitAccepted waits longer for a manager that is in trouble than it takes to
// see that, but not for ever. The retries of a removal are not seen.
func (o *operation) awaitAccepted(ctx workflow.Context) error {
	err := workflow.Await(ctx, func() bool { return o.accepted() || o.status.Problem != nil || o.asked.Unlink != nil })
	if err == nil {
		_, err = await(ctx, acceptLimit, "Until somebody who has asked is answered", o.accepted)
	}
	return err
}

// accepted tells whether there is something to say to who has asked for it.
func (o *operation) accepted() bool {
	switch o.status.Phase {
	case migrationlink.PhaseSyncing, migrationlink.PhaseVerifying, migrationlink.PhaseBlocked, migrationlink.PhaseEnded:
		return true
	}
	return false
}

func (o *operation) onExtend(ctx workflow.Context) error {
	return workflow.SetUpdateHandlerWithOptions(ctx, migrationlink.ExtendUpdate,
		func(ctx workflow.Context, request migrationlink.ExtendRequest) (migrationlink.Extension, error) {
			deadline, err := o.extended(ctx, request)
			if err != nil {
				return migrationlink.Extension{}, err
			}
			o.deadline = deadline
			if o.status.Phase != migrationlink.PhaseSettling { // it has an end of its own
				o.status.Deadline = deadline
			}
			o.tell(ctx)
			return migrationlink.Extension{Phase: cmp.Or(o.status.BlockedIn, o.status.Phase), Deadline: deadline}, nil
		},
		workflow.UpdateHandlerOptions{
			Description: "Moves the deadline. Input: {\"by\": \"30m\"} or {\"until\": \"2026-01-31T18:00:00Z\"}.",
			Validator: func(ctx workflow.Context, request migrationlink.ExtendRequest) error {
				_, err := o.extended(ctx, request)
				return err
			},
		})
}

func (o *operation) extended(ctx workflow.Context, request migrationlink.ExtendRequest) (time.Time, error) {
	if err := o.alreadyEnded(); err != nil && !o.isUndoing() {
		return time.Time{}, err
	}
	deadline, err := request.NewDeadline(now(ctx), o.deadline, o.latest)
	if err != nil {
		return time.Time{}, invalidInput(migrationlink.ErrInvalidUpdate, err)
	}
	return deadline, nil
}

func (o *operation) onCheck(ctx workflow.Context) error {
	return workflow.SetUpdateHandlerWithOptions(ctx, migrationlink.CheckUpdate, o.check,
		workflow.UpdateHandlerOptions{
			Description: "Reads the status of the link at once and answers it.",
			Validator:   func(workflow.Context) error { return cmp.Or(o.alreadyEnded(), o.tooManyChecks()) },
		})
}

// check reads the status beside whatever is under way. SYNCED ends the waiting
// for it.
func (o *operation) check(ctx workflow.Context) (migrationlink.Check, error) {
	o.checks++
	waiting := o.awaitsSynced()
	ctx, stop := workflow.WithCancel(ctx)
	defer stop()
	reading := workflow.ExecuteActivity(glance(ctx, o.target.Manager, "Read the status now: asked for by "+migrationlink.CheckUpdate),
		migrationlink.LinkStatusActivity, o.target)
	err := workflow.Await(ctx, func() bool { return reading.IsReady() || o.alreadyEnded() != nil })
	if err != nil || !reading.IsReady() {
		return migrationlink.Check{}, o.alreadyEnded()
	}
	var seen string
	if err := reading.Get(ctx, &seen); err != nil {
		return migrationlink.Check{}, refusal(problemOf(err))
	}
	o.checked(ctx, seen, waiting)
	return migrationlink.Check{LinkStatus: seen, SeenAt: now(ctx)}, nil
}

// checked takes in what a check has seen. It counts only if the link was waited
// for when the check began: it may have seen another one otherwise.
func (o *operation) checked(ctx workflow.Context, seen string, counts bool) {
	isSynced := seen == migrationlink.LinkSynced
	switch {
	case o.synced && o.awaitsSynced(): // by a check that was quicker
		return
	case counts && o.status.Phase == migrationlink.PhaseSyncing:
		o.result.Polls++
		o.saw(ctx, seen)
		o.synced = isSynced
	case counts && isSynced && o.awaitsSynced():
		o.retries++ // nothing blocks it any more
	}
	o.status.LinkStatus = seen
	o.tell(ctx)
}

func (o *operation) awaitsSynced() bool {
	return o.status.Phase == migrationlink.PhaseSyncing || o.status.BlockedIn == migrationlink.PhaseSyncing
}

// tooManyChecks keeps the history of a link that is checked all the time below
// what Temporal permits, and leaves room for other updates.
func (o *operation) tooManyChecks() error {
	if o.checks < maxChecks {
		return nil
	}
	return refusal(migrationlink.Problem{
		Type:    migrationlink.ErrTooManyChecks,
		Message: fmt.Sprintf("the link was checked %d times already", o.checks),
		Remedy:  "Read the status query (starter status) instead: the link is polled by itself.",
	})
}

// saw records a status that the manager reported.
func (o *operation) saw(ctx workflow.Context, linkStatus string) {
	o.served = true
	o.status.LinkStatus, o.result.LinkStatus = linkStatus, linkStatus
	if linkStatus == migrationlink.LinkSynced {
		o.result.SyncedAt = now(ctx)
	}
}

// alreadyEnded is why nothing can be asked for any more, or nil.
func (o *operation) alreadyEnded() error {
	switch {
	case o.status.Phase == migrationlink.PhaseEnded:
		return refusal(migrationlink.Problem{
			Type: migrationlink.ErrAlreadyEnded, Message: "it has ended: " + string(o.result.Outcome), Remedy: "Start it again to go on.",
		})
	case o.work.Err() != nil, o.isUndoing():
		return refusal(migrationlink.Problem{
			Type: migrationlink.ErrAlreadyEnded, Message: "it is being ended", Remedy: "Wait for its end, then start it again.",
		})
	}
	return nil
}

func (o *operation) isUndoing() bool {
	return o.status.Phase == migrationlink.PhaseUndoing || o.status.BlockedIn == migrationlink.PhaseUndoing
}

// finish waits until everybody who has asked has got an answer.
func (o *operation) finish(ctx workflow.Context) {
	ctx, _ = workflow.NewDisconnectedContext(ctx)
	for {
		// Nothing cancels this context.
		_ = workflow.Await(ctx, func() bool { return workflow.AllHandlersFinished(ctx) })
		o.takeJoins(ctx)
		if !o.answerJoiners(ctx) {
			return
		}
	}
}

func now(ctx workflow.Context) time.Time { return workflow.Now(ctx).UTC() }
