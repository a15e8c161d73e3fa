package atlas

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/migrationlink/migrationlink/internal/adminapi"
	"github.com/migrationlink/migrationlink/redact"
)

// maxLinkToken, in bytes, is far above the 192 characters of a link-token. It bounds what the
// redaction of one costs.
const maxLinkToken = 8 << 10

// CreateLinkToken creates a link-token for the target organization. A source
// organization can be linked with it from the given IP addresses; the list may be empty
// if the manager needs none. MayHaveTakenEffect reports whether a call with an error may
// have reached Atlas.
//
// The request that may create one goes last. Once it is sent, a cancellation of ctx is
// ignored, but not its deadline, unless sending says otherwise. Nil means the default.
//
// POST /orgs/{orgId}/liveMigrations/linkTokens
func (c *Client) CreateLinkToken(ctx context.Context, orgID string, accessListIPs []string, sending *Sending) (_ redact.Secret, err error) {
	defer publish(&err)
	if accessListIPs == nil {
		accessListIPs = []string{} // the API wants a list
	}
	body, err := json.Marshal(struct {
		AccessListIPs []string `json:"accessListIps"`
	}{accessListIPs})
	if err != nil {
		return redact.Secret{}, err
	}
	call := linkTokensCall(OperationCreateToken, http.MethodPost, orgID)
	call.Body = body
	if sending != nil {
		call.BeforeSending, call.WaitUntil = sending.Before, sending.WaitUntil
	}
	// The read fails if the creation would be rejected, before there can be a doubt
	// whether a link-token was created.
	call.Preflight = func() *adminapi.Call { return availableCall(orgID) }
	call.Proceed = mayProceed
	r, err := c.api.Do(ctx, call)
	if err != nil {
		return redact.Secret{}, err
	}
	var content struct {
		LinkToken string `json:"linkToken"`
	}
	if err := c.api.Decode(call, r, &content); err != nil {
		return redact.Secret{}, err
	}
	switch {
	case content.LinkToken == "":
		return redact.Secret{}, c.api.Unreadable(call, r, "it holds no link-token")
	case len(content.LinkToken) > maxLinkToken:
		return redact.Secret{}, c.api.Unreadable(call, r, fmt.Sprintf("its link-token is longer than %d bytes", maxLinkToken))
	}
	return redact.NewSecret(content.LinkToken), nil
}

// Sending is about a request that may change something.
type Sending struct {
	// Before, if not nil, is called directly before the request is sent, and again before
	// it is resent after a rejected authentication. If it fails, nothing is sent, and a
	// TransportError wraps its error.
	Before func() error
	// WaitUntil, if not zero, is when to give up waiting for the reply, in place of the
	// deadline of the context.
	WaitUntil time.Time
}

// mayProceed reports whether to create a link-token although the available projects
// cannot be read: the answer for an organization without any source is not documented.
func mayProceed(err *adminapi.Error) bool {
	return err.Operation == OperationAvailable && err.Cause == "" && err.SaysNothing()
}

// DeleteLinkToken deletes one link of the target organization and its API key: Atlas
// accepts no link-token id. NoLinkToken reports whether the error means that there was
// none.
//
// DELETE /orgs/{orgId}/liveMigrations/linkTokens
func (c *Client) DeleteLinkToken(ctx context.Context, orgID string) (err error) {
	defer publish(&err)
	_, err = c.api.Do(ctx, linkTokensCall(OperationDeleteToken, http.MethodDelete, orgID))
	return err
}

func linkTokensCall(operation, method, orgID string) *adminapi.Call {
	return &adminapi.Call{Operation: operation, Method: method, OrgID: orgID, Path: []string{"liveMigrations", "linkTokens"}}
}
