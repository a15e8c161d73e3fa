package redact

import (
	"encoding/base32"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"unicode"
)

// maxText is the most that is kept of a text from outside, in bytes.
const maxText = 512

var (
	// opaque is what a link-token looks like, and nothing that a server has a
	// reason to tell: ids have 24 digits. It catches the secrets of which the one
	// who scrubs does not know.
	opaque = regexp.MustCompile(`[A-Za-z0-9+/=_%-]{32,}`)
	// errorCode is what the codes of MongoDB's APIs look like, some of them long.
	errorCode = regexp.MustCompile(`^[A-Z][A-Z_]*$`)
)

// Scrub makes a text from outside fit to be shown: without the secrets, in any
// form in which a server may echo them, without whatever else looks like one,
// without control characters, and short.
func Scrub(text string, secrets ...Secret) string {
	text = Remove(text, secrets...)
	text = opaque.ReplaceAllStringFunc(text, func(word string) string {
		if errorCode.MatchString(word) {
			return word
		}
		return redacted
	})
	return shorten(strings.Map(printable, text))
}

// Clean is Scrub for a text that may hold long words by right, such as a name:
// only the given secrets are removed.
func Clean(text string, secrets ...Secret) string {
	return shorten(strings.Map(printable, Remove(text, secrets...)))
}

// Remove replaces the secrets in text, in plain and in the usual encodings, and
// leaves the rest as it is.
func Remove(text string, secrets ...Secret) string {
	for _, secret := range secrets {
		for _, form := range forms(secret.Reveal()) {
			text = strings.ReplaceAll(text, form, redacted)
		}
	}
	return text
}

// printable keeps a server from steering the terminal on which its words are
// shown.
func printable(r rune) rune {
	if unicode.IsPrint(r) {
		return r
	}
	return ' '
}

// forms are the ways in which a secret may be written, the longest first.
func forms(secret string) []string {
	if secret == "" {
		return nil
	}
	quoted, _ := json.Marshal(secret) // a string always marshals
	found := []string{
		secret,
		url.QueryEscape(secret),
		url.PathEscape(secret),
		strings.Trim(string(quoted), `"`),
		base64.RawStdEncoding.EncodeToString([]byte(secret)),
		base64.RawURLEncoding.EncodeToString([]byte(secret)),
		base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString([]byte(secret)),
		hex.EncodeToString([]byte(secret)),
		strings.ToUpper(hex.EncodeToString([]byte(secret))),
	}
	slices.SortStableFunc(found, func(a, b string) int { return len(b) - len(a) })
	return slices.Compact(found)
}

func shorten(text string) string {
	if len(text) > maxText {
		return strings.ToValidUTF8(text[:maxText], "") + "…"
	}
	return text
}
