package opsmanager

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strconv"

	"github.com/migrationlink/migrationlink/internal/adminapi"
)

// OperationProjects is the operation of the errors of Projects.
const OperationProjects = "read the projects"

const (
	// projectsPerPage is the most that the API gives at once.
	projectsPerPage = 500
	// maxProjectPages keeps a server that never comes to an end from being asked
	// for ever.
	maxProjectPages = 100
	// maxProjectsBody is for a full page, in bytes: a project has up to a few KiB.
	maxProjectsBody = 8 << 20
)

// Project is a project of a source organization.
type Project struct {
	ID   string // 24 lower-case hexadecimal digits
	Name string
}

var projectID = regexp.MustCompile(`^[a-f0-9]{24}$`)

// projectsPage is one page of the projects.
type projectsPage struct {
	Results []struct {
		ID   string `json:"id"`
		Name string `json:"name"`
	} `json:"results"`
	TotalCount int `json:"totalCount"`
}

// Projects are all projects of the organization that the API key can see.
//
// GET /orgs/{orgId}/groups
func (c *Client) Projects(ctx context.Context, orgID string) ([]Project, error) {
	var projects []Project
	known := map[string]bool{}
	for number := 1; ; number++ {
		call := projectsCall(orgID, number)
		r, err := c.api.Do(ctx, call)
		if err != nil {
			return nil, err
		}
		var page projectsPage
		if err := c.api.Decode(call, r, &page); err != nil {
			return nil, err
		}
		if page.Results == nil {
			return nil, c.api.Unreadable(call, r, "it holds no projects")
		}
		before := len(projects)
		for _, project := range page.Results {
			if !projectID.MatchString(project.ID) {
				return nil, c.api.Unreadable(call, r, "it holds a project without an id")
			}
			if !known[project.ID] {
				known[project.ID] = true
				projects = append(projects, Project{ID: project.ID, Name: c.api.Clean(project.Name)})
			}
		}
		switch {
		case len(projects) == before, page.TotalCount > 0 && len(projects) >= page.TotalCount:
			return projects, nil // an empty page, or the same one again, is the end, too
		case number == maxProjectPages:
			return nil, c.api.Unreadable(call, r, fmt.Sprintf("it goes on after %d pages", number))
		}
	}
}

func projectsCall(orgID string, page int) *adminapi.Call {
	return &adminapi.Call{
		Operation: OperationProjects,
		Method:    http.MethodGet,
		OrgID:     orgID,
		Path:      []string{"groups"},
		Query:     url.Values{"itemsPerPage": {strconv.Itoa(projectsPerPage)}, "pageNum": {strconv.Itoa(page)}},
		MaxBody:   maxProjectsBody,
	}
}
