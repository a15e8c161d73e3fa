package temporalconn

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"go.temporal.io/api/serviceerror"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/migrationlink/migrationlink/redact"
)

// Kind is what a connection fails for.
type Kind int

// Kinds of an Error.
const (
	Misconfigured Kind = iota
	Unreachable
	Refused
	NoNamespace
)

// Error is for the operator.
type Error struct {
	Kind    Kind
	Message string // what was tried and what came of it
	Remedy  string // whole sentences
}

func (e *Error) Error() string { return strings.TrimSuffix(e.Message, ".") + ". " + e.Remedy }

// Explain makes an *Error of an error that tells of the connection, and returns
// any other as it is.
func (o Options) Explain(err error) error {
	_, noNamespace := errors.AsType[*serviceerror.NamespaceNotFound](err)
	switch code := codeOf(err); {
	case noNamespace:
		return &Error{NoNamespace, fmt.Sprintf("Temporal at %s has no namespace %q", o.HostPort, o.Namespace),
			fmt.Sprintf("Create it, or set TEMPORAL_NAMESPACE%s or the profile.", o.orFlag("--namespace"))}
	case Silent(err):
		return o.unreachable(err)
	case code == codes.PermissionDenied || code == codes.Unauthenticated:
		return &Error{Refused, fmt.Sprintf("Temporal at %s refuses these credentials for namespace %q: %s", o.HostPort, o.Namespace, o.reason(err)),
			"Check TEMPORAL_API_KEY, the TLS client certificate and TEMPORAL_NAMESPACE."}
	}
	return err
}

func (o Options) unreachable(err error) error {
	if strings.Contains(err.Error(), "non-printable ASCII") { // gRPC has sent nothing
		return &Error{Misconfigured, "the API key, or a header, of the Temporal connection holds a line feed or another character that cannot be sent",
			"Correct TEMPORAL_API_KEY, TEMPORAL_GRPC_META_* or the profile; a file that a key comes from often ends with a line feed."}
	}
	reason, remedy := o.reason(err), fmt.Sprintf("Check that it runs, and set TEMPORAL_ADDRESS%s or a profile to its host:port, and TEMPORAL_TLS if it wants TLS.", o.orFlag("--address"))
	switch text := err.Error(); {
	case strings.Contains(text, "x509: "):
		remedy = "Set TEMPORAL_TLS_SERVER_CA_CERT_PATH to the authority that signed its certificate, and TEMPORAL_TLS_SERVER_NAME to a name that the certificate holds, or a profile."
	case o.ConnectionOptions.TLS != nil && hungUp(text):
		// With TLS 1.3 the refusal of a client's certificate comes after the
		// handshake, and often not at all.
		reason = "it ended the connection after the TLS handshake"
		remedy = "Check that TEMPORAL_TLS_CLIENT_CERT_PATH and TEMPORAL_TLS_CLIENT_KEY_PATH, or the profile, name a certificate that it accepts, and that Temporal runs there."
	}
	return &Error{Unreachable, fmt.Sprintf("Temporal cannot be reached at %s (%s)", o.HostPort, reason), remedy}
}

// hungUp tells whether the server, or what stands before it, broke off.
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

// Silent tells whether err says nothing but that Temporal does not answer now.
func Silent(err error) bool {
	code := codeOf(err)
	return code == codes.Unavailable || code == codes.DeadlineExceeded
}

// reason keeps a server, or what stands before it, from repeating the key.
func (o Options) reason(err error) string { return redact.Remove(Reason(err), o.secrets...) }

// Reason is the part of a gRPC error that says something.
func Reason(err error) string {
	if codeOf(err) == codes.DeadlineExceeded {
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

func codeOf(err error) codes.Code {
	if errors.Is(err, context.DeadlineExceeded) {
		return codes.DeadlineExceeded
	}
	if found, ok := errors.AsType[serviceerror.ServiceError](err); ok {
		return found.Status().Code()
	}
	return status.Code(err) // not every code has a type of its own
}
