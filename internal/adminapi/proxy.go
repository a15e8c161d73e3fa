package adminapi

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"unicode"

	"golang.org/x/net/http/httpproxy"
)

// errProxySetting is in a TransportError if a proxy variable is invalid. Nothing is sent
// then.
var errProxySetting = errors.New("the proxy setting of the worker cannot be used")

// proxyVariables are the variables by the scheme of the request. net/http uses the first
// that is not empty.
var proxyVariables = map[string][]string{
	"http":  {"HTTP_PROXY", "http_proxy"},
	"https": {"HTTPS_PROXY", "https_proxy"},
}

// CheckProxyEnvironment returns an error that names each invalid proxy variable, but not
// its value, which may hold a password. Without this check net/http would ignore such a
// variable and bypass the proxy.
func CheckProxyEnvironment() error {
	return errors.Join(checkProxyFor("https"), checkProxyFor("http"))
}

func checkProxyFor(scheme string) error {
	for _, name := range proxyVariables[scheme] {
		if value := os.Getenv(name); value != "" {
			if why := checkProxy(withEncodedUser(value)); why != "" {
				return fmt.Errorf("%s: %s; it must look like http://proxy.example.com:3128, with special characters of a user or password percent-encoded", name, why)
			}
			return nil
		}
	}
	return nil
}

// withEncodedUser percent-encodes user and password of a proxy address if they are not
// encoded: a %, #, / or ? in a password would change the meaning of the URL.
func withEncodedUser(address string) string {
	scheme, rest, found := strings.Cut(address, "://")
	if !found {
		scheme, rest = "http", address
	}
	at := strings.LastIndex(rest, "@")
	if !found && strings.Contains(rest, ":/") {
		return address // a scheme with one slash missing
	}
	if _, err := url.Parse(scheme + "://" + rest); at < 0 || err == nil && !strings.ContainsAny(rest[:at], "/?#") {
		return address
	}
	user := url.User(rest[:at])
	if name, password, ok := strings.Cut(rest[:at], ":"); ok {
		user = url.UserPassword(name, password)
	}
	return scheme + "://" + user.String() + "@" + rest[at+1:]
}

// proxyFromEnvironment is http.ProxyFromEnvironment, but accepts any password. It also
// reads the environment once.
var proxyFromEnvironment = sync.OnceValue(func() func(*url.URL) (*url.URL, error) {
	settings := httpproxy.FromEnvironment()
	settings.HTTPProxy, settings.HTTPSProxy = withEncodedUser(settings.HTTPProxy), withEncodedUser(settings.HTTPSProxy)
	return settings.ProxyFunc()
})

// checkProxy returns what is wrong with the address of a proxy, without repeating any
// part of it.
func checkProxy(value string) string {
	if strings.ContainsFunc(value, func(r rune) bool { return unicode.IsControl(r) || unicode.IsSpace(r) }) {
		return "it holds a space, a line break or another control character"
	}
	proxy, err := url.Parse(value)
	if err != nil || proxy.Scheme == "" || proxy.Host == "" {
		proxy, err = url.Parse("http://" + value) // as net/http does with an address without a scheme
	}
	switch {
	case err != nil:
		return "it is not a URL"
	case !slices.Contains([]string{"http", "https", "socks5", "socks5h"}, proxy.Scheme):
		return "its scheme is not http, https or socks5"
	case proxy.Hostname() == "" || strings.HasSuffix(proxy.Host, ":"):
		return "it names no host, or no port after the colon"
	case !ValidPort(proxy.Port()):
		return "its port is not a number from 1 to 65535"
	case strings.Trim(proxy.Path, "/") != "" || proxy.RawQuery != "" || proxy.Fragment != "":
		return "it holds more than scheme, user, password, host and port"
	}
	return ""
}

// ValidPort reports whether port is a number from 1 to 65535, or empty.
func ValidPort(port string) bool {
	number, err := strconv.ParseUint(port, 10, 16)
	return port == "" || err == nil && number > 0
}

// proxyFor returns the proxy for a request as net/http does, but fails where net/http
// would ignore an invalid variable.
func proxyFor(request *http.Request) (*url.URL, error) {
	if err := checkProxyFor(request.URL.Scheme); err != nil && !IsLoopback(request.URL.Hostname()) {
		return nil, fmt.Errorf("%w: %w", errProxySetting, err)
	}
	proxy, err := proxyFromEnvironment()(request.URL)
	if err != nil { // it may contain the address
		return nil, fmt.Errorf("%w: HTTPS_PROXY or HTTP_PROXY", errProxySetting)
	}
	return proxy, nil
}

// proxyAddress returns host and port, without user and password.
func proxyAddress(proxy *url.URL) string {
	port := proxy.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[proxy.Scheme]
	}
	if port == "" {
		return proxy.Hostname()
	}
	return net.JoinHostPort(proxy.Hostname(), port)
}

func proxyName(address string) string {
	if address == "" {
		return "a proxy on the way"
	}
	return "the proxy " + address
}

// proxyError is a proxy's rejection of a CONNECT.
type proxyError struct {
	address string
	status  int
}

func (e *proxyError) Error() string {
	switch e.cause() {
	case CauseProxyAuthRequired:
		return fmt.Sprintf("the proxy %s wants a user and a password: HTTP %d to CONNECT", e.address, e.status)
	case CauseProxyRefused:
		return fmt.Sprintf("the proxy %s does not let the worker through: HTTP %d to CONNECT", e.address, e.status)
	}
	return fmt.Sprintf("the proxy %s has no connection: HTTP %d to CONNECT", e.address, e.status)
}

func (e *proxyError) cause() Cause {
	switch {
	case e.status == http.StatusProxyAuthRequired:
		return CauseProxyAuthRequired
	case e.status >= 300 && !passing(e.status):
		return CauseProxyRefused
	}
	return CauseProxyFailed
}

// onProxyConnect returns an error that names the proxy, which net/http does not.
func onProxyConnect(_ context.Context, proxy *url.URL, _ *http.Request, response *http.Response) error {
	if response.StatusCode == http.StatusOK {
		return nil
	}
	return &proxyError{address: proxyAddress(proxy), status: response.StatusCode}
}
