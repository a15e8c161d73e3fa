package adminapi

import (
	"context"
	"crypto/md5" //nolint:gosec // what managers ask for
	"crypto/rand"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"net/http"
	"slices"
	"strings"

	"github.com/icholy/digest"
)

const (
	// maxRequests limits the requests of one call: nonces may expire meanwhile, or be
	// unknown to the next node behind a load balancer. With two nodes chosen at random,
	// a call with a valid key fails once in 2,048 times.
	maxRequests = 12
	// maxRefusals is how many answers of a call, with nonces that the server does not
	// declare stale, must be rejected before the key counts as wrong. One proves
	// nothing: Ops Manager loses nonces between its nodes.
	maxRefusals = 3
	// maxUnanswered is how many 401s without a challenge prove that the server sends
	// none.
	maxUnanswered = 3
	// maxNonces limits the nonces of a connection: one for each node that took part in a
	// call, and a few more.
	maxNonces = 6
)

// errNotAsked means that the server is not the API, which always asks for the key.
var errNotAsked = fmt.Errorf("%w: it answered without asking for the API key, so nothing more was sent", ErrAuthentication)

var errNoChallenge = fmt.Errorf("%w: it answers 401 without a challenge", ErrAuthentication)

// ErrAcceptedKeyRefused is in a TransportError if every answer of a call was rejected
// although the same key was accepted before. It may have been revoked, or the nodes
// behind a load balancer do not know each other's nonces.
var ErrAcceptedKeyRefused = errors.New("refused an API key that it accepted before")

// nonce is a challenge with the number of its answers.
type nonce struct {
	challenge *digestChallenge
	count     int
	cnonce    string // of all answers with a session algorithm; otherwise empty
}

// nonces are the latest challenges on a connection, the most promising first.
type nonces []*nonce

// pick returns the nonce for the next request of a call with so many rejected answers:
// first the nonce that worked last, then the newest. If that is also rejected, there is
// more than one node, each with its own nonces: an older nonce may belong to the next
// node.
func (n nonces) pick(refusals int) *nonce {
	if len(n) == 0 {
		return nil
	}
	return n[max(0, refusals-1)%len(n)]
}

// prefer puts a nonce first, and drops the last if there are too many.
func (n nonces) prefer(first *nonce) nonces {
	preferred := append(nonces{first}, n.without(first)...)
	return preferred[:min(len(preferred), maxNonces)]
}

func (n nonces) without(bad *nonce) nonces {
	return slices.DeleteFunc(slices.Clone(n), func(other *nonce) bool { return other == bad })
}

// withDigest sends the call until the reply is not a 401 that another nonce could fix.
func (c *Client) withDigest(ctx context.Context, conn *conn, call *Call) (last *Reply, err error) {
	var tried refusals
	for range maxRequests {
		if err := c.challenged(ctx, conn, call); err != nil {
			return nil, err
		}
		used := conn.nonces.pick(tried.answers)
		r, err := c.send(ctx, conn, call, func(request *http.Request) error { return c.answer(used, request) })
		if errors.Is(err, errNoConnection) {
			return nil, err // nothing was sent; the nonces are still good
		}
		if err != nil && call.sent.Load() {
			conn.nonces = nil // the server may or may not have counted this use of the nonce
		}
		if err != nil {
			return nil, err
		}
		call.authorized = used != nil
		if used == nil && r.Status < http.StatusMultipleChoices {
			return nil, errNotAsked // a cache or another server
		}
		if r.Status != http.StatusUnauthorized || used != nil && keyAccepted(r) {
			if used != nil {
				conn.nonces = conn.nonces.prefer(used)
			}
			return r, nil
		}
		call.sent.Store(false) // it was refused
		challenge, err := findChallenge(r.Header)
		if err != nil {
			return nil, err
		}
		tried.note(used != nil, challenge)
		if used != nil && (challenge == nil || challenge.Stale) {
			conn.nonces = conn.nonces.without(used)
		}
		if challenge != nil {
			conn.nonces = conn.nonces.prefer(&nonce{challenge: challenge})
		}
		if tried.unanswered == maxUnanswered && tried.answers == 0 {
			return nil, errNoChallenge // no answer of ours was rejected
		}
		last = r
	}
	switch {
	case tried.answers < maxRefusals:
		// None of these 401s says anything about the key.
		return nil, fmt.Errorf("%s kept declaring its own new nonces stale", c.config.Party)
	case c.Answered():
		return nil, fmt.Errorf("%s %w, %d times in a row", c.config.Party, ErrAcceptedKeyRefused, tried.answers)
	}
	return last, nil
}

// refusals counts the 401s of a call.
type refusals struct {
	unanswered int // without a challenge, to a request without credentials
	answers    int // to credentials whose nonce was not declared stale
}

func (t *refusals) note(answered bool, next *digestChallenge) {
	switch {
	case !answered && next == nil:
		t.unanswered++
	case answered && (next == nil || !next.Stale):
		t.answers++
	}
}

// challenged makes a preflight if the call has a body and there is no challenge yet.
func (c *Client) challenged(ctx context.Context, conn *conn, call *Call) error {
	if call.Body == nil || len(conn.nonces) > 0 {
		return nil
	}
	err := c.preflight(ctx, conn, call)
	if call.preflightFailed = err != nil; err != nil {
		return otherCall{err}
	}
	return nil
}

// keyAccepted reports whether a 401 is for a missing role, which has its own code, and
// not for the key.
func keyAccepted(r *Reply) bool {
	code := parseErrorBody(r).Code
	return code != "" && code != "UNEXPECTED_ERROR"
}

// answer adds the answer to a challenge, if there is one.
func (c *Client) answer(used *nonce, request *http.Request) error {
	if used == nil {
		return nil
	}
	used.count++
	challenge, session := used.challenge.Challenge, ""
	if base, ok := cutSession(challenge.Algorithm); ok {
		challenge.Algorithm = base
		session = used.sessionKey(c.config.Credentials)
	}
	credentials, err := digest.Digest(&challenge, digest.Options{
		Method:   request.Method,
		URI:      request.URL.RequestURI(),
		GetBody:  request.GetBody,
		Count:    used.count,
		Username: c.config.Credentials.PublicKey,
		Password: c.config.Credentials.PrivateKey.Reveal(),
		A1:       session,
		Cnonce:   used.cnonce,
	})
	if err != nil {
		return err
	}
	credentials.Algorithm = used.challenge.Algorithm
	request.Header.Set("Authorization", used.challenge.authorization(credentials))
	return nil
}

// cutSession returns the algorithm without "-sess", and whether it had that: such an
// algorithm uses one key for all answers to a nonce.
func cutSession(algorithm string) (base string, session bool) {
	return strings.CutSuffix(strings.ToUpper(algorithm), "-SESS")
}

// sessionKey returns the value that replaces the hash of name and key in all answers to
// the nonce. All answers keep the client's nonce of the first: servers differ in whether
// they use that or the one of each answer.
func (n *nonce) sessionKey(key Credentials) string {
	if n.cnonce == "" {
		n.cnonce = strings.ToLower(rand.Text())
	}
	base, _ := cutSession(n.challenge.Algorithm)
	sum := func(parts ...string) string {
		h := hashes[base]()
		_, _ = io.WriteString(h, strings.Join(parts, ":"))
		return hex.EncodeToString(h.Sum(nil))
	}
	return sum(sum(key.PublicKey, n.challenge.Realm, key.PrivateKey.Reveal()), n.challenge.Nonce, n.cnonce)
}

var hashes = map[string]func() hash.Hash{
	"MD5": md5.New, "SHA-256": sha256.New, "SHA-512": sha512.New, "SHA-512-256": sha512.New512_256,
}
