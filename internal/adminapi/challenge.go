package adminapi

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/icholy/digest"
)

// ErrAuthentication is found in a TransportError when what answers does not ask
// for the authentication of the API.
var ErrAuthentication = errors.New("this is not how MongoDB's API authenticates")

var errUnsupportedChallenge = fmt.Errorf(
	"%w: it asks for something else than HTTP digest with MD5, SHA-256 or SHA-512 in a header of its own", ErrAuthentication)

// findChallenge returns the strongest challenge of a 401, or nil when it has
// none at all.
func findChallenge(header http.Header) (*digest.Challenge, error) {
	values := header.Values("WWW-Authenticate")
	var usable []*digest.Challenge
	for _, value := range values {
		challenge, err := digest.ParseChallenge(value)
		if err != nil {
			continue
		}
		for i, qop := range challenge.QOP {
			challenge.QOP[i] = strings.TrimSpace(qop)
		}
		if challenge.Nonce != "" && digest.CanDigest(challenge) {
			usable = append(usable, challenge)
		}
	}
	switch {
	case len(values) == 0:
		return nil, nil
	case len(usable) == 0:
		return nil, errUnsupportedChallenge
	}
	return slices.MaxFunc(usable, func(a, b *digest.Challenge) int {
		return cmp.Compare(strength(a), strength(b))
	}), nil
}

func strength(challenge *digest.Challenge) int {
	switch strings.ToUpper(challenge.Algorithm) {
	case "SHA-256":
		return 1
	case "SHA-512-256", "SHA-512":
		return 2
	}
	return 0 // MD5, which is also what no algorithm means
}
