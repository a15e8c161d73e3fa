package activities

import (
	"context"
	"errors"
	"net/http"
	"time"

	"go.temporal.io/sdk/activity"

	"github.com/migrationlink/migrationlink"
	"github.com/migrationlink/migrationlink/opsmanager"
	"github.com/migrationlink/migrationlink/redact"
)

// CreateLinkInput asks for one attempt to create a link.
type CreateLinkInput struct {
	Target
	Token migrationlink.TokenSource `json:"token"`
	// DoubtUntil, when set, says that an earlier attempt may have created the
	// link, and when it should have appeared at the latest; Before, which status
	// was read before that attempt.
	DoubtUntil time.Time `json:"doubtUntil,omitzero"`
	Before     string    `json:"before,omitempty"`
	// NoToken says that the link-token is not made yet: all is done up to the
	// creation, and NeedsToken returned in its place.
	NoToken bool `json:"noToken,omitempty"`
	// Replace returns a link of any status that somebody else has made, rather
	// than only one that is SYNCED: it is to be removed first.
	Replace bool `json:"replace,omitempty"`
	// Since is when creating began, for the delay before the next attempt.
	Since time.Time `json:"since"`
	// Deadline is when it ends: nothing is sent after it.
	Deadline time.Time `json:"deadline"`
}

func (in CreateLinkInput) inDoubt() bool { return !in.DoubtUntil.IsZero() }

// appeared tells whether status is that of a link that an earlier attempt made:
// there was none before it, and the manager tells a missing link.
func (in CreateLinkInput) appeared(status string) bool {
	return in.inDoubt() && in.Before == migrationlink.LinkNone && status != migrationlink.LinkNone
}

func (in CreateLinkInput) toBeReplaced(status string) bool {
	return in.Replace && !in.inDoubt() && status != migrationlink.LinkNone
}

// CreateLinkResult says that there is a link now, or, with NeedsToken, that there
// is none.
type CreateLinkResult struct {
	// Created says that this request made it, or in doubt may have; otherwise
	// somebody else did.
	Created bool `json:"created"`
	// LinkStatus is empty when it could not be read after the creation.
	LinkStatus string `json:"linkStatus,omitempty"`
	Polls      int    `json:"polls"`
	// NeedsToken says that it would have been created, if there were a link-token.
	NeedsToken bool `json:"needsToken,omitempty"`
	// Warning is a problem that the manager reported with the accepted link.
	Warning string `json:"warning,omitempty"`
}

// Posting is the trace of a creation. It is in the heartbeat details of an
// attempt from just before the POST, so that they tell of an attempt that
// vanished whether there may be a link; and a detail, after the problem, of the
// errors of an attempt that came as far.
type Posting struct {
	// Before is the status that was read before it.
	Before string `json:"before"`
	// Slow says that the manager may be at work on it still: it has not answered
	// itself.
	Slow bool `json:"slow,omitempty"`
}

// afterwardsLimit bounds a read that is worth less than the result it comes
// after.
const afterwardsLimit = 5 * time.Second

// CreateLink creates a link, once. It reads the status before it writes: a link
// that is there already was made by somebody else, or by an earlier attempt
// whose reply was lost. NOT_SYNCED is no proof of a link, unless the manager is
// configured as one that tells.
//
// It must run with one attempt only: the workflow decides about the next,
// because what it does depends on whether this one may have created the link,
// and Temporal does not tell a workflow of attempts that it retries itself.
// ErrReplyLost says that it may; any other error, and a cancellation, that it
// did not.
func (a *Activities) CreateLink(ctx context.Context, in CreateLinkInput) (CreateLinkResult, error) {
	if posting, ok := lastPosting(ctx); ok { // it was paused, and has vanished
		return CreateLinkResult{}, replyLost(in.Target, errVanished, posting, 0)
	}
	clients := a.clients.Load()
	client, err := clients.manager(in.Manager)
	if err != nil {
		return CreateLinkResult{}, err
	}
	token, err := clients.linkToken(in)
	if err != nil {
		if in.Token.Sealed != "" {
			activity.GetMetricsHandler(ctx).WithTags(map[string]string{"manager": in.Manager}).Counter(notOpenedMetric).Inc(1)
		}
		return CreateLinkResult{}, err
	}
	attempt := &creation{marker: marker{record: a.record}, client: client, in: in}
	ctx, stop := attempt.heartbeat(ctx)
	defer stop()

	reads, cancel := context.WithDeadline(ctx, in.Deadline)
	defer cancel()
	status, err := readStatus(reads, client, in.Target)
	if err != nil {
		return CreateLinkResult{}, asTemporal(ctx, classify(in.Target, err), backoff(in.Since))
	}
	if showsLink(client, status) || in.appeared(status) || in.toBeReplaced(status) {
		return CreateLinkResult{Created: in.inDoubt(), LinkStatus: status, Polls: 1}, nil
	}
	if time.Now().Before(in.DoubtUntil) {
		return CreateLinkResult{}, stillInDoubt(in, status)
	}
	if in.NoToken {
		return CreateLinkResult{NeedsToken: true, LinkStatus: status}, nil
	}
	return attempt.post(ctx, status, token)
}

func showsLink(client *opsmanager.Client, status string) bool {
	return status != migrationlink.LinkNone && client.ShowsLink(opsmanager.Status(status))
}

var errVanished = errors.New("an earlier attempt vanished after it had sent the link-token")

// lastPosting is the mark of an attempt before this one. There is one only when
// an operator has paused the activity: Temporal then forgets the limit of one.
func lastPosting(ctx context.Context) (Posting, bool) {
	var posting Posting
	if !activity.HasHeartbeatDetails(ctx) || activity.GetHeartbeatDetails(ctx, &posting) != nil || posting.Before == "" {
		return Posting{}, false
	}
	posting.Slow = true
	return posting, true
}

// creation is one attempt to create a link.
type creation struct {
	marker
	client *opsmanager.Client
	in     CreateLinkInput
}

func (c *creation) post(ctx context.Context, before string, token redact.Secret) (CreateLinkResult, error) {
	posts, cancel := context.WithDeadline(ctx, activity.GetInfo(ctx).Deadline)
	defer cancel()
	created, err := c.client.CreateLink(posts, c.in.OrgID, token, func() error { return c.mark(ctx, Posting{Before: before}) })
	if err != nil {
		return c.refused(ctx, before, err)
	}
	result := c.afterwards(ctx)
	result.Created = !created.Existed || c.in.inDoubt()
	result.Warning = created.ErrorMessage
	return result, nil
}

// mark leaves the trace of the POST that is about to be sent. It must not be
// sent otherwise: when Temporal does not have the mark, or has given the attempt
// up, the workflow would take it for one that sent nothing.
func (c *creation) mark(ctx context.Context, posting Posting) error {
	if !time.Now().Before(c.in.Deadline) {
		return errors.New("no time is left to create the link")
	}
	return c.leave(ctx, posting)
}

func (c *creation) refused(ctx context.Context, before string, err error) (CreateLinkResult, error) {
	if opsmanager.MayHaveTakenEffect(err) {
		return CreateLinkResult{}, replyLost(c.in.Target, err, Posting{Before: before, Slow: slow(err)}, backoff(c.in.Since))
	}
	if apiError, ok := errors.AsType[*opsmanager.Error](err); ok && apiError.StatusCode == http.StatusConflict {
		result := c.afterwards(ctx)
		if result.LinkStatus != migrationlink.LinkNone {
			// There is a link: after a lost reply it is this request's.
			result.Created = c.in.inDoubt()
			return result, nil
		}
	}
	return CreateLinkResult{}, asTemporal(ctx, classify(c.in.Target, err), backoff(c.in.Since), Posting{Before: before})
}

// slow tells whether the manager may be at work still: only a reply of its own
// shows that it is not. What a gateway or a broken connection says is none.
func slow(err error) bool {
	apiError, ok := errors.AsType[*opsmanager.Error](err)
	return !ok || apiError.StatusCode > http.StatusInternalServerError || apiError.StatusCode == http.StatusRequestTimeout
}

// afterwards reads the status once more: an organization that is SYNCED at once
// needs no waiting. If it cannot be read, the waiting will.
func (c *creation) afterwards(ctx context.Context) CreateLinkResult {
	ctx, cancel := context.WithTimeout(ctx, afterwardsLimit)
	defer cancel()
	status, err := readStatus(ctx, c.client, c.in.Target)
	if err != nil {
		return CreateLinkResult{}
	}
	return CreateLinkResult{LinkStatus: status, Polls: 1}
}
