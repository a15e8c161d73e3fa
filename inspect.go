package migrationlink

import "time"

// InspectRequest asks a worker which managers and which Atlas connections it knows.
type InspectRequest struct {
	// Call also asks each manager and each Atlas connection, with the key of the workers.
	Call bool `json:"call,omitempty"`
	// Manager, when set, limits that to one manager.
	Manager string `json:"manager,omitempty"`
	// OrgID, when set, is the organization whose role is checked. A key can be
	// tried without, a role cannot.
	OrgID string `json:"orgId,omitempty" jsonschema:"pattern=^[a-f0-9]{24}$"`
	// Atlas, when set, limits the answer to the Atlas connection of this name; there is none
	// if the worker does not know it.
	Atlas string `json:"atlas,omitempty"`
	// AtlasOrgID, when set, is the target organization whose role is checked.
	AtlasOrgID string `json:"atlasOrgId,omitempty" jsonschema:"pattern=^[a-f0-9]{24}$"`
}

// Inspection is the answer of InspectWorkflow.
type Inspection struct {
	// WorkerVersion is that of the worker that ran the workflow.
	WorkerVersion string              `json:"workerVersion"`
	Managers      []ManagerInspection `json:"managers"`        // in the order of their names
	Atlas         []AtlasInspection   `json:"atlas,omitempty"` // likewise
	// Recipients are the age recipients of the worker's identities: what is
	// sealed to one of them it can open. The first is the one it seals to.
	Recipients []string `json:"recipients,omitempty"`
}

// ManagerInspection is what one manager says to the key of its workers. Without
// InspectRequest.Call only the name is set.
type ManagerInspection struct {
	Name string `json:"name"`
	// WorkerVersion is that of the worker that called the manager; empty when
	// none did.
	WorkerVersion string `json:"workerVersion,omitempty"`
	// KeyAccepted reports whether the manager let the key in.
	KeyAccepted bool `json:"keyAccepted"`
	// RoleChecked reports whether the manager showed the status of the request's
	// organization, which needs the role there. LinkStatus is that status.
	RoleChecked bool   `json:"roleChecked"`
	LinkStatus  string `json:"linkStatus,omitempty" jsonschema:"example=SYNCED,example=NOT_SYNCED,example=NONE"`
	// WorkerTime is the clock of that worker, and TemporalTime that of Temporal at the
	// same moment, but for the time that the call was on its way.
	WorkerTime   time.Time `json:"workerTime,omitzero"`
	TemporalTime time.Time `json:"temporalTime,omitzero"`
	// Problem is why not.
	Problem *Problem `json:"problem,omitempty"`
}

// AtlasInspection is what Atlas says through one connection to the API key or the service account of
// the workers. Without InspectRequest.Call only the name is set.
type AtlasInspection struct {
	Name string `json:"name"`
	// WorkerVersion is that of the worker that called Atlas; empty when none did.
	WorkerVersion string `json:"workerVersion,omitempty"`
	// KeyAccepted reports whether Atlas let the key or the service account in.
	KeyAccepted bool `json:"keyAccepted"`
	// RoleChecked reports whether Atlas listed the available projects of the
	// request's organization, which needs the role there.
	RoleChecked bool `json:"roleChecked"`
	// Problem is why not.
	Problem *Problem `json:"problem,omitempty"`
}

// Validate checks every field and returns a *ValidationError that names all the bad ones, or
// nil.
func (r InspectRequest) Validate() error {
	var found []FieldProblem
	check := func(field, value, problem string, valid func(string) bool) {
		if value != "" && !valid(value) {
			found = append(found, FieldProblem{field, problem})
		}
	}
	check("manager", r.Manager, badManagerName, ValidManagerName)
	check("orgId", r.OrgID, badOrgID, ValidOrgID)
	check("atlas", r.Atlas, badAtlasName, ValidManagerName)
	check("atlasOrgId", r.AtlasOrgID, badOrgID, ValidOrgID)
	return problems(found)
}
