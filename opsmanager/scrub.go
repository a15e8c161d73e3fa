package opsmanager

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"net/url"
	"regexp"
	"strings"
	"unicode"
)

const (
	redacted = "[redacted]"
	// maxText is the most that is kept of a text from outside.
	maxText = 512
)

var (
	// opaque is what a link-token looks like, and nothing that a manager has a
	// reason to tell: ids have 24 digits. It catches the token of an earlier
	// call, which this one does not know.
	opaque = regexp.MustCompile(`[A-Za-z0-9+/=_%-]{32,}`)
	// errorCode is what the manager's codes look like, some of them long.
	errorCode = regexp.MustCompile(`^[A-Z][A-Z_]*$`)
	// statusWord is what a status looks like. Any other text may be anything.
	statusWord = regexp.MustCompile(`^[A-Z][A-Z_]{0,31}$`)
)

// scrub removes the secrets of the call and of the client, in the forms in which
// a server may echo them, and whatever else looks like a secret; and shortens.
func (c *Client) scrub(call *call, text string) string {
	for _, secret := range []string{call.secret, c.privateKey} {
		for _, form := range forms(secret) {
			text = strings.ReplaceAll(text, form, redacted)
		}
	}
	text = opaque.ReplaceAllStringFunc(text, func(word string) string {
		if errorCode.MatchString(word) {
			return word
		}
		return redacted
	})
	return shorten(strings.Map(printable, text))
}

// printable keeps a server from steering the terminal on which its words are
// shown.
func printable(r rune) rune {
	if unicode.IsPrint(r) {
		return r
	}
	return ' '
}

func forms(secret string) []string {
	if secret == "" {
		return nil
	}
	quoted, _ := json.Marshal(secret) // a string always marshals
	return []string{
		secret,
		url.QueryEscape(secret),
		url.PathEscape(secret),
		strings.Trim(string(quoted), `"`),
		base64.StdEncoding.EncodeToString([]byte(secret)),
		base64.URLEncoding.EncodeToString([]byte(secret)),
		hex.EncodeToString([]byte(secret)),
	}
}

func shorten(text string) string {
	if len(text) > maxText {
		return strings.ToValidUTF8(text[:maxText], "") + "…"
	}
	return text
}
