package atlas

import (
	"context"
	"errors"
	"net/http"
	"regexp"

	"github.com/migrationlink/migrationlink/internal/adminapi"
)

// maxProjectsBody limits the list of all projects of all sources, in bytes: each
// includes its deployments and migration hosts.
const maxProjectsBody = 16 << 20

// maxProjects limits the available projects of an organization.
const maxProjects = 50_000

// Project is a project of a source organization.
type Project struct {
	ID string // 24 lower-case hexadecimal digits
}

var projectID = regexp.MustCompile(`^[a-f0-9]{24}$`)

// AvailableProjects returns the projects of all sources that Atlas can migrate to
// the target organization: at most 50,000. Those without an id are left out.
//
// GET /orgs/{orgId}/liveMigrations/availableProjects
func (c *Client) AvailableProjects(ctx context.Context, orgID string) (_ []Project, err error) {
	defer publish(&err)
	var found available
	done, err := c.readAvailable(ctx, availableCall(orgID), &found)
	if err != nil {
		return nil, err
	}
	defer done()
	projects := make([]Project, 0, len(found))
	for _, project := range found {
		if projectID.MatchString(project.ID) {
			projects = append(projects, Project(project))
		}
	}
	return projects, nil
}

// readAvailable decodes the reply into found. Call done when what is kept of it is
// complete: until then it counts as one of the lists that a client collects at once.
func (c *Client) readAvailable(ctx context.Context, call *adminapi.Call, found any) (done func(), err error) {
	done, err = c.api.Listing(ctx, call)
	if err != nil {
		return nil, err
	}
	r, err := c.api.Do(ctx, call)
	if err == nil {
		err = c.api.Decode(call, r, found)
	}
	if err != nil {
		done()
		return nil, err
	}
	return done, nil
}

// available is the documented list, or the same list in the envelope that Atlas uses for
// other lists.
type available []availableProject

type availableProject struct {
	ID string `json:"projectId"`
}

// errNoList means that a reply is an object that is not the envelope of a list, such as that
// of a gateway. It does not say that there is nothing.
var errNoList = errors.New("it holds no list")

// UnmarshalJSON reads both forms, and null.
func (a *available) UnmarshalJSON(data []byte) (err error) {
	if data, err = withoutEnvelope(data); err != nil {
		return err
	}
	*a, err = adminapi.List[availableProject](data, maxProjects)
	return err
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
