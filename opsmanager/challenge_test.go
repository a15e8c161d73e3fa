package opsmanager_test

import (
	"crypto/md5" //nolint:gosec // what managers offer
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/migrationlink/migrationlink/opsmanager"
	"github.com/migrationlink/migrationlink/redact"
)

// verifier verifies answers to fixed challenges, by RFC 7616 and nothing else.
type verifier struct {
	lines         []string // of WWW-Authenticate
	realm, opaque string   // unquoted
	hasOpaque     bool
	algorithm     string // that must have been chosen; empty for any
}

const fixedNonce = "0123456789abcdef"

func (v verifier) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if why := v.refuse(r); why != "" {
		w.Header()["Www-Authenticate"] = v.lines
		w.Header().Set("X-Why", why)
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	body(`{"status":"SYNCED"}`)(w, r)
}

var sentParameter = regexp.MustCompile(`([A-Za-z]+)=(?:"((?:[^"\\]|\\.)*)"|([^, ]+))`)

func (v verifier) refuse(r *http.Request) string {
	header, digest := strings.CutPrefix(r.Header.Get("Authorization"), "Digest ")
	if !digest {
		return "no digest"
	}
	sent := map[string]string{}
	for _, match := range sentParameter.FindAllStringSubmatch(header, -1) {
		sent[match[1]] = strings.NewReplacer(`\\`, `\`, `\"`, `"`).Replace(match[2]) + match[3]
	}
	hash := func(parts ...string) string {
		text := strings.Join(parts, ":")
		if strings.HasPrefix(strings.ToUpper(sent["algorithm"]), "SHA-256") {
			sum := sha256.Sum256([]byte(text))
			return hex.EncodeToString(sum[:])
		}
		sum := md5.Sum([]byte(text)) //nolint:gosec // as above
		return hex.EncodeToString(sum[:])
	}
	opaque, hasOpaque := sent["opaque"]
	key := hash("PUBLIC", v.realm, privateKey)
	if strings.HasSuffix(strings.ToLower(sent["algorithm"]), "-sess") {
		key = hash(key, fixedNonce, sent["cnonce"])
	}
	expected := []string{key, fixedNonce}
	if sent["qop"] != "" {
		expected = append(expected, sent["nc"], sent["cnonce"], sent["qop"])
	}
	expected = append(expected, hash(r.Method, r.URL.RequestURI()))
	switch {
	case sent["username"] != "PUBLIC" || sent["realm"] != v.realm || sent["nonce"] != fixedNonce || sent["uri"] != r.URL.RequestURI():
		return "parameters: " + header
	case hasOpaque != v.hasOpaque || opaque != v.opaque:
		return "opaque: " + header
	case v.algorithm != "" && !strings.EqualFold(sent["algorithm"], v.algorithm):
		return "algorithm: " + header
	case sent["response"] != hash(expected...):
		return "response: " + header
	}
	return ""
}

func TestChallengesThatCurlAnswersAreAnswered(t *testing.T) {
	t.Parallel()
	const plain = `Digest realm="MMS Public API", nonce="` + fixedNonce + `", algorithm=MD5, qop="auth"`
	const realm = "MMS Public API"
	for name, test := range map[string]struct {
		verifier
		curlCannot bool
	}{
		"plain":                  {verifier{lines: []string{plain}, realm: realm}, false},
		"upper-case names":       {verifier{lines: []string{`DIGEST REALM="MMS Public API", NONCE="` + fixedNonce + `", ALGORITHM=MD5, QOP="auth"`}, realm: realm}, false},
		"a tab after the comma":  {verifier{lines: []string{strings.ReplaceAll(plain, ", ", ",\t")}, realm: realm}, false},
		"empty elements":         {verifier{lines: []string{strings.Replace(plain, ", ", ", ,, ", 1)}, realm: realm}, true},
		"no commas":              {verifier{lines: []string{strings.ReplaceAll(plain, ", ", " ")}, realm: realm}, false},
		"unknown directives":     {verifier{lines: []string{plain + `, x=1, y="a, b"`}, realm: realm}, false},
		"Basic first":            {verifier{lines: []string{`Basic realm="b", ` + plain}, realm: realm}, false},
		"Basic last":             {verifier{lines: []string{plain + `, Basic realm="b"`}, realm: realm}, false},
		"Basic on another line":  {verifier{lines: []string{`Basic realm="b"`, plain}, realm: realm}, false},
		"two on one line":        {verifier{lines: []string{plain + `, ` + strings.Replace(plain, "MD5", "SHA-256", 1)}, realm: realm}, false},
		"two lines":              {verifier{lines: []string{plain, strings.Replace(plain, "MD5", "SHA-256", 1)}, realm: realm}, false},
		"an empty opaque":        {verifier{lines: []string{plain + `, opaque=""`}, realm: realm, hasOpaque: true}, false},
		"an opaque":              {verifier{lines: []string{plain + `, opaque="a\"b"`}, realm: realm, opaque: `a"b`, hasOpaque: true}, false},
		"a Latin-1 realm":        {verifier{lines: []string{strings.Replace(plain, realm, "M\xfcnchen", 1)}, realm: "M\xfcnchen"}, false},
		"a UTF-8 realm":          {verifier{lines: []string{strings.Replace(plain, realm, "München", 1)}, realm: "München"}, false},
		"an escaped realm":       {verifier{lines: []string{strings.Replace(plain, realm, `a \"b\" \\ c`, 1)}, realm: `a "b" \ c`}, false},
		"qop with spaces":        {verifier{lines: []string{strings.Replace(plain, `"auth"`, `" auth , auth-int "`, 1)}, realm: realm}, false},
		"qop unquoted":           {verifier{lines: []string{strings.Replace(plain, `"auth"`, `auth`, 1)}, realm: realm}, false},
		"algorithm quoted":       {verifier{lines: []string{strings.Replace(plain, "MD5", `"MD5"`, 1)}, realm: realm}, false},
		"no algorithm and qop":   {verifier{lines: []string{`Digest realm="MMS Public API", nonce="` + fixedNonce + `"`}, realm: realm}, false},
		"SHA-256":                {verifier{lines: []string{strings.Replace(plain, "MD5", "SHA-256", 1)}, realm: realm, algorithm: "SHA-256"}, false},
		"MD5-sess":               {verifier{lines: []string{strings.Replace(plain, "MD5", "MD5-sess", 1)}, realm: realm, algorithm: "MD5-sess"}, false},
		"SHA-256-sess":           {verifier{lines: []string{plain, strings.Replace(plain, "MD5", "SHA-256-sess", 1)}, realm: realm, algorithm: "SHA-256-sess"}, true},
		"Negotiate on that line": {verifier{lines: []string{`Negotiate, ` + plain}, realm: realm}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := httptest.NewServer(test.verifier)
			t.Cleanup(server.Close)
			client := newClient(t, opsmanager.Config{BaseURL: server.URL, PublicKey: "PUBLIC", PrivateKey: redact.NewSecret(privateKey)})
			status, err := client.LinkStatus(t.Context(), orgID)
			require.NoError(t, err)
			require.Equal(t, opsmanager.StatusSynced, status)
			_, err = client.LinkStatus(t.Context(), orgID)
			require.NoError(t, err, "another answer to the same nonce")
			curl := exec.CommandContext(t.Context(), "curl", "--silent", "--include", "--max-time", "60", "--noproxy", "*", "--config", "-", "--digest", server.URL+"/status")
			curl.Stdin = strings.NewReader(fmt.Sprintf("user = %q\n", "PUBLIC:"+privateKey))
			output, err := curl.Output()
			require.NoError(t, err)
			require.Equal(t, !test.curlCannot, strings.Contains(string(output), "SYNCED"), "%s", output)
		})
	}
}

func TestTheStrongestChallengeIsAnsweredWhereverItIs(t *testing.T) {
	t.Parallel()
	const plain = `Digest realm="r", nonce="` + fixedNonce + `", qop="auth", algorithm=`
	for _, lines := range [][]string{
		{plain + "MD5, " + plain + "SHA-256"}, {plain + "SHA-256, " + plain + "MD5"},
		{plain + "MD5", plain + "SHA-256"}, {plain + "SHA-256", plain + "MD5"},
		{`Basic realm="b", ` + plain + "MD5, " + plain + `"sha-256"`},
	} {
		server := httptest.NewServer(verifier{lines: lines, realm: "r", algorithm: "SHA-256"})
		client := newClient(t, opsmanager.Config{BaseURL: server.URL, PublicKey: "PUBLIC", PrivateKey: redact.NewSecret(privateKey)})
		_, err := client.LinkStatus(t.Context(), orgID)
		require.NoError(t, err, "%v", lines)
		server.Close()
	}
}
