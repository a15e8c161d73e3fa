package cli

import (
	"fmt"
	"slices"
	"strings"

	"github.com/migrationlink/migrationlink"
)

// knownAtlas shows where the worker that has answered can make link-tokens.
func (d *doctor) knownAtlas(known []string) check {
	const name = "atlas"
	wanted := d.given.atlas
	switch {
	case wanted != "" && !slices.Contains(known, wanted):
		return bad(name, fmt.Sprintf("the worker does not know Atlas %q; known are: %s", wanted, orNone(known)),
			fmt.Sprintf("Check the name, or add a section [atlas.%s] to the configuration of every worker.", wanted))
	case len(known) == 0 && d.given.atlasOrgID != "":
		return bad(name, "the worker has no section [atlas.NAME], so that the role in organization "+d.given.atlasOrgID+" cannot be checked",
			"Add one to the configuration of every worker.")
	case len(known) == 0:
		return skipped(name, "the worker has no section [atlas.NAME], link-tokens are made by hand")
	}
	c := good(name, "%s", oneLine(strings.Join(known, ", ")))
	c.Names = known
	return c
}

func orNone(names []string) string {
	if len(names) == 0 {
		return "none"
	}
	return oneLine(strings.Join(names, ", "))
}

// atlasSeen is what was seen of one Atlas. Its checks are named apart from those
// of a manager that has the same name.
type atlasSeen struct {
	name  string
	asked bool // a worker was asked to call
	said  migrationlink.AtlasInspection
}

func (a atlasSeen) keyName() string  { return "atlas " + a.name + ": key" }
func (a atlasSeen) roleName() string { return "atlas " + a.name + ": role" }

// checkAtlas checks each Atlas that the worker knew that was asked first. Another
// one may have been asked to call.
func (d *doctor) checkAtlas(known []string, called migrationlink.Inspection) {
	said := map[string]migrationlink.AtlasInspection{}
	for _, a := range called.Atlas {
		said[a.Name] = a
	}
	for _, name := range known {
		if d.given.atlas != "" && name != d.given.atlas {
			continue
		}
		a := atlasSeen{name: name, asked: len(called.Managers) > 0, said: said[name]}
		d.add(a.key(d.given.atlasOrgID))
		d.add(a.role(d.given.atlasOrgID))
	}
}

func (a atlasSeen) key(orgID string) check {
	problem := a.said.Problem
	switch {
	case !a.asked:
		return skipped(a.keyName(), "the worker that was asked does not know the manager")
	case a.said.Name == "":
		return bad(a.keyName(), fmt.Sprintf("one worker knows Atlas %q, another one does not", a.name),
			fmt.Sprintf("Give every worker the same configuration, with [atlas.%s]: links that they are given may fail.", a.name))
	case problem != nil && (!a.said.KeyAccepted || orgID == ""):
		return bad(a.keyName(), problem.Message, problem.Remedy)
	}
	return good(a.keyName(), "accepted")
}

func (a atlasSeen) role(orgID string) check {
	switch {
	case orgID == "":
		return skipped(a.roleName(), fmt.Sprintf("name a target organization with --atlas %s --atlas-org ORG_ID", a.name))
	case !a.said.KeyAccepted:
		return skipped(a.roleName(), "the key was not accepted")
	case a.said.Problem != nil:
		return bad(a.roleName(), a.said.Problem.Message, a.said.Problem.Remedy)
	}
	return good(a.roleName(), "can read organization %s", orgID)
}
