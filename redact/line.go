package redact

import (
	"strings"
	"unicode/utf8"
)

// Line returns text from outside as one printable line of at most so many characters,
// see Printable. What is beyond is not read, and replaced by an ellipsis.
func Line(text string, most int) string {
	if len(text) > most*utf8.UTFMax+1 {
		text = text[:most*utf8.UTFMax+1]
	}
	line := []rune(strings.TrimSpace(Printable(text)))
	if len(line) > most {
		return string(line[:most]) + "…"
	}
	return string(line)
}
