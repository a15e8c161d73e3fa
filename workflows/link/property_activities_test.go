package link_test

import (
	"time"

	"go.temporal.io/sdk/temporal"

	"github.com/migrationlink/migrationlink"
	"github.com/migrationlink/migrationlink/activities"
)

// The activities as they are, step by step, with the simulated manager in place
// of HTTP and virtual time in place of the clock. What each step may meet is a
// mishap.

// perform is the worker: it runs the activity.
func (a *attempt) perform() (any, error) {
	switch in := a.in.(type) {
	case activities.FindLinkInput:
		return a.findLink(in)
	case activities.CreateLinkInput:
		return a.createLink(in)
	case activities.AwaitSyncedInput:
		return a.awaitSynced(in)
	case activities.DeleteLinkInput:
		return a.deleteLink(in)
	case activities.CreateLinkTokenInput:
		return a.createLinkToken(in)
	case activities.DeleteLinkTokenInput:
		return a.deleteLinkToken(in)
	case activities.VerifyInAtlasInput:
		return a.verifyInAtlas(in)
	case activities.Target:
		return a.linkStatus()
	}
	panic("no such activity: " + a.name)
}

// failure is what an activity returns for a finding.
func failure(errorType string, final bool, delay time.Duration, details ...any) error {
	problem := migrationlink.Problem{Type: errorType, Message: "the manager said " + errorType, Remedy: "Do something about it."}
	return temporal.NewApplicationErrorWithOptions(problem.Message, errorType, temporal.ApplicationErrorOptions{
		NonRetryable: final, NextRetryDelay: delay, Details: append([]any{problem}, details...),
	})
}

// waiting is one attempt of an activity that is repeated until it sees what it waits
// for.
type waiting struct {
	*attempt
	since, deadline time.Time
	mark            time.Time // at which one attempt is wanted in any case
}

// delay is that before the next attempt, at least least.
func (w waiting) delay(least time.Duration) time.Duration {
	growing := time.Duration(float64(-w.until(w.since)) * 0.19)
	delay := max(min(max(growing, time.Second), 45*time.Second), least)
	if !w.mark.IsZero() {
		delay = min(delay, max(w.until(w.mark), time.Second))
	}
	left := w.until(w.deadline)
	if left <= 0 {
		return left + time.Hour // Temporal ends the activity
	}
	return max(min(delay, left), time.Millisecond)
}

// showsLink reports whether a status is certainly that of a link.
func (a *attempt) showsLink(status string) bool {
	return status == migrationlink.LinkSynced || a.scene.schedule.Manager.Tells && status != migrationlink.LinkNone
}

func (a *attempt) findLink(in activities.FindLinkInput) (activities.FindLinkResult, error) {
	c, err := a.newCreation(in)
	if err != nil {
		return activities.FindLinkResult{}, err
	}
	return c.find()
}

func (a *attempt) createLink(in activities.CreateLinkInput) (none activities.CreateLinkResult, _ error) {
	c, err := a.newCreation(in.FindLinkInput)
	if err != nil {
		return none, err
	}
	switch bad := a.scene.tokenIs(in.Token); bad {
	case migrationlink.ErrTokenUnavailable, migrationlink.ErrTokenNotOpened:
		a.scene.finals = append(a.scene.finals, finalAnswer{answer: answer{problem: bad, final: true, own: true}, at: a.scene.now()})
		return none, failure(bad, true, 0)
	}
	a.scene.manager.unseen = a.fate.loses() || a.scene.manager.anyMayLose
	seen, err := c.find()
	switch {
	case err != nil:
		return none, err
	case seen.Found:
		return activities.CreateLinkResult{Created: seen.Created, LinkStatus: seen.LinkStatus, Polls: seen.Polls, Past: activities.Past{PastRead: seen.PastRead}}, nil
	}
	return c.send(in.Token, activities.Posting{Before: seen.LinkStatus, Past: activities.Past{PastRead: seen.PastRead}})
}

// creation is one attempt to find a link, and to create it if there is none.
type creation struct {
	waiting
	in      activities.FindLinkInput
	earlier deed
}

func (a *attempt) newCreation(in activities.FindLinkInput) (*creation, error) {
	past := activities.Past{PastRead: in.ResetFrom != ""}
	if posting, ok := a.beat.(activities.Posting); ok {
		posting.Past = past
		return nil, failure(migrationlink.ErrReplyLost, true, 0, posting)
	}
	c := &creation{waiting: waiting{attempt: a, since: in.Since, deadline: in.Deadline}, in: in, earlier: a.scene.deedBefore(in)}
	if c.earlier.inDoubt && !c.inDoubt() {
		posting := c.earlier.posting
		posting.Past = past
		return nil, failure(migrationlink.ErrReplyLost, true, 0, posting)
	}
	return c, nil
}

func (c *creation) find() (none activities.FindLinkResult, _ error) {
	got := c.read(c.fate.Read, c.until(c.deadline), c.in.Known)
	if got.problem != "" {
		return none, c.failed(got)
	}
	if c.earlier.made && got.status == migrationlink.LinkNone && !c.inDoubt() {
		return none, failure(migrationlink.ErrReplyLost, true, 0, activities.Posting{Before: got.status, Past: activities.Past{PastRead: c.in.ResetFrom != ""}})
	}
	made := c.earlier.made && got.status != migrationlink.LinkNone
	appeared := c.inDoubt() && c.in.Before == migrationlink.LinkNone && got.status != migrationlink.LinkNone
	toBeReplaced := c.in.Replace && !c.inDoubt() && got.status != migrationlink.LinkNone
	switch {
	case c.showsLink(got.status) || made || appeared || toBeReplaced:
		return activities.FindLinkResult{Found: true, Created: c.inDoubt() || c.earlier.made, LinkStatus: got.status, Polls: 1, Past: activities.Past{PastRead: c.in.ResetFrom != ""}}, nil
	case c.before(c.in.DoubtUntil):
		return none, failure(migrationlink.ErrNotSynced, false, c.until(c.in.DoubtUntil))
	}
	return activities.FindLinkResult{LinkStatus: got.status, Past: activities.Past{PastRead: c.in.ResetFrom != ""}}, nil
}

func (c *creation) inDoubt() bool { return !c.in.DoubtUntil.IsZero() }

func (c *creation) failed(got answer, trace ...any) error {
	return failure(got.problem, got.final, max(c.delay(got.retryAfter), got.retryAfter), trace...)
}

func (c *creation) send(token migrationlink.TokenSource, posting activities.Posting) (none activities.CreateLinkResult, _ error) {
	if !c.before(c.in.Deadline) || c.fate.Unmarked || !c.attempt.mark(posting) {
		return none, c.failed(answer{problem: migrationlink.ErrManagerUnavailable}, posting)
	}
	c.scene.posts()
	got := c.post(token, c.in.Known)
	switch {
	case got.lost:
		return none, failure(migrationlink.ErrReplyLost, true, c.delay(0), posting)
	case got.conflict:
		result := c.afterwards()
		switch shown := result.LinkStatus != "" && result.LinkStatus != migrationlink.LinkNone; {
		case shown:
			none := posting.Before == migrationlink.LinkNone
			result.Created, result.InDoubt = none || c.inDoubt(), none && !c.inDoubt()
			return result, nil
		case c.inDoubt():
			return none, failure(migrationlink.ErrReplyLost, true, c.delay(0), activities.Posting{Before: c.in.Before, Past: activities.Past{PastRead: c.in.ResetFrom != ""}})
		}
		got = answer{problem: migrationlink.ErrManagerUnavailable}
	case got.problem == "":
		result := c.afterwards()
		result.Created, result.Before = true, posting.Before
		return result, nil
	}
	c.told = func() { c.scene.refusedPost(posting) }
	return none, c.failed(got, posting)
}

func (c *creation) afterwards() (result activities.CreateLinkResult) {
	result.PastRead = c.in.ResetFrom != ""
	if c.heard {
		return result
	}
	got := c.readStatus(c.fate.After, afterLimit, c.in.Known)
	if c.heard || got.problem != "" {
		return result
	}
	result.LinkStatus, result.Polls = got.status, 1
	return result
}

func (a *attempt) awaitSynced(in activities.AwaitSyncedInput) (activities.AwaitSyncedResult, error) {
	w := waiting{attempt: a, since: in.Since, deadline: in.Deadline}
	progress := a.progress(migrationlink.Progress{LinkStatus: in.LinkStatus, SeenAt: in.SeenAt})
	before := progress
	got := a.read(a.fate.Read, noLimit, true)
	over := got.status == migrationlink.LinkSynced || in.AnyLink
	if got.status == migrationlink.LinkNone {
		over = !in.NoLinkAfter.IsZero() && !a.before(in.NoLinkAfter)
	}
	if got.problem == "" && over {
		return activities.AwaitSyncedResult{LinkStatus: got.status, Polls: progress.Polls}, nil
	}
	if got.problem == "" {
		got.problem, progress.LinkStatus, progress.SeenAt = migrationlink.ErrNotSynced, got.status, a.now()
	}
	if a.before(in.NoLinkAfter) {
		w.mark = in.NoLinkAfter
	}
	if progress.LinkStatus != before.LinkStatus {
		a.record(progress)
	}
	return activities.AwaitSyncedResult{}, failure(got.problem, got.final, w.delay(got.retryAfter), progress)
}

// progress returns what the attempts before have left, or what was seen before the wait.
func (a *attempt) progress(first migrationlink.Progress) migrationlink.Progress {
	if left, ok := a.beat.(migrationlink.Progress); ok {
		first = left
	}
	first.Polls = a.number
	return first
}

func (a *attempt) linkStatus() (string, error) {
	got := a.read(a.fate.Read, noLimit, true)
	if got.problem != "" {
		return "", failure(got.problem, got.final, max(time.Second, got.retryAfter))
	}
	return got.status, nil
}
