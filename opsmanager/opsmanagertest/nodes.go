package opsmanagertest

import (
	"math/rand/v2"
	"net/http"
	"strconv"
	"sync"
)

// nodeCookie pins a client to the node that it names.
const nodeCookie = "NODE"

// nodes are the nodes of one manager behind a load balancer. Each knows only the nonces
// that it has issued.
type nodes struct {
	verifiers []*verifier
	pinned    bool

	mu     sync.Mutex
	random *rand.Rand
}

func newNodes(o Options) *nodes {
	n := &nodes{
		pinned: o.NodeCookie,
		random: rand.New(rand.NewPCG(o.Seed, 1)), //nolint:gosec // repeatable on purpose
	}
	for range o.Nodes {
		n.verifiers = append(n.verifiers, newVerifier(o, o.PublicKey, o.PrivateKey))
	}
	return n
}

// route returns the node that answers a request: the one that its cookie names, or else
// a random one. With cookies, the reply names it.
func (n *nodes) route(w http.ResponseWriter, r *http.Request) *verifier {
	if !n.pinned {
		return n.verifiers[n.any()]
	}
	if cookie, err := r.Cookie(nodeCookie); err == nil {
		if i, err := strconv.ParseUint(cookie.Value, 10, 32); err == nil && i < uint64(len(n.verifiers)) {
			return n.verifiers[i]
		}
	}
	i := n.any()
	http.SetCookie(w, &http.Cookie{Name: nodeCookie, Value: strconv.Itoa(i), Path: "/", HttpOnly: true}) //nolint:gosec // over HTTP as well
	return n.verifiers[i]
}

func (n *nodes) any() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.random.IntN(len(n.verifiers))
}
