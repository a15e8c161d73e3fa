package activities

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/migrationlink/migrationlink"
	"github.com/migrationlink/migrationlink/internal/buildinfo"
	"github.com/migrationlink/migrationlink/opsmanager"
)

const (
	// inspectLimit leaves a slow manager, or Atlas, the time for a challenge and an answer,
	// and the attempt the time to report that there was none.
	inspectLimit = 25 * time.Second
	// noSuchOrg is asked for where no organization is named: what a manager,
	// or Atlas, says of it tells whether it let the key in.
	noSuchOrg = "000000000000000000000000"
)

// Known is what a worker knows of itself.
type Known struct {
	Version  string   `json:"version"`
	Managers []string `json:"managers"` // sorted
	Atlas    []string `json:"atlas,omitempty"`
	// Recipients are those of the identities, in their order.
	Recipients []string `json:"recipients,omitempty"`
}

// KnownManagers fails as CheckManager does when a manager is named that the
// worker's configuration lacks.
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

// InspectManager tries the key of the worker, and its role when an organization
// is named. A problem is a result, not an error.
func (a *Activities) InspectManager(ctx context.Context, target Target) (migrationlink.ManagerInspection, error) {
	found := migrationlink.ManagerInspection{Name: target.Manager, WorkerVersion: buildinfo.Version()}
	client, err := a.client(target.Manager)
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
	if noLinkFor(err) {
		status, err = migrationlink.LinkNone, nil
	}
	if err == nil {
		found.KeyAccepted = true
		if named {
			found.RoleChecked, found.LinkStatus = true, string(status)
		}
		return found, nil
	}
	problem := inspectProblem(ctx, target, err)
	found.KeyAccepted = letIn(problem.Type)
	if named || !answersUnknownOrg(problem.Type) {
		found.Problem = &problem
	}
	return found, nil
}

// noLinkFor is stricter than opsmanager.NoLink: a 404 without a code is what any
// web server says of a wrong path, and a wrong path is to be found here.
func noLinkFor(err error) bool {
	apiError, ok := errors.AsType[*opsmanager.Error](err)
	return ok && apiError.Code != "" && opsmanager.NoLink(err)
}

// letIn tells whether a manager gives the answer only to a key that it knows.
func letIn(errorType string) bool {
	return answersUnknownOrg(errorType) || errorType == migrationlink.ErrForbidden || errorType == migrationlink.ErrAccountSuspended
}

// answersUnknownOrg tells whether the answer is the right one for an
// organization that does not exist.
func answersUnknownOrg(errorType string) bool {
	return errorType == migrationlink.ErrOrgNotFound || errorType == migrationlink.ErrRoleMissing
}

// inspectProblem has the remedies of the classifier but where they speak of a
// request that goes on.
func inspectProblem(ctx context.Context, target Target, err error) migrationlink.Problem {
	problem := classify(target, err).Problem
	if problem.Type != migrationlink.ErrManagerUnavailable {
		return problem
	}
	if ranOut(ctx) {
		problem.Message = fmt.Sprintf("manager %q has not answered within %s", target.Manager, inspectLimit)
	}
	problem.Remedy = "Check that the manager is up, that base_url leads to it, and that the workers reach it."
	return problem
}

// ranOut tells whether the limit is over: ctx.Err may still be nil.
func ranOut(ctx context.Context) bool {
	limit, limited := ctx.Deadline()
	return limited && !time.Now().Before(limit)
}
