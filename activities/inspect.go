package activities

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"time"

	"go.temporal.io/sdk/activity"

	"github.com/migrationlink/migrationlink"
	"github.com/migrationlink/migrationlink/internal/buildinfo"
	"github.com/migrationlink/migrationlink/opsmanager"
)

const (
	// inspectLimit is enough for a challenge and an answer of a slow server, and leaves
	// the attempt the time to report that there was none.
	inspectLimit = 25 * time.Second
	// noSuchOrg is asked for when no organization is named: the answer shows whether the
	// server accepted the key.
	noSuchOrg = "000000000000000000000000"
)

// Known is what a worker knows about itself.
type Known struct {
	Version  string   `json:"version"`
	Managers []string `json:"managers"` // sorted
	Atlas    []string `json:"atlas,omitempty"`
	// Recipients belong to the worker's identities, in the same order.
	Recipients []string `json:"recipients,omitempty"`
}

// KnownManagers returns what the worker knows. It fails as CheckManager does if a
// manager is named that the worker's configuration does not have.
func (a *Activities) KnownManagers(_ context.Context, manager string) (Known, error) {
	clients := a.clients.Load()
	if manager != "" {
		if _, err := clients.manager(manager); err != nil {
			return Known{}, err
		}
	}
	known := Known{
		Version:  buildinfo.Version(),
		Managers: slices.Sorted(maps.Keys(clients.Managers)),
		Atlas:    slices.Sorted(maps.Keys(clients.Atlas)),
	}
	for _, recipient := range clients.Identities.Recipients() {
		known.Recipients = append(known.Recipients, recipient.String())
	}
	return known, nil
}

// InspectManager tries the worker's API key, and its role if an organization is named. A
// problem is a result, not an error.
func (a *Activities) InspectManager(ctx context.Context, target Target) (migrationlink.ManagerInspection, error) {
	found := migrationlink.ManagerInspection{
		Name: target.Manager, WorkerVersion: buildinfo.Version(),
		WorkerTime: time.Now().UTC(), TemporalTime: activity.GetInfo(ctx).StartedTime.UTC(),
	}
	client, err := a.clients.Load().manager(target.Manager)
	if err != nil {
		return found, err
	}
	named := target.OrgID != ""
	if !named {
		target.OrgID = noSuchOrg
	}
	ctx, cancel := context.WithTimeout(ctx, inspectLimit)
	defer cancel()
	status, err := client.LinkStatus(ctx, target.OrgID)
	if isNoLink(err) {
		status, err = migrationlink.LinkNone, nil
	}
	if err == nil {
		found.KeyAccepted = true
		if named {
			found.RoleChecked, found.LinkStatus = true, string(status)
		}
		return found, nil
	}
	problem := managerParty(target).inspected(ctx, err)
	found.KeyAccepted = provesKey(problem.Type)
	if named || !answersUnknownOrg(problem.Type) {
		found.Problem = &problem
	}
	return found, nil
}

// isNoLink is stricter than opsmanager.NoLink. Any web server answers a wrong path with a
// 404 without a code, and an inspection must find a wrong path.
func isNoLink(err error) bool {
	apiError, ok := errors.AsType[*opsmanager.Error](err)
	return ok && apiError.Code != "" && opsmanager.NoLink(err)
}

// provesKey reports whether a server gives such an answer only to a key that it knows.
func provesKey(errorType string) bool {
	return answersUnknownOrg(errorType) || errorType == migrationlink.ErrForbidden || errorType == migrationlink.ErrAccountSuspended
}

// answersUnknownOrg reports whether this is the right answer for an organization that
// does not exist.
func answersUnknownOrg(errorType string) bool {
	return errorType == migrationlink.ErrOrgNotFound || errorType == migrationlink.ErrRoleMissing
}

// InspectAtlas tries the worker's API key or service account, and its role if an
// organization is named. It only reads. A problem is a result, not an error.
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
	if err == nil || listsNothing(err) {
		found.KeyAccepted, found.RoleChecked = true, named
		return found, nil
	}
	party := atlasParty(asked, "atlasOrgId")
	problem := party.inspected(ctx, err)
	refused, ok := ofAvailable(err)
	found.KeyAccepted = ok && (provesKey(problem.Type) || party.isMisplaced(refused))
	if named || !found.KeyAccepted || problem.Type == migrationlink.ErrAccountSuspended {
		found.Problem = &problem
	}
	return found, nil
}

// inspected returns the problem that an inspection found. Where the classifier's remedy
// is about a request for a link, it has another one.
func (p party) inspected(ctx context.Context, err error) migrationlink.Problem {
	problem := p.meaning(err).Problem
	switch {
	case problem.HTTPStatus == http.StatusTooManyRequests:
		problem.Remedy = "Try again in a minute: " + p.name + " received too many calls with this key."
	case problem.Type == p.unavailable:
		if outOfTime(ctx) {
			problem.Message = fmt.Sprintf("%s has not answered within %s", p.name, inspectLimit)
		}
		problem.Remedy = "Check that " + p.noun + " is up, that base_url of " + p.section + " leads to it, and that the workers reach it."
	case problem.Type == migrationlink.ErrRequestRefused:
		problem.Remedy = "Check base_url and base_path of " + p.section + ", and look up the code in the API documentation of " + p.noun + "."
	}
	return problem
}

// outOfTime reports whether the deadline has passed. ctx.Err may still be nil then.
func outOfTime(ctx context.Context) bool {
	limit, limited := ctx.Deadline()
	return limited && !time.Now().Before(limit)
}
