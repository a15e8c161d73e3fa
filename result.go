package migrationlink

import "time"

// Outcome is how a link ended.
type Outcome string

const (
	// OutcomeLinked means: this request made the link and the manager reports SYNCED.
	OutcomeLinked Outcome = "linked"
	// OutcomeAlreadyLinked means: somebody else had made the link; it is SYNCED, and its
	// Target is not TargetNotShown.
	OutcomeAlreadyLinked Outcome = "already-linked"
	// OutcomeFailed means: the workflow failed with one of the error types.
	OutcomeFailed Outcome = "failed"
	// OutcomeTimedOut means: a limit of the request was reached.
	OutcomeTimedOut Outcome = "timed-out"
	// OutcomeCancelled means: the request was cancelled.
	OutcomeCancelled Outcome = "cancelled"
	// OutcomeUnlinked means: UnlinkWorkflow removed the link.
	OutcomeUnlinked Outcome = "unlinked"
	// OutcomeNotLinked means: UnlinkWorkflow found no link.
	OutcomeNotLinked Outcome = "not-linked"
)

// Done reports whether the workflow did what it was asked for.
func (o Outcome) Done() bool {
	switch o {
	case OutcomeLinked, OutcomeAlreadyLinked, OutcomeUnlinked, OutcomeNotLinked:
		return true
	case OutcomeFailed, OutcomeTimedOut, OutcomeCancelled:
		return false
	}
	return false
}

// LinkResult is how LinkWorkflow or UnlinkWorkflow ended. A workflow with the outcome
// OutcomeLinked, OutcomeAlreadyLinked, OutcomeUnlinked or OutcomeNotLinked returns it. Any
// other workflow carries it as the first detail of its ApplicationError or CanceledError.
type LinkResult struct {
	Manager string  `json:"manager"`
	OrgID   string  `json:"orgId"`
	Outcome Outcome `json:"outcome"`
	// LinkStatus is the last status that the manager reported, see Status.
	LinkStatus string `json:"linkStatus,omitempty" jsonschema:"example=SYNCED,example=NOT_SYNCED,example=NONE"`
	// Created reports whether this request made the link. It is false if the link may not
	// have been made at all, and none was found.
	Created bool `json:"created"`
	// Removed reports whether this request removed the link again, or for an UnlinkRequest
	// at all.
	Removed bool `json:"removed"`
	// Replaced reports whether a link of somebody else was removed, as Relink asks for.
	Replaced bool `json:"replaced,omitempty"`
	// ReplacedInDoubt reports whether a link of somebody else may have been removed. Either
	// the reply to a removal was lost, and the status did not show whether there was a link.
	// Or nothing confirmed the removal, or a run before a reset may have done it.
	ReplacedInDoubt bool `json:"replacedInDoubt,omitempty"`
	// InDoubt reports whether the reply to a creation or a removal was lost. Then it is
	// not known whether a link at the manager is this request's, or whether
	// the undo, or an UnlinkRequest, removed one. An undo never removes a link in doubt. With
	// ErrTerminated, and where Temporal ended the workflow, nothing else of the result
	// is known.
	InDoubt bool `json:"inDoubt,omitempty"`
	// Polls counts the status reads made since the link was created, but not
	// those of a wait that a check or a cancellation has cut short.
	Polls     int       `json:"polls"`
	StartedAt time.Time `json:"startedAt"`
	CreatedAt time.Time `json:"createdAt,omitzero"`
	SyncedAt  time.Time `json:"syncedAt,omitzero"`
	EndedAt   time.Time `json:"endedAt"`
	// Atlas shows what was done there, if anything was.
	Atlas *AtlasResult `json:"atlas,omitempty"`
	// Target reports, with TokenSource.Atlas, whether the target organization shows the
	// link, as last seen. It is empty if nobody looked: nothing was SYNCED, or FailIfLinked
	// ended the request before.
	Target Target `json:"target,omitempty"`
	// TargetReason is set with TargetUnknown.
	TargetReason TargetReason `json:"targetReason,omitempty"`
	// TargetProblem is the call that failed, with TargetNoPermission, TargetUnreachable
	// and TargetRefused.
	TargetProblem *Problem `json:"targetProblem,omitempty"`
	// CancelReason is what CancelSignal gave.
	CancelReason string `json:"cancelReason,omitempty"`
	// StartedBy is who started the workflow, if the caller named itself.
	StartedBy string `json:"startedBy,omitempty"`
	// Reason is that of an UnlinkRequest.
	Reason string `json:"reason,omitempty"`
	// Actions are what people did to the request while it was running, the latest last. Of
	// more than MaxActions, the first ones are left out; the workers' log has them all.
	Actions []Action `json:"actions,omitempty"`
	// Problem shows what went wrong, with OutcomeFailed and OutcomeTimedOut.
	Problem *Problem `json:"problem,omitempty"`
}

// MaxActions bounds the Actions of a LinkResult.
const MaxActions = 10

// AtlasResult shows what a request with TokenSource.Atlas has done in Atlas.
type AtlasResult struct {
	// TokenCreated reports whether a link-token was made.
	TokenCreated bool `json:"tokenCreated"`
	// TokenDeleted reports whether the undo deleted the link-token again.
	TokenDeleted bool `json:"tokenDeleted,omitempty"`
	// TokenInDoubt reports whether the reply to a creation was lost: Atlas may have a
	// link-token that nobody knows.
	TokenInDoubt bool `json:"tokenInDoubt,omitempty"`
	// TokensLeft is how many of the link-tokens that were made serve no link of
	// this request and were not deleted. It is known at the end; those that are in
	// doubt do not count.
	TokensLeft int `json:"tokensLeft,omitempty"`
	// SourceProjects and AvailableProjects are how many projects the source
	// organization has, and how many of them Atlas showed as available when it was
	// last asked.
	SourceProjects    int `json:"sourceProjects,omitempty"`
	AvailableProjects int `json:"availableProjects,omitempty"`
	// ProjectIDs are the ids of the available projects, in the order of Atlas: the first
	// MaxProjectIDs of them.
	ProjectIDs []string `json:"projectIds,omitempty" jsonschema:"maxItems=100"`
	// VerifiedAt is when Atlas showed one first. It stays empty for a source
	// organization without projects, of which Atlas has nothing to show.
	VerifiedAt time.Time `json:"verifiedAt,omitzero"`
}

// MaxProjectIDs bounds AtlasResult.ProjectIDs: a result is stored in the history of every
// caller.
const MaxProjectIDs = 100

// Target reports whether a link leads to the target organization of the request. The manager
// does not report with which organization of Atlas a source organization is linked. The only
// evidence is that Atlas shows the source's projects in the target organization.
type Target string

const (
	// TargetVerified means: the target organization shows projects of the source
	// organization.
	TargetVerified Target = "verified"
	// TargetNotShown means: the link was SYNCED for TargetGrace, and the target
	// organization showed none of the source's projects. The link leads to another
	// organization, or Atlas shows the projects late.
	TargetNotShown Target = "not-shown"
	// TargetUnknown means: there is no evidence, for the TargetReason.
	TargetUnknown Target = "unknown"
)

// TargetGrace is how long Atlas may take to show a link after SYNCED was seen.
const TargetGrace = 45 * time.Second

// TargetReason says why a Target is TargetUnknown.
type TargetReason string

const (
	// TargetNoProjects means: the source organization has no project that Atlas could show.
	TargetNoProjects TargetReason = "no-projects"
	// TargetNotShownYet means: the target organization showed none of the source's projects
	// before TargetGrace had passed.
	TargetNotShownYet TargetReason = "not-shown-yet"
	// TargetNotSynced means: the target organization showed none of the source's projects,
	// but the link had lost SYNCED by then.
	TargetNotSynced TargetReason = "not-synced"
	// TargetNoPermission means: Atlas or the manager does not permit the workers to look.
	TargetNoPermission TargetReason = "no-permission"
	// TargetUnreachable means: Atlas, the manager or the workers did not answer.
	TargetUnreachable TargetReason = "unreachable"
	// TargetRefused means: Atlas or the manager refused the call for another reason.
	TargetRefused TargetReason = "refused"
)

// Problem is something that went wrong, in words for the operator.
type Problem struct {
	Type    string `json:"type" jsonschema:"oneof_ref=#/$defs/ErrorType"` // one of the error types
	Message string `json:"message"`                                       // what was tried and what the manager said
	Remedy  string `json:"remedy"`                                        // what to do about it
	// HTTPStatus and Code are the manager's, where it answered; or Code is CodeNoIdentities.
	HTTPStatus int    `json:"httpStatus,omitempty"`
	Code       string `json:"code,omitempty"`
}

// CodeNoIdentities is the Code of an ErrTokenNotOpened where the workers can open nothing at
// all: another link-token would not help.
const CodeNoIdentities = "NO_IDENTITIES"

// Values of LinkStatus. A manager may report others: they are shown as they
// are and waited through.
const (
	LinkSynced    = "SYNCED"
	LinkNotSynced = "NOT_SYNCED"
	// LinkNone stands for the answer that there is no link.
	LinkNone = "NONE"
)

// Phase is a step of a running link.
type Phase string

const (
	// PhaseCreating means: asking the manager to make the link.
	PhaseCreating Phase = "creating"
	// PhaseSettling means: the reply to the creation was lost; looking whether it
	// took effect.
	PhaseSettling Phase = "settling"
	// PhaseSyncing means: waiting until the manager reports SYNCED.
	PhaseSyncing Phase = "syncing"
	// PhaseVerifying means: the link is SYNCED; looking whether Atlas shows a project
	// of the source organization.
	PhaseVerifying Phase = "verifying"
	// PhaseRemoving means: removing a link, as an UnlinkRequest or Relink asks.
	PhaseRemoving Phase = "removing"
	// PhaseBlocked means: waiting for a person to fix Problem and to send
	// RetrySignal. The workflow looks at a running migration again without it.
	PhaseBlocked Phase = "blocked"
	// PhaseJoined means: waiting for the workflow under the key of the
	// organization, which does the same.
	PhaseJoined Phase = "joined"
	// PhaseUndoing means: removing the link again.
	PhaseUndoing Phase = "undoing"
	// PhaseEnded means: Result is set.
	PhaseEnded Phase = "ended"
)

// Status is the answer of StatusQuery.
type Status struct {
	// Workflow is LinkWorkflow or UnlinkWorkflow.
	Workflow string `json:"workflow" jsonschema:"enum=LinkOrganization,enum=UnlinkOrganization"`
	Manager  string `json:"manager"`
	OrgID    string `json:"orgId"`
	Phase    Phase  `json:"phase"`
	// BlockedIn is the phase that continues after PhaseBlocked.
	BlockedIn Phase `json:"blockedIn,omitempty"`
	// PhaseSince is when the phase began.
	PhaseSince time.Time `json:"phaseSince"`
	// Deadline is when the phase ends at the latest. PhaseUndoing has one too.
	Deadline time.Time `json:"deadline,omitzero"`
	// LinkStatus is the last status that the workflow itself knows. During
	// PhaseSyncing newer ones are in the last failure of the pending activity, as
	// Progress.
	LinkStatus string `json:"linkStatus,omitempty" jsonschema:"example=SYNCED,example=NOT_SYNCED,example=NONE"`
	Created    bool   `json:"created"`
	// CreatedAt is when this request made the link.
	CreatedAt time.Time `json:"createdAt,omitzero"`
	// InDoubt is that of LinkResult, as far as it is known.
	InDoubt bool `json:"inDoubt,omitempty"`
	// What this request did in Atlas, as in LinkResult.
	Atlas *AtlasResult `json:"atlas,omitempty"`
	// Target, TargetReason and TargetProblem are those of LinkResult.
	Target        Target       `json:"target,omitempty"`
	TargetReason  TargetReason `json:"targetReason,omitempty"`
	TargetProblem *Problem     `json:"targetProblem,omitempty"`
	// Polls are those that LinkResult counts, without the ones of the pending
	// activity, which are in its Progress.
	Polls int `json:"polls,omitempty"`
	// Problem is the last one met in this phase, if it is still being retried or
	// waited for.
	Problem      *Problem    `json:"problem,omitempty"`
	CancelReason string      `json:"cancelReason,omitempty"`
	StartedAt    time.Time   `json:"startedAt"`
	Result       *LinkResult `json:"result,omitempty"` // with PhaseEnded
}

// Progress holds what a waiting activity has seen. It is the second detail of the last
// failure of the pending activity, after the Problem. Between failures, while a worker is
// lost, its heartbeat details hold an older one.
type Progress struct {
	Polls int `json:"polls"`
	// LinkStatus is the last one reported, at SeenAt or later.
	LinkStatus string    `json:"linkStatus" jsonschema:"example=SYNCED,example=NOT_SYNCED,example=NONE"`
	SeenAt     time.Time `json:"seenAt"`
	NextPollAt time.Time `json:"nextPollAt,omitzero"`
}
