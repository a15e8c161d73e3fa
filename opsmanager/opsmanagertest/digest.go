package opsmanagertest

import (
	"cmp"
	"crypto/md5" //nolint:gosec // what managers offer
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"hash"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

const realm = "MMS Public API"

// rememberedNonces limits the memory of a long-running manager. A forgotten nonce is an
// unknown one, as behind a load balancer.
const rememberedNonces = 100_000

// verifier is the server's side of HTTP digest authentication.
type verifier struct {
	publicKey, privateKey string
	lifetime              time.Duration
	strict                bool
	algorithms            []string
	now                   func() time.Time

	mu     sync.Mutex
	nonces map[string]*nonce
	order  []string // of issue, oldest first
}

type nonce struct {
	issued time.Time
	count  uint64 // the highest seen
}

// verdict is the result of checking a request's credentials.
type verdict int

const (
	refused      verdict = iota
	unknownNonce         // correct, with a nonce that this node did not issue
	stale                // correct, except for the nonce or its count
	granted
)

func newVerifier(o Options, publicKey, privateKey string) *verifier {
	return &verifier{
		publicKey: publicKey, privateKey: privateKey,
		lifetime: o.NonceLifetime, strict: o.StrictNonceCount, algorithms: o.Algorithms, now: o.Now,
		nonces: map[string]*nonce{},
	}
}

// challenge issues a nonce and returns the WWW-Authenticate headers for it.
func (v *verifier) challenge(isStale bool) []string {
	value := base64.StdEncoding.EncodeToString(randomBytes(24)) // 32 characters, as recorded
	v.remember(value)
	headers := make([]string, len(v.algorithms))
	for i, algorithm := range v.algorithms {
		headers[i] = fmt.Sprintf(`Digest realm="%s", domain="", nonce="%s", algorithm=%s, qop="auth", stale=%t`,
			realm, value, algorithm, isStale)
	}
	return headers
}

func (v *verifier) remember(value string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.nonces[value] = &nonce{issued: v.now()}
	v.order = append(v.order, value)
	if len(v.order) > rememberedNonces {
		delete(v.nonces, v.order[0])
		v.order = v.order[1:]
	}
}

// verify checks the credentials of a request.
func (v *verifier) verify(r *http.Request) verdict {
	headers := r.Header.Values("Authorization")
	if len(headers) != 1 {
		return refused
	}
	sent, ok := parseAuthorization(headers[0])
	if !ok || !v.isRight(sent, r) {
		return refused
	}
	return v.spend(sent)
}

// isRight reports whether the owner of the key signed this request. It hashes values as
// they were sent, even if their form is unusual.
func (v *verifier) isRight(sent authorization, r *http.Request) bool {
	hash := v.hash(sent["algorithm"])
	if hash == nil || sent["username"] != v.publicKey || sent["realm"] != realm || !namesTarget(sent["uri"], r) {
		return false
	}
	secret := hash(v.publicKey + ":" + realm + ":" + v.privateKey)
	request := hash(r.Method + ":" + sent["uri"])
	var expected string
	switch qop, hasQop := sent["qop"]; {
	case !hasQop: // RFC 2069
		expected = hash(secret + ":" + sent["nonce"] + ":" + request)
	case qop == "auth" && sent["nc"] != "" && sent["cnonce"] != "":
		expected = hash(strings.Join([]string{secret, sent["nonce"], sent["nc"], sent["cnonce"], qop, request}, ":"))
	default:
		return false
	}
	return subtle.ConstantTimeCompare([]byte(expected), []byte(sent["response"])) == 1
}

var hashes = map[string]func() hash.Hash{MD5: md5.New, SHA256: sha256.New}

// hash returns the hash of an algorithm that was offered, or nil. MD5 need not
// be named.
func (v *verifier) hash(named string) func(string) string {
	offered := slices.IndexFunc(v.algorithms, func(offered string) bool { return strings.EqualFold(cmp.Or(named, MD5), offered) })
	if offered < 0 {
		return nil
	}
	return func(text string) string {
		sum := hashes[v.algorithms[offered]]()
		_, _ = io.WriteString(sum, text)
		return hex.EncodeToString(sum.Sum(nil))
	}
}

// namesTarget reports whether a uri parameter is the target of the request: an answer is
// valid for one path only.
func namesTarget(uri string, r *http.Request) bool {
	target := r.RequestURI
	if target == "" {
		target = r.URL.RequestURI()
	}
	if uri == target {
		return uri != ""
	}
	absolute, err := url.Parse(uri)
	return err == nil && absolute.IsAbs() && absolute.Host == r.Host && absolute.RequestURI() == target
}

// spend counts a use of the nonce of a correct answer.
func (v *verifier) spend(sent authorization) verdict {
	v.mu.Lock()
	defer v.mu.Unlock()
	known, ok := v.nonces[sent["nonce"]]
	switch {
	case !ok:
		return unknownNonce // from another node or an earlier process, or invented
	case v.now().Sub(known.issued) > v.lifetime:
		return stale
	case !v.strict || sent["qop"] == "":
		return granted
	}
	count, err := strconv.ParseUint(sent["nc"], 16, 64)
	if err != nil || count <= known.count {
		return stale
	}
	known.count = count
	return granted
}
