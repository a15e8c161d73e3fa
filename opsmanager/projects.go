package opsmanager

import (
	"context"
	"net/http"
	"net/url"
	"regexp"

	"github.com/migrationlink/migrationlink/internal/adminapi"
)

// OperationProjects is the operation of the errors of Projects.
const OperationProjects = "read the projects"

// maxProjectsBytes limits all pages of projects together.
const maxProjectsBytes = 32 << 20

// Project is a project of a source organization. Its name is not kept: a manager can
// make names as long as it likes.
type Project struct {
	ID string `json:"id"` // 24 lower-case hexadecimal digits
}

// idForm is the form of the ids of organizations, projects and clusters.
var idForm = regexp.MustCompile(`^[a-f0-9]{24}$`)

// validID returns an id, or "" for what is not one.
func validID(id string) string {
	if !idForm.MatchString(id) {
		return ""
	}
	return id
}

// Projects returns all projects of the organization that the API key can see, at most
// 50,000.
//
// GET /orgs/{orgId}/groups
func (c *Client) Projects(ctx context.Context, orgID string) (_ []Project, err error) {
	defer publish(&err)
	list := list[Project]{
		noun: "projects", one: "a project", maxBytes: c.projectsBytes,
		call: func(query url.Values) *adminapi.Call {
			return &adminapi.Call{Operation: OperationProjects, Method: http.MethodGet, OrgID: orgID, Path: []string{"groups"}, Query: query}
		},
		id: func(p Project) string { return validID(p.ID) },
	}
	var projects []Project
	for page, err := range list.pages(ctx, c) {
		if err != nil {
			return nil, err
		}
		projects = append(projects, page...)
	}
	return projects, nil
}
