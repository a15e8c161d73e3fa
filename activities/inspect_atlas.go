package activities

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/migrationlink/migrationlink"
	"github.com/migrationlink/migrationlink/atlas"
	"github.com/migrationlink/migrationlink/internal/buildinfo"
)

// InspectAtlas tries the API key or the service account of the worker, and its
// role when an organization is named. It only reads. A problem is a result, not
// an error.
func (a *Activities) InspectAtlas(ctx context.Context, asked migrationlink.AtlasToken) (migrationlink.AtlasInspection, error) {
	found := migrationlink.AtlasInspection{Name: asked.Name, WorkerVersion: buildinfo.Version()}
	client, err := a.clients.Load().atlas(asked.Name)
	if err != nil {
		return found, err
	}
	named := asked.OrgID != ""
	if !named {
		asked.OrgID = noSuchOrg
	}
	ctx, cancel := context.WithTimeout(ctx, inspectLimit)
	defer cancel()
	_, err = client.AvailableProjects(ctx, asked.OrgID)
	if err == nil || nothingAvailable(err) {
		found.KeyAccepted, found.RoleChecked = true, named
		return found, nil
	}
	found.KeyAccepted = letInByAtlas(err)
	if named || !found.KeyAccepted || isSuspended(err) {
		problem := inspectAtlasProblem(ctx, asked, err)
		found.Problem = &problem
	}
	return found, nil
}

// nothingAvailable tells whether Atlas refuses nothing but the question: it is
// not documented what an organization without any source answers. A missing role
// is 401.
func nothingAvailable(err error) bool {
	said, ok := saidByAtlas(err)
	if !ok || said.OrgNotFound() || said.WrongAPI() {
		return false
	}
	switch said.StatusCode {
	case http.StatusBadRequest, http.StatusNotFound, http.StatusConflict:
		return true
	}
	return false
}

// letInByAtlas tells whether Atlas gives the answer only to a key that it knows:
// it is about the organization, or the account.
func letInByAtlas(err error) bool {
	said, ok := saidByAtlas(err)
	if !ok {
		return false
	}
	forbidden := said.StatusCode == http.StatusForbidden && atlasForbidden("", said).Type == migrationlink.ErrForbidden
	return forbidden || said.RoleMissing() || said.OrgNotFound() || notOfAtlas(said) || isSuspended(err)
}

// saidByAtlas finds the answer to the question itself, in the API's own words: one
// without a code is what any web server says of a wrong path.
func saidByAtlas(err error) (*atlas.Error, bool) {
	said, ok := errors.AsType[*atlas.Error](err)
	return said, ok && said.Operation == atlas.OperationAvailable && said.Code != ""
}

func notOfAtlas(said *atlas.Error) bool {
	return said.StatusCode == http.StatusNotFound && said.Code == "NOT_ATLAS_ORG"
}

func isSuspended(err error) bool {
	said, ok := saidByAtlas(err)
	return ok && said.StatusCode == http.StatusPaymentRequired
}

// inspectAtlasProblem has the remedies of the classifier but where they speak of a
// request for a link.
func inspectAtlasProblem(ctx context.Context, asked migrationlink.AtlasToken, err error) migrationlink.Problem {
	problem, section := classifyAtlas(asked, err).Problem, section(asked)
	said, answered := errors.AsType[*atlas.Error](err)
	switch {
	case answered && said.StatusCode == http.StatusNotFound && said.Code == "":
		problem.Type = migrationlink.ErrWrongAPI
		problem.Remedy = "Check base_url and base_path of " + section + ": they must lead to the API of Atlas."
	case answered && said.StatusCode == http.StatusTooManyRequests:
		problem.Remedy = "Ask again in a minute: Atlas has had too many calls with this key."
	case problem.Type == migrationlink.ErrAtlasUnavailable:
		if ranOut(ctx) {
			problem.Message = fmt.Sprintf("Atlas %q has not answered within %s", asked.Name, inspectLimit)
		}
		problem.Remedy = "Check that Atlas is up, that base_url of " + section + " leads to it, and that the workers reach it."
	case problem.Type == migrationlink.ErrRequestRefused:
		problem.Remedy = "Check base_url and base_path of " + section + ", and look up the code in the API documentation of Atlas."
	}
	problem.Remedy = strings.ReplaceAll(problem.Remedy, "token.atlas.orgId", "atlasOrgId")
	return problem
}
