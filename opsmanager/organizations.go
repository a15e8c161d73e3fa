package opsmanager

import (
	"context"
	"net/http"
	"net/url"

	"github.com/migrationlink/migrationlink/internal/adminapi"
)

// OperationOrganizations is the operation of the errors of Organizations. They have no OrgID.
const OperationOrganizations = "read the organizations"

// Organizations are one page of the organizations that an API key can see.
type Organizations struct {
	// IDs are at most 500.
	IDs []string
	// TotalCount is the number on all pages; zero if the manager does not say.
	TotalCount int
}

type organization struct {
	ID string `json:"id"`
}

// Organizations returns one page of the organizations that the API key can see. Pages are
// counted from 1. An empty page, or one without a new organization, is past the end.
//
// GET /orgs
func (c *Client) Organizations(ctx context.Context, page int) (_ Organizations, err error) {
	defer publish(&err)
	list := list[organization]{
		noun: "organizations", one: "an organization",
		call: func(query url.Values) *adminapi.Call {
			return &adminapi.Call{Operation: OperationOrganizations, Method: http.MethodGet, AllOrgs: true, Query: query}
		},
		id: func(o organization) string { return validID(o.ID) },
	}
	read, err := list.read(ctx, c, page)
	if err != nil {
		return Organizations{}, err
	}
	found := Organizations{IDs: make([]string, len(read.Results)), TotalCount: read.TotalCount}
	for i, org := range read.Results {
		found.IDs[i] = org.ID
	}
	return found, nil
}
