package opsmanagertest_test

import (
	"crypto/md5" //nolint:gosec // what managers offer
	"crypto/sha256"
	"fmt"
	"hash"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/migrationlink/migrationlink/opsmanager/opsmanagertest"
)

const (
	statusPath = linkPath + "/status?pretty=true"
	realm      = "MMS Public API"
)

// raw sends one GET of statusPath with exactly these Authorization headers.
func raw(t *testing.T, m http.Handler, authorization ...string) *httptest.ResponseRecorder {
	t.Helper()
	request := httptest.NewRequest(http.MethodGet, statusPath, nil)
	for _, header := range authorization {
		request.Header.Add("Authorization", header)
	}
	recorder := httptest.NewRecorder()
	m.ServeHTTP(recorder, request)
	return recorder
}

var nonceForm = regexp.MustCompile(`nonce="([^"]+)"`)

func newNonce(t *testing.T, m http.Handler) string {
	t.Helper()
	return nonceForm.FindStringSubmatch(raw(t, m).Header().Get("WWW-Authenticate"))[1]
}

func hexOf(newHash func() hash.Hash, parts ...string) string {
	h := newHash()
	_, _ = h.Write([]byte(strings.Join(parts, ":")))
	return fmt.Sprintf("%x", h.Sum(nil))
}

// answer is what goes into the hash. What is sent may differ.
type answer struct {
	hash                              func() hash.Hash
	user, key, uri, nonce, nc, cnonce string
}

func right(nonce string) answer {
	return answer{md5.New, opsmanagertest.DefaultPublicKey, opsmanagertest.DefaultPrivateKey, statusPath, nonce, "00000001", "0a4f113b"}
}

func (a answer) response() string {
	return hexOf(a.hash, hexOf(a.hash, a.user, realm, a.key), a.nonce, a.nc, a.cnonce, "auth", hexOf(a.hash, "GET", a.uri))
}

func (a answer) header() string {
	return fmt.Sprintf(`Digest username="%s", realm="%s", nonce="%s", uri="%s", response="%s", qop=auth, nc=%s, cnonce="%s"`,
		a.user, realm, a.nonce, a.uri, a.response(), a.nc, a.cnonce)
}

func (a answer) with(change func(*answer)) answer { change(&a); return a }

func replaced(old, now string) func(answer) []string {
	return func(a answer) []string { return []string{strings.Replace(a.header(), old, now, 1)} }
}

func changed(change func(*answer)) func(answer) []string {
	return func(a answer) []string { return []string{a.with(change).header()} }
}

func TestAuthorizationIsVerifiedForReal(t *testing.T) {
	t.Parallel()
	const accepted, refused = http.StatusNotFound, http.StatusUnauthorized // 404: there is no link
	tests := map[string]struct {
		headers func(answer) []string
		status  int
	}{
		"right":              {replaced("", ""), accepted},
		"algorithm unquoted": {replaced("qop", "algorithm=MD5, qop"), accepted},
		"algorithm quoted":   {replaced("qop", `algorithm="md5", qop`), accepted},
		"qop and nc quoted":  {replaced("qop=auth, nc=00000001", `qop="auth", nc="00000001"`), accepted},
		"no spaces":          {func(a answer) []string { return []string{"Digest " + strings.ReplaceAll(a.header()[7:], ", ", ",")} }, accepted},
		"upper-case names":   {replaced("username", "USERNAME"), accepted},
		"lower-case scheme":  {replaced("Digest", "digest"), accepted},
		"escaped quote": {func(a answer) []string {
			a.cnonce = "a"
			return []string{strings.Replace(a.header(), `cnonce="a"`, `cnonce="\a"`, 1)}
		}, accepted},
		"nc of another form":       {changed(func(a *answer) { a.nc = "1" }), accepted},
		"nc of 0":                  {changed(func(a *answer) { a.nc = "00000000" }), accepted},
		"absolute uri":             {changed(func(a *answer) { a.uri = "http://example.com" + statusPath }), accepted},
		"RFC 2069":                 {func(a answer) []string { return []string{rfc2069(a)} }, accepted},
		"wrong private key":        {changed(func(a *answer) { a.key = "wrong" }), refused},
		"wrong public key":         {changed(func(a *answer) { a.user = "WRONG" }), refused},
		"other path":               {changed(func(a *answer) { a.uri = linkPath }), refused},
		"without the query":        {changed(func(a *answer) { a.uri = linkPath + "/status" }), refused},
		"other host":               {changed(func(a *answer) { a.uri = "http://example.org" + statusPath }), refused},
		"uri of none":              {changed(func(a *answer) { a.uri = "" }), refused},
		"unknown nonce":            {changed(func(a *answer) { a.nonce = "0123456789abcdef0123456789abcdef" }), refused},
		"SHA-256 not offered":      {changed(func(a *answer) { a.hash = sha256.New }), refused},
		"SHA-256 said, MD5 done":   {replaced("qop", "algorithm=SHA-256, qop"), refused},
		"MD5-sess":                 {replaced("qop", "algorithm=MD5-sess, qop"), refused},
		"auth-int":                 {replaced("qop=auth", "qop=auth-int"), refused},
		"nc changed on the way":    {replaced("nc=00000001", "nc=00000002"), refused},
		"cnonce left out":          {replaced(`, cnonce="0a4f113b"`, ""), refused},
		"realm of another":         {replaced("MMS Public API", "Other"), refused},
		"response left out":        {replaced("response", "reply"), refused},
		"twice in one header":      {replaced("qop=auth", "qop=auth, qop=auth"), refused},
		"two headers":              {func(a answer) []string { return []string{a.header(), a.header()} }, refused},
		"quote not closed":         {replaced(`"0a4f113b"`, `"0a4f113b`), refused},
		"parameter without value":  {replaced("qop=auth", "qop"), refused},
		"Basic with the right key": {func(answer) []string { return []string{"Basic REVNT1BVQkw6ZGVtby1wcml2YXRlLWtleQ=="} }, refused},
		"empty":                    {func(answer) []string { return []string{"Digest"} }, refused},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m, err := opsmanagertest.New(opsmanagertest.Options{})
			require.NoError(t, err)
			reply := raw(t, m, test.headers(right(newNonce(t, m)))...)
			require.Equal(t, test.status, reply.Code)
			if test.status == refused {
				require.Contains(t, reply.Header().Get("WWW-Authenticate"), "stale=false")
				require.NotContains(t, reply.Body.String(), "parameters")
				require.Zero(t, m.State().Orgs[orgID].Gets)
			}
		})
	}
}

// rfc2069 is an answer without qop, as old clients give.
func rfc2069(a answer) string {
	response := hexOf(a.hash, hexOf(a.hash, a.user, realm, a.key), a.nonce, hexOf(a.hash, "GET", a.uri))
	return fmt.Sprintf(`Digest username="%s", realm="%s", nonce="%s", uri="%s", response="%s"`, a.user, realm, a.nonce, a.uri, response)
}

func TestANonceGoesStaleAfterItsLifetime(t *testing.T) {
	t.Parallel()
	now := newClock()
	m, err := opsmanagertest.New(opsmanagertest.Options{Now: now.Now})
	require.NoError(t, err)
	a := right(newNonce(t, m))

	now.Advance(opsmanagertest.DefaultNonceLifetime)
	require.Equal(t, http.StatusNotFound, raw(t, m, a.header()).Code)
	now.Advance(1)
	reply := raw(t, m, a.header())
	require.Equal(t, http.StatusUnauthorized, reply.Code)
	require.Contains(t, reply.Header().Get("WWW-Authenticate"), "stale=true")

	fresh := right(nonceForm.FindStringSubmatch(reply.Header().Get("WWW-Authenticate"))[1])
	require.Equal(t, http.StatusNotFound, raw(t, m, fresh.header()).Code)

	now.Advance(time.Hour)
	a.key = "wrong"
	reply = raw(t, m, a.header())
	require.Contains(t, reply.Header().Get("WWW-Authenticate"), "stale=false", "a wrong key is not healed by a fresh nonce")
}

func TestStrictNonceCountsMustGrow(t *testing.T) {
	t.Parallel()
	for _, strict := range []bool{true, false} {
		t.Run(fmt.Sprintf("strict %t", strict), func(t *testing.T) {
			t.Parallel()
			m, err := opsmanagertest.New(opsmanagertest.Options{StrictNonceCount: strict})
			require.NoError(t, err)
			nonce := newNonce(t, m)
			for _, step := range []struct {
				nc    string
				grows bool
			}{{"00000001", true}, {"00000002", true}, {"00000002", false}, {"0000000a", true}, {"00000003", false}, {"00000000", false}, {"zz", false}, {"0000000b", true}} {
				reply := raw(t, m, right(nonce).with(func(a *answer) { a.nc = step.nc }).header())
				if step.grows || !strict {
					require.Equal(t, http.StatusNotFound, reply.Code, step.nc)
					continue
				}
				require.Equal(t, http.StatusUnauthorized, reply.Code, step.nc)
				require.Contains(t, reply.Header().Get("WWW-Authenticate"), "stale=true")
			}
			other := right(newNonce(t, m))
			require.Equal(t, http.StatusNotFound, raw(t, m, other.header()).Code, "each nonce has its own count")
		})
	}
}

func TestBothAlgorithmsAreOfferedInHeadersOfTheirOwn(t *testing.T) {
	t.Parallel()
	m, err := opsmanagertest.New(opsmanagertest.Options{Algorithms: []string{opsmanagertest.MD5, opsmanagertest.SHA256}})
	require.NoError(t, err)
	challenges := raw(t, m).Header().Values("WWW-Authenticate")
	require.Len(t, challenges, 2)
	require.Contains(t, challenges[0], "algorithm=MD5,")
	require.Contains(t, challenges[1], "algorithm=SHA-256,")

	a := right(newNonce(t, m))
	require.Equal(t, http.StatusNotFound, raw(t, m, a.header()).Code)
	a.hash = sha256.New
	header := strings.Replace(a.header(), "qop", `algorithm="SHA-256", qop`, 1)
	require.Equal(t, http.StatusNotFound, raw(t, m, header).Code)
}

func TestANonceOfAFormerProcessIsUnknown(t *testing.T) {
	t.Parallel()
	before, err := opsmanagertest.New(opsmanagertest.Options{})
	require.NoError(t, err)
	after, err := opsmanagertest.New(opsmanagertest.Options{})
	require.NoError(t, err)
	reply := raw(t, after, right(newNonce(t, before)).header())
	require.Equal(t, http.StatusUnauthorized, reply.Code)
	require.Contains(t, reply.Header().Get("WWW-Authenticate"), "stale=false")
}
