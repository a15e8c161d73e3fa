package adminapi

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"github.com/icholy/digest"
)

// ErrAuthentication is in a TransportError if the server does not ask for the
// authentication of the API.
var ErrAuthentication = errors.New("this is not how MongoDB's API authenticates")

var errUnsupportedChallenge = fmt.Errorf(
	"%w: it asks for something else than HTTP digest with MD5, SHA-256 or SHA-512", ErrAuthentication)

// digestChallenge is a challenge of HTTP digest.
type digestChallenge struct {
	digest.Challenge
	hasOpaque bool // it must be sent back even if it is empty
}

// findChallenge returns the strongest challenge of a 401, or nil if there is none.
func findChallenge(header http.Header) (*digestChallenge, error) {
	values := header.Values("WWW-Authenticate")
	var usable []*digestChallenge
	for _, offered := range parseChallenges(values) {
		if challenge := offered.digest(); challenge != nil {
			usable = append(usable, challenge)
		}
	}
	switch {
	case len(values) == 0:
		return nil, nil
	case len(usable) == 0:
		return nil, errUnsupportedChallenge
	}
	return slices.MaxFunc(usable, func(a, b *digestChallenge) int {
		return cmp.Compare(strength(a), strength(b))
	}), nil
}

func strength(challenge *digestChallenge) int {
	switch base, _ := cutSession(challenge.Algorithm); base {
	case "SHA-256":
		return 1
	case "SHA-512-256", "SHA-512":
		return 2
	}
	return 0 // MD5, which is also the default
}

// digest returns the challenge if it is HTTP digest and can be answered, or else nil.
func (c authChallenge) digest() *digestChallenge {
	if !strings.EqualFold(c.scheme, "Digest") || c.malformed {
		return nil
	}
	opaque, hasOpaque := c.parameters["opaque"]
	found := &digestChallenge{hasOpaque: hasOpaque, Challenge: digest.Challenge{
		Realm:     c.parameters["realm"],
		Nonce:     c.parameters["nonce"],
		Opaque:    opaque,
		Stale:     strings.EqualFold(c.parameters["stale"], "true"),
		Algorithm: c.parameters["algorithm"],
		Userhash:  strings.EqualFold(c.parameters["userhash"], "true"),
	}}
	for qop := range strings.SplitSeq(c.parameters["qop"], ",") {
		if qop = strings.ToLower(strings.Trim(qop, whitespace)); qop != "" {
			found.QOP = append(found.QOP, qop)
		}
	}
	if found.Nonce == "" || !found.canAnswer() {
		return nil
	}
	return found
}

func (c *digestChallenge) canAnswer() bool {
	plain := c.Challenge
	if base, session := cutSession(plain.Algorithm); session {
		plain.Algorithm = base
		return len(plain.QOP) > 0 && base != "" && digest.CanDigest(&plain) // without qop the client's nonce is not sent
	}
	return digest.CanDigest(&plain)
}

const (
	whitespace = " \t"
	// maxChallenges and maxParameters limit what is kept of a header.
	maxChallenges, maxParameters = 16, 32
)

// authChallenge is one challenge of WWW-Authenticate (RFC 9110). The names of its
// parameters are in lower case.
type authChallenge struct {
	scheme     string
	parameters map[string]string
	malformed  bool
}

const (
	word   = "([0-9A-Za-z!#$%&'*+.^_`|~-]+)"
	inText = `"((?:[^"\\]|\\.)*)("?)` // the closing quote may be missing
)

// element matches the next element of a header: separators, a parameter, a scheme, or
// text outside the grammar. Like curl, it accepts white space in place of a comma.
var element = regexp.MustCompile(`(?s)[ \t,]+` +
	`|` + word + `[ \t]*=[ \t]*(` + inText + `[^ \t,]*|[^ \t,"]*)` +
	`|` + word + `(?:[ \t,]+|$)` +
	`|(?:` + inText + `|[^",])+`)

var escaped = regexp.MustCompile(`(?s)\\(.)`)

// parseChallenges reads the challenges of all lines of a header. A line may hold several
// challenges and empty elements. Text outside the grammar is skipped: it must not hide a
// valid challenge after it.
func parseChallenges(lines []string) (found []authChallenge) {
	for _, line := range lines {
		first := len(found) // of this line
		for _, match := range element.FindAllStringSubmatch(line, -1) {
			name, scheme := strings.ToLower(match[1]), match[5]
			switch {
			case name != "" && len(found) > first:
				found[len(found)-1].add(name, match[2], match[3], match[4] != "")
			case scheme == "", len(found) > first && (scheme == "auth" || scheme == "auth-int"):
				// Or the rest of an unquoted qop=auth,auth-int.
			case len(found) == maxChallenges:
				return found
			default:
				found = append(found, authChallenge{scheme: scheme, parameters: map[string]string{}})
			}
		}
	}
	return found
}

// add adds a parameter. If the value is quoted, inside is the text between the quotes.
func (c *authChallenge) add(name, value, inside string, closed bool) {
	if strings.HasPrefix(value, `"`) {
		c.malformed = c.malformed || !closed
		value = escaped.ReplaceAllString(inside, "$1")
	}
	if len(c.parameters) < maxParameters {
		c.parameters[name] = value
	}
}

// authorization formats the credentials (RFC 7616). The library's String escapes like
// Go, which corrupts non-ASCII text, and omits an empty opaque.
func (c *digestChallenge) authorization(sent *digest.Credentials) string {
	parts := []string{
		`username=` + quoted(sent.Username), `realm=` + quoted(sent.Realm), `nonce=` + quoted(sent.Nonce),
		`uri=` + quoted(sent.URI), `response=` + quoted(sent.Response),
	}
	if sent.Algorithm != "" {
		parts = append(parts, `algorithm=`+sent.Algorithm)
	}
	if sent.QOP != "" {
		parts = append(parts, fmt.Sprintf(`qop=%s, nc=%08x, cnonce=%s`, sent.QOP, sent.Nc, quoted(sent.Cnonce)))
	}
	if c.hasOpaque {
		parts = append(parts, `opaque=`+quoted(sent.Opaque))
	}
	if sent.Userhash {
		parts = append(parts, `userhash=true`)
	}
	return "Digest " + strings.Join(parts, ", ")
}

var quoter = strings.NewReplacer(`\`, `\\`, `"`, `\"`)

func quoted(value string) string { return `"` + quoter.Replace(value) + `"` }
