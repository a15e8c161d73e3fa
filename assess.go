package migrationlink

// AssessRequest asks whether a link of a source organization would be of use.
type AssessRequest struct {
	Manager string `json:"manager"`
	OrgID   string `json:"orgId" jsonschema:"pattern=^[a-f0-9]{24}$"`
	// Atlas and AtlasOrgID, when set, say where to look for migration hosts. Atlas shows
	// them once the organization is linked with that target organization.
	Atlas      string `json:"atlas,omitempty"`
	AtlasOrgID string `json:"atlasOrgId,omitempty" jsonschema:"pattern=^[a-f0-9]{24}$"`
}

// ManagerKind is the product that a manager is.
type ManagerKind string

const (
	// KindOpsManager runs on premises.
	KindOpsManager ManagerKind = "ops-manager"
	// KindCloudManager is MongoDB's service.
	KindCloudManager ManagerKind = "cloud-manager"
)

// Verdict is the worth of a link.
type Verdict string

const (
	// VerdictReady means: MongoDB documents push live migration for it.
	VerdictReady Verdict = "ready"
	// VerdictUseless means: MongoDB documents that there is no push live migration for it.
	VerdictUseless Verdict = "useless"
	// VerdictUnknown means: something is missing to decide.
	VerdictUnknown Verdict = "unknown"
)

// DeploymentType is the form of a deployment.
type DeploymentType string

const (
	// TypeReplicaSet is a replica set.
	TypeReplicaSet DeploymentType = "replica-set"
	// TypeSharded is a sharded cluster.
	TypeSharded DeploymentType = "sharded"
	// TypeStandalone is a single process.
	TypeStandalone DeploymentType = "standalone"
	// TypeUnknown is a deployment of which the manager does not show the form.
	TypeUnknown DeploymentType = "unknown"
)

// Assessment is what AssessWorkflow saw of a source organization, and what follows from it. It
// changes nothing.
type Assessment struct {
	Manager string `json:"manager"`
	OrgID   string `json:"orgId"`
	// Kind is the product that the worker takes the manager for.
	Kind ManagerKind `json:"kind,omitempty"`
	// Verdict is VerdictReady if one deployment is, VerdictUseless if all are useless, and
	// VerdictUnknown otherwise.
	Verdict Verdict `json:"verdict"`
	// Reasons are the rules and the gaps behind the verdicts, those of most deployments first:
	// at most 20.
	Reasons []Reason `json:"reasons,omitempty"`
	// Projects and Hosts are how many were read.
	Projects int `json:"projects"`
	Hosts    int `json:"hosts"`
	// Ready, Useless and Unknown are how many deployments have each verdict.
	Ready   int `json:"ready"`
	Useless int `json:"useless"`
	Unknown int `json:"unknown"`
	// Deployments are at most 100 of them: useless ones first, then unknown ones.
	Deployments []AssessedDeployment `json:"deployments,omitempty"`
	// ProjectsInAtlas is how many of the projects Atlas shows, and MigrationHosts how many
	// migration hosts they have. They are left out if Atlas was not asked or did not answer.
	ProjectsInAtlas *int `json:"projectsInAtlas,omitempty"`
	MigrationHosts  *int `json:"migrationHosts,omitempty"`
	// Problem is why not everything was read. What was read is assessed all the same.
	Problem *Problem `json:"problem,omitempty"`
}

// All returns the number of deployments.
func (a Assessment) All() int { return a.Ready + a.Useless + a.Unknown }

// Reason is a rule, or what is missing to apply one.
type Reason struct {
	Verdict Verdict `json:"verdict"`
	// Rule names the rule; it is empty if something is missing.
	Rule string `json:"rule,omitempty" jsonschema:"example=ops-manager-unsupported"`
	// Message says what the rule says, or what is missing, Remedy what to do about it.
	Message string `json:"message"`
	Remedy  string `json:"remedy,omitempty"`
	// Source is the document of a rule, or the setting of the worker that overrides it. AsOf is
	// when the document was read, as year and month.
	Source string `json:"source,omitempty"`
	AsOf   string `json:"asOf,omitempty" jsonschema:"example=2026-11"`
	// Count is how many deployments it applies to.
	Count int `json:"count"`
}

// AssessedDeployment is a replica set, a sharded cluster or a standalone.
type AssessedDeployment struct {
	ProjectID string `json:"projectId"`
	// Name is the name of its replica set, of one of them, or empty.
	Name string         `json:"name,omitempty"`
	Type DeploymentType `json:"type"`
	// Versions are those of its hosts, lowest first: at most 8.
	Versions []string `json:"versions,omitempty"`
	Hosts    int      `json:"hosts"`
	Verdict  Verdict  `json:"verdict"`
	// Rule names the rule behind the verdict. It is empty with VerdictUnknown, and Missing says
	// what is missing.
	Rule    string `json:"rule,omitempty"`
	Missing string `json:"missing,omitempty"`
}

// OrganizationsRequest asks for one page of the organizations that the API key of a manager can
// see.
type OrganizationsRequest struct {
	Manager string `json:"manager"`
	// Page is counted from 1 to 100.
	Page int `json:"page"`
}

// Organizations is one page of source organizations, the result of OrganizationsWorkflow.
type Organizations struct {
	// OrgIDs are at most 500. A page without a new one is past the end.
	OrgIDs []string `json:"orgIds"`
	// TotalCount is the number on all pages; zero if the manager does not say.
	TotalCount int `json:"totalCount,omitempty"`
}

// ProjectsRequest asks which projects of a source organization Atlas shows as available for
// migration to a target organization.
type ProjectsRequest struct {
	Manager    string `json:"manager"`
	OrgID      string `json:"orgId" jsonschema:"pattern=^[a-f0-9]{24}$"`
	Atlas      string `json:"atlas"`
	AtlasOrgID string `json:"atlasOrgId" jsonschema:"pattern=^[a-f0-9]{24}$"`
}

// ProjectsInAtlas is the result of ProjectsWorkflow.
type ProjectsInAtlas struct {
	// SourceProjects is how many projects the source organization has, AvailableProjects how
	// many of them Atlas shows.
	SourceProjects    int `json:"sourceProjects"`
	AvailableProjects int `json:"availableProjects"`
	// Shown are the first 100 of the available ones, sorted by their ids.
	Shown []ProjectInAtlas `json:"shown"`
}

// ProjectInAtlas is a project of a source organization as Atlas shows it.
type ProjectInAtlas struct {
	ProjectID string `json:"projectId"`
	Name      string `json:"name,omitempty"`
	// Clusters are the first 10 of ClusterCount deployments.
	Clusters     []ClusterInAtlas `json:"clusters,omitempty"`
	ClusterCount int              `json:"clusterCount"`
	// HostNames are the first 5 of HostCount migration hosts.
	HostNames []string `json:"hostNames,omitempty"`
	HostCount int      `json:"hostCount"`
}

// ClusterInAtlas is a source deployment as Atlas shows it.
type ClusterInAtlas struct {
	Name string `json:"name"`
	// Version is the version of MongoDB.
	Version string `json:"version,omitempty" jsonschema:"example=7.0.13"`
	Sharded bool   `json:"sharded"`
	// Managed reports whether Automation of the manager manages it, TLS whether it accepts encrypted connections.
	Managed bool `json:"managed"`
	TLS     bool `json:"tls"`
}

// Validate checks every field and returns a *ValidationError that names all the bad ones, or
// nil.
func (r AssessRequest) Validate() error {
	found := targetProblems(r.Manager, r.OrgID)
	if r.Atlas != "" || r.AtlasOrgID != "" {
		found = append(found, atlasProblems(r.Atlas, r.AtlasOrgID)...)
	}
	return problems(found)
}

// Validate checks every field and returns a *ValidationError that names all the bad ones, or
// nil.
func (r ProjectsRequest) Validate() error {
	return problems(append(targetProblems(r.Manager, r.OrgID), atlasProblems(r.Atlas, r.AtlasOrgID)...))
}

// MaxOrganizationPages is the last page that can be asked for.
const MaxOrganizationPages = 100

// Validate checks every field and returns a *ValidationError that names all the bad ones, or
// nil.
func (r OrganizationsRequest) Validate() error {
	var found []FieldProblem
	if !ValidManagerName(r.Manager) {
		found = append(found, FieldProblem{"manager", badManagerName})
	}
	if r.Page < 1 || r.Page > MaxOrganizationPages {
		found = append(found, FieldProblem{"page", "not a page; use a number from 1 to 100"})
	}
	return problems(found)
}

// What is wrong with a field, without its value, which may be a secret.
const (
	badManagerName = "invalid manager name; use NAME of a section [managers.NAME] in the worker's configuration"
	badAtlasName   = "invalid Atlas name; use NAME of a section [atlas.NAME] in the worker's configuration"
	badOrgID       = "not an organization's id; use its 24 lower-case hexadecimal digits"
)

func atlasProblems(name, orgID string) []FieldProblem {
	var found []FieldProblem
	if !ValidManagerName(name) {
		found = append(found, FieldProblem{"atlas", badAtlasName})
	}
	if !ValidOrgID(orgID) {
		found = append(found, FieldProblem{"atlasOrgId", badOrgID})
	}
	return found
}
