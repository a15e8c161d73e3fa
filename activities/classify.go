package activities

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/migrationlink/migrationlink"
	"github.com/migrationlink/migrationlink/internal/adminapi"
	"github.com/migrationlink/migrationlink/internal/local"
	"github.com/migrationlink/migrationlink/internal/seeded"
	"github.com/migrationlink/migrationlink/opsmanager"
)

const (
	// upgradeDelay is for managers that are being upgraded: that takes minutes.
	upgradeDelay = 30 * time.Second
	// maxRetryAfter bounds what a server can ask for.
	maxRetryAfter = 15 * time.Minute
)

// How often in a row, and for how long, a doubtful answer must be repeated before it is
// final: it may pass, or come from a server in between. A link that the party has
// answered for before has more to lose than a new one.
const (
	knownInARow, knownFor = 5, 2 * time.Minute
	newInARow, newFor     = 3, 10 * time.Second
)

// memory is what a client remembers of the answers of its API.
type memory interface {
	Answered() bool
	Streak(orgID string) (inARow int, lasting time.Duration)
}

// classify returns the meaning of err for an attempt that is repeated. If the API has
// worked before, a doubtful final answer is retried until it has been repeated often
// enough.
func (p party) classify(err error) finding {
	found := p.meaning(err)
	if seeded.On(seeded.OneRedirect) || !found.final || !adminapi.Doubtful(err) || !p.known && !p.api.Answered() {
		return found
	}
	inARow, lasting := p.api.Streak(p.orgID)
	lasts := inARow >= newInARow && lasting >= newFor
	if p.known {
		lasts = inARow >= knownInARow && lasting >= knownFor
	}
	if lasts {
		return found
	}
	found.final, found.Type = false, p.unavailable
	found.Remedy = "It answered correctly before, so the call is retried. If the problem persists: " + found.Remedy
	return found
}

// meaning decides what an error of an API means: by HTTP status first, then by code,
// never by text. No other place decides that.
func (p party) meaning(err error) finding {
	reply, replied := errors.AsType[*adminapi.Error](err)
	found, known := p.meaningOfCause(err)
	switch {
	case known:
	case replied:
		found = p.meaningOfReply(reply)
	default:
		found = p.isUnavailable(err)
	}
	if replied {
		found.HTTPStatus, found.Code = reply.StatusCode, reply.Code
	}
	found.Message = fmt.Sprintf("%s: %v", p.name, err)
	return found
}

// meaningOfCause returns the meaning of an error that is no answer of the API itself.
func (p party) meaningOfCause(err error) (_ finding, known bool) {
	if remedy := local.Remedy(err); remedy != "" {
		found := passing(migrationlink.ErrWorkerUnavailable, "On the machine of the worker, "+remedy+". The call is retried, on any worker, until the deadline.", err)
		found.final = seeded.On(seeded.LocalTroubleFinal)
		return found, true
	}
	if errors.Is(err, adminapi.ErrInvalidOrgID) {
		return permanent(migrationlink.ErrInvalidRequest, "Correct the id of the organization."), true
	}
	cause := adminapi.CauseOf(err)
	remedy := cause.Remedy(p.name, p.section)
	switch {
	case cause == adminapi.CauseNone, cause == adminapi.CauseProxyFailed, cause == adminapi.CauseKeyNeverAccepted, // the key may lack a role only
		cause == adminapi.CauseBrokeOff, cause == adminapi.CauseBusy, cause == adminapi.CauseTooManyWait:
		return finding{}, false
	case cause == adminapi.CauseProxySetting:
		return passing(migrationlink.ErrWorkerUnavailable, remedy, err), true
	case cause == adminapi.CauseKeyNoLongerAccepted:
		return permanent(migrationlink.ErrKeyRejected, remedy), true
	case cause == adminapi.CauseClientCertificate, cause.Certificate():
		return permanent(migrationlink.ErrCertificateInvalid, remedy), true
	}
	return permanent(migrationlink.ErrWrongAPI, remedy), true
}

func (p party) meaningOfReply(err *adminapi.Error) finding {
	switch status := err.StatusCode; {
	case status < 300, status == http.StatusRequestTimeout, status == http.StatusTooManyRequests, status >= 500:
		found := p.isUnavailable(err)
		found.retryAfter = min(err.RetryAfter, maxRetryAfter)
		return found
	case status == http.StatusMethodNotAllowed && err.Code == "WRITES_NOT_ALLOWED_DURING_APP_UPGRADES":
		found := p.isUnavailable(err)
		found.retryAfter = max(upgradeDelay, min(err.RetryAfter, maxRetryAfter))
		return found
	case p.isMisplaced(err):
		return permanent(migrationlink.ErrWrongAPI,
			fmt.Sprintf("Check %s: it must be %s. If it is, check base_url and base_path of %s.", p.orgField, p.whose, p.section))
	case err.WrongAPI(), status == http.StatusMethodNotAllowed, status == http.StatusNotAcceptable:
		return p.isWrongAPI()
	case err.KeyRefused():
		return p.refusesKey(err)
	case err.RoleMissing():
		return permanent(migrationlink.ErrRoleMissing, fmt.Sprintf("Give %s the role Organization Owner in %s.", p.key, p.org))
	case status == http.StatusPaymentRequired:
		return permanent(migrationlink.ErrAccountSuspended, "Settle the account with MongoDB.")
	case status == http.StatusForbidden:
		return p.forbids(err)
	case err.OrgNotFound():
		return permanent(migrationlink.ErrOrgNotFound,
			fmt.Sprintf("Check %s: there is no organization %s that %s can see.", p.orgField, p.orgID, p.key))
	case status == http.StatusNotFound && err.Operation == adminapi.OperationAccess:
		return permanent(migrationlink.ErrWrongAPI, "Check base_url of "+p.section+".")
	case status == http.StatusNotFound:
		return p.isWrongAPI()
	}
	return p.refuses(err)
}

// isMisplaced reports whether the organization belongs to the other party.
func (p party) isMisplaced(err *adminapi.Error) bool {
	return err.StatusCode == http.StatusNotFound && slices.Contains(p.misplaced, err.Code)
}

func (p party) isWrongAPI() finding {
	return permanent(migrationlink.ErrWrongAPI, "Check base_url and base_path of "+p.section+": they must lead to the API of "+p.product+".")
}

// refusesKey names the refused pair. Only a service account gets access tokens, and it
// gets one before any other call.
func (p party) refusesKey(err *adminapi.Error) finding {
	pair := "public_key and private_key"
	if err.Operation == adminapi.OperationAccess {
		pair = "client_id and client_secret"
	}
	return permanent(migrationlink.ErrKeyRejected, "Check "+pair+" of "+p.section+" in the worker's configuration."+p.keyHint)
}

func (p party) forbids(err *adminapi.Error) finding {
	if !strings.Contains(err.Code, "ACCESS_LIST") && !strings.Contains(err.Code, "WHITELIST") {
		return permanent(migrationlink.ErrForbidden, p.notAllowed)
	}
	address := "the worker's address"
	if len(err.Parameters) > 0 {
		address = err.Parameters[0] + ", the worker's address as " + p.noun + " sees it,"
	}
	return permanent(migrationlink.ErrAccessListRefused, fmt.Sprintf("Add %s to the access list of %s.", address, p.key))
}

// refuses returns the meaning of a refusal that depends on the operation.
func (p party) refuses(err *adminapi.Error) finding {
	switch {
	case err.Operation == adminapi.OperationAccess:
		return permanent(migrationlink.ErrKeyRejected, "Check client_id, client_secret and base_url of "+p.section+" in the worker's configuration.")
	case err.Operation == opsmanager.OperationCreate && err.StatusCode == http.StatusBadRequest:
		return permanent(migrationlink.ErrTokenRejected,
			"Generate a new link-token in Atlas for this source organization and give it to the workers. Atlas shows each link-token once, and each serves one organization.")
	case err.Operation == opsmanager.OperationDelete && err.StatusCode == http.StatusConflict:
		projects := ""
		if len(err.Parameters) > 0 {
			projects = " of " + strings.Join(err.Parameters, ", ")
		}
		return permanent(migrationlink.ErrMigrationRunning, "End or cancel the live migration"+projects+" first.")
	}
	return permanent(migrationlink.ErrRequestRefused, p.lookUp)
}

// isUnavailable returns the meaning of an error that may pass.
func (p party) isUnavailable(err error) finding {
	remedy := cmp.Or(adminapi.CauseOf(err).Remedy(p.name, p.section), "Check that "+p.noun+" is up and that the worker reaches it.")
	found := passing(p.unavailable, remedy+" The call is retried until the deadline.", err)
	found.Message = fmt.Sprintf("%s: %v", p.name, err)
	return found
}
