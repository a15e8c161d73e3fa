package workflows

import (
	"errors"
	"time"

	"go.temporal.io/sdk/workflow"

	"github.com/migrationlink/migrationlink"
	"github.com/migrationlink/migrationlink/activities"
)

// LinkOrganization links one source organization: it has the link created,
// waits until it is SYNCED, and removes it again when it is cancelled, or fails,
// if the request says so.
func LinkOrganization(ctx workflow.Context, request migrationlink.LinkRequest) (migrationlink.LinkResult, error) {
	run, err := newLinkRun(ctx, request)
	if err != nil {
		return migrationlink.LinkResult{}, err
	}
	if err := request.Validate(); err != nil {
		return run.end(ctx, invalidRequest(err))
	}
	work, cancel := workflow.WithCancel(ctx)
	run.onCancelSignal(ctx, cancel)

	err = run.link(work)
	if err != nil && work.Err() != nil {
		err = errCancelled // whatever else the steps made of it
	}
	if run.mustUndo(err) {
		err = errors.Join(err, run.undo(ctx))
	}
	return run.end(ctx, err)
}

// linkRun is the state of one link.
type linkRun struct {
	request migrationlink.LinkRequest
	target  activities.Target
	status  migrationlink.Status
	result  migrationlink.LinkResult

	// lostAt is set while a creation may have taken effect without a reply.
	lostAt time.Time
	// managerKnown: a worker has taken a call for the manager, or says that it
	// is in its configuration.
	managerKnown bool
}

func newLinkRun(ctx workflow.Context, request migrationlink.LinkRequest) (*linkRun, error) {
	now := now(ctx)
	run := &linkRun{
		request: request,
		target:  activities.Target{Manager: request.Manager, OrgID: request.OrgID},
		status: migrationlink.Status{
			Manager: request.Manager, OrgID: request.OrgID,
			Phase: migrationlink.PhaseCreating, PhaseSince: now, StartedAt: now,
		},
		result: migrationlink.LinkResult{Manager: request.Manager, OrgID: request.OrgID, StartedAt: now},
	}
	return run, workflow.SetQueryHandlerWithOptions(ctx, migrationlink.StatusQuery,
		func() (migrationlink.Status, error) { return run.status, nil },
		workflow.QueryHandlerOptions{Description: "Phase, last status, deadline and problem of the link."})
}

// onCancelSignal makes the signal do what Temporal's own cancellation does.
func (r *linkRun) onCancelSignal(ctx workflow.Context, cancel workflow.CancelFunc) {
	signals := workflow.GetSignalChannelWithOptions(ctx, migrationlink.CancelSignal,
		workflow.SignalChannelOptions{Description: "Cancels the link. Payload: {\"reason\": \"…\"}."})
	workflow.Go(ctx, func(ctx workflow.Context) {
		var request migrationlink.CancelRequest
		signals.Receive(ctx, &request)
		r.status.CancelReason, r.result.CancelReason = request.Reason, request.Reason
		cancel()
	})
}

func (r *linkRun) link(ctx workflow.Context) error {
	if err := r.create(ctx); err != nil {
		return err
	}
	switch {
	case ctx.Err() != nil:
		return ctx.Err() // it came while the creation was waited for
	case r.result.LinkStatus == migrationlink.LinkSynced:
		return nil
	}
	return r.awaitSynced(ctx)
}

// create returns when there is a link.
func (r *linkRun) create(ctx workflow.Context) error {
	since := now(ctx)
	deadline := since.Add(r.request.CreateLimit())
	for {
		r.enter(ctx, migrationlink.PhaseCreating, deadline)
		err := r.createOnce(ctx, since, deadline)
		switch {
		case err == nil:
			return nil
		case ctx.Err() != nil:
			return ctx.Err()
		case mayHaveCreated(err):
			if synced, err := r.settle(ctx, deadline); synced || err != nil {
				return err
			}
		case neverStarted(err):
			if err := r.checkManager(ctx); err != nil {
				return err
			}
		case mayRepeat(err):
			if err := r.pause(ctx, err, deadline); err != nil {
				return err
			}
		default:
			return err
		}
		if !now(ctx).Before(deadline) {
			return r.timedOut(err, "no link was created within %s", r.request.CreateLimit())
		}
	}
}

// createOnce has the link created once, and learns from the error whether that
// may have taken effect.
func (r *linkRun) createOnce(ctx workflow.Context, since, deadline time.Time) error {
	queue := deadline.Sub(now(ctx))
	if !r.managerKnown {
		queue = min(queue, queueTimeout)
	}
	var made activities.CreateLinkResult
	err := workflow.ExecuteActivity(once(ctx, r.request.Manager, "Create the link of organization "+r.request.OrgID, queue),
		migrationlink.CreateLinkActivity, activities.CreateLinkInput{
			Target:     r.target,
			Token:      r.request.Token,
			DoubtUntil: r.doubtUntil(),
			Since:      since,
		}).Get(ctx, &made)
	if err != nil {
		if mayHaveCreated(err) {
			r.lostAt = now(ctx)
		}
		r.managerKnown = r.managerKnown || !neverStarted(err)
		r.met(ctx, err)
		return err
	}
	r.linked(ctx, made.Created, made.LinkStatus)
	r.result.Polls += made.Polls
	return nil
}

// inDoubt tells whether this request may have created a link without knowing.
func (r *linkRun) inDoubt() bool { return !r.lostAt.IsZero() }

// doubtUntil is when a link that was created in doubt should have appeared; zero
// without doubt.
func (r *linkRun) doubtUntil() time.Time {
	if !r.inDoubt() {
		return time.Time{}
	}
	return r.lostAt.Add(r.request.SettleLimit())
}

// linked records that there is a link now.
func (r *linkRun) linked(ctx workflow.Context, created bool, linkStatus string) {
	r.lostAt = time.Time{}
	r.status.Problem = nil
	r.status.Created, r.result.Created = created, created
	if created {
		r.result.CreatedAt = now(ctx)
	}
	r.saw(ctx, linkStatus)
}

// saw records a status that the manager reported.
func (r *linkRun) saw(ctx workflow.Context, linkStatus string) {
	r.status.LinkStatus, r.result.LinkStatus = linkStatus, linkStatus
	if linkStatus == migrationlink.LinkSynced {
		r.result.SyncedAt = now(ctx)
	}
}

// settle looks, without writing, whether a creation whose reply was lost took
// effect: until the link is SYNCED, or the manager shows no link, or the
// settling time is over. Then, and only then, it may be created again.
func (r *linkRun) settle(ctx workflow.Context, deadline time.Time) (synced bool, _ error) {
	end := r.doubtUntil()
	if deadline.Before(end) {
		end = deadline
	}
	if !now(ctx).Before(end) {
		return false, nil
	}
	r.enter(ctx, migrationlink.PhaseSettling, end)
	seen, err := r.watch(ctx, end, r.lostAt.Add(noLinkHolds), "Look whether the link was created: its reply was lost")
	switch {
	case ctx.Err() != nil:
		return false, ctx.Err()
	case err != nil && !mayRepeat(err):
		return false, err
	case err == nil && seen.LinkStatus == migrationlink.LinkSynced:
		r.linked(ctx, true, seen.LinkStatus)
		return true, nil
	}
	return false, nil
}

// awaitSynced returns when the link is SYNCED.
func (r *linkRun) awaitSynced(ctx workflow.Context) error {
	deadline := now(ctx).Add(r.request.SyncLimit())
	r.enter(ctx, migrationlink.PhaseSyncing, deadline)
	seen, err := r.watch(ctx, deadline, time.Time{}, "Wait until organization "+r.request.OrgID+" is SYNCED")
	switch {
	case err == nil:
		r.saw(ctx, seen.LinkStatus)
		return nil
	case ctx.Err() != nil:
		return ctx.Err()
	case mayRepeat(err):
		return r.timedOut(err, "the link was not SYNCED within %s", r.request.SyncLimit())
	}
	return err
}

// watch polls the status until it is SYNCED, or the deadline, or, from
// noLinkAfter on, there is no link.
func (r *linkRun) watch(ctx workflow.Context, deadline, noLinkAfter time.Time, summary string) (activities.AwaitSyncedResult, error) {
	since := now(ctx)
	var seen activities.AwaitSyncedResult
	err := workflow.ExecuteActivity(untilThere(ctx, r.request.Manager, summary, deadline.Sub(since)),
		migrationlink.AwaitSyncedActivity, activities.AwaitSyncedInput{
			Target:      r.target,
			Since:       since,
			Deadline:    deadline,
			NoLinkAfter: noLinkAfter,
		}).Get(ctx, &seen)
	if err != nil {
		progress := lastProgress(err)
		seen.Polls = progress.Polls
		if progress.LinkStatus != "" {
			r.saw(ctx, progress.LinkStatus)
		}
		r.met(ctx, err)
	}
	r.result.Polls += seen.Polls
	return seen, err
}

// checkManager fails when no worker knows the manager.
func (r *linkRun) checkManager(ctx workflow.Context) error {
	if r.managerKnown {
		return nil
	}
	r.managerKnown = true
	return workflow.ExecuteLocalActivity(here(ctx), migrationlink.CheckManagerActivity, r.request.Manager).Get(ctx, nil)
}

// pause waits before the next attempt for as long as the last one's error says,
// but leaves time for a last one before the deadline.
func (r *linkRun) pause(ctx workflow.Context, err error, deadline time.Time) error {
	left := deadline.Sub(now(ctx))
	delay := min(retryDelay(err), max(left-defaultDelay, 0))
	if delay == 0 {
		delay = left // not enough for another attempt
	}
	return workflow.NewTimerWithOptions(ctx, delay, workflow.TimerOptions{Summary: "Before the next attempt to create the link"}).Get(ctx, nil)
}

// mustUndo tells whether a link that this request made, or may have made, is to
// be removed.
func (r *linkRun) mustUndo(err error) bool {
	if err == nil || !r.result.Created && !r.inDoubt() {
		return false
	}
	switch r.request.WithDefaults().Undo {
	case migrationlink.UndoAlways:
		return true
	case migrationlink.UndoOnCancel:
		return errors.Is(err, errCancelled)
	}
	return false
}

// undo removes the link. It cannot be cancelled: it is what a cancellation asks
// for.
func (r *linkRun) undo(ctx workflow.Context) error {
	ctx, _ = workflow.NewDisconnectedContext(ctx)
	r.enter(ctx, migrationlink.PhaseUndoing, now(ctx).Add(undoLimit))
	input := activities.DeleteLinkInput{Target: r.target, DoubtUntil: r.doubtUntil()}
	err := workflow.ExecuteActivity(untilDone(ctx, r.request.Manager, "Remove the link of organization "+r.request.OrgID),
		migrationlink.DeleteLinkActivity, input).Get(ctx, nil)
	if err != nil {
		r.met(ctx, err)
		return undoFailed{err}
	}
	r.result.Removed = true
	r.saw(ctx, migrationlink.LinkNone)
	return nil
}

func now(ctx workflow.Context) time.Time { return workflow.Now(ctx).UTC() }
