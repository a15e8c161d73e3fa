// Package link holds the workflows that link and unlink one organization: what is done in
// which order, what is waited for, and how it ends. It knows nothing of HTTP.
package link

import (
	"errors"
	"fmt"
	"time"

	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/migrationlink/migrationlink"
	"github.com/migrationlink/migrationlink/activities"
	"github.com/migrationlink/migrationlink/internal/dataconv"
	"github.com/migrationlink/migrationlink/internal/payload"
	"github.com/migrationlink/migrationlink/internal/seeded"
)

// Workflows are the workflows of one worker.
type Workflows struct {
	// Stored reads memos, which the SDK does not decode with the converters of its client.
	Stored dataconv.Converters
}

// LinkOrganization links one source organization: it has the link created, waits until it
// is SYNCED and, if the request says so, until Atlas shows it. When it is cancelled or
// fails it removes the link again, if the request says so.
func (w Workflows) LinkOrganization(ctx workflow.Context, input converter.RawValue) (migrationlink.LinkResult, error) {
	var request migrationlink.LinkRequest
	invalid := payload.Valid(input, &request)
	l := newLink(ctx, request)
	return l.serve(ctx, w.Stored, invalid, func(work workflow.Context) error {
		err := l.orCancelled(ctx, l.run(work))
		if l.wantsUndo(err) {
			err = errors.Join(err, l.undo(ctx))
		}
		l.result.InDoubt = l.result.InDoubt || l.doubt != nil || l.pastIsUnknown()
		l.result.ReplacedInDoubt = l.result.ReplacedInDoubt || l.forgotRemovals(ctx)
		l.countTokensLeft()
		return err
	})
}

// link is the state of one link.
type link struct {
	*operation
	request migrationlink.LinkRequest // with its defaults
	doubt   *doubt
	tokens  tokens
	known   known
	// warning is what the manager reported with a link that it accepted.
	warning string
	// mayBeGone reports whether an undo that failed may have removed the link.
	mayBeGone bool
	// wrongTarget reports whether the link was last seen to be one with another target
	// organization.
	wrongTarget bool
}

// known is what is known of the manager, of Atlas and of the past.
type known struct {
	answers bool // the manager has answered for this organization
	atlas   bool // Atlas has answered for the target organization
	none    bool // the manager distinguishes a missing link from one that is not synced
	cleared bool // a link of somebody else was removed; NOT_SYNCED now means no link
	past    bool // what the runs before a reset did, if there was one
	looks   int  // how often it was asked whether to look again after a reset
}

func newLink(ctx workflow.Context, request migrationlink.LinkRequest) *link {
	l := &link{
		operation: newOperation(ctx, migrationlink.StartRequest{Link: &request},
			activities.Target{Manager: request.Manager, OrgID: request.OrgID},
			newDeadline(now(ctx), request.CreateLimit(), migrationlink.MaxCreateTimeout), migrationlink.PhaseCreating),
		request: request.WithDefaults(),
		known:   known{past: !wasReset(ctx)},
	}
	l.addLeftovers = l.linkLeft
	return l
}

// run is what a link goes through.
func (l *link) run(ctx workflow.Context) error {
	for began := l.result.StartedAt; ; began = now(ctx) {
		if err := l.drive(ctx, l.creation(began)); err != nil {
			return err
		}
		if l.result.LinkStatus != migrationlink.LinkSynced {
			if err := l.drive(ctx, l.waitForSynced(ctx)); err != nil {
				return err
			}
		}
		if !l.looksAtTarget(ctx) {
			return nil
		}
		if err := l.drive(ctx, l.lookAtTarget(ctx)); err != nil || !l.wrongTarget {
			return err
		}
		l.startOver(ctx)
	}
}

// creation is done when there is a link that is kept.
func (l *link) creation(began time.Time) step {
	return step{
		phase: migrationlink.PhaseCreating,
		try:   l.tryToCreate,
		pause: "Before the next attempt to create the link",
		tooLate: func(last error) error {
			return l.timedOut(last, "no link was created within %s", l.deadline.at.Sub(began))
		},
	}
}

// tryToCreate has the link created. With a link-token of Atlas it first looks whether there
// is a link, then has the link-token made.
func (l *link) tryToCreate(ctx workflow.Context) error {
	token, missing := l.linkToken()
	var err error
	switch {
	case l.tokens.wanted:
		err = l.makeToken(ctx)
	case missing:
		err = l.find(ctx)
	default:
		err = l.create(ctx, token)
	}
	switch {
	case err == nil:
		return l.keepOrReplace(ctx)
	case ctx.Err() == nil && neverStarted(err):
		if unknown := l.checkManager(ctx); unknown != nil {
			return unknown
		}
		return metEarlier{err, l.result.StartedAt} // the attempt itself was the pause
	}
	l.tokens.rejected(err)
	return err
}

// keepOrReplace decides about the link that there is now.
func (l *link) keepOrReplace(ctx workflow.Context) error {
	switch {
	case l.owner != theirs, ctx.Err() != nil:
		return ctx.Err() // the cancellation came while the creation was waited for
	case l.request.IfLinked == migrationlink.FailIfLinked:
		return l.alreadyLinked()
	case l.request.IfLinked == migrationlink.Relink:
		return l.replace(ctx)
	}
	return nil
}

// replace removes the link of somebody else. The creation continues then, but not at once if
// there has been such a link before: somebody may make one again and again, or a manager shows one
// that is gone.
func (l *link) replace(ctx workflow.Context) error {
	replacedBefore := l.result.Replaced || l.result.ReplacedInDoubt
	removal, err := l.remove(ctx, migrationlink.PhaseRemoving, activities.DeleteLinkInput{
		Known: true, TellsNone: l.known.none, QuietTime: l.request.SettleLimit(),
	})
	mayHaveRemoved := removal.MayHaveRemoved() && !removal.Found
	l.result.Replaced = l.result.Replaced || removal.Found
	l.result.ReplacedInDoubt = !l.result.Replaced && (l.result.ReplacedInDoubt || mayHaveRemoved)
	if err != nil {
		switch {
		case isLate(err) && removal.Found:
			err = l.timedOut(err, "no time was left to create the link")
		case isLate(err):
			err = l.timedOut(err, "the link that was there could not be removed in time")
		}
		return err
	}
	l.known.cleared, l.owner = removal.After != migrationlink.LinkNone, nobody
	l.saw(ctx, migrationlink.LinkNone)
	if replacedBefore && workflow.GetVersion(ctx, "pause-between-replacements", workflow.DefaultVersion, 1) != workflow.DefaultVersion {
		return linkedAgain(l.target)
	}
	return errAgain
}

// linkedAgain is the problem of a link that came back after it was removed. The creation is repeated.
func linkedAgain(target activities.Target) error {
	problem := migrationlink.Problem{
		Type:    migrationlink.ErrNotSynced,
		Message: fmt.Sprintf("organization %s of manager %q had a link again after it was removed to be replaced", target.OrgID, target.Manager),
		Remedy:  "Check whether something else links the organization. It is tried again, less often the longer it lasts.",
	}
	return temporal.NewApplicationErrorWithOptions(problem.Message, problem.Type, temporal.ApplicationErrorOptions{Details: []any{problem}})
}

// find looks for a link, before a link-token is made to create one with.
func (l *link) find(ctx workflow.Context) error {
	source := l.tokenSource()
	var found activities.FindLinkResult
	err := workflow.ExecuteActivity(withSingleAttempt(ctx, l.request.Manager, "Look for a link of organization "+l.request.OrgID, l.queueLimit(ctx)),
		migrationlink.FindLinkActivity, l.findInput(ctx)).Get(ctx, &found)
	if err != nil {
		return l.notCreated(ctx, err, source, true)
	}
	l.answered(ctx, found.LinkStatus, found.Past)
	if found.Found && !found.Created && l.looksAgain(ctx) {
		return errAgain
	}
	if found.Found {
		l.linked(ctx, found.Created, found.LinkStatus, found.Polls)
		return nil
	}
	l.endDoubt(ctx, found.LinkStatus)
	l.stage.problem, l.tokens.wanted, l.tokens.before = nil, true, found.LinkStatus
	l.saw(ctx, found.LinkStatus)
	return errAgain
}

// create has the link created once, and learns from the error whether that may have taken
// effect.
func (l *link) create(ctx workflow.Context, token migrationlink.TokenSource) error {
	source := l.tokenSource()
	var made activities.CreateLinkResult
	err := workflow.ExecuteActivity(withSingleAttempt(ctx, l.request.Manager, "Create the link of organization "+l.request.OrgID, l.queueLimit(ctx)),
		migrationlink.CreateLinkActivity, activities.CreateLinkInput{FindLinkInput: l.findInput(ctx), Token: token}).Get(ctx, &made)
	if err != nil {
		return l.explained(token, l.notCreated(ctx, err, source, false))
	}
	l.answered(ctx, made.Before, made.Past)
	if !made.Created && l.looksAgain(ctx) {
		return errAgain
	}
	l.tokens.posted = source
	l.linked(ctx, made.Created, made.LinkStatus, made.Polls)
	if made.InDoubt && l.owner == ours {
		l.owner, l.result.InDoubt = maybe, true
	}
	l.warning = made.Warning
	return nil
}

func (l *link) findInput(ctx workflow.Context) activities.FindLinkInput {
	if !l.known.past && l.tokenSource().Atlas != nil {
		l.tokens.past, l.inAtlas().TokenInDoubt = true, true // the runs before the reset may have made one
	}
	return activities.FindLinkInput{
		Target:     l.target,
		DoubtUntil: l.doubt.until(),
		Before:     l.doubt.seenBefore(),
		Replace:    l.request.IfLinked == migrationlink.Relink && !l.known.cleared,
		Since:      l.result.StartedAt,
		Deadline:   l.deadline.at,
		Known:      l.known.answers,
		ResetFrom:  l.resetFrom(ctx),
	}
}

// answered records that the manager has answered for this organization, with the status
// that was read before anything was written, and whether this run has read those before a reset.
func (l *link) answered(ctx workflow.Context, before string, past activities.Past) {
	l.served, l.known.answers, l.known.past = true, true, l.known.past || past.IsReadBy(ownRunID(ctx))
	l.known.none = l.known.none || before == migrationlink.LinkNone
}

// pastIsUnknown reports whether a run before a reset may have made a link, and nothing tells.
func (l *link) pastIsUnknown() bool { return !l.known.past && l.owner != theirs }

// forgotRemovals reports whether a run before a reset may have removed a link to replace it.
func (l *link) forgotRemovals(ctx workflow.Context) bool {
	return wasReset(ctx) && l.request.IfLinked == migrationlink.Relink && !l.result.Replaced
}

// looksAgain reports whether to look again at a link that is said to be somebody else's: this was seen
// before a reset, and a run since then may have made the link.
func (l *link) looksAgain(ctx workflow.Context) bool {
	if l.known.past {
		return false
	}
	// Each answer has a version of its own, so that a run that is reset once more replays the answers of this one.
	change := "look-again-after-reset"
	if l.known.looks++; l.known.looks > 1 {
		change += fmt.Sprint("-", l.known.looks)
	}
	return workflow.GetVersion(ctx, change, workflow.DefaultVersion, 1) != workflow.DefaultVersion
}

// queueLimit is how long a creation may wait for a worker. The first one waits for a short
// time only, because nobody may know the manager.
func (l *link) queueLimit(ctx workflow.Context) time.Duration {
	left := l.deadline.left(now(ctx))
	if l.served {
		return left
	}
	return min(left, queueTimeout)
}

// notCreated learns from an attempt that failed. source is that of the link-token it was
// made with: a retry may have named another one meanwhile. If the reply to a creation was
// lost, it looks whether there is a link, and returns err when there is none.
func (l *link) notCreated(ctx workflow.Context, err error, source migrationlink.TokenSource, onlyLooked bool) error {
	posting, lost := activities.LostPosting(err)
	replyLost := problemOf(err).Type == migrationlink.ErrReplyLost
	l.known.none = l.known.none || posting.Before == migrationlink.LinkNone
	l.known.answers = l.known.answers || posting.Before != ""
	l.known.past = l.known.past || posting.IsReadBy(ownRunID(ctx))
	if !lost || onlyLooked && !replyLost || seeded.On(seeded.NoDoubt) {
		l.endDoubt(ctx, posting.Before)
		return err
	}
	l.doubt = &doubt{at: now(ctx), before: posting.Before, settle: l.request.SettleLimit()}
	l.owner = ownerOf(true, l.doubt)
	l.tokens.posted = source
	if ctx.Err() != nil {
		return err
	}
	l.met(ctx, err)
	return l.settle(ctx, err)
}

// endDoubt ends the doubt when no link has appeared until now.
func (l *link) endDoubt(ctx workflow.Context, before string) {
	if l.doubt.endsWith(before, now(ctx)) {
		l.doubt, l.owner = nil, nobody
	}
}

// linked records that there is a link now.
func (l *link) linked(ctx workflow.Context, created bool, linkStatus string, polls int) {
	l.owner, l.doubt = ownerOf(created, l.doubt), nil
	l.result.Created, l.result.InDoubt = created, l.owner == maybe
	if created {
		l.result.CreatedAt, l.known.past = now(ctx), true
	}
	l.result.Polls += polls
	l.stage.problem = nil
	l.saw(ctx, linkStatus)
}

// settle looks, without writing, whether a creation whose reply was lost took effect.
// Without a link it returns lost, and the link may be created again.
func (l *link) settle(ctx workflow.Context, lost error) error {
	until := func() time.Time {
		if l.deadline.at.Before(l.doubt.until()) {
			return l.deadline.at
		}
		return l.doubt.until()
	}
	stillLost := metEarlier{lost, l.doubt.at}
	if !now(ctx).Before(until()) {
		return stillLost
	}
	err := l.drive(ctx, step{
		phase: migrationlink.PhaseSettling,
		until: until,
		polls: true,
		pause: "Before the status is read again",
		try: func(ctx workflow.Context) error {
			seen, err := l.poll(ctx, "Check whether the link was created: the reply was lost", activities.AwaitSyncedInput{
				Since:       now(ctx),
				Deadline:    until(),
				AnyLink:     l.doubt.excludesOthers(),
				NoLinkAfter: l.doubt.until(),
			})
			if err == nil && seen.LinkStatus != migrationlink.LinkNone {
				l.linked(ctx, true, seen.LinkStatus, 0)
			}
			return err
		},
		tooLate: func(error) error { return nil },
	})
	if err == nil && l.doubt != nil {
		return stillLost
	}
	return err
}

// waitForSynced is done when the link is SYNCED.
func (l *link) waitForSynced(ctx workflow.Context) step {
	began := now(ctx)
	l.deadline = newDeadline(began, l.request.SyncLimit(), migrationlink.MaxTimeout)
	return step{
		phase: migrationlink.PhaseSyncing,
		polls: true,
		pause: "Before the status is read again",
		try: func(ctx workflow.Context) error {
			l.warn(ctx)
			seen, err := l.poll(ctx, "Wait until organization "+l.request.OrgID+" is SYNCED", activities.AwaitSyncedInput{Since: began, Deadline: l.deadline.at})
			if l.desk.synced {
				return nil
			}
			if err == nil {
				l.saw(ctx, seen.LinkStatus)
			}
			return err
		},
		tooLate: func(last error) error {
			return l.timedOut(last, "the link was not SYNCED within %s", l.deadline.at.Sub(began))
		},
	}
}

// poll reads the status again and again until it is what in asks for, or its deadline, or
// until a check sees SYNCED.
func (l *link) poll(ctx workflow.Context, summary string, in activities.AwaitSyncedInput) (seen activities.AwaitSyncedResult, _ error) {
	in.Target, in.LinkStatus, in.SeenAt = l.target, l.stage.linkStatus, l.stage.seenAt
	waiting, stop := workflow.WithCancel(ctx)
	defer stop()
	polling := workflow.ExecuteActivity(withPolling(waiting, l.request.Manager, summary, in.Deadline.Sub(now(ctx))), migrationlink.AwaitSyncedActivity, in)
	err := workflow.Await(ctx, func() bool { return polling.IsReady() || l.desk.synced })
	if err == nil && !l.desk.synced {
		err = polling.Get(ctx, &seen)
	}
	if err != nil {
		progress := lastProgress(err)
		seen.Polls = progress.Polls
		if progress.LinkStatus != "" && !progress.SeenAt.Equal(in.SeenAt) {
			l.saw(ctx, progress.LinkStatus)
		}
	}
	l.result.Polls += seen.Polls
	return seen, err
}

// warn shows what the manager reported with a link that it accepted.
func (l *link) warn(ctx workflow.Context) {
	if l.warning == "" {
		return
	}
	l.stage.problem = &migrationlink.Problem{
		Type:    migrationlink.ErrNotSynced,
		Message: "the manager accepted the link, and reports: " + l.warning,
		Remedy:  "Check the manager's Live Migration page. The problem may resolve itself: the status is still polled.",
	}
	l.tell(ctx)
}

// wasReset reports whether an operator has reset the workflow.
func wasReset(ctx workflow.Context) bool {
	info := workflow.GetInfo(ctx)
	return info.OriginalRunID != "" && info.OriginalRunID != info.WorkflowExecution.RunID
}

func ownRunID(ctx workflow.Context) string { return workflow.GetInfo(ctx).WorkflowExecution.RunID }

// resetFrom returns the first run of a workflow that an operator has reset, until it is
// known what the runs before this one did.
func (l *link) resetFrom(ctx workflow.Context) string {
	if l.known.past {
		return ""
	}
	return workflow.GetInfo(ctx).OriginalRunID
}
