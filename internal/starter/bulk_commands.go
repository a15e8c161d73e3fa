package starter

import (
	"cmp"
	"context"
	"errors"
	"sync/atomic"
	"time"

	"go.temporal.io/sdk/temporal"

	"github.com/migrationlink/migrationlink"
	"github.com/migrationlink/migrationlink/internal/console"
	"github.com/migrationlink/migrationlink/internal/links"
	"github.com/migrationlink/migrationlink/internal/temporalerr"
	"github.com/migrationlink/migrationlink/internal/words"
)

func isUnderWay(l links.Listed) bool { return l.EndedAt.IsZero() }

// isUnlinkable leaves out links that are running, what was unlinked last, and a removal that somebody
// cancelled. A removal that is running is waited for.
func isUnlinkable(l links.Listed) bool {
	if l.Run.Unlinks() {
		return l.State != links.StateCompleted && l.State != links.StateCancelled
	}
	return !isUnderWay(l)
}

// retryAll resumes links. One that continues by itself, or has ended well since it was listed, needs no
// retry.
func (a *app) retryAll(ctx context.Context, given chosen, limit time.Duration) error {
	ctx, stop := console.WithLimit(ctx, limit)
	defer stop()
	var silent atomic.Int64 // links whose workers did not answer; a version of them may have none
	var answered atomic.Bool
	request := migrationlink.RetryRequest{RequestedBy: a.Env.User()}
	err := a.runBulk(ctx, given, bulk{
		verb: "retry", done: "retried", fits: isUnderWay,
		send: func(ctx context.Context, c *links.Client, l links.Listed) (links.Run, error) {
			after, err := c.Retry(ctx, l.Run, request, answered.Load() || silent.Load() < sendingAtOnce)
			switch {
			case isRefusal(err, migrationlink.ErrNotBlocked):
				answered.Store(true)
				return l.Run, unchanged("it continues by itself")
			case isEnd(err):
				if result, late := resultNow(ctx, c, l.Run); late == nil {
					return l.Run, outcomeError(l.Run, result)
				}
				fallthrough // it is being undone
			case err != nil:
				return l.Run, refusedBy(retryEffect(l.Run).explain(ctx, err), l.Run.Job, console.ExitOther)
			case after == nil:
				silent.Add(1)
				return l.Run, nil
			}
			answered.Store(true)
			return l.Run, blockedAgain(links.Observation{Run: l.Run, Status: *after})
		},
	})
	if n := silent.Load(); n > 0 {
		a.Note("A signal was sent for %s: each continues when a worker takes it.", words.Count(int(n), "link"))
	}
	return err
}

// isRefusal reports whether a workflow has refused an update with an error type.
func isRefusal(err error, errorType string) bool {
	refused, ok := errors.AsType[*temporal.ApplicationError](err)
	return ok && refused.Type() == errorType
}

// isEnd reports whether a run has ended since it was listed.
func isEnd(err error) bool {
	_, ended := errors.AsType[*links.NotRunning](err)
	return ended || isRefusal(err, migrationlink.ErrAlreadyEnded)
}

// resultNow reads the result of a run that has ended, or is about to.
func resultNow(ctx context.Context, c *links.Client, run links.Run) (migrationlink.LinkResult, error) {
	call, cancel := context.WithTimeout(ctx, c.CallTimeout)
	defer cancel()
	result, err := c.Result(call, run)
	return result, c.Explain(ctx, err)
}

// cancelAll cancels links, and waits for their ends unless it detaches. One that is being cancelled
// ignores a second request.
func (a *app) cancelAll(ctx context.Context, given chosen, request migrationlink.CancelRequest, detach bool, limit time.Duration) error {
	given.Cancelling = true
	limited, stop := console.WithLimit(ctx, limit)
	defer stop()
	b := bulk{
		verb: "cancel", done: "cancelled", fits: isUnderWay,
		send: func(ctx context.Context, c *links.Client, l links.Listed) (links.Run, error) {
			err := c.Cancel(ctx, l.Run, request)
			if isEnd(err) {
				result, err := resultNow(ctx, c, l.Run)
				return l.Run, cmp.Or(err, cancelError(l.Run, result))
			}
			return l.Run, cancelEffect(l.Run).explain(ctx, err)
		},
		await: func(waiting context.Context, c *links.Client, run links.Run) error {
			result, err := c.Result(waiting, run)
			switch {
			case err != nil && waiting.Err() != nil:
				return stillCancelling(ctx, c, run)
			case err != nil:
				return c.Explain(ctx, err)
			}
			return cancelError(run, result)
		},
		limit: limit,
	}
	if detach {
		b.done, b.await = "asked to cancel", nil
		return a.runBulk(limited, given, b)
	}
	return a.runBulk(ctx, given, b)
}

// extendAll moves deadlines to one time, so that repeating it changes nothing.
func (a *app) extendAll(ctx context.Context, given chosen, request migrationlink.ExtendRequest, limit time.Duration) error {
	ctx, stop := console.WithLimit(ctx, limit)
	defer stop()
	return a.runBulk(ctx, given, bulk{
		verb: "extend", done: "extended", fits: isUnderWay,
		send: func(ctx context.Context, c *links.Client, l links.Listed) (links.Run, error) {
			var extended migrationlink.Extension
			err := c.Update(ctx, l.Run, migrationlink.ExtendUpdate, &extended, request)
			if isRefusal(err, migrationlink.ErrInvalidUpdate) {
				if kept, err := keepsDeadline(ctx, c, l.Run, request.Until); kept {
					return l.Run, err
				}
			}
			return l.Run, refusedBy(extendEffect(request).explain(ctx, err), l.Run.Job, console.ExitOther)
		},
	})
}

// keepsDeadline reports whether the deadline of a run is not before a time. The error is nil if it is
// that time: an earlier command has moved it.
func keepsDeadline(ctx context.Context, c *links.Client, run links.Run, until time.Time) (bool, error) {
	seen, err := c.Observe(run).Look(ctx)
	switch {
	case err != nil, seen.Deadline.Before(until):
		return false, nil
	case seen.Deadline.Equal(until):
		return true, nil
	}
	return true, unchanged("its deadline is later: " + seen.Deadline.UTC().Format(time.RFC3339))
}

// isStillLatest fails if the organization has been linked again since it was listed: that link was not
// chosen.
func isStillLatest(ctx context.Context, c *links.Client, listed links.Run) error {
	latest, err := c.Latest(ctx, listed.Job)
	switch {
	case temporalerr.NotFound(err): // its retention is over
		return nil
	case err != nil:
		return c.Explain(ctx, err)
	}
	if latest.RunID != listed.RunID && !latest.Unlinks() {
		return console.Fail(console.ExitOther, "Check the new link with '"+latest.Command("status")+"'.",
			"organization %s of manager %s was linked again after the links were chosen; nothing was sent", listed.OrgID, listed.Manager)
	}
	return nil
}

// unlinkAll removes the links of organizations, and waits for that unless it detaches.
func (a *app) unlinkAll(ctx context.Context, given chosen, request migrationlink.UnlinkRequest, wait waiting) error {
	ctx, stop := console.WithLimit(ctx, wait.limit)
	defer stop()
	given.Unlinking = true
	b := bulk{
		verb: "unlink", done: "unlinked", fits: isUnlinkable, begun: isUnderWay,
		send: func(ctx context.Context, c *links.Client, l links.Listed) (links.Run, error) {
			asked := request
			asked.Manager, asked.OrgID = l.Run.Manager, l.Run.OrgID
			job := words.JobOf(migrationlink.NewStartRequest(asked))
			if err := isStillLatest(ctx, c, l.Run); err != nil {
				return links.Run{}, err
			}
			run, err := c.Starter(a.Env.User()).Start(ctx, migrationlink.NewStartRequest(asked))
			if err != nil {
				return links.Run{}, startFailure(ctx, c, job, err)
			}
			return links.RunOf(job, run), nil
		},
		await: func(ctx context.Context, c *links.Client, run links.Run) error {
			result, err := c.Result(ctx, run)
			if err != nil {
				return c.Explain(ctx, err)
			}
			return outcomeError(run, result)
		},
	}
	if wait.detach {
		b.done, b.await = "asked to unlink", nil
	}
	return a.runBulk(ctx, given, b)
}
