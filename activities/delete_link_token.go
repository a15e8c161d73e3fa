package activities

import (
	"context"
	"time"

	"github.com/migrationlink/migrationlink"
	"github.com/migrationlink/migrationlink/atlas"
)

// DeleteLinkTokenInput asks to delete the link-token of a target organization.
type DeleteLinkTokenInput struct {
	Target
	Atlas migrationlink.AtlasToken `json:"atlas"`
	// Known is true when there certainly was one. If the reply to its deletion was
	// lost and there is none now, it was deleted.
	Known bool `json:"known"`
	// Lost is true when an earlier activity sent a deletion that got no reply.
	Lost bool `json:"lost,omitempty"`
	// Cleared is true when the manager reports NOT_SYNCED without a link. Otherwise
	// NOT_SYNCED may be the status of a link.
	Cleared bool `json:"cleared,omitempty"`
	// Since is when the first attempt began, Deadline when the attempts end.
	Since    time.Time `json:"since"`
	Deadline time.Time `json:"deadline"`
}

// DeleteLinkTokenResult reports what happened to the link-token. Unless Kept, none is
// left.
type DeleteLinkTokenResult struct {
	// Deleted is true when there was one.
	Deleted bool `json:"deleted"`
	// Kept is true when nothing was sent because the source organization is linked, or
	// may be linked: Atlas would remove the link as well.
	Kept bool `json:"kept,omitempty"`
}

// DeleteLinkToken deletes the link-token of a target organization. A missing link-token
// is no error: an earlier attempt whose reply was lost may have deleted it.
func (a *Activities) DeleteLinkToken(ctx context.Context, in DeleteLinkTokenInput) (DeleteLinkTokenResult, error) {
	manager, err := a.manager(in.Target, true)
	if err != nil {
		return DeleteLinkTokenResult{}, err
	}
	org, err := a.clients.Load().targetOrg(in.Atlas, in.Known)
	if err != nil {
		return DeleteLinkTokenResult{}, err
	}
	call := a.newTokenCall(ctx, org, in.Lost, in.Since, in.Deadline)
	ctx, stop := call.keep(ctx)
	defer stop()
	reads, cancel := call.context(ctx, in.Deadline)
	defer cancel()
	status, err := manager.status(reads)
	if err != nil {
		return DeleteLinkTokenResult{}, call.refused(ctx, manager.classify(err))
	}
	if manager.showsLink(status) || status != migrationlink.LinkNone && !in.Cleared {
		return DeleteLinkTokenResult{Kept: true}, nil
	}
	return call.delete(ctx, in.Known)
}

func (c *tokenCall) delete(ctx context.Context, known bool) (DeleteLinkTokenResult, error) {
	if err := c.mark(ctx, TokenTrace{Lost: true}); err != nil {
		return DeleteLinkTokenResult{}, c.refused(ctx, c.org.classify(err))
	}
	sent, cancel := withoutCancel(ctx)
	defer cancel()
	err := c.org.DeleteLinkToken(sent, c.org.orgID)
	switch {
	case err == nil:
		return DeleteLinkTokenResult{Deleted: true}, nil
	case atlas.NoLinkToken(err):
		return DeleteLinkTokenResult{Deleted: known && c.earlier.Lost}, nil
	case atlas.MayHaveTakenEffect(err):
		c.earlier.Lost = true
	}
	found := c.org.classify(err)
	found.cause = nil // the reply was awaited: this is no cancellation
	return DeleteLinkTokenResult{}, c.refused(ctx, found)
}
