package adminapi

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Cause says why a call failed without an answer of the API itself: who answered in its
// place, or what failed before an answer.
type Cause string

// The causes. The zero value means none.
const (
	CauseNone                        Cause = ""
	CauseProxyAuthRequired           Cause = "proxy authentication required"
	CauseProxyRefused                Cause = "refused by a proxy"
	CauseProxyFailed                 Cause = "a proxy has no answer" // it is down, or has no connection itself
	CauseProxySetting                Cause = "invalid proxy setting"
	CausePlainHTTPToTLSPort          Cause = "plain http to a port for https"
	CauseTLSToPlainPort              Cause = "https to a port for plain http"
	CauseCertificateExpired          Cause = "certificate expired"
	CauseCertificateNotYetValid      Cause = "certificate not yet valid"
	CauseCertificateUnknownAuthority Cause = "certificate of an unknown authority"
	CauseCertificateName             Cause = "certificate for another name"
	CauseCertificateInvalid          Cause = "invalid certificate"
	CauseClientCertificate           Cause = "client certificate refused"
	CauseLoginPage                   Cause = "page in place of a reply"
	CauseRedirect                    Cause = "redirect"
	CauseIntermediary                Cause = "refused by another server"
	CauseNoAuthentication            Cause = "another authentication"
	CauseKeyNeverAccepted            Cause = "API key never accepted"
	CauseKeyNoLongerAccepted         Cause = "API key no longer accepted"
	CauseBrokeOff                    Cause = "reply broke off"
	CauseTooManyWait                 Cause = "too many requests wait"
	CauseBusy                        Cause = "too many long replies"
)

// Causes returns all causes that have a remedy.
func Causes() []Cause { return slices.Sorted(maps.Keys(remedies)) }

// CauseOf returns the cause of err, which a client returned, or CauseNone.
func CauseOf(err error) Cause {
	if apiError, ok := errors.AsType[*Error](err); ok {
		return apiError.Cause
	}
	if transportError, ok := errors.AsType[*TransportError](err); ok {
		return transportCause(transportError.Err)
	}
	return CauseNone
}

// Remedy returns what operators can do, as sentences, or nothing for CauseNone. The
// party should have answered, such as "the manager". The section is the one in the
// worker's configuration, such as "[managers.demo]".
func (cause Cause) Remedy(party, section string) string {
	text, ok := remedies[cause]
	if !ok {
		return ""
	}
	return strings.NewReplacer("PARTY", party, "SECTION", section).Replace(text)
}

var remedies = map[Cause]string{
	CauseProxyAuthRequired:           "Give HTTPS_PROXY (for a plain http address HTTP_PROXY) of the worker a user and a password that the proxy accepts, or exempt PARTY from the proxy with NO_PROXY.",
	CauseProxyRefused:                "Have the proxy let the worker reach PARTY, or exempt PARTY from the proxy with NO_PROXY.",
	CauseProxyFailed:                 "Check HTTPS_PROXY and HTTP_PROXY of the worker, that the proxy is up and that it reaches PARTY, or exempt PARTY from the proxy with NO_PROXY.",
	CauseProxySetting:                "Correct the variable of the worker, or unset it, and restart the worker.",
	CausePlainHTTPToTLSPort:          "Use https in base_url of SECTION: this port serves TLS.",
	CauseTLSToPlainPort:              "Use a port that serves https in base_url of SECTION: what answers at this one speaks no TLS.",
	CauseCertificateExpired:          "Renew the certificate of PARTY. If it has not expired, the clock of the worker is wrong: correct it.",
	CauseCertificateNotYetValid:      "Correct the clock of the worker. If it is right, replace the certificate of PARTY with one that is valid now.",
	CauseCertificateUnknownAuthority: "Set ca_file of SECTION to the certificate of the authority that signed the certificate of PARTY.",
	CauseCertificateName:             "Use a name in base_url of SECTION that the certificate of PARTY holds, or have a certificate issued for this name.",
	CauseCertificateInvalid:          "Replace the certificate of PARTY, or set ca_file of SECTION to the authority that signed it.",
	CauseClientCertificate:           "Set client_cert_file and client_key_file of SECTION to a certificate that PARTY trusts.",
	CauseLoginPage:                   "Check base_url and base_path of SECTION, and exempt the API from any sign-on page in front of PARTY.",
	CauseRedirect:                    "Check base_url and base_path of SECTION: they must lead to the API itself. Check that no sign-on page or proxy in front of PARTY redirects its calls.",
	CauseIntermediary:                "Check the proxies, load balancers and firewalls between the worker and PARTY: one of them refused the call. If there are none, check base_url and base_path of SECTION.",
	CauseNoAuthentication:            "Check base_url and base_path of SECTION: they must lead to the API. Check that no proxy in front of PARTY authenticates in its place.",
	CauseKeyNeverAccepted:            "Check public_key and private_key of SECTION. If they are right, check that no proxy in front of PARTY removes the Authorization header.",
	CauseKeyNoLongerAccepted:         "Check whether the API key of SECTION was revoked or replaced. If it is good, the nodes behind a load balancer in front of PARTY may not know each other's nonces: have the balancer keep a client at one node.",
	CauseBrokeOff:                    "Check the network and the proxies between the worker and PARTY: a reply did not arrive as a whole.",
	CauseBusy:                        "Nothing is known to be wrong with PARTY, except that it may be slow. The call is repeated. Start more workers if this persists.",
	CauseTooManyWait:                 "Nothing is wrong with PARTY: the worker makes as many requests as requests_per_second of SECTION permits. Raise it, or let links poll less often: see max_poll_interval of their manager.",
}

// certificateCauses mean that the server's certificate was not accepted.
var certificateCauses = []Cause{
	CauseCertificateExpired, CauseCertificateNotYetValid, CauseCertificateUnknownAuthority, CauseCertificateName, CauseCertificateInvalid,
}

// Certificate reports whether the server's certificate was not accepted.
func (cause Cause) Certificate() bool { return slices.Contains(certificateCauses, cause) }

// transportCause returns why there was no reply.
func transportCause(err error) Cause {
	if refused, ok := errors.AsType[*proxyError](err); ok {
		return refused.cause()
	}
	if failed, ok := errors.AsType[*net.OpError](err); ok && (failed.Op == "proxyconnect" || failed.Op == "socks connect") {
		return CauseProxyFailed
	}
	if invalid, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return certificateCause(invalid.Err)
	}
	if _, ok := errors.AsType[tls.RecordHeaderError](err); ok {
		return CauseTLSToPlainPort
	}
	switch {
	case errors.Is(err, errTooManyWait):
		return CauseTooManyWait
	case errors.Is(err, errBusy):
		return CauseBusy
	case errors.Is(err, errBrokeOff):
		return CauseBrokeOff
	case errors.Is(err, errProxySetting):
		return CauseProxySetting
	case errors.Is(err, ErrAcceptedKeyRefused):
		return CauseKeyNoLongerAccepted
	case errors.Is(err, ErrClientCertificate):
		return CauseClientCertificate
	case errors.Is(err, ErrAuthentication):
		return CauseNoAuthentication
	case errors.Is(err, errTLSAlert):
		return CausePlainHTTPToTLSPort
	}
	return CauseNone
}

func certificateCause(err error) Cause {
	if invalid, ok := errors.AsType[x509.CertificateInvalidError](err); ok && invalid.Reason == x509.Expired {
		if invalid.Cert != nil && time.Now().Before(invalid.Cert.NotBefore) {
			return CauseCertificateNotYetValid
		}
		return CauseCertificateExpired
	}
	if _, ok := errors.AsType[x509.UnknownAuthorityError](err); ok {
		return CauseCertificateUnknownAuthority
	}
	if _, ok := errors.AsType[x509.HostnameError](err); ok {
		return CauseCertificateName
	}
	return CauseCertificateInvalid
}

// errTLSAlert means that the server answered plain http with a TLS alert.
var errTLSAlert = errors.New("the server answers with TLS, and was asked in plain http")

// isTLSAlert matches the message of net/http for a TLS alert in place of a status line.
// There is no error type for it.
func isTLSAlert(err error) bool {
	return strings.Contains(err.Error(), `malformed HTTP response "\x15\x03`)
}

// tlsWanted matches the answers of nginx, Apache and Go to plain http on an https port.
var tlsWanted = regexp.MustCompile(`(?i)plain HTTP request was sent to HTTPS port|speaking plain HTTP to an SSL-enabled|HTTP request to an HTTPS server`)

// replyCause returns who may have rejected a call in place of the API. A reply with an
// empty body may be the API's own, but not to a call without credentials, nor a 404: the API
// says what it has not found, and an ingress without a route says nothing.
func (c *Client) replyCause(call *Call, r *Reply, own bool) Cause {
	switch status := r.Status; {
	case status == http.StatusProxyAuthRequired:
		return CauseProxyAuthRequired
	case status >= 300 && status < 400:
		return CauseRedirect
	case status == http.StatusUnauthorized && c.access == nil && !keyAccepted(r):
		return CauseKeyNeverAccepted // otherwise withDigest has returned ErrAcceptedKeyRefused
	case own || passing(status) || call.authorized && len(r.Body) == 0 && status != http.StatusNotFound:
		return CauseNone
	case c.base.Scheme == "http" && status == http.StatusBadRequest && tlsWanted.Match(r.Body):
		return CausePlainHTTPToTLSPort
	case r.proxy != "" && status == http.StatusForbidden:
		return CauseProxyRefused
	}
	return CauseIntermediary
}

// passing reports whether the status is that of a temporary error.
func passing(status int) bool {
	return status >= 500 || status == http.StatusRequestTimeout || status == http.StatusTooManyRequests
}

// notOwn describes a reply that is not the API's own.
func (c *Client) notOwn(call *Call, r *Reply, cause Cause) string {
	kind := fmt.Sprintf("%s, %d bytes", c.contentType(call, r), len(r.Body))
	switch cause {
	case CauseProxyAuthRequired:
		return proxyName(r.proxy) + " wants a user and a password (" + kind + ")"
	case CauseProxyRefused:
		return "the reply seems to be that of " + proxyName(r.proxy) + ", not " + c.config.Party + "'s own (" + kind + ")"
	case CausePlainHTTPToTLSPort:
		return "the port is for https, and was asked in plain http (" + kind + ")"
	}
	return "the reply is not " + c.config.Party + "'s own (" + kind + ")"
}

// doubtful are the causes that may be temporary, or come from one of several servers.
var doubtful = append(slices.Clone(certificateCauses), CauseProxyAuthRequired, CauseProxyRefused, CauseProxySetting,
	CausePlainHTTPToTLSPort, CauseTLSToPlainPort, CauseClientCertificate, CauseLoginPage, CauseRedirect, CauseNoAuthentication,
	CauseKeyNoLongerAccepted, CauseIntermediary)

// Doubtful reports whether err looks final, but may be temporary or come from another
// server: every 3xx, every 4xx except 408 and 429 that is not the API's own, a 401 for
// the key itself, a page in place of a success, a rejection by a proxy, another
// authentication scheme, and a certificate that was not accepted. If the server has
// worked before, such an error is worth a retry. A rejection by the API itself, with a
// code that says what is wrong, is final.
func Doubtful(err error) bool {
	if slices.Contains(doubtful, CauseOf(err)) {
		return true
	}
	refused, ok := errors.AsType[*Error](err)
	if !ok {
		return false
	}
	switch status := refused.StatusCode; {
	case status >= 300 && status < 400:
		return true
	case status < 400, passing(status):
		return false
	case status == http.StatusUnauthorized && !refused.RoleMissing():
		return refused.Code == "" || refused.Code == "UNEXPECTED_ERROR"
	}
	return !refused.Own && refused.Code == ""
}
