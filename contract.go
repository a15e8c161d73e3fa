package migrationlink

// Names by which Temporal knows this application.
const (
	// LinkWorkflow is the workflow type that links one source organization. Its
	// input is a LinkRequest, its result a LinkResult.
	LinkWorkflow = "LinkOrganization"

	// StatusQuery answers a Status at any time, also after the end.
	StatusQuery = "status"

	// CancelSignal ends a link as Temporal's own cancellation does, and carries
	// a CancelRequest with the reason.
	CancelSignal = "cancel"
)

// Activity types, as they appear in histories and on pending activities.
const (
	CreateLinkActivity   = "CreateLink"
	AwaitSyncedActivity  = "AwaitSynced"
	DeleteLinkActivity   = "DeleteLink"
	LinkStatusActivity   = "LinkStatus"
	CheckManagerActivity = "CheckManager"
)

// TaskQueue is where the workflows run. Activities run on one queue per
// manager, see ManagerTaskQueue.
const TaskQueue = "migration-link"

// ManagerTaskQueue is the task queue of the activities that call one manager,
// so that a slow or dead manager starves no other and each has its own limit of
// calls per second.
func ManagerTaskQueue(manager string) string { return TaskQueue + "." + manager }

// WorkflowID is the business key of a link: one running workflow per source
// organization. Every caller uses it, so that two requests for the same
// organization meet.
func WorkflowID(manager, orgID string) string { return "link." + manager + "." + orgID }

// CancelRequest is the payload of CancelSignal.
type CancelRequest struct {
	// Reason is shown to whoever looks at the link later. Optional.
	Reason string `json:"reason,omitempty"`
}
