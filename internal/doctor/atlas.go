package doctor

import (
	"fmt"
	"slices"
	"strings"

	"github.com/migrationlink/migrationlink"
	"github.com/migrationlink/migrationlink/internal/words"
)

// knownAtlas shows where the worker that has answered can make link-tokens.
func (d *doctor) knownAtlas(known []string) Check {
	const name = "atlas"
	wanted := d.given.Atlas
	switch {
	case wanted != "" && !slices.Contains(known, wanted):
		return bad(name, fmt.Sprintf("the worker does not know Atlas %q; known are: %s", wanted, orNone(known)),
			fmt.Sprintf("Check the name, or add a section [atlas.%s] to the configuration of every worker.", wanted))
	case len(known) == 0 && d.given.AtlasOrgID != "":
		return bad(name, "the worker has no section [atlas.NAME], so the role in organization "+d.given.AtlasOrgID+" cannot be checked",
			"Add one to the configuration of every worker.")
	case len(known) == 0:
		return skipped(name, "the worker has no section [atlas.NAME]: you create link-tokens by hand")
	}
	c := good(name, "%s", words.OneLine(strings.Join(known, ", ")))
	c.Names = known
	return c
}

func orNone(names []string) string {
	if len(names) == 0 {
		return "none"
	}
	return words.OneLine(strings.Join(names, ", "))
}

// atlasSeen is what was seen of one Atlas. The names of its checks differ from those
// of a manager with the same name.
type atlasSeen struct {
	name  string
	asked bool // a worker was asked to call
	said  migrationlink.AtlasInspection
}

func (a atlasSeen) keyName() string  { return "atlas " + a.name + ": key" }
func (a atlasSeen) roleName() string { return "atlas " + a.name + ": role" }

// checkAtlas checks each Atlas that is known to the worker that was asked first. Another
// worker may have called them.
func (d *doctor) checkAtlas(known []string, called migrationlink.Inspection) {
	said := map[string]migrationlink.AtlasInspection{}
	for _, inspected := range called.Atlas {
		said[inspected.Name] = inspected
	}
	for _, name := range known {
		if d.given.Atlas != "" && name != d.given.Atlas {
			continue
		}
		a := atlasSeen{name: name, asked: len(called.Managers) > 0, said: said[name]}
		d.add(a.key(d.given.AtlasOrgID))
		d.add(a.role(d.given.AtlasOrgID))
	}
}

func (a atlasSeen) key(orgID string) Check {
	switch {
	case !a.asked:
		return skipped(a.keyName(), "the worker that was asked does not know the manager")
	case a.said.Name == "":
		return bad(a.keyName(), fmt.Sprintf("one worker knows Atlas %q, and another does not", a.name),
			fmt.Sprintf("Give every worker the same configuration, with [atlas.%s]: links may fail on a worker without it.", a.name))
	}
	return keyCheck(a.keyName(), orgID, a.said.KeyAccepted, a.said.Problem)
}

func (a atlasSeen) role(orgID string) Check {
	return roleCheck(a.roleName(), orgID, a.said.KeyAccepted, a.said.Problem,
		fmt.Sprintf("name a target organization with --atlas %s --atlas-org ORG_ID", a.name), "can read organization "+orgID)
}

// keyCheck is the check of a key. With an organization, a problem may be one of the role.
func keyCheck(name, orgID string, accepted bool, problem *migrationlink.Problem) Check {
	if problem != nil && (!accepted || orgID == "") {
		return bad(name, problem.Message, problem.Remedy)
	}
	return good(name, "accepted")
}

// roleCheck is the check of a key in an organization. hint explains how to name one.
func roleCheck(name, orgID string, accepted bool, problem *migrationlink.Problem, hint, seen string) Check {
	switch {
	case orgID == "":
		return skipped(name, hint)
	case !accepted:
		return skipped(name, "the key was not accepted")
	case problem != nil:
		return bad(name, problem.Message, problem.Remedy)
	}
	return good(name, "%s", seen)
}
