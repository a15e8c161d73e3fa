package activities

import (
	"fmt"

	"github.com/migrationlink/migrationlink"
)

// party is a manager or Atlas, as remedies name it and its settings.
type party struct {
	noun    string
	name    string // with its name in the configuration
	section string // of the worker's configuration
	product string
	// key names the worker's credentials, keyHint what else to check if they are refused.
	key, keyHint string
	// orgField is the field of the request that names the organization, whose says which
	// organization it must name.
	orgField, orgID, org, whose string
	misplaced                   []string // the codes for an organization of the other party
	notAllowed, lookUp          string   // remedies
	unavailable                 string   // the type of errors that may pass

	api   memory
	known bool // it has answered for this organization before
}

func managerParty(target Target) party {
	name := fmt.Sprintf("manager %q", target.Manager)
	return party{
		noun:    "the manager",
		name:    name,
		section: "[managers." + target.Manager + "]",
		product: "Ops Manager or Cloud Manager, in a version that has live migration",
		key:     "the API key of " + name,
		keyHint: " If they are right, check that no proxy in front of " + name + " removes the Authorization header.",

		orgField:  "orgId",
		orgID:     target.OrgID,
		org:       "organization " + target.OrgID,
		whose:     "the source organization's in Ops Manager or Cloud Manager, not the target's in Atlas",
		misplaced: []string{"EXPECTED_NON_ATLAS_ORG", "ATLAS_GROUP"},

		notAllowed:  "Ask the manager's administrator whether live migration is allowed for this organization.",
		lookUp:      "Look up the code in the manager's API documentation.",
		unavailable: migrationlink.ErrManagerUnavailable,
	}
}

// atlasParty returns Atlas for one target organization, which orgField names.
func atlasParty(asked migrationlink.AtlasToken, orgField string) party {
	section := "[atlas." + asked.Name + "]"
	key := "the API key or service account of " + section
	return party{
		noun:    "Atlas",
		name:    fmt.Sprintf("Atlas %q", asked.Name),
		section: section,
		product: "Atlas",
		key:     key,

		orgField:  orgField,
		orgID:     asked.OrgID,
		org:       "the target organization " + asked.OrgID + " (" + orgField + ")",
		whose:     "the target organization's in Atlas, not the source's",
		misplaced: []string{"NOT_ATLAS_ORG"},

		notAllowed:  "Give " + key + " the role Organization Owner in the target organization, and ask its owner whether live migration is allowed.",
		lookUp:      "Check token.atlas.accessListIps and token.atlas.orgId, and look up the code in the API documentation of Atlas.",
		unavailable: migrationlink.ErrAtlasUnavailable,
	}
}

// atlasOrgField names the target organization in a request for a link.
const atlasOrgField = "token.atlas.orgId"
