package temporalconn

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// proxyOf returns the proxy through which gRPC connects, or nil. The error does not
// contain the variable's value, which may hold a password.
func proxyOf(hostPort string) (*url.URL, error) {
	proxy, err := http.ProxyFromEnvironment(&http.Request{URL: &url.URL{Scheme: "https", Host: hostPort}})
	if err != nil || proxy != nil && !isHost(proxy.Host) {
		return nil, errors.New("HTTPS_PROXY is not the URL of a proxy")
	}
	return proxy, nil
}

// isHost reports whether text is a host, or a host and a port. net/http accepts invalid
// URLs: http://user@[::1 becomes a proxy on the host "http:".
func isHost(text string) bool {
	_, port, err := net.SplitHostPort(text)
	if err != nil {
		return text != "" && !strings.Contains(strings.Trim(text, "[]"), ":") || strings.HasSuffix(text, "]")
	}
	number, err := strconv.ParseUint(port, 10, 16)
	return err == nil && number > 0
}

// probeLimit limits a handshake with a server that has answered before.
const probeLimit = 2 * time.Second

// speaksTLS reports whether the server at an address takes part in a TLS handshake. It
// sends nothing else.
func speaksTLS(ctx context.Context, hostPort string) bool {
	ctx, cancel := context.WithTimeout(ctx, probeLimit)
	defer cancel()
	dialer := tls.Dialer{Config: &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS12}} //nolint:gosec // the connection carries nothing
	connection, err := dialer.DialContext(ctx, "tcp", hostPort)
	if err == nil {
		_ = connection.Close()
		return true
	}
	return strings.Contains(err.Error(), "remote error: tls: ") // for example for want of a client certificate
}
