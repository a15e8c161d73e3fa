package migrationlink

import "time"

// Outcome is how a link ended.
type Outcome string

const (
	// OutcomeLinked means: this request made the link and the manager reports SYNCED.
	OutcomeLinked Outcome = "linked"
	// OutcomeAlreadyLinked means: somebody else had made the link; it is SYNCED.
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

// Done tells whether the workflow did what it was asked for.
func (o Outcome) Done() bool {
	switch o {
	case OutcomeLinked, OutcomeAlreadyLinked, OutcomeUnlinked, OutcomeNotLinked:
		return true
	}
	return false
}

// LinkResult tells how LinkWorkflow or UnlinkWorkflow ended. A workflow whose
// outcome is Done returns it; any other carries it as the first detail of its
// ApplicationError or CanceledError.
type LinkResult struct {
	Manager string  `json:"manager"`
	OrgID   string  `json:"orgId"`
	Outcome Outcome `json:"outcome"`
	// LinkStatus is the last status that the manager reported, see Status.
	LinkStatus string `json:"linkStatus,omitempty"`
	// Created says that this request made the link, Removed that it removed it
	// again. Both are false when the link may not have been made at all and none
	// was found.
	Created bool `json:"created"`
	Removed bool `json:"removed"`
	// Replaced says that a link of somebody else was removed, as Relink asks for,
	// or may have been when it did not end well.
	Replaced bool `json:"replaced,omitempty"`
	// InDoubt says that the reply to a creation or a removal was lost, and that
	// it is not known whether a link at the manager is this request's, or whether
	// one was removed. A link in doubt is never removed by an undo. With
	// ErrTerminated it says that nothing else of the result is known.
	InDoubt bool `json:"inDoubt,omitempty"`
	// Polls counts the status reads made since the link was created, but not
	// those of a wait that a check or a cancellation has cut short.
	Polls     int       `json:"polls"`
	StartedAt time.Time `json:"startedAt"`
	CreatedAt time.Time `json:"createdAt,omitzero"`
	SyncedAt  time.Time `json:"syncedAt,omitzero"`
	EndedAt   time.Time `json:"endedAt"`
	// Atlas tells of what was done there, if anything was.
	Atlas *AtlasResult `json:"atlas,omitempty"`
	// CancelReason is what CancelSignal gave.
	CancelReason string `json:"cancelReason,omitempty"`
	// Problem says what went wrong, with OutcomeFailed and OutcomeTimedOut.
	Problem *Problem `json:"problem,omitempty"`
}

// AtlasResult tells what a request with TokenSource.Atlas has done in Atlas.
type AtlasResult struct {
	// TokenCreated says that a link-token was made, TokenDeleted that the undo
	// deleted it again.
	TokenCreated bool `json:"tokenCreated"`
	TokenDeleted bool `json:"tokenDeleted,omitempty"`
	// TokenInDoubt says that the reply to a creation was lost: Atlas may have a
	// link-token that nobody knows.
	TokenInDoubt bool `json:"tokenInDoubt,omitempty"`
	// TokensLeft is how many of the link-tokens that were made serve no link of
	// this request and were not deleted. It is known at the end; those that are in
	// doubt do not count.
	TokensLeft int `json:"tokensLeft,omitempty"`
	// SourceProjects and AvailableProjects are, with VerifyInAtlas, how many
	// projects the source organization has, and how many of them Atlas showed as
	// available when it was last asked.
	SourceProjects    int `json:"sourceProjects,omitempty"`
	AvailableProjects int `json:"availableProjects,omitempty"`
	// VerifiedAt is when Atlas showed one first. It stays empty for a source
	// organization without projects, of which Atlas has nothing to show.
	VerifiedAt time.Time `json:"verifiedAt,omitzero"`
}

// Problem is something that went wrong, in words for the operator.
type Problem struct {
	Type    string `json:"type"`    // one of the error types
	Message string `json:"message"` // what was tried and what the manager said
	Remedy  string `json:"remedy"`  // what to do about it
	// HTTPStatus and Code are the manager's, where it answered.
	HTTPStatus int    `json:"httpStatus,omitempty"`
	Code       string `json:"code,omitempty"`
}

// Values of LinkStatus. A manager may report others: they are shown as they
// are and waited through.
const (
	LinkSynced    = "SYNCED"
	LinkNotSynced = "NOT_SYNCED"
	// LinkNone stands for the answer that there is no link.
	LinkNone = "NONE"
)

// Phase is a step of a link that is under way.
type Phase string

const (
	// PhaseCreating means: asking the manager to make the link.
	PhaseCreating Phase = "creating"
	// PhaseSettling means: the reply to the creation was lost; looking whether it
	// took effect.
	PhaseSettling Phase = "settling"
	// PhaseSyncing means: waiting until the manager reports SYNCED.
	PhaseSyncing Phase = "syncing"
	// PhaseVerifying means: the link is SYNCED; waiting until Atlas shows a project
	// of the source organization.
	PhaseVerifying Phase = "verifying"
	// PhaseRemoving means: removing a link, as an UnlinkRequest or Relink asks.
	PhaseRemoving Phase = "removing"
	// PhaseBlocked means: waiting for a person to fix Problem and to send
	// RetrySignal. A running migration is looked at again without it.
	PhaseBlocked Phase = "blocked"
	// PhaseJoined means: waiting for the workflow under the key of the
	// organization, which does what was asked for.
	PhaseJoined Phase = "joined"
	// PhaseUndoing means: removing the link again.
	PhaseUndoing Phase = "undoing"
	// PhaseEnded means: Result is set.
	PhaseEnded Phase = "ended"
)

// Status is the answer of StatusQuery.
type Status struct {
	// Workflow is LinkWorkflow or UnlinkWorkflow.
	Workflow string `json:"workflow"`
	Manager  string `json:"manager"`
	OrgID    string `json:"orgId"`
	Phase    Phase  `json:"phase"`
	// BlockedIn is the phase that goes on after PhaseBlocked.
	BlockedIn Phase `json:"blockedIn,omitempty"`
	// PhaseSince is when the phase began.
	PhaseSince time.Time `json:"phaseSince"`
	// Deadline is when the phase ends at the latest. PhaseUndoing has one too.
	Deadline time.Time `json:"deadline,omitzero"`
	// LinkStatus is the last status that the workflow itself knows. During
	// PhaseSyncing newer ones are in the heartbeat details of the pending
	// activity, as Progress.
	LinkStatus string `json:"linkStatus,omitempty"`
	Created    bool   `json:"created"`
	// CreatedAt is when this request made the link.
	CreatedAt time.Time `json:"createdAt,omitzero"`
	// InDoubt and Atlas are those of LinkResult, as far as they are known.
	InDoubt bool         `json:"inDoubt,omitempty"`
	Atlas   *AtlasResult `json:"atlas,omitempty"`
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

// Progress is what a waiting activity leaves in its heartbeat details.
type Progress struct {
	Polls      int       `json:"polls"`
	LinkStatus string    `json:"linkStatus"` // last one reported
	SeenAt     time.Time `json:"seenAt"`
	NextPollAt time.Time `json:"nextPollAt,omitzero"`
	// Problem is set when the last poll got no status.
	Problem *Problem `json:"problem,omitempty"`
}
