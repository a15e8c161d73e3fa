package atlas

import (
	"context"
	"encoding/json"
	"net/http"

	"github.com/migrationlink/migrationlink/internal/adminapi"
	"github.com/migrationlink/migrationlink/redact"
)

// CreateLinkToken makes a link-token for the target organization, with which a
// source organization can be linked from the given IP addresses; without any,
// only where the manager needs none. Where a call may have reached Atlas without
// a readable answer, MayHaveTakenEffect tells it of the error.
//
// beforeSending, if not nil, is called directly before the request leaves that
// may make one, and again before it leaves once more after an authentication was
// refused. Its error is found in a TransportError, and nothing is sent. From then
// on a cancellation of ctx is ignored, but not its deadline.
//
// POST /orgs/{orgId}/liveMigrations/linkTokens
func (c *Client) CreateLinkToken(ctx context.Context, orgID string, accessListIPs []string, beforeSending func() error) (redact.Secret, error) {
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
	call.Body, call.BeforeSending = body, beforeSending
	// Read first: what would be refused is refused before there can be a doubt
	// whether a link-token was made.
	call.Opening = func() *adminapi.Call { return availableCall(orgID) }
	call.GoOn = saysNothingOfCreation
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
	if content.LinkToken == "" {
		return redact.Secret{}, c.api.Unreadable(call, r, "it holds no link-token")
	}
	return redact.NewSecret(content.LinkToken), nil
}

// saysNothingOfCreation tells whether a link-token may be had although the
// available projects cannot be read: it is not documented what an organization
// without any source answers.
func saysNothingOfCreation(err *Error) bool {
	switch err.StatusCode {
	case http.StatusBadRequest, http.StatusNotFound, http.StatusConflict:
		return err.Operation == OperationAvailable
	}
	return false
}

// DeleteLinkToken removes one link of the target organization and its API key:
// Atlas takes no id of a link-token. NoLinkToken tells of the error whether there
// was none.
//
// DELETE /orgs/{orgId}/liveMigrations/linkTokens
func (c *Client) DeleteLinkToken(ctx context.Context, orgID string) error {
	_, err := c.api.Do(ctx, linkTokensCall(OperationDeleteToken, http.MethodDelete, orgID))
	return err
}

func linkTokensCall(operation, method, orgID string) *adminapi.Call {
	return &adminapi.Call{Operation: operation, Method: method, OrgID: orgID, Path: []string{"liveMigrations", "linkTokens"}}
}
