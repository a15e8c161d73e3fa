package migrationlink

import "strings"

// Names by which Temporal knows this application.
const (
	// LinkWorkflow is the workflow type that links one source organization. Its
	// input is a LinkRequest, its result a LinkResult.
	LinkWorkflow = "LinkOrganization"

	// UnlinkWorkflow is the workflow type that removes the link of one source
	// organization, whoever made it. Its input is an UnlinkRequest, its result a
	// LinkResult.
	UnlinkWorkflow = "UnlinkOrganization"

	// InspectWorkflow is the workflow type that asks a worker which managers and
	// which Atlas it knows, and tries their keys. Its input is an InspectRequest, its result an
	// Inspection. It changes nothing.
	InspectWorkflow = "InspectManagers"

	// AssessWorkflow is the workflow type that reports whether a link of a source
	// organization would be of use. Its input is an AssessRequest, its result an
	// Assessment. It changes nothing.
	AssessWorkflow = "AssessOrganization"

	// OrganizationsWorkflow is the workflow type that lists the organizations that the
	// API key of a manager can see. Its input is an OrganizationsRequest, its result an
	// Organizations.
	OrganizationsWorkflow = "ListOrganizations"

	// ProjectsWorkflow is the workflow type that lists the projects of a source
	// organization that Atlas shows. Its input is a ProjectsRequest, its result a
	// ProjectsInAtlas.
	ProjectsWorkflow = "ListProjectsInAtlas"

	// StatusQuery answers a Status at any time, also after the end.
	StatusQuery = "status"

	// CancelSignal ends a link as Temporal's own cancellation does, and carries
	// a CancelRequest with the reason.
	CancelSignal = "cancel"

	// RetryUpdate resumes a blocked request, or makes one that waits before its next
	// attempt try at once. It carries a RetryRequest and answers a Status when the request
	// is blocked again, accepted or ended, or after 2 s. It is refused with ErrNotBlocked
	// where the request continues by itself.
	RetryUpdate = "retry"

	// RetrySignal does the same without an answer. It needs no worker at the time.
	RetrySignal = "retry"

	// AcceptUpdate asks a running workflow whether it does what a StartRequest
	// asks for: it is refused with ErrDifferentRequest if not. It answers a Status
	// once the manager has accepted the link, or the request is blocked or has
	// ended. If a problem delays that, it answers 20 s after the first problem. For an
	// unlink, it answers after 20 s at the latest. Sent together with the start
	// (UpdateWithStart), it is how a client starts or joins.
	AcceptUpdate = "accept"

	// ExtendUpdate moves the deadline of the present phase. It carries an
	// ExtendRequest and answers an Extension.
	ExtendUpdate = "extend"

	// CheckUpdate reads the status of the link at once. It carries nothing and
	// answers a Check.
	CheckUpdate = "check-now"

	// JoinSignal is what a workflow sends to another one that does what it was
	// asked for, and AnswerSignal what it gets back: they are between workflows
	// of this application.
	JoinSignal   = "join"
	AnswerSignal = "answer"

	// PhaseMemo is in the memo of a workflow where Temporal's own status does not tell
	// what lists show: PhaseBlocked, or the outcome after the end. It is PhaseUndoing on one that
	// was cancelled while it was blocked. It is missing, or empty, on any other workflow: a
	// completed one has linked or unlinked the organization.
	PhaseMemo = "phase"
	// ProblemMemo is in the memo of a workflow that is blocked or was cancelled then, or has not
	// ended well: the type of its problem.
	ProblemMemo = "problem"
	// ProblemSinceMemo is in the memo of a workflow that is blocked: since when, in the form
	// of RFC 3339.
	ProblemSinceMemo = "problemSince"

	// StartedByMemo is in the memo of a workflow: who started it. Client appends a mark; the
	// function StartedBy removes it.
	StartedByMemo = "startedBy"
)

// Activity types, as they appear in histories and on pending activities.
const (
	FindLinkActivity       = "FindLink"
	CreateLinkActivity     = "CreateLink"
	AwaitSyncedActivity    = "AwaitSynced"
	DeleteLinkActivity     = "DeleteLink"
	LinkStatusActivity     = "LinkStatus"
	CheckManagerActivity   = "CheckManager"
	KnownManagersActivity  = "KnownManagers"
	InspectManagerActivity = "InspectManager"
	InspectAtlasActivity   = "InspectAtlas"

	CreateLinkTokenActivity = "CreateLinkToken"
	DeleteLinkTokenActivity = "DeleteLinkToken"
	VerifyInAtlasActivity   = "VerifyInAtlas"

	AssessActivity        = "Assess"
	OrganizationsActivity = "ReadOrganizations"
	ProjectsActivity      = "ReadProjectsInAtlas"
)

// TaskQueue is where the workflows run. Activities run on one queue per
// manager, see ManagerTaskQueue.
const TaskQueue = "migration-link"

// ManagerTaskQueue is the task queue of the activities that call one manager,
// so that a slow or dead manager starves no other and each has its own limit of
// calls per second.
func ManagerTaskQueue(manager string) string { return TaskQueue + "." + manager }

// WorkflowIDPrefix starts the id of every workflow that works on a link.
const WorkflowIDPrefix = "link."

// WorkflowID is the business key of a source organization: one workflow at a
// time links or unlinks it. Every caller uses it, so that two requests for the
// same organization meet; a workflow that is started under another id does so
// itself.
func WorkflowID(manager, orgID string) string { return WorkflowIDPrefix + manager + "." + orgID }

// SplitWorkflowID returns what WorkflowID was made of.
func SplitWorkflowID(id string) (manager, orgID string, ok bool) {
	rest, ok := strings.CutPrefix(id, WorkflowIDPrefix)
	if !ok {
		return "", "", false
	}
	manager, orgID, ok = strings.Cut(rest, ".") // a manager's name holds no dot
	return manager, orgID, ok && ValidManagerName(manager) && ValidOrgID(orgID)
}
