package migrationlink

// Types of the ApplicationErrors with which a link fails. All are final: the
// workflow has already retried what a retry can heal.
const (
	// ErrInvalidRequest: a field is wrong; the second detail is a
	// []FieldProblem.
	ErrInvalidRequest = "InvalidRequest"
	// ErrUnknownManager: no worker has the manager in its configuration.
	ErrUnknownManager = "UnknownManager"
	// ErrTokenUnavailable: the worker cannot read the link-token where the
	// request says.
	ErrTokenUnavailable = "TokenUnavailable"
	// ErrTokenNotOpened: no worker can open the sealed link-token: it is sealed to
	// somebody else, damaged, or bound to another organization.
	ErrTokenNotOpened = "TokenNotOpened"
	// ErrUnknownAtlas: the worker does not have the Atlas connection in its configuration.
	ErrUnknownAtlas = "UnknownAtlas"
	// ErrTokenRejected: the manager does not accept the link-token.
	ErrTokenRejected = "TokenRejected"
	// ErrKeyRejected: the manager does not accept the worker's API key.
	ErrKeyRejected = "KeyRejected"
	// ErrRoleMissing: the API key lacks the role Organization Owner.
	ErrRoleMissing = "RoleMissing"
	// ErrAccessListRefused: the worker's address is not on the access list.
	ErrAccessListRefused = "AccessListRefused"
	// ErrAccountSuspended: the manager has suspended the account.
	ErrAccountSuspended = "AccountSuspended"
	// ErrForbidden: the manager refuses for another reason.
	ErrForbidden = "Forbidden"
	// ErrOrgNotFound: the manager has no such organization.
	ErrOrgNotFound = "OrgNotFound"
	// ErrWrongAPI: what answers is not the manager's link API.
	ErrWrongAPI = "WrongAPI"
	// ErrCertificateInvalid: the manager's TLS certificate cannot be verified.
	ErrCertificateInvalid = "CertificateInvalid"
	// ErrRequestRefused: the manager refuses the call for a reason that is
	// none of the above.
	ErrRequestRefused = "RequestRefused"
	// ErrMigrationRunning: the link cannot be removed while a migration runs.
	ErrMigrationRunning = "MigrationRunning"
	// ErrTimedOut: a limit of the request was reached.
	ErrTimedOut = "TimedOut"
	// ErrAlreadyLinked: somebody else has made a link, and the request says to
	// fail then.
	ErrAlreadyLinked = "AlreadyLinked"
	// ErrWrongTarget: a link that this request did not make is SYNCED, and the target
	// organization shows none of the source's projects, see TargetNotShown.
	ErrWrongTarget = "WrongTarget"
	// ErrCancelledByOther: the workflow that did it, and that this one had joined,
	// was cancelled by somebody else.
	ErrCancelledByOther = "CancelledByOther"
	// ErrTerminated: the workflow that did it was ended in Temporal, before it
	// could say how far it came.
	ErrTerminated = "Terminated"
	// ErrHistoryFull: others sent the workflow so many signals and updates, or such large
	// ones, that Temporal would soon have terminated it.
	ErrHistoryFull = "HistoryFull"
	// ErrTooLarge: the organization has more than an assessment reads. It is only in
	// Assessment.Problem.
	ErrTooLarge = "TooLarge"
	// ErrUndoFailed: the link was to be removed and could not be.
	ErrUndoFailed = "UndoFailed"
)

// Types of the errors after which an activity, or the workflow, tries again. They
// are seen in histories and on pending activities. A link or an unlink does not end
// with them. OrganizationsWorkflow and ProjectsWorkflow do, after a few attempts.
const (
	// ErrNotSynced: the manager does not report SYNCED yet.
	ErrNotSynced = "NotSynced"
	// ErrNotInAtlas: Atlas does not show a project of the source organization yet.
	ErrNotInAtlas = "NotInAtlas"
	// ErrAtlasUnavailable: Atlas did not answer, or asked to come back.
	ErrAtlasUnavailable = "AtlasUnavailable"
	// ErrManagerUnavailable: the manager did not answer, or asked to come back.
	ErrManagerUnavailable = "ManagerUnavailable"
	// ErrWorkerUnavailable: no worker took the call, the one that did has vanished, or
	// its machine is in trouble: too many open files, a full disk, no secrets mounted.
	ErrWorkerUnavailable = "WorkerUnavailable"
	// ErrReplyLost: the link may have been created, the reply did not arrive.
	ErrReplyLost = "ReplyLost"
)

// Types of the errors with which a running workflow refuses a signal or an
// update. Nothing has changed then.
const (
	// ErrDifferentRequest: another request for the organization is running. The
	// first detail of the refusal is a []FieldProblem; a workflow that was to join
	// fails with it, and has its LinkResult as the first and the fields as the
	// second detail.
	ErrDifferentRequest = "DifferentRequest"
	// ErrInvalidUpdate: a field of the update is wrong; the first detail is a
	// []FieldProblem.
	ErrInvalidUpdate = "InvalidUpdate"
	// ErrTooManyChecks: the link was checked so often that its history has no
	// room for more; the first detail is a Problem.
	ErrTooManyChecks = "TooManyChecks"
	// ErrNotBlocked: the request continues by itself, so there is nothing to retry; the first
	// detail is a Problem.
	ErrNotBlocked = "NotBlocked"
	// ErrTooManyRetries: the request was retried so often that its history has no room for
	// more; the first detail is a Problem.
	ErrTooManyRetries = "TooManyRetries"
	// ErrAlreadyEnded: the workflow has ended, or is being cancelled.
	ErrAlreadyEnded = "AlreadyEnded"
)

// Blockable reports whether a person can fix the problem of an error type, so
// that a request with WaitWhenBlocked waits for it.
func Blockable(errorType string) bool {
	switch errorType {
	case ErrKeyRejected, ErrRoleMissing, ErrAccessListRefused, ErrAccountSuspended, ErrForbidden,
		ErrTokenUnavailable, ErrTokenNotOpened, ErrTokenRejected, ErrCertificateInvalid, ErrWrongAPI, ErrMigrationRunning, ErrWrongTarget:
		return true
	}
	return false
}
