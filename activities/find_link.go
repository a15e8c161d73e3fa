package activities

import (
	"context"
	"errors"
	"time"

	"go.temporal.io/sdk/activity"

	"github.com/migrationlink/migrationlink"
	"github.com/migrationlink/migrationlink/internal/seeded"
)

// FindLinkInput asks whether there is a link already.
type FindLinkInput struct {
	Target
	// DoubtUntil is set when an earlier attempt may have created the link. It is the
	// latest time at which that link appears. Before is the status that was read
	// before that attempt.
	DoubtUntil time.Time `json:"doubtUntil,omitzero"`
	Before     string    `json:"before,omitempty"`
	// Replace finds a link of any status that somebody else made, because it is
	// removed first. Otherwise NOT_SYNCED may mean that there is none.
	Replace bool `json:"replace,omitempty"`
	// Since is when the first attempt began. The delay between attempts grows with
	// the time since.
	Since time.Time `json:"since"`
	// Deadline is when the attempts end. Nothing is sent after it.
	Deadline time.Time `json:"deadline"`
	// Known reports whether the manager has answered for this organization before.
	Known bool `json:"known,omitempty"`
	// ResetFrom, when set, is the first run of a workflow that an operator has reset.
	// The histories of the runs before this one are read first.
	ResetFrom string `json:"resetFrom,omitempty"`
}

func (in FindLinkInput) inDoubt() bool { return !in.DoubtUntil.IsZero() }

// FindLinkResult reports whether there is a link.
type FindLinkResult struct {
	// Found is false when there is no link, and none in doubt: one can be created.
	Found bool `json:"found"`
	// Created is true when this request made the link, or may have made it.
	// Otherwise somebody else did.
	Created    bool   `json:"created,omitempty"`
	LinkStatus string `json:"linkStatus"`
	Polls      int    `json:"polls,omitempty"`
	Past
}

// Past tells of the runs before a reset. A run that is reset once more gets the results of its steps
// from an earlier one, which say nothing about what was done after them.
type Past struct {
	// PastRead reports whether the runs of ResetFrom were read, and PastReadBy is the id of the
	// run that did it.
	PastRead   bool   `json:"pastRead,omitempty"`
	PastReadBy string `json:"pastReadBy,omitempty"`
}

// IsReadBy reports whether a run has read them. Workers of before PastReadBy do not say which one.
func (p Past) IsReadBy(runID string) bool {
	return p.PastRead && (p.PastReadBy == "" || p.PastReadBy == runID)
}

// FindLink looks for a link before a link-token is made to create one with. It reads
// what CreateLink reads before it writes, and fails as CreateLink does.
func (a *Activities) FindLink(ctx context.Context, in FindLinkInput) (FindLinkResult, error) {
	c := a.newCreation(ctx, in)
	ctx, stop := c.keep(ctx)
	defer stop()
	if err := c.prepare(ctx, a); err != nil {
		return FindLinkResult{}, err
	}
	found, err := c.find(ctx)
	found.Past = c.past
	return found, err
}

// creation is one attempt to find a link, and to create it if there is none.
type creation struct {
	attempt[Posting]
	manager manager
	in      FindLinkInput
	past    Past
	earlier earlierRuns
}

func (a *Activities) newCreation(ctx context.Context, in FindLinkInput) *creation {
	c := &creation{attempt: startAttempt(ctx, a.record, Posting{}, in.Since, in.Deadline), in: in}
	if in.ResetFrom != "" {
		c.past = Past{true, activity.GetInfo(ctx).WorkflowExecution.RunID}
	}
	return c
}

// prepare fails when an attempt or a run before this one may have created the link.
func (c *creation) prepare(ctx context.Context, a *Activities) (err error) {
	if posting := c.last(); posting.Before != "" {
		// An operator has paused the activity: Temporal then forgets its limit of one attempt.
		return c.lost(errVanished, posting)
	}
	if c.manager, err = a.manager(c.in.Target, c.in.Known); err != nil {
		return err
	}
	if c.earlier, err = readEarlierRuns(ctx, c.in, a.stored); err != nil {
		return err
	}
	if c.earlier.inDoubt && !c.in.inDoubt() {
		return c.lost(errReset, c.earlier.posting)
	}
	return nil
}

var (
	errVanished = errors.New("an earlier attempt vanished after it had sent the link-token")
	errReset    = errors.New("the workflow was reset while the link-token was sent")
	errNotShown = errors.New("the workflow was reset after it had made a link, which the manager does not show")
)

// posting is the journal entry before a POST.
func (c *creation) posting(before string) Posting {
	return Posting{Before: before, Past: c.past}
}

// lost returns the error of an attempt that follows one whose reply was lost.
func (c *creation) lost(why error, posting Posting) error {
	posting.Past = c.past
	return replyLost(managerParty(c.in.Target).isUnavailable(why)).applicationError(0, posting)
}

// find reads the status. NOT_SYNCED proves a link only when the manager is configured
// to report a missing link, or reported one before a creation whose reply was lost.
func (c *creation) find(ctx context.Context) (FindLinkResult, error) {
	reads, cancel := c.context(ctx, c.deadline)
	defer cancel()
	status, err := migrationlink.LinkNone, error(nil)
	if !seeded.On(seeded.PostWithoutRead) {
		status, err = c.manager.status(reads)
	}
	switch {
	case err != nil:
		return FindLinkResult{}, c.again(ctx, c.manager.classify(err))
	case status == migrationlink.LinkNone && c.earlier.made && !c.in.inDoubt(): // it may be shown late, or be gone
		return FindLinkResult{}, c.lost(errNotShown, c.posting(status))
	case c.manager.showsLink(status), status != migrationlink.LinkNone && c.provesLink():
		return FindLinkResult{Found: true, Created: c.in.inDoubt() || c.earlier.made, LinkStatus: status, Polls: 1}, nil
	case c.before(c.in.DoubtUntil): // a link may appear late, and some managers report a status without one
		return FindLinkResult{}, notSynced(c.in.Target, status).applicationError(c.until(c.in.DoubtUntil))
	}
	return FindLinkResult{LinkStatus: status}, nil
}

// provesLink reports whether any status but LinkNone counts as a link.
func (c *creation) provesLink() bool {
	if c.in.inDoubt() {
		return c.earlier.made || c.in.Before == migrationlink.LinkNone
	}
	return c.earlier.made || c.in.Replace
}
