package adminapi

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// connectionIdle is how long an unused connection is kept. Polls of one link are at
	// most 45 s apart.
	connectionIdle = 90 * time.Second
	// maxIdleConns limits the connections that remain after a burst.
	maxIdleConns = 64
)

// errNoConnection means that the conn is closed and must not connect again.
var errNoConnection = errors.New("the connection was closed")

// ErrClientCertificate is in a TransportError if the server asks for a client
// certificate and gets none that it trusts.
var ErrClientCertificate = errors.New("the server wants a client certificate that it trusts")

// A conn is one connection with the challenges received on it. One call at a time uses
// it, so that nonce counts reach the server in order, which some servers verify, and a
// POST can follow a GET on the same connection.
type conn struct {
	transport *http.Transport // holds one connection at most
	nonces    nonces
	// opened reports whether a service account has had an answer here.
	opened bool
	// connected forbids a new connection: the next request must not be the first on its
	// connection.
	connected atomic.Bool
	// asked reports whether the server has asked for a client certificate and not
	// answered a request since.
	asked atomic.Bool
}

func newConn(config *tls.Config) *conn {
	c := &conn{}
	dialer := &net.Dialer{Timeout: 10 * time.Second}
	c.transport = &http.Transport{
		Proxy:                  proxyFor,
		OnProxyConnectResponse: onProxyConnect,
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			if c.connected.Load() {
				return nil, errNoConnection
			}
			return dialer.DialContext(ctx, network, address)
		},
		TLSClientConfig:     config.Clone(),
		TLSHandshakeTimeout: 10 * time.Second,
		MaxConnsPerHost:     1,
		IdleConnTimeout:     connectionIdle,
		// The default of 10 MB is too much from a hostile server.
		MaxResponseHeaderBytes: 64 << 10,
	}
	c.transport.TLSClientConfig.GetClientCertificate = func(request *tls.CertificateRequestInfo) (*tls.Certificate, error) {
		c.asked.Store(true)
		for _, certificate := range config.Certificates {
			if request.SupportsCertificate(&certificate) == nil {
				return &certificate, nil
			}
		}
		return &tls.Certificate{}, nil
	}
	return c
}

// roundTrip makes one request and lets read read the body of its reply. It does not follow redirects.
func (c *conn) roundTrip(request *http.Request, read func(io.Reader) ([]byte, error)) (*Reply, error) {
	response, err := c.transport.RoundTrip(request)
	if err != nil {
		if remote, ok := errors.AsType[*net.OpError](err); ok && remote.Op == "remote error" && c.asked.Load() {
			err = fmt.Errorf("%w (%w)", ErrClientCertificate, err)
		}
		if isTLSAlert(err) {
			err = errTLSAlert
		}
		return nil, err
	}
	c.asked.Store(false)
	defer response.Body.Close()
	r := &Reply{Status: response.StatusCode, Header: response.Header, proxy: c.plainProxy(request)}
	r.Body, r.BodyErr = read(response.Body)
	return r, nil
}

// plainProxy returns the address of the proxy that sees a request in plain text, and so
// may have answered it, or "".
func (c *conn) plainProxy(request *http.Request) string {
	proxy, err := c.transport.Proxy(request)
	if err != nil || proxy == nil || request.URL.Scheme != "http" || strings.HasPrefix(proxy.Scheme, "socks5") {
		return ""
	}
	return proxyAddress(proxy)
}

// A connPool has the connections of one origin, one for each concurrent call.
type connPool struct {
	tls *tls.Config

	mu     sync.Mutex
	idle   []*conn // last in, first out: keeps few connections and nonces warm
	closed bool    // keep no connection
}

func newConnPool(config *tls.Config) *connPool {
	config.ClientSessionCache = tls.NewLRUClientSessionCache(maxIdleConns)
	return &connPool{tls: config}
}

func (p *connPool) take() *conn {
	p.mu.Lock()
	defer p.mu.Unlock()
	last := len(p.idle) - 1
	if last < 0 {
		return newConn(p.tls)
	}
	c := p.idle[last]
	p.idle = p.idle[:last]
	return c
}

func (p *connPool) give(c *conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed || len(p.idle) >= maxIdleConns {
		c.transport.CloseIdleConnections()
		return
	}
	p.idle = append(p.idle, c)
}

func (p *connPool) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	for _, c := range p.idle {
		c.transport.CloseIdleConnections()
	}
	p.idle = nil
}
