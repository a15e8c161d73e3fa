package opsmanager

import (
	"crypto/tls"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/icholy/digest"
)

const (
	// connectionIdle is how long an unused connection is kept. Polls of one
	// link are at most 45 s apart.
	connectionIdle = 90 * time.Second
	// warmFor is how long after a reply a connection is taken to be open
	// still: well below the keep-alive times of servers and proxies.
	warmFor = 2 * time.Second
	// maxIdleLanes bounds what a burst leaves behind.
	maxIdleLanes = 64
)

// A lane is one connection with one digest challenge, used by one call at a
// time. So the counts of a nonce reach the manager in order, which some verify;
// and a POST can follow a GET on the same connection.
type lane struct {
	transport *http.Transport // holds one connection at most
	challenge *digest.Challenge
	count     int       // uses of the challenge
	repliedAt time.Time // zero when no connection is known to be open
}

// warm tells whether a request would find an open connection and a challenge
// to answer.
func (l *lane) warm() bool { return l.challenge != nil && time.Since(l.repliedAt) < warmFor }

// lanes are the lanes of one origin. There are as many as there were calls at
// once.
type lanes struct {
	tls *tls.Config

	mu   sync.Mutex
	idle []*lane // last in, first out: keeps few connections and nonces warm
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
		return &lane{transport: ls.newTransport()}
	}
	l := ls.idle[last]
	ls.idle = ls.idle[:last]
	return l
}

func (ls *lanes) give(l *lane) {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	if len(ls.idle) >= maxIdleLanes {
		l.transport.CloseIdleConnections()
		return
	}
	ls.idle = append(ls.idle, l)
}

func (ls *lanes) close() {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	for _, l := range ls.idle {
		l.transport.CloseIdleConnections()
	}
	ls.idle = nil
}

func (ls *lanes) newTransport() *http.Transport {
	return &http.Transport{
		Proxy:               http.ProxyFromEnvironment,
		DialContext:         (&net.Dialer{Timeout: 10 * time.Second}).DialContext,
		TLSClientConfig:     ls.tls.Clone(),
		TLSHandshakeTimeout: 10 * time.Second,
		MaxConnsPerHost:     1,
		IdleConnTimeout:     connectionIdle,
		// The default of 10 MB of headers invites a hostile server.
		MaxResponseHeaderBytes: 64 << 10,
	}
}
