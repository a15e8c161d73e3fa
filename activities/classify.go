package activities

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"go.temporal.io/sdk/temporal"

	"github.com/migrationlink/migrationlink"
	"github.com/migrationlink/migrationlink/opsmanager"
)

// finding is what an outcome of the API means.
type finding struct {
	migrationlink.Problem
	final      bool          // no retry heals it
	benign     bool          // it is no failure, just not the end
	retryAfter time.Duration // at least, when the manager asks for it
	cause      error         // a context's error, when the call was cancelled
}

const (
	// upgradeDelay is for managers that are being upgraded: that takes minutes.
	upgradeDelay = 30 * time.Second
	// maxRetryAfter bounds what a manager can ask for.
	maxRetryAfter = 15 * time.Minute
)

// classify is the one place that decides what an error of the API means: by HTTP
// status first, then by code, never by words.
func classify(target Target, err error) finding {
	if transportError, ok := errors.AsType[*opsmanager.TransportError](err); ok {
		return classifyTransport(target, transportError)
	}
	apiError, ok := errors.AsType[*opsmanager.Error](err)
	if !ok {
		return unavailable(target, err)
	}
	found := classifyReply(target, apiError)
	found.HTTPStatus, found.Code = apiError.StatusCode, apiError.Code
	found.Message = fmt.Sprintf("manager %q: %v", target.Manager, apiError)
	return found
}

func classifyTransport(target Target, err *opsmanager.TransportError) finding {
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err.Err); ok {
		return permanent(migrationlink.ErrCertificateInvalid, fmt.Sprintf("manager %q: %v", target.Manager, err),
			"Set ca_file of the manager to the authority that signed its certificate, and base_url to a name that the certificate holds.")
	}
	if errors.Is(err, opsmanager.ErrClientCertificate) {
		return permanent(migrationlink.ErrCertificateInvalid, fmt.Sprintf("manager %q: %v", target.Manager, err),
			"Set client_cert_file and client_key_file of the manager to a certificate that it trusts.")
	}
	if errors.Is(err, opsmanager.ErrAuthentication) {
		return permanent(migrationlink.ErrWrongAPI, fmt.Sprintf("manager %q: %v", target.Manager, err),
			"Check base_url and base_path of the manager.")
	}
	return unavailable(target, err)
}

func classifyReply(target Target, err *opsmanager.Error) finding {
	switch status := err.StatusCode; {
	case status < 300, status == http.StatusRequestTimeout, status == http.StatusTooManyRequests, status >= 500:
		found := unavailable(target, err)
		found.retryAfter = min(err.RetryAfter, maxRetryAfter)
		return found
	case status == http.StatusMethodNotAllowed && err.Code == "WRITES_NOT_ALLOWED_DURING_APP_UPGRADES":
		found := unavailable(target, err)
		found.retryAfter = max(upgradeDelay, min(err.RetryAfter, maxRetryAfter))
		return found
	case err.AtlasOrg():
		return permanent(migrationlink.ErrWrongAPI, "", "Check orgId: it must be the source organization's in Ops Manager or Cloud Manager, not the target's in Atlas. If it is, check base_url and base_path of the manager.")
	case err.WrongAPI(), status == http.StatusMethodNotAllowed:
		return permanent(migrationlink.ErrWrongAPI, "", "Check base_url and base_path of the manager: they must lead to the API of Ops Manager or Cloud Manager.")
	case status == http.StatusBadRequest:
		return badRequest(err)
	case status == http.StatusUnauthorized:
		return unauthorized(target, err)
	case status == http.StatusPaymentRequired:
		return permanent(migrationlink.ErrAccountSuspended, "", "Settle the account with MongoDB.")
	case status == http.StatusForbidden:
		return forbidden(target, err)
	case status == http.StatusNotFound:
		return notFound(target, err)
	case status == http.StatusConflict && err.Operation == opsmanager.OperationDelete:
		return permanent(migrationlink.ErrMigrationRunning, "", migrationRemedy(err))
	}
	return permanent(migrationlink.ErrRequestRefused, "", "Look up the code in the manager's API documentation.")
}

func badRequest(err *opsmanager.Error) finding {
	if err.Operation != opsmanager.OperationCreate {
		return permanent(migrationlink.ErrRequestRefused, "", "Look up the code in the manager's API documentation.")
	}
	return permanent(migrationlink.ErrTokenRejected, "",
		"Generate a new link-token in Atlas for this source organization (each is shown once and serves one organization) and give it to the workers.")
}

func unauthorized(target Target, err *opsmanager.Error) finding {
	if slices.Contains([]string{"NOT_ORG_OWNER", "USER_UNAUTHORIZED", "USER_CANNOT_ACCESS_ORG", "NOT_ORG_ADMIN"}, err.Code) {
		return permanent(migrationlink.ErrRoleMissing, "",
			fmt.Sprintf("Give the API key of manager %q the role Organization Owner in organization %s.", target.Manager, target.OrgID))
	}
	return permanent(migrationlink.ErrKeyRejected, "",
		fmt.Sprintf("Check public_key and private_key of manager %q in the worker's configuration: the manager refused correct answers to several fresh challenges.", target.Manager))
}

func forbidden(target Target, err *opsmanager.Error) finding {
	if !strings.Contains(err.Code, "ACCESS_LIST") && !strings.Contains(err.Code, "WHITELIST") {
		return permanent(migrationlink.ErrForbidden, "",
			"Ask the manager's administrator whether live migration is allowed for this organization.")
	}
	address := "the worker's address"
	if len(err.Parameters) > 0 {
		address = err.Parameters[0] + ", the worker's address as the manager sees it,"
	}
	return permanent(migrationlink.ErrAccessListRefused, "",
		fmt.Sprintf("Add %s to the access list of the API key of manager %q.", address, target.Manager))
}

func notFound(target Target, err *opsmanager.Error) finding {
	if err.OrgNotFound() {
		return permanent(migrationlink.ErrOrgNotFound, "",
			fmt.Sprintf("Check orgId: manager %q has no organization %s that its API key can see.", target.Manager, target.OrgID))
	}
	return permanent(migrationlink.ErrWrongAPI, "", "Check base_url and base_path of the manager, and that its version has live migration.")
}

func migrationRemedy(err *opsmanager.Error) string {
	projects := ""
	if len(err.Parameters) > 0 {
		projects = " of " + strings.Join(err.Parameters, ", ")
	}
	return "End or cancel the live migration" + projects + " first."
}

func permanent(errorType, message, remedy string) finding {
	return finding{final: true, Problem: migrationlink.Problem{Type: errorType, Message: message, Remedy: remedy}}
}

func unavailable(target Target, err error) finding {
	return finding{
		cause: err,
		Problem: migrationlink.Problem{
			Type:    migrationlink.ErrManagerUnavailable,
			Message: fmt.Sprintf("manager %q: %v", target.Manager, err),
			Remedy:  "Check that the manager is up and that the worker reaches it. Until the limit of the request it is tried again.",
		},
	}
}

// replyLost is the error for a creation that may have taken effect. It is final
// for Temporal, which would otherwise repeat an attempt that an operator has
// paused, whatever its limit of attempts; the workflow repeats it.
func replyLost(target Target, err error, posting Posting, delay time.Duration) error {
	found := classify(target, err)
	found.Type, found.final, found.cause = migrationlink.ErrReplyLost, true, nil
	found.Remedy = "Check that the manager is up and that the worker reaches it. The link is looked for first, and created again only if it does not appear."
	return applicationError(found, delay, posting)
}

// stillInDoubt is the error for what may be a link that appears late: some
// managers report a status without a link, too. It comes back when the doubt is
// over.
func stillInDoubt(in CreateLinkInput, status string) error {
	return applicationError(notSynced(in.Target, status), time.Until(in.DoubtUntil))
}

func final(problem migrationlink.Problem) error {
	return applicationError(finding{Problem: problem, final: true}, 0)
}

// asTemporal turns a finding into what an activity returns: the bare context's
// error when the attempt was cancelled, or else the application error itself,
// never wrapped, as only the outermost error says whether and when to retry.
func asTemporal(ctx context.Context, found finding, delay time.Duration, details ...any) error {
	if found.cause != nil && cancelled(ctx, found.cause) {
		return ctx.Err()
	}
	return applicationError(found, delay, details...)
}

func applicationError(found finding, delay time.Duration, details ...any) error {
	options := temporal.ApplicationErrorOptions{
		NonRetryable:   found.final,
		NextRetryDelay: max(delay, found.retryAfter),
		Details:        append([]any{found.Problem}, details...),
	}
	if found.benign {
		options.Category = temporal.ApplicationErrorCategoryBenign
	}
	return temporal.NewApplicationErrorWithOptions(found.Message, found.Type, options)
}
