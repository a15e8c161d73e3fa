package atlas

import (
	"bytes"
	"context"
	"encoding/json"
	"regexp"

	"github.com/migrationlink/migrationlink/internal/adminapi"
)

const (
	// maxDeployments and maxMigrationHosts are how many of a project are kept. The others are
	// counted.
	maxDeployments, maxMigrationHosts = 10, 5
)

// ProjectInventory is a project of a source organization with what Atlas shows of it.
type ProjectInventory struct {
	ID string // 24 lower-case hexadecimal digits
	// Name is empty if Atlas has sent none, or nothing that can be one.
	Name string
	// Deployments are the first 10 of DeploymentCount.
	Deployments     []Deployment
	DeploymentCount int
	// MigrationHosts are the first 5 of MigrationHostCount.
	MigrationHosts     []string
	MigrationHostCount int
}

// Deployment is a source deployment that Atlas can migrate.
type Deployment struct {
	Name string
	// Version is the version of MongoDB, or empty.
	Version string
	Sharded bool
	// Managed reports whether Automation of the manager manages the deployment, TLS whether it
	// takes TLS connections.
	Managed, TLS bool
}

// inventoryEntry is the JSON of a project. Its lists are cut off when they are decoded.
type inventoryEntry struct {
	ID             string               `json:"projectId"`
	Name           adminapi.Word        `json:"name"`
	Deployments    cut[deploymentEntry] `json:"deployments"`
	MigrationHosts cut[adminapi.Word]   `json:"migrationHosts"`
}

type deploymentEntry struct {
	Name    adminapi.Word `json:"name"`
	Version adminapi.Word `json:"mongoDBVersion"`
	Sharded flag          `json:"sharded"`
	Managed flag          `json:"managed"`
	TLS     flag          `json:"tlsEnabled"`
	SSL     flag          `json:"sslEnabled"` // the name in older documentation
}

// cut is the beginning of a list, and its length.
type cut[T any] struct {
	first []T
	count int
}

// UnmarshalJSON accepts any value.
func (c *cut[T]) UnmarshalJSON(data []byte) error {
	c.first, c.count = adminapi.Head[T](data, max(maxDeployments, maxMigrationHosts))
	return nil
}

type flag bool

// UnmarshalJSON accepts any value; only true is true.
func (f *flag) UnmarshalJSON(data []byte) error {
	*f = flag(bytes.Equal(bytes.TrimSpace(data), []byte("true")))
	return nil
}

// inventory is the list of available, with all that is kept.
type inventory []inventoryEntry

// UnmarshalJSON reads the forms that available reads.
func (i *inventory) UnmarshalJSON(data []byte) (err error) {
	if data, err = withoutEnvelope(data); err != nil {
		return err
	}
	*i, err = adminapi.List[inventoryEntry](data, maxProjects)
	return err
}

// withoutEnvelope returns the list in an envelope.
func withoutEnvelope(data []byte) ([]byte, error) {
	if !bytes.HasPrefix(bytes.TrimSpace(data), []byte("{")) {
		return data, nil
	}
	var envelope struct {
		Results json.RawMessage `json:"results"`
	}
	err := json.Unmarshal(data, &envelope)
	if err == nil && envelope.Results == nil {
		err = errNoList
	}
	return envelope.Results, err
}

var versionWord = regexp.MustCompile(`^[0-9]{1,3}(\.[0-9]{1,3}){1,3}(-[a-z0-9]{1,10})?$`)

// Inventory is AvailableProjects with the deployments and migration hosts of each project, for the
// projects that are wanted.
//
// GET /orgs/{orgId}/liveMigrations/availableProjects
func (c *Client) Inventory(ctx context.Context, orgID string, wanted func(projectID string) bool) (_ []ProjectInventory, err error) {
	defer publish(&err)
	call := availableCall(orgID)
	var found inventory
	done, err := c.readAvailable(ctx, call, &found)
	if err != nil {
		return nil, err
	}
	defer done()
	var projects []ProjectInventory
	for _, entry := range found {
		if projectID.MatchString(entry.ID) && wanted(entry.ID) {
			projects = append(projects, c.projectOf(call, entry))
		}
	}
	return projects, nil
}

func (c *Client) projectOf(call *adminapi.Call, entry inventoryEntry) ProjectInventory {
	project := ProjectInventory{
		ID: entry.ID, Name: c.api.Name(call, string(entry.Name)),
		DeploymentCount: entry.Deployments.count, MigrationHostCount: entry.MigrationHosts.count,
	}
	for _, d := range entry.Deployments.first[:min(len(entry.Deployments.first), maxDeployments)] {
		deployment := Deployment{
			Name: c.api.Name(call, string(d.Name)), Sharded: bool(d.Sharded), Managed: bool(d.Managed), TLS: bool(d.TLS || d.SSL),
		}
		if versionWord.MatchString(string(d.Version)) {
			deployment.Version = string(d.Version)
		}
		project.Deployments = append(project.Deployments, deployment)
	}
	for _, host := range entry.MigrationHosts.first[:min(len(entry.MigrationHosts.first), maxMigrationHosts)] {
		if name := c.api.Name(call, string(host)); name != "" {
			project.MigrationHosts = append(project.MigrationHosts, name)
		}
	}
	return project
}
