package activities

import (
	"context"
	"time"

	"go.temporal.io/sdk/activity"

	"github.com/migrationlink/migrationlink"
	"github.com/migrationlink/migrationlink/atlas"
)

// DeleteLinkTokenInput asks for the link-token of a target organization to be
// deleted.
type DeleteLinkTokenInput struct {
	Target
	Atlas migrationlink.AtlasToken `json:"atlas"`
	// Known says that there was one for sure: when the reply to its deletion was
	// lost, and there is none, it was deleted.
	Known bool `json:"known"`
	// Cleared says that NOT_SYNCED is what the manager says without a link. Otherwise
	// it may be the status of one.
	Cleared bool `json:"cleared,omitempty"`
	// Since is when it began, and Deadline when it ends.
	Since    time.Time `json:"since"`
	Deadline time.Time `json:"deadline"`
}

// DeleteLinkTokenResult tells what has become of the link-token.
type DeleteLinkTokenResult struct {
	// Deleted says that there was one. None is left without, too, unless Kept.
	Deleted bool `json:"deleted"`
	// Kept says that nothing was sent, because the source organization is linked, or
	// may be: Atlas would remove the link as well.
	Kept bool `json:"kept,omitempty"`
}

// DeleteLinkToken deletes the link-token of a target organization. That there is
// none is no error: an earlier attempt whose reply was lost has deleted it.
func (a *Activities) DeleteLinkToken(ctx context.Context, in DeleteLinkTokenInput) (DeleteLinkTokenResult, error) {
	clients := a.clients.Load()
	manager, err := clients.manager(in.Manager)
	if err != nil {
		return DeleteLinkTokenResult{}, err
	}
	client, err := clients.atlas(in.Atlas.Name)
	if err != nil {
		return DeleteLinkTokenResult{}, err
	}
	call := &tokenCall{marker: marker{record: a.record}, asked: in.Atlas, since: in.Since, deadline: in.Deadline, before: lastTrace(ctx)}
	call.left = []any{call.before}
	ctx, stop := call.heartbeat(ctx)
	defer stop()
	reads, cancel := context.WithDeadline(ctx, in.Deadline)
	defer cancel()
	status, err := readStatus(reads, manager, in.Target)
	if err != nil {
		return DeleteLinkTokenResult{}, call.refused(ctx, classify(in.Target, err))
	}
	if showsLink(manager, status) || status != migrationlink.LinkNone && !in.Cleared {
		return DeleteLinkTokenResult{Kept: true}, nil
	}
	return call.delete(ctx, client, in.Known)
}

func (c *tokenCall) delete(ctx context.Context, client *atlas.Client, known bool) (DeleteLinkTokenResult, error) {
	if err := c.mark(ctx); err != nil {
		return DeleteLinkTokenResult{}, c.refused(ctx, classifyAtlas(c.asked, err))
	}
	calls, cancel := context.WithDeadline(context.WithoutCancel(ctx), activity.GetInfo(ctx).Deadline)
	defer cancel()
	err := client.DeleteLinkToken(calls, c.asked.OrgID)
	switch {
	case err == nil:
		return DeleteLinkTokenResult{Deleted: true}, nil
	case atlas.NoLinkToken(err):
		return DeleteLinkTokenResult{Deleted: known && c.before.Lost}, nil
	case atlas.MayHaveTakenEffect(err):
		c.before.Lost = true
	}
	found := classifyAtlas(c.asked, err)
	found.cause = nil // what was sent was waited for
	return DeleteLinkTokenResult{}, c.refused(ctx, found)
}
