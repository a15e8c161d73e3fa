package chaos_test

import (
	"net"
	"sync"
	"time"
)

// proxy forwards TCP connections to a target and disturbs them by its rules. The newest
// version of Shopify/toxiproxy on the module proxy is from 2022: it drops what it holds
// back, can only end connections cleanly, and brings an HTTP server with its router.
type proxy struct {
	listener net.Listener
	target   string

	mu      sync.Mutex
	rules   rules
	changed chan struct{} // closed when the rules change
	conns   map[*net.TCPConn]*net.TCPConn
	replied int // bytes of replies since the rules changed
}

// rules are what a proxy does to its connections. The zero value only forwards.
type rules struct {
	Latency        time.Duration // of each piece, in both directions
	BytesPerSecond int           // in each direction of each connection
	HoldReplies    bool          // replies come when the rule ends
	HoldAll        bool          // nothing goes through until the rule ends
	Refuse         bool          // new connections are reset
	CutRepliesAt   int           // reset a connection after so many bytes of replies, of all
}

func newProxy(target string) (*proxy, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	p := &proxy{listener: listener, target: target, changed: make(chan struct{}), conns: map[*net.TCPConn]*net.TCPConn{}}
	go p.serve()
	return p, nil
}

func (p *proxy) address() string { return p.listener.Addr().String() }

func (p *proxy) serve() {
	for {
		accepted, err := p.listener.Accept()
		if err != nil {
			return
		}
		go p.connect(accepted.(*net.TCPConn))
	}
}

func (p *proxy) connect(client *net.TCPConn) {
	if p.now().Refuse {
		reset(client)
		return
	}
	dialed, err := net.DialTimeout("tcp", p.target, 5*time.Second)
	if err != nil {
		reset(client)
		return
	}
	server := dialed.(*net.TCPConn)
	p.mu.Lock()
	p.conns[client] = server
	p.mu.Unlock()
	go p.forward(client, server, false)
	p.forward(server, client, true)
	p.mu.Lock()
	delete(p.conns, client)
	p.mu.Unlock()
}

// forward copies one direction until it ends, and then ends the connection.
func (p *proxy) forward(from, to *net.TCPConn, replies bool) {
	defer func() { _, _ = from.Close(), to.Close() }()
	piece := make([]byte, 4<<10)
	for {
		n, err := from.Read(piece)
		if n > 0 {
			through := p.admit(n, replies)
			if _, err := to.Write(piece[:through]); err != nil {
				return
			}
			if through < n {
				reset(to)
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// admit waits as long as the rules say and returns how much of a piece goes through.
func (p *proxy) admit(size int, replies bool) int {
	for {
		p.mu.Lock()
		r, changed := p.rules, p.changed
		through := size
		if replies {
			if r.CutRepliesAt > 0 {
				through = max(0, min(size, r.CutRepliesAt-p.replied))
			}
			p.replied += through
		}
		p.mu.Unlock()
		wait := r.Latency
		if r.BytesPerSecond > 0 {
			wait += time.Duration(size) * time.Second / time.Duration(r.BytesPerSecond)
		}
		switch {
		case r.HoldAll, r.HoldReplies && replies:
			<-changed
			continue
		case wait > 0:
			select {
			case <-time.After(wait):
			case <-changed:
			}
		}
		return through
	}
}

func (p *proxy) now() rules {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.rules
}

// set replaces the rules. What the old ones held back follows the new ones.
func (p *proxy) set(r rules) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.rules, p.replied = r, 0
	close(p.changed)
	p.changed = make(chan struct{})
}

// cut resets all connections.
func (p *proxy) cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for client, server := range p.conns {
		reset(client)
		reset(server)
	}
}

func (p *proxy) close() {
	p.listener.Close()
	p.set(rules{})
	p.cut()
}

func reset(conn *net.TCPConn) {
	_ = conn.SetLinger(0)
	_ = conn.Close()
}
