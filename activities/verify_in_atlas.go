package activities

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/migrationlink/migrationlink"
	"github.com/migrationlink/migrationlink/atlas"
	"github.com/migrationlink/migrationlink/opsmanager"
)

// VerifyInAtlasInput asks to wait until Atlas shows a project of the source
// organization.
type VerifyInAtlasInput struct {
	Target
	Atlas migrationlink.AtlasToken `json:"atlas"`
	// Since is when the waiting began; the delay between looks grows with it.
	Since time.Time `json:"since"`
	// Deadline is when it ends: the last look is placed on it.
	Deadline time.Time `json:"deadline"`
}

// VerifyInAtlasResult is what was seen. It is also a detail, after the problem and
// the progress, of the error of a look.
type VerifyInAtlasResult struct {
	// SourceProjects is how many projects the source organization has. Without any
	// there is nothing that Atlas could show.
	SourceProjects int `json:"sourceProjects"`
	// AvailableProjects is how many of them Atlas shows.
	AvailableProjects int `json:"availableProjects"`
	Polls             int `json:"polls"`
}

// VerifyInAtlas looks once whether Atlas shows a project of the source
// organization as available for migration. "Not yet" is an error that Temporal
// retries, as that of AwaitSynced.
func (a *Activities) VerifyInAtlas(ctx context.Context, in VerifyInAtlasInput) (VerifyInAtlasResult, error) {
	clients := a.clients.Load()
	manager, err := clients.manager(in.Manager)
	if err != nil {
		return VerifyInAtlasResult{}, err
	}
	client, err := clients.atlas(in.Atlas.Name)
	if err != nil {
		return VerifyInAtlasResult{}, err
	}
	progress := lastProgress(ctx)
	stop := heartbeat(ctx, progress)
	seen, found, err := in.look(ctx, manager, client)
	stop() // its details are older than those below
	if cancelled(ctx, err) {
		return VerifyInAtlasResult{}, ctx.Err()
	}
	progress.Polls++
	seen.Polls = progress.Polls
	switch {
	case err != nil:
		progress.Problem = &found.Problem
	case seen.SourceProjects == 0, seen.AvailableProjects > 0:
		return seen, nil
	default:
		found = notInAtlas(in, seen, found)
		progress.Problem, progress.SeenAt = nil, time.Now().UTC()
	}
	waiting := AwaitSyncedInput{Since: in.Since, Deadline: in.Deadline}
	return VerifyInAtlasResult{}, waiting.later(ctx, found, progress, seen)
}

// look compares the projects by their ids: names can be equal. A finding without
// an error is what Atlas answered in place of no projects.
func (in VerifyInAtlasInput) look(ctx context.Context, manager *opsmanager.Client, client *atlas.Client) (seen VerifyInAtlasResult, _ finding, _ error) {
	projects, err := manager.Projects(ctx, in.OrgID)
	if err != nil {
		return seen, classify(in.Target, err), err
	}
	seen.SourceProjects = len(projects)
	if len(projects) == 0 {
		return seen, finding{}, nil
	}
	available, err := client.AvailableProjects(ctx, in.Atlas.OrgID)
	switch {
	case knowsNoLinkYet(err):
		return seen, classifyAtlas(in.Atlas, err), nil
	case err != nil:
		return seen, classifyAtlas(in.Atlas, err), err
	}
	shown := map[string]bool{}
	for _, project := range available {
		shown[project.ID] = true
	}
	for _, project := range projects {
		if shown[project.ID] {
			seen.AvailableProjects++
		}
	}
	return seen, finding{}, nil
}

// knowsNoLinkYet tells whether Atlas may refuse to list projects because it has
// not heard of the link yet: it is not documented what it answers then. A page of
// another server has no code.
func knowsNoLinkYet(err error) bool {
	refused, ok := errors.AsType[*atlas.Error](err)
	if !ok || refused.Code == "" || refused.OrgNotFound() || refused.WrongAPI() || refused.Operation != atlas.OperationAvailable {
		return false
	}
	return slices.Contains([]int{http.StatusBadRequest, http.StatusNotFound, http.StatusConflict}, refused.StatusCode)
}

// notInAtlas says what Atlas answered, too, if that was no list.
func notInAtlas(in VerifyInAtlasInput, seen VerifyInAtlasResult, answer finding) finding {
	problem := migrationlink.Problem{
		Type: migrationlink.ErrNotInAtlas,
		Message: fmt.Sprintf("organization %s of Atlas %q shows none of the %d projects of organization %s of manager %q",
			in.Atlas.OrgID, in.Atlas.Name, seen.SourceProjects, in.OrgID, in.Manager),
		Remedy: "Check that token.atlas.orgId is the organization that was linked, and that the manager reaches Atlas; Refresh on the manager's Live Migration page sends an update to Atlas.",
	}
	if answer.Message != "" {
		problem.Message += ": " + answer.Message
		problem.HTTPStatus, problem.Code = answer.HTTPStatus, answer.Code
	}
	return finding{benign: true, Problem: problem}
}
