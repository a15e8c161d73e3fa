package inspect

import (
	"fmt"
	"strings"

	"go.temporal.io/sdk/workflow"

	"github.com/migrationlink/migrationlink"
)

// callAtlas is callManagers for each Atlas. The workers call it on the queues of
// the managers, on behalf of which they make link-tokens; one after the other, as
// each queue has its own limit.
func callAtlas(ctx workflow.Context, all []migrationlink.AtlasInspection, orgID string, managers []string) func() {
	if len(managers) == 0 {
		return func() {} // a worker has one, or does not start
	}
	calls := make([]workflow.Future, len(all))
	for i, a := range all {
		calls[i] = workflow.ExecuteActivity(inspecting(ctx, managers[i%len(managers)], "Atlas "+a.Name), migrationlink.InspectAtlasActivity,
			migrationlink.AtlasToken{Name: a.Name, OrgID: orgID})
	}
	return func() {
		for i, call := range calls {
			if err := call.Get(ctx, &all[i]); err != nil {
				all[i].Problem = atlasNotInspected(all[i].Name, managers[i%len(managers)], err)
			}
		}
	}
}

func atlasNotInspected(name, manager string, err error) *migrationlink.Problem {
	problem := notInspected(migrationlink.ErrAtlasUnavailable, fmt.Sprintf("Atlas %q", name), "[atlas."+name+"]",
		migrationlink.ManagerTaskQueue(manager), err)
	problem.Message = strings.TrimPrefix(problem.Message, "token.atlas.name: ") // it is no request for a link
	return problem
}
