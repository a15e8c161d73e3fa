package adminapi

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"sync"
	"sync/atomic"
	"time"

	"github.com/icholy/digest"
)

const (
	// connectionIdle is how long an unused connection is kept. Polls of one
	// link are at most 45 s apart.
	connectionIdle = 90 * time.Second
	// maxIdleLanes bounds what a burst leaves behind.
	maxIdleLanes = 64
)

// errNoConnection: the lane is closed to new connections, and has none.
var errNoConnection = errors.New("the connection was closed")

// ErrClientCertificate is found in a TransportError when the server asks for a
// client certificate and gets none, or none that it trusts.
var ErrClientCertificate = errors.New("the server wants a client certificate that it trusts")

// A lane is one connection with one digest challenge, used by one call at a
// time. So the counts of a nonce reach the server in order, which some verify;
// and a POST can follow a GET on the same connection.
type lane struct {
	transport *http.Transport // holds one connection at most
	challenge *digest.Challenge
	count     int // uses of the challenge
	// opened says that a service account has had an answer here.
	opened bool
	// connected forbids new connections: what is sent now must not be the first
	// on its connection.
	connected atomic.Bool
	// asked says that the server has asked for a client certificate and not
	// answered a request since.
	asked atomic.Bool
}

func newLane(config *tls.Config) *lane {
	l := &lane{}
	dialer := &net.Dialer{Timeout: 10 * time.Second}
	l.transport = &http.Transport{
		Proxy: withoutItsWords(http.ProxyFromEnvironment),
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			if l.connected.Load() {
				return nil, errNoConnection
			}
			return dialer.DialContext(ctx, network, address)
		},
		TLSClientConfig:     config.Clone(),
		TLSHandshakeTimeout: 10 * time.Second,
		MaxConnsPerHost:     1,
		IdleConnTimeout:     connectionIdle,
		// The default of 10 MB of headers invites a hostile server.
		MaxResponseHeaderBytes: 64 << 10,
	}
	l.transport.TLSClientConfig.GetClientCertificate = func(request *tls.CertificateRequestInfo) (*tls.Certificate, error) {
		l.asked.Store(true)
		for _, certificate := range config.Certificates {
			if request.SupportsCertificate(&certificate) == nil {
				return &certificate, nil
			}
		}
		return &tls.Certificate{}, nil
	}
	return l
}

// withoutItsWords keeps the address of a proxy, which may hold a password, out of
// the error of one that is malformed.
func withoutItsWords(find func(*http.Request) (*url.URL, error)) func(*http.Request) (*url.URL, error) {
	return func(request *http.Request) (*url.URL, error) {
		proxy, err := find(request)
		if err != nil {
			return nil, errors.New("the proxy in HTTPS_PROXY or HTTP_PROXY has no valid address; correct it for the worker")
		}
		return proxy, nil
	}
}

// roundTrip makes one request and reads the reply. It follows no redirect,
// whatever the status.
func (l *lane) roundTrip(request *http.Request, maxBody int64) (*Reply, error) {
	response, err := l.transport.RoundTrip(request)
	if err != nil {
		if remote, ok := errors.AsType[*net.OpError](err); ok && remote.Op == "remote error" && l.asked.Load() {
			err = fmt.Errorf("%w (%w)", ErrClientCertificate, err)
		}
		return nil, err
	}
	l.asked.Store(false)
	defer response.Body.Close()
	r := &Reply{Status: response.StatusCode, Header: response.Header}
	r.Body, r.BodyErr = readBody(response.Body, maxBody)
	return r, nil
}

// lanes are the lanes of one origin. There are as many as there were calls at
// once.
type lanes struct {
	tls *tls.Config

	mu     sync.Mutex
	idle   []*lane // last in, first out: keeps few connections and nonces warm
	closed bool    // none is kept
}

func newLanes(config *tls.Config) *lanes {
	config.ClientSessionCache = tls.NewLRUClientSessionCache(maxIdleLanes)
	return &lanes{tls: config}
}

func (ls *lanes) take() *lane {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	last := len(ls.idle) - 1
	if last < 0 {
		return newLane(ls.tls)
	}
	l := ls.idle[last]
	ls.idle = ls.idle[:last]
	return l
}

func (ls *lanes) give(l *lane) {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	if ls.closed || len(ls.idle) >= maxIdleLanes {
		l.transport.CloseIdleConnections()
		return
	}
	ls.idle = append(ls.idle, l)
}

func (ls *lanes) close() {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	ls.closed = true
	for _, l := range ls.idle {
		l.transport.CloseIdleConnections()
	}
	ls.idle = nil
}
