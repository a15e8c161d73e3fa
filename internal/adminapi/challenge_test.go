package adminapi

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestEveryValidChallengeIsRead(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		lines     []string
		realm     string
		nonce     string
		algorithm string
		qop       []string
	}{
		"the recorded one":            {[]string{`Digest realm="MMS Public API", domain="", nonce="abc", algorithm=MD5, qop="auth", stale=false`}, "MMS Public API", "abc", "MD5", []string{"auth"}},
		"upper-case names":            {[]string{`DIGEST REALM="r", NONCE="abc", ALGORITHM=md5, QOP="AUTH", STALE=FALSE`}, "r", "abc", "md5", []string{"auth"}},
		"tabs":                        {[]string{"Digest\trealm=\"r\",\tnonce=\"abc\"\t,\tqop=\"auth\""}, "r", "abc", "", []string{"auth"}},
		"no space after commas":       {[]string{`Digest realm="r",nonce="abc",qop="auth"`}, "r", "abc", "", []string{"auth"}},
		"space around equals":         {[]string{`Digest realm = "r", nonce	= "abc", qop ="auth"`}, "r", "abc", "", []string{"auth"}},
		"empty elements":              {[]string{`, ,Digest realm="r",, nonce="abc", ,qop="auth",`}, "r", "abc", "", []string{"auth"}},
		"no commas":                   {[]string{`Digest realm="r" nonce="abc" qop="auth"`}, "r", "abc", "", []string{"auth"}},
		"unknown directives":          {[]string{`Digest realm="r", x="a, Basic realm=b", nonce="abc", auth-param=1, qop="auth", y=`}, "r", "abc", "", []string{"auth"}},
		"escapes":                     {[]string{`Digest realm="a \"b\" \\ c", nonce="a\"b\\c,=d; e", qop="auth"`}, `a "b" \ c`, `a"b\c,=d; e`, "", []string{"auth"}},
		"Latin-1":                     {[]string{"Digest realm=\"M\xfcnchen\", nonce=\"abc\", qop=\"auth\""}, "M\xfcnchen", "abc", "", []string{"auth"}},
		"UTF-8":                       {[]string{`Digest realm="München", nonce="abc", charset=UTF-8, qop="auth"`}, "München", "abc", "", []string{"auth"}},
		"qop with spaces":             {[]string{`Digest realm="r", nonce="abc", qop=" auth , auth-int "`}, "r", "abc", "", []string{"auth", "auth-int"}},
		"qop with an unknown one":     {[]string{`Digest realm="r", nonce="abc", qop="auth-conf,auth"`}, "r", "abc", "", []string{"auth-conf", "auth"}},
		"qop unquoted":                {[]string{`Digest realm="r", nonce="abc", qop=auth, algorithm=MD5`}, "r", "abc", "MD5", []string{"auth"}},
		"several qop unquoted":        {[]string{`Digest realm="r", qop=auth,auth-int, nonce="abc"`}, "r", "abc", "", []string{"auth"}},
		"algorithm quoted":            {[]string{`Digest realm="r", nonce="abc", qop="auth", algorithm="MD5"`}, "r", "abc", "MD5", []string{"auth"}},
		"no qop":                      {[]string{`Digest realm="r", nonce="abc"`}, "r", "abc", "", nil},
		"no realm":                    {[]string{`Digest nonce="abc", qop="auth"`}, "", "abc", "", []string{"auth"}},
		"after Basic":                 {[]string{`Basic realm="b", Digest realm="r", nonce="abc", qop="auth"`}, "r", "abc", "", []string{"auth"}},
		"before Basic":                {[]string{`Digest realm="r", nonce="abc", qop="auth", Basic realm="b"`}, "r", "abc", "", []string{"auth"}},
		"after Negotiate":             {[]string{`Negotiate, Digest realm="r", nonce="abc", qop="auth"`}, "r", "abc", "", []string{"auth"}},
		"after a token68":             {[]string{`NTLM TlRMTVNTUAAC==, Digest realm="r", nonce="abc", qop="auth"`}, "r", "abc", "", []string{"auth"}},
		"MD5 and SHA-256":             {[]string{`Digest realm="r", nonce="m", qop="auth", algorithm=MD5, Digest realm="r", nonce="s", qop="auth", algorithm=SHA-256`}, "r", "s", "SHA-256", []string{"auth"}},
		"SHA-256 and MD5":             {[]string{`Digest realm="r", nonce="s", qop="auth", algorithm=SHA-256, Digest realm="r", nonce="m", qop="auth", algorithm=MD5`}, "r", "s", "SHA-256", []string{"auth"}},
		"SHA-256 on another line":     {[]string{`Digest realm="r", nonce="m", algorithm=MD5`, `Digest realm="r", nonce="s", algorithm=SHA-256`}, "r", "s", "SHA-256", nil},
		"other lines":                 {[]string{`Bearer realm="x"`, `Digest realm="r", nonce="abc"`, ``}, "r", "abc", "", nil},
		"after an unknown algorithm":  {[]string{`Digest realm="r", nonce="x", algorithm=ROT13`, `Digest realm="r", nonce="abc"`}, "r", "abc", "", nil},
		"after an unclosed quote":     {[]string{`Basic realm="x`, `Digest realm="r", nonce="abc"`}, "r", "abc", "", nil},
		"after no grammar":            {[]string{`@@@ "x, y" =, Digest realm="r", nonce="abc"`}, "r", "abc", "", nil},
		"parameters without a scheme": {[]string{`nonce="x", Digest realm="r", nonce="abc"`, `nonce="y"`}, "r", "abc", "", nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			found, err := findChallenge(http.Header{"Www-Authenticate": test.lines})
			require.NoError(t, err)
			require.Equal(t, test.realm, found.Realm)
			require.Equal(t, test.nonce, found.Nonce)
			require.Equal(t, test.algorithm, found.Algorithm)
			require.Equal(t, test.qop, found.QOP)
		})
	}
}

func TestOnlyDigestChallengesAreAnswered(t *testing.T) {
	t.Parallel()
	for _, line := range []string{
		``, `Digest`, `Digest realm="x"`, `Digest nonce=""`, `Digestnonce="abc"`, `Digest nonce="abc`, `Digest nonce="abc", qop="auth-conf"`,
		`Digest nonce="abc", algorithm=ROT13`, `Basic nonce="abc"`, `nonce="abc"`, `Digest, nonce`, `"Digest nonce=abc"`,
	} {
		found, err := findChallenge(http.Header{"Www-Authenticate": {line}})
		require.ErrorIs(t, err, ErrAuthentication, line)
		require.Nil(t, found)
	}
	found, err := findChallenge(http.Header{})
	require.NoError(t, err)
	require.Nil(t, found)
}

func TestAHeaderOfAnySizeIsReadInBounds(t *testing.T) {
	t.Parallel()
	good := `Digest realm="r", nonce="abc"`
	for _, line := range []string{
		good + strings.Repeat(`, x=y`, 10_000),
		good + strings.Repeat(`, Basic realm="x"`, 10_000),
		good + strings.Repeat(`,`, 60_000),
		good + strings.Repeat(`\"`, 30_000),
		good + strings.Repeat(` a`, 30_000),
		strings.Repeat(`a=b, `, 10_000) + good,
	} {
		found := parseChallenges([]string{line})
		requireBounded(t, found)
	}
	many := parseChallenges(strings.Split(strings.Repeat(good+"\n", 1000), "\n"))
	require.Len(t, many, maxChallenges)
	_, err := findChallenge(http.Header{"Www-Authenticate": {good + `, ` + manyParameters(1000)}})
	require.NoError(t, err)
}

func manyParameters(count int) string {
	var all []string
	for n := range count {
		all = append(all, fmt.Sprintf("p%d=v", n))
	}
	return strings.Join(all, ", ")
}

func requireBounded(t *testing.T, found []authChallenge) {
	t.Helper()
	require.LessOrEqual(t, len(found), maxChallenges)
	for _, challenge := range found {
		require.NotEmpty(t, challenge.scheme)
		require.LessOrEqual(t, len(challenge.parameters), maxParameters)
	}
}

func FuzzParseChallenges(f *testing.F) {
	for _, seed := range []string{
		anyChallenge, `Basic realm="x", ` + anyChallenge, `Digest realm="\"\\", nonce=a=b, qop=auth,auth-int`, `NTLM abc==, Digest nonce=""`, "Digest\tNONCE=\"\xfc\",,", `"`, `\`, `=`, `Digest nonce="`,
	} {
		f.Add(seed, seed)
	}
	f.Fuzz(func(t *testing.T, first, second string) {
		found := parseChallenges([]string{first, second})
		requireBounded(t, found)
		for _, challenge := range found {
			kept := 0
			for name, value := range challenge.parameters {
				require.Equal(t, strings.ToLower(name), name)
				kept += len(name) + len(value)
			}
			require.LessOrEqual(t, kept, 4*(len(first)+len(second)), "nothing is made up")
		}
		// What is found can be written and read again, whatever it holds.
		challenge, err := findChallenge(http.Header{"Www-Authenticate": {first, second}})
		if err != nil || challenge == nil {
			return
		}
		again := parseChallenges([]string{`Digest realm=` + quoted(challenge.Realm) + `, nonce=` + quoted(challenge.Nonce)})
		require.Len(t, again, 1)
		require.Equal(t, challenge.Realm, again[0].parameters["realm"])
		require.Equal(t, challenge.Nonce, again[0].parameters["nonce"])
	})
}
