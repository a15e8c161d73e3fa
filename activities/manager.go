package activities

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"go.temporal.io/sdk/activity"

	"github.com/migrationlink/migrationlink"
	"github.com/migrationlink/migrationlink/atlas"
	"github.com/migrationlink/migrationlink/opsmanager"
)

// manager is a manager that is called for one source organization.
type manager struct {
	*opsmanager.Client
	party
	target Target
	// pollInterval is the longest time between two polls. Zero means the default.
	pollInterval time.Duration
}

// manager returns a manager. If known, it has answered for the organization before.
func (a *Activities) manager(target Target, known bool) (manager, error) {
	if err := migrationlink.ValidateTarget(target.Manager, target.OrgID); err != nil {
		return manager{}, refusal(migrationlink.ErrInvalidRequest, err.Error(), "Start the workflow that calls this activity, not the activity.")
	}
	clients := a.clients.Load()
	client, err := clients.manager(target.Manager)
	party := managerParty(target)
	party.api, party.known = client, known
	return manager{Client: client, party: party, target: target, pollInterval: clients.Intervals[target.Manager]}, err
}

// targetOrg is Atlas, called for one target organization.
type targetOrg struct {
	*atlas.Client
	party
}

// targetOrg returns a target organization. If known, Atlas has answered for it before.
func (c *Clients) targetOrg(asked migrationlink.AtlasToken, known bool) (targetOrg, error) {
	client, err := c.atlas(asked.Name)
	party := atlasParty(asked, atlasOrgField)
	party.api, party.known = client, known
	return targetOrg{Client: client, party: party}, err
}

func (c *Clients) manager(name string) (*opsmanager.Client, error) {
	return configured(c.Managers, name, "managers", migrationlink.ErrUnknownManager, "manager: no worker has")
}

func (c *Clients) atlas(name string) (*atlas.Client, error) {
	return configured(c.Atlas, name, "atlas", migrationlink.ErrUnknownAtlas, "token.atlas.name: the worker does not have")
}

func configured[C any](clients map[string]C, name, section, errorType, lacks string) (C, error) {
	client, ok := clients[name]
	if ok {
		return client, nil
	}
	if !migrationlink.ValidManagerName(name) { // it may be a secret in the wrong field, of any length
		return client, refusal(errorType, lacks+" the name that was asked for in its configuration, which is not a valid name",
			"Use NAME of a section ["+section+".NAME] in the configuration of the workers.")
	}
	known := cmp.Or(strings.Join(slices.Sorted(maps.Keys(clients)), ", "), "none")
	return client, refusal(errorType, fmt.Sprintf("%s %q in its configuration; known are: %s", lacks, name, known),
		"Use one of these names, or add a section ["+section+"."+name+"] to the configuration of every worker.")
}

// status reads the status of the link. It is LinkNone without a link.
func (m manager) status(ctx context.Context) (string, error) {
	status, err := m.LinkStatus(ctx, m.target.OrgID)
	if opsmanager.NoLink(err) {
		return migrationlink.LinkNone, nil
	}
	switch status {
	case "", migrationlink.LinkSynced, migrationlink.LinkNotSynced:
	default:
		activity.GetMetricsHandler(ctx).WithTags(map[string]string{"manager": m.target.Manager}).Counter(driftMetric).Inc(1)
	}
	return string(status), err
}

// driftMetric counts statuses that the documentation of the API does not list: a newer
// manager may have new ones.
const driftMetric = "migrationlink_api_drift"

// showsLink reports whether status proves a link.
func (m manager) showsLink(status string) bool {
	return status != migrationlink.LinkNone && m.ShowsLink(opsmanager.Status(status))
}
