package migrationlink

import "github.com/nexus-rpc/sdk-go/nexus"

// NexusService is the Nexus service through which workflows of other namespaces
// link and unlink. The workers serve it on TaskQueue; an endpoint, which an
// administrator creates, leads to it.
const NexusService = "migration-link"

// NexusEndpoint is the name that the endpoint has on a cluster with one fleet of
// workers. Another name does no harm: each caller names its own.
const NexusEndpoint = "migration-link"

// Operations of NexusService.
var (
	// LinkOperation does what LinkWorkflow does, and takes and returns the same. It
	// is asynchronous. Cancelling it cancels the link, if this operation has started
	// it; an operation that has joined one only leaves it.
	LinkOperation = nexus.NewOperationReference[LinkRequest, LinkResult]("link")

	// UnlinkOperation does what UnlinkWorkflow does. It is asynchronous.
	UnlinkOperation = nexus.NewOperationReference[UnlinkRequest, LinkResult]("unlink")

	// StatusOperation answers at once what StatusQuery answers for the workflow
	// that links or unlinks an organization, or did so last. It fails with
	// NOT_FOUND when there is none, or when Temporal has forgotten it.
	StatusOperation = nexus.NewOperationReference[StatusRequest, Status]("status")
)

// StatusRequest asks for the status of one source organization.
type StatusRequest struct {
	// Manager and OrgID are those of a LinkRequest.
	Manager string `json:"manager" jsonschema:"pattern=^[a-z0-9]([a-z0-9-]{0\\,61}[a-z0-9])?$"`
	OrgID   string `json:"orgId" jsonschema:"pattern=^[a-f0-9]{24}$"`
}

// Validate checks every field and returns a *ValidationError that names all the
// bad ones, or nil.
func (r StatusRequest) Validate() error { return ValidateTarget(r.Manager, r.OrgID) }
