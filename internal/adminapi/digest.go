package adminapi

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/icholy/digest"
)

const (
	// maxRequests bounds what one call sends: nonces may expire on the way, or
	// be unknown to the next node behind a load balancer.
	maxRequests = 8
	// maxRefusals is how many correct answers to fresh nonces must be refused
	// before the key is taken to be wrong. One is no proof: Ops Manager's
	// nonces are known to get lost between its nodes.
	maxRefusals = 3
)

// errNotAsked: no server of the API does this, so it is none.
var errNotAsked = fmt.Errorf("%w: it answered without asking for the API key, so nothing more was sent", ErrAuthentication)

var errNoChallenge = fmt.Errorf("%w: it answers 401 without a challenge", ErrAuthentication)

// withDigest sends the call until it is not answered by a 401 that a fresh
// nonce could heal.
func (c *Client) withDigest(ctx context.Context, l *lane, call *Call) (*Reply, error) {
	refusals, answeredOnce := 0, false
	for range maxRequests {
		answered, fresh := l.challenge != nil, l.count == 0
		r, err := c.send(ctx, l, call, func(request *http.Request) error { return c.answer(l, request) })
		if errors.Is(err, errNoConnection) {
			return nil, err // nothing was sent; the challenge is still good
		}
		if err != nil {
			// The server may or may not have counted this use of the nonce.
			l.challenge = nil
			return nil, err
		}
		if r.Status != http.StatusUnauthorized || answered && keyAccepted(r) {
			return r, nil
		}
		call.sent.Store(false) // it was refused
		answeredOnce = answeredOnce || answered
		challenge, err := findChallenge(r.Header)
		if err != nil {
			return nil, err
		}
		if challenge == nil || answered && fresh && !challenge.Stale {
			refusals++
		}
		l.challenge, l.count = challenge, 0
		switch {
		case refusals == maxRefusals && !answeredOnce:
			return nil, errNoChallenge // nothing of ours was refused
		case refusals == maxRefusals:
			return r, nil
		case challenge == nil && call.Body != nil:
			if err := c.open(ctx, l, call); err != nil {
				return nil, otherCall{err}
			}
		}
	}
	// No 401 of these says anything about the key.
	return nil, fmt.Errorf("%s kept declaring its own new nonces stale", c.config.Party)
}

// keyAccepted tells a 401 for a missing role, which has a code of its own, from
// one for the key.
func keyAccepted(r *Reply) bool {
	code := parseErrorBody(r).Code
	return code != "" && code != "UNEXPECTED_ERROR"
}

// answer answers the challenge of the lane, if it has one.
func (c *Client) answer(l *lane, request *http.Request) error {
	if l.challenge == nil {
		return nil
	}
	l.count++
	credentials, err := digest.Digest(l.challenge, digest.Options{
		Method:   request.Method,
		URI:      request.URL.RequestURI(),
		GetBody:  request.GetBody,
		Count:    l.count,
		Username: c.config.Credentials.PublicKey,
		Password: c.config.Credentials.PrivateKey.Reveal(),
	})
	if err != nil {
		return err
	}
	request.Header.Set("Authorization", credentials.String())
	return nil
}
