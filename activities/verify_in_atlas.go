package activities

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/migrationlink/migrationlink"
	"github.com/migrationlink/migrationlink/atlas"
	"github.com/migrationlink/migrationlink/internal/adminapi"
	"github.com/migrationlink/migrationlink/opsmanager"
)

// VerifyInAtlasInput asks VerifyInAtlas to wait until Atlas shows a project of the
// source organization.
type VerifyInAtlasInput struct {
	Target
	Atlas migrationlink.AtlasToken `json:"atlas"`
	// Since is when the wait began. The delay between polls grows with its length.
	Since time.Time `json:"since"`
	// Deadline is when the wait ends. The last poll is on it.
	Deadline time.Time `json:"deadline"`
	// Known reports whether Atlas has answered for this organization before.
	Known bool `json:"known,omitempty"`
	// NotShownAt, when set, is when Atlas should show a link that is SYNCED. If it does
	// not, each look from then on also reads the status of the link.
	NotShownAt time.Time `json:"notShownAt,omitzero"`
	// Foreign reports whether somebody else made the link. If it is SYNCED and not shown
	// at NotShownAt, the wait ends with ErrWrongTarget.
	Foreign bool `json:"foreign,omitempty"`
}

// VerifyInAtlasResult is what a poll saw. It is also a detail of the error of a poll,
// after the problem and the progress.
type VerifyInAtlasResult struct {
	// SourceProjects is how many projects the source organization has. If it has none,
	// Atlas has nothing to show.
	SourceProjects int `json:"sourceProjects"`
	// AvailableProjects is how many of them Atlas shows.
	AvailableProjects int `json:"availableProjects"`
	// ProjectIDs are the ids of those, at most MaxProjectIDs, in the order of Atlas.
	ProjectIDs []string `json:"projectIds,omitempty"`
	// LinkStatus is the status that was read after Atlas had shown none of them at
	// NotShownAt or later.
	LinkStatus string `json:"linkStatus,omitempty"`
	Polls      int    `json:"polls"`
}

// foreignDelay is the shortest delay between two looks for a link that this request did
// not make. A wave of wrong links must not use up the rate limit of a manager.
const foreignDelay = 5 * time.Second

// VerifyInAtlas checks once whether Atlas shows a project of the source organization as
// available for migration. "Not yet" is an error that Temporal retries, as in
// AwaitSynced.
func (a *Activities) VerifyInAtlas(ctx context.Context, in VerifyInAtlasInput) (VerifyInAtlasResult, error) {
	manager, err := a.manager(in.Target, true)
	if err != nil {
		return VerifyInAtlasResult{}, err
	}
	org, err := a.clients.Load().targetOrg(in.Atlas, in.Known)
	if err != nil {
		return VerifyInAtlasResult{}, err
	}
	poll := startPoll(ctx, in.Since, in.Deadline, migrationlink.Progress{})
	poll.most = manager.pollInterval
	org.known = org.known || !poll.SeenAt.IsZero()
	seen, found := in.look(ctx, manager, org)
	if found.Type == migrationlink.ErrNotInAtlas && in.isDue(poll.clock) {
		seen, found = in.conclude(ctx, manager, seen, found)
	}
	poll.stop()
	seen.Polls = poll.Polls
	switch found.Type {
	case "":
		return seen, nil
	case migrationlink.ErrNotInAtlas:
		poll.SeenAt = poll.now()
	}
	if poll.before(in.NotShownAt) {
		poll.alsoAt = in.NotShownAt
	}
	return VerifyInAtlasResult{}, poll.again(ctx, found, seen)
}

func (in VerifyInAtlasInput) isDue(clock clock) bool {
	return !in.NotShownAt.IsZero() && !clock.before(in.NotShownAt)
}

// conclude decides about a link that Atlas should show and does not. A link that has lost
// SYNCED is no evidence, nor is any other refusal than that there is nothing.
func (in VerifyInAtlasInput) conclude(ctx context.Context, manager manager, seen VerifyInAtlasResult, notShown finding) (VerifyInAtlasResult, finding) {
	if notShown.HTTPStatus != 0 && notShown.HTTPStatus != http.StatusNotFound {
		return seen, notShown
	}
	status, err := manager.status(ctx)
	if err != nil {
		return seen, manager.classify(err)
	}
	seen.LinkStatus = status
	if !in.Foreign || status != migrationlink.LinkSynced {
		return seen, notShown
	}
	wrong := permanent(migrationlink.ErrWrongTarget,
		"The manager does not report which organization of Atlas it is linked to: it may be another one, or Atlas shows the projects late. "+
			"Find the organization in Atlas that shows them on its Live Migration page. If the link is right, try again later. "+
			"If it is wrong, correct token.atlas.orgId (--atlas-org), or set ifLinked (--if-linked) to \"relink\", which replaces the link.")
	wrong.Message = fmt.Sprintf("organization %s of manager %q is SYNCED by a link that this request did not make, and at least %s after SYNCED was seen, %s",
		in.OrgID, in.Manager, migrationlink.TargetGrace, notShown.Message)
	wrong.HTTPStatus, wrong.Code = notShown.HTTPStatus, notShown.Code
	return seen, wrong
}

// look returns no finding when the link is verified. It compares projects by their ids,
// because two projects can have the same name.
func (in VerifyInAtlasInput) look(ctx context.Context, manager manager, org targetOrg) (seen VerifyInAtlasResult, _ finding) {
	projects, err := manager.Projects(ctx, in.OrgID)
	if err != nil {
		return seen, manager.classify(err)
	}
	seen.SourceProjects = len(projects)
	if len(projects) == 0 {
		return seen, finding{}
	}
	available, err := org.AvailableProjects(ctx, org.orgID)
	if err != nil && !listsNothing(err) {
		return seen, org.classify(err)
	}
	if seen.count(projects, available); seen.AvailableProjects > 0 {
		return seen, finding{}
	}
	found := notYet(migrationlink.ErrNotInAtlas,
		fmt.Sprintf("organization %s of Atlas %q shows none of the %d projects of organization %s of manager %q",
			in.Atlas.OrgID, in.Atlas.Name, seen.SourceProjects, in.OrgID, in.Manager),
		"Check that token.atlas.orgId is the organization that was linked, and that the manager reaches Atlas; Refresh on the manager's Live Migration page sends an update to Atlas.")
	if in.Foreign {
		found.retryAfter = foreignDelay
	}
	if err != nil { // Atlas may not know of the link yet
		answer := org.meaning(err)
		found.Message += ": " + answer.Message
		found.HTTPStatus, found.Code = answer.HTTPStatus, answer.Code
	}
	return seen, found
}

// count counts the source's projects among those that Atlas shows.
func (r *VerifyInAtlasResult) count(source []opsmanager.Project, available []atlas.Project) {
	missing := map[string]bool{}
	for _, project := range source {
		missing[project.ID] = true
	}
	for _, project := range available {
		if !missing[project.ID] {
			continue // of another source, or counted already
		}
		missing[project.ID] = false
		r.AvailableProjects++
		if len(r.ProjectIDs) < migrationlink.MaxProjectIDs {
			r.ProjectIDs = append(r.ProjectIDs, project.ID)
		}
	}
}

// listsNothing reports whether Atlas may refuse to list projects only because there are
// none: its answer in that case is not documented. A missing role is 401, and a page of
// another server has no code.
func listsNothing(err error) bool {
	refused, ok := ofAvailable(err)
	return ok && refused.SaysNothing() && !refused.OrgNotFound() && !refused.WrongAPI()
}

// ofAvailable finds the API's refusal to list projects. A refusal without a code may come
// from any web server at a wrong path.
func ofAvailable(err error) (*adminapi.Error, bool) {
	refused, ok := errors.AsType[*adminapi.Error](err)
	return refused, ok && refused.Operation == atlas.OperationAvailable && refused.Code != ""
}
