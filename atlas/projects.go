package atlas

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"regexp"

	"github.com/migrationlink/migrationlink/internal/adminapi"
)

// maxProjectsBody is for all projects of all sources, in bytes: each comes with
// its deployments and migration hosts.
const maxProjectsBody = 16 << 20

// Project is a project of a source organization.
type Project struct {
	ID   string // 24 lower-case hexadecimal digits
	Name string
}

var projectID = regexp.MustCompile(`^[a-f0-9]{24}$`)

// AvailableProjects are the projects of all sources that Atlas can migrate to
// the target organization. What has no id is left out.
//
// GET /orgs/{orgId}/liveMigrations/availableProjects
func (c *Client) AvailableProjects(ctx context.Context, orgID string) ([]Project, error) {
	call := availableCall(orgID)
	r, err := c.api.Do(ctx, call)
	if err != nil {
		return nil, err
	}
	var found available
	if err := c.api.Decode(call, r, &found); err != nil {
		return nil, err
	}
	projects := make([]Project, 0, len(found))
	for _, project := range found {
		if projectID.MatchString(project.ID) {
			projects = append(projects, Project{ID: project.ID, Name: c.api.Clean(project.Name)})
		}
	}
	return projects, nil
}

// available is the list that the API is documented to give, or the same in the
// envelope in which Atlas gives other lists.
type available []struct {
	ID   string `json:"projectId"`
	Name string `json:"name"`
}

// UnmarshalJSON reads both forms, and null.
func (a *available) UnmarshalJSON(data []byte) error {
	type plain available
	if !bytes.HasPrefix(bytes.TrimSpace(data), []byte("{")) {
		return json.Unmarshal(data, (*plain)(a))
	}
	var envelope struct {
		Results plain `json:"results"`
	}
	if err := json.Unmarshal(data, &envelope); err != nil {
		return err
	}
	*a = available(envelope.Results)
	return nil
}

func availableCall(orgID string) *adminapi.Call {
	return &adminapi.Call{
		Operation: OperationAvailable,
		Method:    http.MethodGet,
		OrgID:     orgID,
		Path:      []string{"liveMigrations", "availableProjects"},
		MaxBody:   maxProjectsBody,
	}
}
