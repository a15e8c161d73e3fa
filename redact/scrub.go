package redact

import (
	"regexp"
	"strings"
)

const (
	// maxText is the most that is kept of a text from outside, in bytes.
	maxText = 512
	// maxLooked is the most that is looked at, and tail the part of it at the end
	// that is dropped when there was more: it may hold the beginning of a secret.
	maxLooked, tail = 8 << 10, 4 << 10
)

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
	text = opaque.ReplaceAllStringFunc(removeFromStart(text, secrets), func(word string) string {
		if errorCode.MatchString(word) {
			return word
		}
		return redacted
	})
	return shorten(Printable(text))
}

// Clean is Scrub for a text that may hold long words by right, such as a name:
// only the given secrets are removed.
func Clean(text string, secrets ...Secret) string {
	return shorten(Printable(removeFromStart(text, secrets)))
}

// Remove replaces the secrets in text, in plain and in the usual encodings, and
// leaves the rest as it is.
func Remove(text string, secrets ...Secret) string {
	return findAll(text, secrets).replace(text)
}

// removeFromStart is Remove for the beginning of a text of any length.
func removeFromStart(text string, secrets []Secret) string {
	if len(text) <= maxLooked {
		return Remove(text, secrets...)
	}
	text = text[:maxLooked]
	found := findAll(text, secrets)
	found.add(span{maxLooked - tail, maxLooked})
	return found.replace(text)
}

func findAll(text string, secrets []Secret) hits {
	var forms []form
	known := map[string]bool{"": true}
	for _, secret := range secrets {
		if plain := secret.Reveal(); !known[plain] {
			known[plain] = true
			forms = append(forms, secret.forms()...)
		}
	}
	found := make(hits, len(text))
	eachView(text, func(v view) { v.find(forms, found) })
	return found
}

func shorten(text string) string {
	if len(text) > maxText {
		return strings.ToValidUTF8(text[:maxText], "") + "…"
	}
	return text
}
