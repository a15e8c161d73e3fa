package secret

import (
	"errors"
	"strings"
	"unicode"

	"github.com/migrationlink/migrationlink/redact"
)

// maxLinkToken, in bytes, is far above the 192 characters of a link-token.
const maxLinkToken = 8 << 10

// CheckLinkToken returns an error for a text that cannot be a link-token, such as an
// identity, a private key or several lines: it must not be sent to a manager. The form
// of link-tokens is not documented, so only Atlas and the manager recognize a valid one.
// The error continues a sentence about the source of the token, as in "holds more than
// one word", and does not contain the token.
func CheckLinkToken(token redact.Secret) error {
	text := token.Reveal()
	problem := ""
	switch {
	case text == "":
		problem = "is empty"
	case len(text) > maxLinkToken:
		problem = "is longer than 8 KiB, too long for a link-token"
	case strings.Contains(strings.ToUpper(text), "AGE-SECRET-KEY"):
		problem = "holds an identity, the secret key of the workers, not a link-token"
	case strings.Contains(text, "-----BEGIN AGE"):
		problem = "holds a link-token that is sealed already, which --sealed-token-file of 'starter link' takes"
	case strings.Contains(text, "-----BEGIN"):
		problem = "holds a key or a certificate in PEM form, not a link-token"
	case strings.ContainsAny(text[:1], "{[\"'"):
		problem = "holds a link-token in quotes or in JSON"
	case strings.ContainsFunc(text, unicode.IsSpace):
		problem = "holds more than one word"
	case strings.ContainsFunc(text, func(r rune) bool { return r == unicode.ReplacementChar || !redact.IsPrintable(r) }):
		problem = "holds characters that are not printable"
	default:
		return nil
	}
	return errors.New(problem)
}
