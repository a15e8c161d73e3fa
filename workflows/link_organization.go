package workflows

import (
	"errors"
	"time"

	"go.temporal.io/sdk/converter"
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

	// doubt is set while a creation may have taken effect without a reply.
	doubt *doubt
	// warning is what the manager said against a link that it accepted.
	warning string
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
		var payload converter.RawValue // a cancellation must not fail for its form
		signals.Receive(ctx, &payload)
		request := readCancelRequest(payload)
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
		case isLost(err):
			if found, err := r.settle(ctx, deadline); found || err != nil {
				return err
			}
			if err := r.pause(ctx, err, r.doubt.at, deadline); err != nil {
				return err
			}
		case neverStarted(err):
			if err := r.checkManager(ctx); err != nil {
				return err
			}
		case mayRepeat(err):
			if err := r.pause(ctx, err, now(ctx), deadline); err != nil {
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
			Before:     r.before(),
			Since:      since,
			Deadline:   deadline,
		}).Get(ctx, &made)
	if err != nil {
		if posting, lost := lostPosting(err); lost {
			r.doubt = &doubt{at: now(ctx), posting: posting}
		} else if r.inDoubt() && posting.Before == migrationlink.LinkNone && !now(ctx).Before(r.doubt.at.Add(r.request.SettleLimit())) {
			r.doubt = nil // it did not appear: a link from now on is somebody else's
		}
		r.managerKnown = r.managerKnown || !neverStarted(err)
		r.met(ctx, err)
		return err
	}
	r.linked(ctx, made.Created, made.LinkStatus)
	r.result.Polls += made.Polls
	r.warning = made.Warning
	return nil
}

// doubt is about a creation that may have taken effect.
type doubt struct {
	at      time.Time // when the reply did not come
	posting activities.Posting
}

// inDoubt tells whether this request may have created a link without knowing.
func (r *linkRun) inDoubt() bool { return r.doubt != nil }

// doubtUntil is when a link that was created in doubt should have appeared; zero
// without doubt. Where the manager tells a missing link from one that is not
// synced, and nothing can be at work any more, that is soon.
func (r *linkRun) doubtUntil() time.Time {
	switch {
	case !r.inDoubt():
		return time.Time{}
	case r.doubt.posting.Before == migrationlink.LinkNone && !r.doubt.posting.Slow:
		return r.doubt.at.Add(migrationlink.MinSettleTime)
	}
	return r.doubt.at.Add(r.request.SettleLimit())
}

func (r *linkRun) before() string {
	if !r.inDoubt() {
		return ""
	}
	return r.doubt.posting.Before
}

// linked records that there is a link now.
func (r *linkRun) linked(ctx workflow.Context, created bool, linkStatus string) {
	r.doubt = nil
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
// effect: until there is a link that cannot be anybody else's, or the doubt is
// over. Then, and only then, it may be created again.
func (r *linkRun) settle(ctx workflow.Context, deadline time.Time) (found bool, _ error) {
	end := r.doubt.at.Add(r.request.SettleLimit())
	if deadline.Before(end) {
		end = deadline
	}
	if !now(ctx).Before(end) {
		return false, nil
	}
	r.enter(ctx, migrationlink.PhaseSettling, end)
	seen, err := r.watch(ctx, "Look whether the link was created: its reply was lost", activities.AwaitSyncedInput{
		Deadline:    end,
		AnyLink:     r.before() == migrationlink.LinkNone,
		NoLinkAfter: r.doubtUntil(),
	})
	switch {
	case ctx.Err() != nil:
		return false, ctx.Err()
	case err != nil && !mayRepeat(err):
		return false, err
	case err != nil || seen.LinkStatus == migrationlink.LinkNone:
		return false, nil
	}
	r.linked(ctx, true, seen.LinkStatus)
	return true, nil
}

// awaitSynced returns when the link is SYNCED.
func (r *linkRun) awaitSynced(ctx workflow.Context) error {
	deadline := now(ctx).Add(r.request.SyncLimit())
	r.enter(ctx, migrationlink.PhaseSyncing, deadline)
	r.warn(ctx)
	seen, err := r.watch(ctx, "Wait until organization "+r.request.OrgID+" is SYNCED", activities.AwaitSyncedInput{Deadline: deadline})
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

// watch polls the status until what in asks for, or its deadline.
func (r *linkRun) watch(ctx workflow.Context, summary string, in activities.AwaitSyncedInput) (activities.AwaitSyncedResult, error) {
	in.Target, in.Since = r.target, now(ctx)
	var seen activities.AwaitSyncedResult
	err := workflow.ExecuteActivity(again(ctx, r.request.Manager, summary, in.Deadline.Sub(in.Since)),
		migrationlink.AwaitSyncedActivity, in).Get(ctx, &seen)
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
// counted from since, but leaves time for a last one before the deadline.
func (r *linkRun) pause(ctx workflow.Context, err error, since, deadline time.Time) error {
	left := deadline.Sub(now(ctx))
	delay := since.Add(retryDelay(err)).Sub(now(ctx))
	if delay <= 0 {
		return nil
	}
	if delay = min(delay, left-defaultDelay); delay <= 0 {
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
	began := now(ctx)
	limit := max(undoLimit, r.request.SettleLimit()+undoReserve)
	r.enter(ctx, migrationlink.PhaseUndoing, began.Add(limit))
	var gone activities.DeleteLinkResult
	err := workflow.ExecuteActivity(again(ctx, r.request.Manager, "Remove the link of organization "+r.request.OrgID, limit),
		migrationlink.DeleteLinkActivity, activities.DeleteLinkInput{
			Target:     r.target,
			Since:      began,
			Deadline:   began.Add(limit),
			DoubtUntil: r.doubtUntil(),
			Before:     r.before(),
		}).Get(ctx, &gone)
	if err != nil {
		r.met(ctx, err)
		return undoFailed{err}
	}
	r.doubt, r.result.Removed = nil, gone.Found || r.result.Created
	r.saw(ctx, migrationlink.LinkNone)
	return nil
}

func now(ctx workflow.Context) time.Time { return workflow.Now(ctx).UTC() }
