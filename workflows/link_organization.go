package workflows

import (
	"errors"
	"time"

	"go.temporal.io/sdk/workflow"

	"github.com/migrationlink/migrationlink"
	"github.com/migrationlink/migrationlink/activities"
)

// LinkOrganization links one source organization: it has the link created,
// waits until it is SYNCED, and, if the request says so, until Atlas shows it. It
// removes the link again when it is cancelled, or fails, if the request says so.
func LinkOrganization(ctx workflow.Context, request migrationlink.LinkRequest) (migrationlink.LinkResult, error) {
	return linkOrganization(ctx, request, request.Validate())
}

func linkOrganization(ctx workflow.Context, request migrationlink.LinkRequest, invalid error) (migrationlink.LinkResult, error) {
	run := newLinkRun(ctx, request)
	return run.run(ctx, invalid, func(work workflow.Context) error {
		err := orCancelled(work, run.link(work))
		if run.wantsUndo(err) {
			err = errors.Join(err, run.undo(ctx))
		}
		run.result.InDoubt = run.result.InDoubt || run.inDoubt()
		run.sayTokensLeft()
		return err
	})
}

// linkRun is the state of one link.
type linkRun struct {
	*operation
	request migrationlink.LinkRequest

	// doubt is set while a creation may have taken effect without a reply.
	doubt *doubt
	// warning is what the manager said against a link that it accepted.
	warning string
	// managerKnown: a worker has taken a call for the manager, or says that it
	// is in its configuration.
	managerKnown bool
	// cleared says that a link of somebody else was removed, and that NOT_SYNCED
	// is what the manager says without one.
	cleared bool
	// foreign says that a link of somebody else was seen last.
	foreign bool
	tokens  linkTokens
}

func newLinkRun(ctx workflow.Context, request migrationlink.LinkRequest) *linkRun {
	run := &linkRun{
		operation: newOperation(ctx, migrationlink.StartRequest{Link: &request}, migrationlink.LinkWorkflow,
			activities.Target{Manager: request.Manager, OrgID: request.OrgID}, request.OnBlocked),
		request: request.WithDefaults(),
	}
	run.status.Phase = migrationlink.PhaseCreating
	run.left = run.linkLeft
	return run
}

func (r *linkRun) link(ctx workflow.Context) error {
	if err := r.create(ctx); err != nil {
		return err
	}
	if ctx.Err() != nil {
		return ctx.Err() // it came while the creation was waited for
	}
	if r.result.LinkStatus != migrationlink.LinkSynced {
		if err := r.awaitSynced(ctx); err != nil {
			return err
		}
	}
	if r.request.VerifyInAtlas {
		return r.verifyInAtlas(ctx)
	}
	return nil
}

// create returns when there is a link that is kept.
func (r *linkRun) create(ctx workflow.Context) error {
	since := now(ctx)
	r.deadline, r.latest = since.Add(r.request.CreateLimit()), since.Add(migrationlink.MaxCreateTimeout)
	for {
		r.enter(ctx, migrationlink.PhaseCreating, r.deadline)
		linked, met := r.attempt(ctx, since)
		stop, err := r.afterAttempt(ctx, linked, met)
		if stop || err != nil {
			return err
		}
		if !now(ctx).Before(r.deadline) {
			return r.timedOut(met, "no link was created within %s", r.deadline.Sub(since))
		}
	}
}

// attempt goes one step on: it has the link created, or, when that is all that
// is missing, its link-token made.
func (r *linkRun) attempt(ctx workflow.Context, since time.Time) (linked bool, _ error) {
	if r.tokens.wanted {
		return false, r.makeToken(ctx, since)
	}
	return r.createOnce(ctx, since)
}

// afterAttempt does what the end of an attempt calls for before the next, if
// there is one.
func (r *linkRun) afterAttempt(ctx workflow.Context, linked bool, err error) (stop bool, _ error) {
	if err != nil {
		return r.afterFailure(ctx, err)
	}
	switch {
	case !linked:
		return false, ctx.Err()
	case r.result.Created || ctx.Err() != nil:
		return true, nil
	case r.request.IfLinked == migrationlink.FailIfLinked:
		return true, r.alreadyLinked()
	case r.request.IfLinked == migrationlink.Relink:
		return false, r.replace(ctx)
	}
	return true, nil
}

func (r *linkRun) afterFailure(ctx workflow.Context, err error) (stop bool, _ error) {
	switch {
	case ctx.Err() != nil:
		return true, ctx.Err()
	case r.inDoubt() && isLost(err):
		if found, err := r.settle(ctx); found || err != nil {
			return true, err
		}
		return false, r.pause(ctx, err, r.doubt.at, nextCreation)
	case neverStarted(err):
		return false, r.checkManager(ctx)
	case mayRepeat(err):
		return false, r.pause(ctx, err, now(ctx), nextCreation)
	case r.blocks(ctx, err):
		r.tokens.rejected(err)
		return false, r.waitBlocked(ctx, err)
	}
	return true, err
}

const nextCreation = "Before the next attempt to create the link"

// waitBlocked returns when it goes on. The deadline is looked at where it always
// is.
func (r *linkRun) waitBlocked(ctx workflow.Context, err error) error {
	_, err = r.blocked(ctx, err, nil)
	return err
}

// replace removes the link of somebody else.
func (r *linkRun) replace(ctx workflow.Context) error {
	removal, err := r.remove(ctx, migrationlink.PhaseRemoving, activities.DeleteLinkInput{
		Confirm: true, QuietTime: r.request.SettleLimit(),
	})
	r.result.Replaced = r.result.Replaced || removal.Found || err == nil && removal.Lost
	switch {
	case err != nil && ctx.Err() == nil && outOfTime(err):
		err = r.timedOut(err, "the link that was there could not be removed in time")
		fallthrough
	case err != nil:
		r.result.InDoubt = removal.Lost && !removal.Found
		return err
	}
	r.cleared, r.foreign = removal.After != migrationlink.LinkNone, false
	r.saw(ctx, migrationlink.LinkNone)
	return nil
}

// createOnce has the link created once, and learns from the error whether that
// may have taken effect. Without a link-token it has all done up to the creation.
func (r *linkRun) createOnce(ctx workflow.Context, since time.Time) (linked bool, _ error) {
	queue := r.deadline.Sub(now(ctx))
	if !r.managerKnown {
		queue = min(queue, queueTimeout)
	}
	r.handled = r.retries
	token, missing := r.linkToken()
	source := r.tokenSource()
	var made activities.CreateLinkResult
	err := workflow.ExecuteActivity(once(ctx, r.request.Manager, "Create the link of organization "+r.request.OrgID, queue),
		migrationlink.CreateLinkActivity, activities.CreateLinkInput{
			Target:     r.target,
			Token:      token,
			NoToken:    missing,
			DoubtUntil: r.doubtUntil(),
			Before:     r.before(),
			Replace:    r.request.IfLinked == migrationlink.Relink && !r.cleared,
			Since:      since,
			Deadline:   r.deadline,
		}).Get(ctx, &made)
	if err != nil {
		posting, lost := lostPosting(err)
		if lost && !missing {
			r.doubt = &doubt{at: now(ctx), posting: posting}
			r.tokens.posted = source
		} else {
			r.doubtMayEnd(ctx, posting.Before)
		}
		r.managerKnown = r.managerKnown || !neverStarted(err)
		err = r.explained(token, err)
		r.met(ctx, err)
		return false, err
	}
	if made.NeedsToken {
		// Not after every success: histories that were recorded before would ask for
		// the manager where this did not.
		r.managerKnown = true
		r.doubtMayEnd(ctx, made.LinkStatus)
		r.status.Problem, r.tokens.wanted, r.tokens.before = nil, true, made.LinkStatus
		r.saw(ctx, made.LinkStatus)
		return false, nil
	}
	if !missing {
		r.tokens.posted = source
	}
	r.linked(ctx, made.Created, made.LinkStatus)
	r.result.Polls += made.Polls
	r.warning = made.Warning
	return true, nil
}

// doubt is about a creation that may have taken effect.
type doubt struct {
	at      time.Time // when the reply did not come
	posting activities.Posting
}

// doubtMayEnd is told of the status that was read before a creation that has surely
// taken no effect.
func (r *linkRun) doubtMayEnd(ctx workflow.Context, before string) {
	if r.inDoubt() && before == migrationlink.LinkNone && !now(ctx).Before(r.doubt.at.Add(r.request.SettleLimit())) {
		r.doubt = nil // it did not appear: a link from now on is somebody else's
	}
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
	r.result.InDoubt = created && r.inDoubt() && !r.isOurs()
	r.doubt, r.foreign = nil, !created
	r.status.Problem = nil
	r.status.Created, r.result.Created = created, created
	if created {
		r.result.CreatedAt = now(ctx)
		r.status.CreatedAt = r.result.CreatedAt
	}
	r.saw(ctx, linkStatus)
}

// settle looks, without writing, whether a creation whose reply was lost took
// effect: until there is a link that cannot be anybody else's, or the doubt is
// over. Then, and only then, it may be created again.
func (r *linkRun) settle(ctx workflow.Context) (found bool, _ error) {
	for {
		deadline := r.deadline
		end := r.doubt.at.Add(r.request.SettleLimit())
		if deadline.Before(end) {
			end = deadline
		}
		if !now(ctx).Before(end) {
			return false, nil
		}
		r.enter(ctx, migrationlink.PhaseSettling, end)
		seen, err := r.watch(ctx, "Look whether the link was created: its reply was lost", activities.AwaitSyncedInput{
			Since:       now(ctx),
			Deadline:    end,
			AnyLink:     r.before() == migrationlink.LinkNone,
			NoLinkAfter: r.doubtUntil(),
		})
		switch {
		case ctx.Err() != nil:
			return false, ctx.Err()
		case err == nil && seen.LinkStatus == migrationlink.LinkNone:
			return false, nil
		case err == nil:
			r.linked(ctx, true, seen.LinkStatus)
			return true, nil
		case r.blocks(ctx, err):
			if _, err := r.blocked(ctx, err, nil); err != nil {
				return false, err
			}
		case !mayRepeat(err):
			return false, err
		case deadline.After(end) || !r.deadline.After(deadline):
			return false, nil // it was not the deadline that ended it, or none was extended
		}
	}
}

// awaitSynced returns when the link is SYNCED.
func (r *linkRun) awaitSynced(ctx workflow.Context) error {
	return r.await(ctx, migrationlink.PhaseSyncing, "the link was not SYNCED within %s", func(since, deadline time.Time) error {
		r.warn(ctx)
		seen, err := r.watch(ctx, "Wait until organization "+r.request.OrgID+" is SYNCED", activities.AwaitSyncedInput{Since: since, Deadline: deadline})
		switch {
		case r.synced: // a check has seen it
			return nil
		case err == nil:
			r.saw(ctx, seen.LinkStatus)
		}
		return err
	})
}

// await has look done, which waits until the deadline that it is given, in a phase
// that begins now. Without success the limit for SYNCED holds.
func (r *linkRun) await(ctx workflow.Context, phase migrationlink.Phase, tooLate string, look func(since, deadline time.Time) error) error {
	since := now(ctx)
	r.deadline, r.latest = since.Add(r.request.SyncLimit()), since.Add(migrationlink.MaxTimeout)
	for {
		deadline := r.deadline
		r.enter(ctx, phase, deadline)
		err := look(since, deadline)
		switch {
		case err == nil:
			return nil
		case ctx.Err() != nil:
			return ctx.Err()
		case r.blocks(ctx, err):
			if goesOn, blocked := r.blocked(ctx, err, nil); blocked != nil {
				return blocked
			} else if goesOn {
				continue
			}
		case !mayRepeat(err):
			return err
		case r.deadline.After(deadline):
			continue // it was extended
		}
		return r.timedOut(err, tooLate, r.deadline.Sub(since))
	}
}

// watch polls the status until what in asks for, or its deadline, or until a
// check sees SYNCED.
func (r *linkRun) watch(ctx workflow.Context, summary string, in activities.AwaitSyncedInput) (activities.AwaitSyncedResult, error) {
	in.Target, r.handled = r.target, r.retries
	waiting, stop := workflow.WithCancel(ctx)
	defer stop()
	polling := workflow.ExecuteActivity(again(waiting, r.request.Manager, summary, in.Deadline.Sub(now(ctx))), migrationlink.AwaitSyncedActivity, in)
	err := workflow.Await(ctx, func() bool { return polling.IsReady() || r.synced })
	var seen activities.AwaitSyncedResult
	if err == nil && !r.synced {
		err = polling.Get(ctx, &seen)
	}
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
