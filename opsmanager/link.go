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

// Status is the status of a link as the manager reports it. Values other than
// these are possible; they are not SYNCED.
type Status string

const (
	// StatusSynced means: Atlas has the inventory of the source organization.
	StatusSynced Status = "SYNCED"
	// StatusNotSynced means: not yet, or no longer. Some managers may say it without
	// a link, too.
	StatusNotSynced Status = "NOT_SYNCED"
)

// Operations, in the words in which errors name them.
const (
	OperationCreate = "create the link"
	OperationStatus = "read the link's status"
	OperationDelete = "delete the link"
)

// statusWord is what a status looks like. Any other text may be anything.
var statusWord = regexp.MustCompile(`^[A-Z][A-Z_]{0,31}$`)

// Created is what the manager says of a link that it has just accepted. It is no
// proof of SYNCED: only LinkStatus is.
type Created struct {
	// ErrorMessage is set when the manager accepted the link and reports a
	// problem with it all the same.
	ErrorMessage string
	// Existed says that the link is older than the call: the manager left it as
	// it was. Not every reply tells.
	Existed bool
}

// CreateLink connects the organization with the Atlas organization that issued
// the link-token. Where a call may have reached the manager without a readable
// answer, MayHaveTakenEffect tells it of the error.
//
// beforeSending, if not nil, is called directly before the link-token leaves,
// and again before it leaves once more after an authentication was refused. Its
// error is returned in a TransportError, and nothing is sent. From then on a
// cancellation of ctx is ignored, but not its deadline.
//
// POST /orgs/{orgId}/liveExport/migrationLink. The manual documents the reply
// 201 {"status"}, the OpenAPI description 200 with the link; both are accepted.
func (c *Client) CreateLink(ctx context.Context, orgID string, linkToken redact.Secret, beforeSending func() error) (Created, error) {
	body, err := json.Marshal(struct {
		LinkToken string `json:"linkToken"`
	}{linkToken.Reveal()})
	if err != nil {
		return Created{}, err
	}
	call := linkCall(OperationCreate, http.MethodPost, orgID)
	call.Body, call.Secret, call.BeforeSending = body, linkToken, beforeSending
	call.Opening = func() *adminapi.Call { return statusCall(orgID) }
	call.GoOn = func(err *Error) bool {
		return err.StatusCode == http.StatusNotFound // no link yet; an unknown organization is for the call itself to tell
	}
	began := time.Now()
	r, err := c.api.Do(ctx, call)
	if err != nil {
		return Created{}, err
	}
	took := time.Since(began)
	if len(r.Body) == 0 && r.BodyErr == nil {
		return Created{}, nil
	}
	var content struct {
		ErrorMessage string `json:"errorMessage"`
		CreatedAt    string `json:"createdAt"`
	}
	if err := c.api.Decode(call, r, &content); err != nil {
		return Created{}, err
	}
	return Created{ErrorMessage: c.api.Scrub(call, content.ErrorMessage), Existed: existed(content.CreatedAt, r.Header.Get("Date"), took)}, nil
}

// existed compares two times of the manager's clock, which are whole seconds.
func existed(createdAt, date string, took time.Duration) bool {
	created, err := time.Parse(time.RFC3339, createdAt)
	replied, dateErr := http.ParseTime(date)
	return err == nil && dateErr == nil && created.Before(replied.Add(-took-2*time.Second))
}

// LinkStatus reads the status of the organization's link. NoLink tells of the
// error whether there is none.
//
// GET /orgs/{orgId}/liveExport/migrationLink/status
func (c *Client) LinkStatus(ctx context.Context, orgID string) (Status, error) {
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

// ShowsLink tells whether status, which LinkStatus returned without an error, is
// that of a link for sure.
func (c *Client) ShowsLink(status Status) bool {
	return status == StatusSynced || c.unlinkedIs404
}

// DeleteLink removes the organization's link. NoLink tells of the error whether
// there was none.
//
// DELETE /orgs/{orgId}/liveExport/migrationLink
func (c *Client) DeleteLink(ctx context.Context, orgID string) error {
	_, err := c.api.Do(ctx, linkCall(OperationDelete, http.MethodDelete, orgID))
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
