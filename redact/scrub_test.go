package redact_test

import (
	"encoding/base32"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"html"
	"maps"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/migrationlink/migrationlink/redact"
)

// escapes are ways to write a text that leave what needs no escape as it is.
var escapes = map[string]func(string) string{
	"plain":      func(s string) string { return s },
	"query":      url.QueryEscape,
	"path":       url.PathEscape,
	"JSON":       quoted,
	"JSON twice": func(s string) string { return quoted(quoted(s)) },
	"JSON in URL": func(s string) string {
		return url.QueryEscape(quoted(s))
	},
	"URL in JSON":  func(s string) string { return quoted(url.PathEscape(s)) },
	"JavaScript":   func(s string) string { return strings.ReplaceAll(quoted(s), "/", `\/`) },
	"Go":           func(s string) string { return inside(fmt.Sprintf("%+q", s)) },
	"HTML":         html.EscapeString,
	"HTML numbers": func(s string) string { return each(s, "&#%d;") },
	"HTML hex":     func(s string) string { return each(s, "&#x%x;") },
	"JSON numbers": func(s string) string { return each(s, `\u%04X`) },
	"URL numbers":  func(s string) string { return eachByte(s, "%%%02x") },
}

// encodings are ways to write a text as another.
var encodings = map[string]func(string) string{
	"none":          func(s string) string { return s },
	"base64":        func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) },
	"base64 URL":    func(s string) string { return base64.URLEncoding.EncodeToString([]byte(s)) },
	"base64 raw":    func(s string) string { return base64.RawStdEncoding.EncodeToString([]byte(s)) },
	"base32":        func(s string) string { return base32.StdEncoding.EncodeToString([]byte(s)) },
	"base32 lower":  func(s string) string { return strings.ToLower(base32.StdEncoding.EncodeToString([]byte(s))) },
	"hex":           func(s string) string { return hex.EncodeToString([]byte(s)) },
	"hex upper":     func(s string) string { return strings.ToUpper(hex.EncodeToString([]byte(s))) },
	"base64 of URL": func(s string) string { return base64.StdEncoding.EncodeToString([]byte(url.QueryEscape(s))) },
}

func quoted(s string) string {
	text, _ := json.Marshal(s)
	return inside(string(text))
}

func inside(quotes string) string { return quotes[1 : len(quotes)-1] }

func each(s, format string) string {
	var result strings.Builder
	for _, r := range s {
		fmt.Fprintf(&result, format, r)
	}
	return result.String()
}

func eachByte(s, format string) string {
	var result strings.Builder
	for i := range len(s) {
		fmt.Fprintf(&result, format, s[i])
	}
	return result.String()
}

// The secret stands inside a longer text, which is encoded as a whole, as in
// Basic authentication, and escaped on the way. What is left must not depend on
// the secret: it is the same for one of the same characters in another order.
func TestNothingOfASecretIsLeftHoweverItIsEchoed(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		characters := []rune(rapid.StringMatching("[ -9;-`{-~é]{8,200}").Draw(t, "secret"))
		before := rapid.StringMatching(`[a-z:]{0,7}`).Draw(t, "before")
		after := rapid.StringMatching(`[a-z:]{0,7}`).Draw(t, "after")
		encode := encodings[rapid.SampledFrom(sortedKeys(encodings)).Draw(t, "encoding")]
		escape := escapes[rapid.SampledFrom(sortedKeys(escapes)).Draw(t, "escape")]
		left := func(characters []rune) string {
			secret := string(characters)
			return redact.Remove("before <"+escape(encode(before+secret+after))+"> after", redact.NewSecret(secret))
		}

		one := left(characters)
		require.Regexp(t, `^before <.*\[redacted\].*> after$`, one)
		require.Equal(t, one, left(rapid.Permutation(characters).Draw(t, "other")))
	})
}

func FuzzRemove(f *testing.F) {
	f.Add("canary+link/token&with=odd\"characters", "some text")
	f.Add(`%41\u0041&amp;x+ \`, `%25\\u00`)
	f.Fuzz(func(t *testing.T, secret, around string) {
		if len(secret) < 8 || strings.Contains(around, secret) {
			return
		}
		for name, escape := range escapes {
			for encoding, encode := range encodings {
				form := escape(encode(secret))
				if !strings.Contains(escape(encode(secret)), "\ufffd") && strings.ToValidUTF8(secret, "") == secret {
					require.NotContains(t, redact.Remove(around+" "+form+" "+around, redact.NewSecret(secret)), form, "%s of %s", name, encoding)
				}
			}
		}
	})
}

func TestWhatIsNoSecretStaysAsItIs(t *testing.T) {
	t.Parallel()
	secret := redact.NewSecret("c4n4ry-5ecret")
	for _, text := range []string{
		"", "%", `\`, "&", "%4", `\u00`, "&#;", "&amp;&#x41;%41\\u0041\\uD83D\\uDE00+", "100 % of c4n4ry-5ecre",
		"\xff\xfe", `\ud800\u0041`, strings.Repeat("%25", 1000),
	} {
		require.Equal(t, text, redact.Remove(text, secret, redact.Secret{}))
	}
	require.Equal(t, "RESOURCE_REQUIRES_ACCESS_LIST_OF_THE_ORG 5f1b2c3d4e5f6a7b8c9d0e1f",
		redact.Scrub("RESOURCE_REQUIRES_ACCESS_LIST_OF_THE_ORG 5f1b2c3d4e5f6a7b8c9d0e1f", secret))
	require.Equal(t, "a[redacted][redacted]b", redact.Remove("ac4n4ry-5ecretc4n4ry-5ecretb", secret))
}

func TestALongTextIsCutWithoutShowingTheBeginningOfASecret(t *testing.T) {
	t.Parallel()
	secret := redact.NewSecret("c4n4ry!" + strings.Repeat("5ecret ", 20))
	for cut := range 200 {
		text := strings.Repeat(" ", 8<<10-cut) + strings.Repeat(secret.Reveal(), 10_000)
		require.NotContains(t, redact.Scrub(strings.TrimLeft(text, " "), secret), "c4n")
		require.NotContains(t, redact.Clean(text, secret), "c4n")
	}
	require.Len(t, redact.Scrub(strings.Repeat("a ", 10_000)), 512+len("…"))
}

func BenchmarkScrub(b *testing.B) {
	token, key := redact.NewSecret(strings.Repeat("link token+&", 16)), redact.NewSecret("0b1c2d3e-4f50-6172-8394-a5b6c7d8e9f0")
	for b.Loop() {
		redact.Scrub("You are not authorized for this resource: https://example.com/?a=%20&b=c", token, key)
	}
}

func sortedKeys(m map[string]func(string) string) []string { return slices.Sorted(maps.Keys(m)) }
