package opsmanager

import (
	"context"
	"encoding/json"
	"net/http"
	"regexp"
	"time"

	"github.com/migrationlink/migrationlink/internal/adminapi"
	"github.com/migrationlink/migrationlink/redact"
)

// Status is the status of a link as the manager reports it. Other values are possible;
// treat them as not SYNCED.
type Status string

const (
	// StatusSynced means that Atlas has the inventory of the source organization.
	StatusSynced Status = "SYNCED"
	// StatusNotSynced means not yet, or no longer. Some managers may also report it
	// without a link.
	StatusNotSynced Status = "NOT_SYNCED"
)

// Operations, as errors name them.
const (
	OperationCreate = "create the link"
	OperationStatus = "read the link's status"
	OperationDelete = "delete the link"
)

// statusWord matches a status. Any other text could be anything.
var statusWord = regexp.MustCompile(`^[A-Z][A-Z_]{0,31}$`)

// Created is the manager's reply to the creation of a link. It does not prove SYNCED:
// only LinkStatus does.
type Created struct {
	// ErrorMessage is set if the manager accepted the link, but reports a problem with
	// it.
	ErrorMessage string
	// Existed reports whether the link is older than the call: the manager left it
	// unchanged. Not every reply shows it. MayHaveExisted reports whether it seems to be a
	// little older: the two times that show it may be of two clocks, those of the manager
	// and of a proxy in front of it.
	Existed, MayHaveExisted bool
}

// CreateLink links the organization with the Atlas organization that issued the
// link-token. MayHaveTakenEffect reports whether a call with an error may have reached
// the manager; a success without the API's JSON is such an error.
//
// beforeSending, if not nil, is called directly before the link-token is sent, and again
// before it is resent after a rejected authentication. If it fails, nothing is sent, and
// a TransportError wraps its error. After it, a cancellation of ctx is ignored, but not
// its deadline.
//
// POST /orgs/{orgId}/liveExport/migrationLink. The manual documents the reply
// 201 {"status"}, the OpenAPI description 200 with the link; both are accepted.
func (c *Client) CreateLink(ctx context.Context, orgID string, linkToken redact.Secret, beforeSending func() error) (_ Created, err error) {
	defer publish(&err)
	body, err := json.Marshal(struct {
		LinkToken string `json:"linkToken"`
	}{linkToken.Reveal()})
	if err != nil {
		return Created{}, err
	}
	call := linkCall(OperationCreate, http.MethodPost, orgID)
	call.Body, call.Secret, call.BeforeSending = body, linkToken, beforeSending
	call.Preflight = func() *adminapi.Call { return statusCall(orgID) }
	call.Proceed = func(err *adminapi.Error) bool {
		// No link yet. The call itself reports an unknown organization.
		return err.StatusCode == http.StatusNotFound && err.Cause == ""
	}
	began := time.Now()
	r, err := c.api.Do(ctx, call)
	if err != nil {
		return Created{}, err
	}
	took := time.Since(began)
	var content struct {
		ErrorMessage string `json:"errorMessage"`
		CreatedAt    string `json:"createdAt"`
	}
	if err := c.api.Decode(call, r, &content); err != nil {
		return Created{}, err
	}
	older := olderThanCall(content.CreatedAt, r.Header.Get("Date"), took)
	return Created{ErrorMessage: c.api.Scrub(call, content.ErrorMessage), Existed: older > clockSkew, MayHaveExisted: older > 0 && older <= clockSkew}, nil
}

// clockSkew is above what two clocks of one installation differ by.
const clockSkew = 5 * time.Minute

// olderThanCall returns how long before a call a link was made. Both times are in whole seconds.
func olderThanCall(createdAt, date string, took time.Duration) time.Duration {
	created, err := time.Parse(time.RFC3339, createdAt)
	replied, dateErr := http.ParseTime(date)
	if err != nil || dateErr != nil {
		return 0
	}
	return replied.Add(-took - 2*time.Second).Sub(created)
}

// LinkStatus reads the status of the organization's link. NoLink reports whether the
// error means that there is none.
//
// GET /orgs/{orgId}/liveExport/migrationLink/status
func (c *Client) LinkStatus(ctx context.Context, orgID string) (_ Status, err error) {
	defer publish(&err)
	call := statusCall(orgID)
	r, err := c.api.Do(ctx, call)
	if err != nil {
		return "", err
	}
	var content struct {
		Status string `json:"status"`
	}
	if err := c.api.Decode(call, r, &content); err != nil {
		return "", err
	}
	if !statusWord.MatchString(content.Status) {
		return "", c.api.Unreadable(call, r, "it holds no status")
	}
	return Status(content.Status), nil
}

// ShowsLink reports whether status, which LinkStatus returned without an error, proves
// that there is a link.
func (c *Client) ShowsLink(status Status) bool {
	return status == StatusSynced || c.unlinkedIs404
}

// DeleteLink removes the organization's link. It succeeds with 204, or another success
// with a JSON object. NoLink reports whether the error means that there was none.
//
// DELETE /orgs/{orgId}/liveExport/migrationLink
func (c *Client) DeleteLink(ctx context.Context, orgID string) (err error) {
	defer publish(&err)
	_, err = c.api.Do(ctx, linkCall(OperationDelete, http.MethodDelete, orgID))
	return err
}

func statusCall(orgID string) *adminapi.Call {
	return linkCall(OperationStatus, http.MethodGet, orgID, "status")
}

func linkCall(operation, method, orgID string, below ...string) *adminapi.Call {
	return &adminapi.Call{
		Operation: operation,
		Method:    method,
		OrgID:     orgID,
		Path:      append([]string{"liveExport", "migrationLink"}, below...),
	}
}
