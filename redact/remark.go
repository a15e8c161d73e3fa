package redact

import (
	"regexp"
	"slices"
	"strings"
)

// LongestWord is above any word and most addresses that people write, and well below a link-token.
const LongestWord = 100

// word is what a secret consists of.
var word = regexp.MustCompile("[!-~]+")

// Remark returns a text that somebody wrote, such as a reason, as one printable line of at most so
// many characters, see Line. It does not hold what may be a secret.
func Remark(text string, most int) string {
	if strings.Contains(text, "-----BEGIN") {
		return redacted // the lines of a key are short
	}
	return Line(word.ReplaceAllStringFunc(text, func(word string) string {
		if mayBeSecret(word) {
			return redacted
		}
		return word
	}), most)
}

// MayHoldSecret reports whether Remark would remove a part of a text.
func MayHoldSecret(text string) bool {
	return strings.Contains(text, "-----BEGIN") || slices.ContainsFunc(word.FindAllString(text, -1), mayBeSecret)
}

func mayBeSecret(word string) bool {
	return len(word) > LongestWord || strings.Contains(strings.ToUpper(word), "AGE-SECRET-KEY")
}
