package link

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/migrationlink/migrationlink"
	"github.com/migrationlink/migrationlink/internal/payload"
	"github.com/migrationlink/migrationlink/internal/seeded"
	"github.com/migrationlink/migrationlink/redact"
)

// desk holds what signals and updates have brought.
type desk struct {
	// token is the source of the link-token that the last retry named, if one did.
	token *migrationlink.TokenSource
	// synced reports whether a check has seen SYNCED while the link was waited for.
	synced bool
	checks int
	// cancels brings cancellations. The first one cancels; asked reports whether it has.
	cancels workflow.ReceiveChannel
	cancel  workflow.CancelFunc
	asked   bool
	// retries brings retries, of which received came until now.
	retries  workflow.ReceiveChannel
	received int
	// unseenRetries reports whether Temporal may retry a step for long before the link is accepted.
	unseenRetries bool
	// full reports whether the operation ends because its history has no room for more.
	full bool
	// byOperation reports whether the Nexus operation that started the workflow has
	// cancelled it.
	byOperation bool
}

// listen makes the operation answer queries, signals and updates.
func (o *operation) listen(ctx workflow.Context) error {
	o.openCancel(ctx)
	o.guests.joins = workflow.GetSignalChannel(ctx, migrationlink.JoinSignal)
	o.desk.retries = workflow.GetSignalChannelWithOptions(ctx, migrationlink.RetrySignal,
		workflow.SignalChannelOptions{Description: "Resumes a blocked request, or makes the next attempt now. Payload, optional: {\"token\": {\"ref\": \"…\"}}."})
	o.takeSignals(ctx)
	o.desk.unseenRetries = o.mayRetryUnseen(ctx)
	for _, set := range []func(workflow.Context) error{o.onRetry, o.onStatus, o.onAccept, o.onExtend, o.onCheck} {
		if err := set(ctx); err != nil {
			return err
		}
	}
	return nil
}

// takeSignals takes what comes, in one coroutine: each costs memory for as long as the workflow is cached. A
// coroutine that waits in Receive would be handed a signal that comes together with the end of the work, and the
// end would not see it.
func (o *operation) takeSignals(ctx workflow.Context) {
	workflow.Go(ctx, func(ctx workflow.Context) {
		ctx, _ = workflow.NewDisconnectedContext(ctx)
		for {
			_ = workflow.Await(ctx, func() bool { // nothing cancels this context
				return len(unhandled(ctx)) > 0 || o.fillsUp(ctx)
			})
			o.takeCancel(ctx)
			o.takeJoins(ctx)
			o.takeRetries(ctx)
			for _, name := range unhandled(ctx) { // they would stay in memory
				for signals := workflow.GetSignalChannel(ctx, name); signals.ReceiveAsync(nil); {
				}
			}
			if o.fillsUp(ctx) {
				o.desk.full = true
				if workflow.GetVersion(ctx, "end-when-full", workflow.DefaultVersion, 1) != workflow.DefaultVersion {
					o.desk.cancel()
				}
			}
		}
	})
}

// unhandled returns the names of the signals that nothing has taken. The SDK gives no channel for a name of
// Temporal's own, which anybody may send.
func unhandled(ctx workflow.Context) []string {
	return slices.DeleteFunc(workflow.GetUnhandledSignalNames(ctx), func(name string) bool { return strings.HasPrefix(name, "__temporal_") })
}

// fillsUp reports whether the history has just reached the limit.
func (o *operation) fillsUp(ctx workflow.Context) bool {
	info := workflow.GetInfo(ctx)
	return !o.desk.full && (info.GetCurrentHistoryLength() >= maxEvents || info.GetCurrentHistorySize() >= maxHistory)
}

func (o *operation) onStatus(ctx workflow.Context) error {
	return workflow.SetQueryHandlerWithOptions(ctx, migrationlink.StatusQuery,
		func() (migrationlink.Status, error) { return o.status(), nil },
		workflow.QueryHandlerOptions{Description: "Phase, last status, deadline and problem of the link."})
}

// openCancel makes the signal do what Temporal's own cancellation does, once it is taken.
func (o *operation) openCancel(ctx workflow.Context) {
	o.work, o.desk.cancel = workflow.WithCancel(ctx)
	o.desk.cancels = workflow.GetSignalChannelWithOptions(ctx, migrationlink.CancelSignal,
		workflow.SignalChannelOptions{Description: "Cancels. Payload: {\"reason\": \"…\", \"requestedBy\": \"…\"}."})
}

// takeCancel cancels the work if somebody asks for that, with the reason of the first who does.
func (o *operation) takeCancel(ctx workflow.Context) {
	var input converter.RawValue
	if o.desk.asked || !o.desk.cancels.ReceiveAsync(&input) {
		return
	}
	o.desk.asked = true
	request := readCancel(input)
	o.result.CancelReason, o.desk.byOperation = request.Reason, isByOperation(input)
	o.did(ctx, migrationlink.Action{Action: migrationlink.ActionCancel, RequestedBy: request.RequestedBy, Reason: request.Reason})
	if !seeded.On(seeded.LostCancel) {
		o.desk.cancel()
	}
}

// readCancel takes any payload: a reason in another form, or one that is too long, is still
// a cancellation.
func readCancel(input converter.RawValue) (request migrationlink.CancelRequest) {
	if payload.Decode(input, &request) != nil {
		_ = payload.Decode(input, &request.Reason) // only the text, as people type it
	}
	request.Reason = redact.Remark(request.Reason, migrationlink.MaxReason)
	request.RequestedBy = requester(request.RequestedBy)
	return request
}

func (o *operation) onRetry(ctx workflow.Context) error {
	return workflow.SetUpdateHandlerWithOptions(ctx, migrationlink.RetryUpdate, o.retryAndWatch,
		workflow.UpdateHandlerOptions{
			Description: "Resumes a blocked request, or makes the next attempt now, and returns the new status. Input, optional: {\"token\": {\"ref\": \"…\"}}.",
			Validator: func(input converter.RawValue) error {
				request, err := o.readRetry(input)
				if err == nil && request.Token != nil && o.asked.Unlink != nil {
					err = payload.Refusal(migrationlink.ErrInvalidUpdate, tokenForUnlink)
				}
				return cmp.Or(err, o.notRetryable())
			},
		})
}

// takeRetries does what the retry signals ask for that have come until now.
func (o *operation) takeRetries(ctx workflow.Context) {
	var input converter.RawValue
	for o.desk.retries.ReceiveAsync(&input) {
		if o.desk.received++; o.desk.received <= 2*maxRetries { // somebody sends more without end
			if request, err := o.readRetry(input); err != nil {
				o.showRefusedRetry(ctx, err)
			} else {
				o.retry(ctx, request)
			}
		}
		input = converter.RawValue{}
	}
}

var tokenForUnlink = &migrationlink.ValidationError{Problems: []migrationlink.FieldProblem{
	{Field: "token", Problem: "unlinking takes no link-token; leave it out"},
}}

// retryAndWatch resumes the operation and returns its status once that shows the effect.
func (o *operation) retryAndWatch(ctx workflow.Context, input converter.RawValue) (migrationlink.Status, error) {
	request, err := o.readRetry(input)
	if err != nil {
		return migrationlink.Status{}, err
	}
	before := o.stage.since
	o.retry(ctx, request)
	ctx, _ = workflow.NewDisconnectedContext(ctx) // the end is an answer, too
	err = await(ctx, retryMoment, "Until the caller of the retry has its answer", func() bool {
		return o.isAccepted() && !o.stage.since.Equal(before)
	})
	return o.status(), unlessTimeIsUp(err)
}

// retry resumes the operation, with another link-token if the request has one.
func (o *operation) retry(ctx workflow.Context, request migrationlink.RetryRequest) {
	o.did(ctx, migrationlink.Action{Action: migrationlink.ActionRetry, RequestedBy: requester(request.RequestedBy)})
	if request.Token != nil {
		o.desk.token, o.asked = request.Token, o.asked.WithToken(*request.Token)
	}
	o.wake.ring()
}

// readRetry reads a request to continue. The error is that of an update.
func (o *operation) readRetry(input converter.RawValue) (request migrationlink.RetryRequest, _ error) {
	if !payload.IsEmpty(input) {
		err := payload.Request(input, &request)
		if wrong, ok := errors.AsType[*migrationlink.ValidationError](err); ok {
			wrong.Problems[0].Problem += `; send nothing, or {"token": {"ref": "…"}}`
			return request, payload.Refusal(migrationlink.ErrInvalidUpdate, wrong)
		}
	}
	err := request.Validate()
	if err == nil && request.Token != nil {
		err = o.asked.WithToken(*request.Token).Validate()
	}
	if err != nil {
		return request, payload.Refusal(migrationlink.ErrInvalidUpdate, err)
	}
	if o.wake.sent >= maxRetries {
		return request, refusal(migrationlink.Problem{
			Type:    migrationlink.ErrTooManyRetries,
			Message: fmt.Sprintf("it has already been retried %d times", maxRetries),
			Remedy:  "Cancel the link, and start it again.",
		})
	}
	return request, nil
}

// notRetryable is the refusal of a retry that would do nothing, or nil. A retry ends a
// pause of the workflow and the wait for Atlas, but not the polls of other activities.
func (o *operation) notRetryable() error {
	if err := o.alreadyEnded(); err != nil && !o.isIn(migrationlink.PhaseUndoing) {
		return err
	}
	if o.wake.ends || o.stage.phase == migrationlink.PhaseCreating && o.stage.problem != nil {
		return nil
	}
	return refusal(migrationlink.Problem{
		Type:    migrationlink.ErrNotBlocked,
		Message: "it is " + string(o.stage.phase) + " and continues by itself",
		Remedy:  "Wait, or read the status now with the update " + migrationlink.CheckUpdate + " (starter check).",
	})
}

// showRefusedRetry shows why a signal did nothing: its sender gets no answer.
func (o *operation) showRefusedRetry(ctx workflow.Context, err error) {
	why := err.Error()
	if refused, ok := errors.AsType[*temporal.ApplicationError](err); ok {
		why = refused.Message()
	}
	workflow.GetLogger(ctx).Warn("retry refused", "error", why)
	if o.stage.problem == nil {
		return
	}
	const refused = "; the last retry was refused: "
	problem := *o.stage.problem
	problem.Message, _, _ = strings.Cut(problem.Message, refused)
	problem.Message += refused + why
	o.stage.problem = &problem
	o.tell(ctx)
}

func (o *operation) onAccept(ctx workflow.Context) error {
	return workflow.SetUpdateHandlerWithOptions(ctx, migrationlink.AcceptUpdate,
		func(ctx workflow.Context, _ converter.RawValue) (migrationlink.Status, error) {
			ctx, _ = workflow.NewDisconnectedContext(ctx) // the end is an answer, too
			err := o.awaitAccepted(ctx)
			return o.status(), err
		},
		workflow.UpdateHandlerOptions{
			Description: "Returns the status when the manager has accepted the request, or when a problem prevents that. Refuses a request that differs from the running one.",
			Validator:   o.admits,
		})
}

// admits refuses any other request than the running one.
func (o *operation) admits(input converter.RawValue) error {
	var asked migrationlink.StartRequest
	if err := cmp.Or(payload.Request(input, &asked), asked.Validate()); err != nil {
		return payload.Refusal(migrationlink.ErrInvalidRequest, err) // a difference would show what may be a secret
	}
	if o.invalid { // a difference would show its values, which may be secrets
		return refusal(migrationlink.Problem{Type: migrationlink.ErrAlreadyEnded, Message: "it is ending, because its request is invalid", Remedy: startLater})
	}
	if found := o.asked.Difference(asked); len(found) > 0 && len(o.first.Difference(asked)) > 0 {
		return refusedUpdate(differenceProblem(o.target, found), found)
	}
	return o.alreadyEnded()
}

// awaitAccepted waits longer for a manager that is in trouble than it takes to see that,
// but not for ever. The retries of a removal, and those of Atlas, cannot be seen.
func (o *operation) awaitAccepted(ctx workflow.Context) error {
	const summary = "Until a waiting caller has its answer"
	isClear := func() bool { return o.isAccepted() || o.stage.problem != nil || o.asked.Unlink != nil }
	var err error
	if o.desk.unseenRetries {
		err = await(ctx, unseenLimit, summary, isClear)
	} else {
		err = workflow.Await(ctx, isClear)
	}
	if err == nil {
		err = await(ctx, acceptLimit, summary, o.isAccepted)
	}
	return unlessTimeIsUp(err)
}

// mayRetryUnseen reports whether Temporal may retry a step for long before the manager accepts the link.
func (o *operation) mayRetryUnseen(ctx workflow.Context) bool {
	link := o.asked.Link
	return link != nil && !o.invalid && (link.Token.Atlas != nil || link.IfLinked == migrationlink.Relink) &&
		workflow.GetVersion(ctx, "accept-in-time", workflow.DefaultVersion, 1) != workflow.DefaultVersion
}

func (o *operation) isAccepted() bool {
	switch o.stage.phase {
	case migrationlink.PhaseSyncing, migrationlink.PhaseVerifying, migrationlink.PhaseBlocked, migrationlink.PhaseEnded:
		return true
	default:
		return false
	}
}

func (o *operation) onExtend(ctx workflow.Context) error {
	return workflow.SetUpdateHandlerWithOptions(ctx, migrationlink.ExtendUpdate,
		func(ctx workflow.Context, input converter.RawValue) (migrationlink.Extension, error) {
			extended, request, err := o.extended(ctx, input)
			if err != nil {
				return migrationlink.Extension{}, err
			}
			o.deadline = extended
			o.did(ctx, migrationlink.Action{Action: migrationlink.ActionExtend, RequestedBy: requester(request.RequestedBy), Deadline: extended.at},
				"deadline", extended.at)
			o.tell(ctx)
			return migrationlink.Extension{Phase: cmp.Or(o.stage.blockedIn, o.stage.phase), Deadline: extended.at}, nil
		},
		workflow.UpdateHandlerOptions{
			Description: "Moves the deadline. Input: {\"by\": \"30m\"}, or {\"until\": TIME} with a time as in RFC 3339.",
			Validator: func(ctx workflow.Context, input converter.RawValue) error {
				_, _, err := o.extended(ctx, input)
				return err
			},
		})
}

// extended returns the deadline that a request makes of the present one.
func (o *operation) extended(ctx workflow.Context, input converter.RawValue) (_ deadline, request migrationlink.ExtendRequest, _ error) {
	if err := o.alreadyEnded(); err != nil && !o.isIn(migrationlink.PhaseUndoing) {
		return deadline{}, request, err
	}
	err := payload.Request(input, &request)
	extended := o.deadline
	if err == nil {
		extended, err = o.deadline.extended(now(ctx), request)
	}
	if err != nil {
		return deadline{}, request, payload.Refusal(migrationlink.ErrInvalidUpdate, err)
	}
	return extended, request, nil
}

func (o *operation) onCheck(ctx workflow.Context) error {
	return workflow.SetUpdateHandlerWithOptions(ctx, migrationlink.CheckUpdate, o.check,
		workflow.UpdateHandlerOptions{
			Description: "Reads the status of the link now and returns it.",
			Validator:   func(workflow.Context) error { return cmp.Or(o.alreadyEnded(), o.tooManyChecks()) },
		})
}

// check reads the status now, without disturbing the link. SYNCED ends the wait for it.
func (o *operation) check(ctx workflow.Context) (migrationlink.Check, error) {
	o.desk.checks++
	counts := o.isIn(migrationlink.PhaseSyncing)
	ctx, stop := workflow.WithCancel(ctx)
	defer stop()
	reading := workflow.ExecuteActivity(withSingleRead(ctx, o.target.Manager, "Read the status now, asked for by "+migrationlink.CheckUpdate),
		migrationlink.LinkStatusActivity, o.target)
	err := workflow.Await(ctx, func() bool { return reading.IsReady() || o.alreadyEnded() != nil })
	if err != nil || !reading.IsReady() {
		return migrationlink.Check{}, o.alreadyEnded()
	}
	var linkStatus string
	if err := reading.Get(ctx, &linkStatus); err != nil {
		return migrationlink.Check{}, refusal(problemOf(err))
	}
	o.checked(ctx, linkStatus, counts)
	return migrationlink.Check{LinkStatus: linkStatus, SeenAt: now(ctx)}, nil
}

// checked records what a check has seen. It counts only if the link was waited for when
// the check began: otherwise it may have seen another link.
func (o *operation) checked(ctx workflow.Context, linkStatus string, counts bool) {
	waits, isSynced := o.isIn(migrationlink.PhaseSyncing), linkStatus == migrationlink.LinkSynced
	switch {
	case o.desk.synced && waits: // a quicker check has seen it
		return
	case counts && o.stage.phase == migrationlink.PhaseSyncing:
		o.result.Polls++
		o.saw(ctx, linkStatus)
		o.desk.synced = isSynced
	case counts && isSynced && waits:
		o.wake.ring() // nothing blocks it any more
	}
	o.stage.linkStatus, o.stage.seenAt = linkStatus, now(ctx)
	o.tell(ctx)
}

// isIn reports whether the operation is in a phase, or blocked in it.
func (o *operation) isIn(phase migrationlink.Phase) bool {
	return o.stage.phase == phase || o.stage.blockedIn == phase
}

// tooManyChecks keeps the history of a link that is checked all the time below what
// Temporal permits, and leaves room for other updates.
func (o *operation) tooManyChecks() error {
	if o.desk.checks < maxChecks {
		return nil
	}
	return refusal(migrationlink.Problem{
		Type:    migrationlink.ErrTooManyChecks,
		Message: fmt.Sprintf("the link has already been checked %d times", o.desk.checks),
		Remedy:  "Use the query status (starter status) instead: the link is polled automatically.",
	})
}

// startLater is the remedy for a request that cannot join.
const startLater = "Wait until it ends, then start it again."

// alreadyEnded is the refusal of any request that comes too late, or nil.
func (o *operation) alreadyEnded() error {
	switch {
	case o.stage.phase == migrationlink.PhaseEnded:
		return refusal(migrationlink.Problem{
			Type: migrationlink.ErrAlreadyEnded, Message: "it has ended: " + string(o.result.Outcome), Remedy: "To continue, start it again.",
		})
	case o.isEnding():
		return refusal(migrationlink.Problem{
			Type: migrationlink.ErrAlreadyEnded, Message: "it is ending", Remedy: startLater,
		})
	}
	return nil
}

// isEnding reports whether the operation is being cancelled or undone.
func (o *operation) isEnding() bool {
	return o.work.Err() != nil || o.isIn(migrationlink.PhaseUndoing)
}
