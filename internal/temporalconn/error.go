package temporalconn

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"go.temporal.io/api/serviceerror"
	"google.golang.org/grpc/codes"

	"github.com/migrationlink/migrationlink/internal/temporalerr"
)

// Kind says why a connection or a call failed.
type Kind int

// The kinds.
const (
	Misconfigured Kind = iota
	Unreachable
	Refused
	NoNamespace
	RateLimited // a call that had no effect
	Unsupported // the server does not offer the call
	Unavailable // the server answers, but cannot do it now
	Codec       // payloads cannot be encoded or decoded
)

// Error tells the operator what failed and what to do.
type Error struct {
	Kind    Kind
	Message string // what was tried and the result
	Remedy  string // in full sentences
}

func (e *Error) Error() string { return strings.TrimSuffix(e.Message, ".") + ". " + e.Remedy }

// Explain converts an error of the connection to an *Error. It returns any other error
// unchanged.
func (o Options) Explain(err error) error {
	_, noNamespace := errors.AsType[*serviceerror.NamespaceNotFound](err)
	switch code := temporalerr.Code(err); {
	case noNamespace:
		return &Error{NoNamespace, fmt.Sprintf("Temporal at %s has no namespace %q", o.HostPort, o.Namespace),
			fmt.Sprintf("Create it, or set TEMPORAL_NAMESPACE%s or the profile.", o.orFlag("--namespace"))}
	case temporalerr.Limited(err):
		return &Error{RateLimited, fmt.Sprintf("Temporal at %s limits the rate of requests to namespace %q (%s)", o.HostPort, o.Namespace, o.reason(err)),
			"Wait a moment and repeat the command. If that does not help, raise the limit of the namespace (frontend.namespaceRPS of a server of your own), or find out who uses it up."}
	case answeredUnavailable(err):
		return &Error{Unavailable, fmt.Sprintf("Temporal at %s cannot do that now (%s)", o.HostPort, o.reason(err)),
			"Wait a moment and repeat the command. If that does not help, look at the log of Temporal and at its database."}
	case temporalerr.Silent(err):
		return o.unreachable(err)
	case temporalerr.NotOffered(err):
		return &Error{Unsupported, fmt.Sprintf("Temporal at %s does not offer a call that this needs: %s", o.HostPort, o.reason(err)),
			"Use a server of version " + LeastServer + " or later, or have its operators allow the call."}
	case code == codes.PermissionDenied || code == codes.Unauthenticated:
		return &Error{Refused, fmt.Sprintf("Temporal at %s refuses these credentials for namespace %q: %s", o.HostPort, o.Namespace, o.reason(err)),
			"Check TEMPORAL_API_KEY, the TLS client certificate and TEMPORAL_NAMESPACE."}
	}
	return err
}

// answeredUnavailable reports whether err is Temporal's own reply, for example because
// its visibility store is down, and not an error of the connection.
func answeredUnavailable(err error) bool {
	if temporalerr.Code(err) != codes.Unavailable || temporalerr.Unsent(err) || hungUp(err.Error()) {
		return false
	}
	text := err.Error()
	for _, sign := range []string{"transport", "error reading", "non-printable ASCII", "zero addresses", "no children to pick from", "resolver", "x509: ", "tls: ", "frame too large", "desc = "} {
		if strings.Contains(text, sign) {
			return false
		}
	}
	return true
}

func (o Options) unreachable(err error) error {
	if strings.Contains(err.Error(), "non-printable ASCII") { // gRPC has sent nothing
		return &Error{Misconfigured, "the API key, or a header, of the Temporal connection holds a line feed or another character that cannot be sent",
			"Correct TEMPORAL_API_KEY, TEMPORAL_GRPC_META_* or the profile; a file that a key comes from often ends with a line feed."}
	}
	reason, remedy := o.reason(err), fmt.Sprintf("Check that it runs. Set TEMPORAL_ADDRESS%s or a profile to its host:port, and TEMPORAL_TLS if it uses TLS.", o.orFlag("--address"))
	if o.proxy != "" {
		remedy = "Check the proxy that HTTPS_PROXY names, or set NO_PROXY to Temporal's host if it needs no proxy. " + remedy
	}
	switch text := err.Error(); {
	case strings.Contains(text, "407 "):
		reason = "the proxy asks for a user and a password"
		remedy = "Put them into HTTPS_PROXY, as http://user:password@host:port, or set NO_PROXY to Temporal's host if it needs no proxy."
	case strings.Contains(text, "failed to do connect handshake"):
		reason = "the proxy refuses to connect there"
	case strings.Contains(text, "certificate has expired or is not yet valid"):
		remedy = "Renew Temporal's certificate, or correct the clock of this machine, whichever is wrong."
	case strings.Contains(text, "first record does not look like a TLS handshake"):
		reason = "it answers without TLS, but TLS is on here"
		remedy = fmt.Sprintf("Set TEMPORAL_ADDRESS%s or the profile to its port with TLS, or, if it has none, set TEMPORAL_TLS=false and leave TEMPORAL_TLS_* and TEMPORAL_API_KEY out.", o.orFlag("--address"))
	case strings.Contains(text, "x509: "):
		remedy = "Set TEMPORAL_TLS_SERVER_CA_CERT_PATH to the authority that signed its certificate, and TEMPORAL_TLS_SERVER_NAME to a name that the certificate holds, or a profile."
	case o.ConnectionOptions.TLS != nil && hungUp(text):
		// With TLS 1.3 the refusal of a client's certificate comes after the
		// handshake, and often not at all.
		reason = "it ended the connection after the TLS handshake"
		if end, expired := o.certificate.expired(time.Now()); expired {
			return &Error{Unreachable, fmt.Sprintf("Temporal cannot be reached at %s (%s; the client certificate has expired on %s)", o.HostPort, reason, end.UTC().Format(time.RFC3339)),
				"Renew the certificate in TEMPORAL_TLS_CLIENT_CERT_PATH, or the profile, or correct the clock of this machine, whichever is wrong."}
		}
		remedy = "Check that TEMPORAL_TLS_CLIENT_CERT_PATH and TEMPORAL_TLS_CLIENT_KEY_PATH, or the profile, name a certificate that it accepts, and that Temporal runs there."
	}
	where := o.HostPort
	if o.proxy != "" {
		where += " through the proxy " + o.proxy
	}
	return &Error{Unreachable, fmt.Sprintf("Temporal cannot be reached at %s (%s)", where, reason), remedy}
}

// hungUp reports whether the server, or something in front of it, closed the connection.
func hungUp(text string) bool {
	for _, sign := range []string{"server preface", "broken pipe", "connection reset", "EOF", "remote error: tls: "} {
		if strings.Contains(text, sign) && !strings.Contains(text, "handshake failed") {
			return true
		}
	}
	return false
}

func (o Options) orFlag(name string) string {
	if !o.flags {
		return ""
	}
	return ", " + name
}

// reason is Reason without secrets: a server may repeat the key.
func (o Options) reason(err error) string { return o.secrets.remove(Reason(err)) }

// Reason returns the informative part of a gRPC error.
func Reason(err error) string {
	if temporalerr.Code(err) == codes.DeadlineExceeded {
		return "no answer in time"
	}
	text := err.Error()
	switch {
	case strings.Contains(text, "no children to pick from"), strings.Contains(text, "produced zero addresses"):
		return "no such host"
	case strings.Contains(text, "server preface"), strings.Contains(text, "frame too large"):
		return "what answers there is not Temporal"
	}
	for _, noise := range []string{"Error while dialing: ", "desc = "} {
		if at := strings.LastIndex(text, noise); at >= 0 {
			text = text[at+len(noise):]
		}
	}
	text = strings.TrimPrefix(strings.TrimPrefix(text, "failed reaching server: "), `"`)
	return strings.ReplaceAll(strings.TrimSuffix(text, `"`), `\"`, `"`)
}
