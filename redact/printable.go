package redact

import (
	"strings"
	"unicode"
)

// Printable replaces each character that does not show itself by a space: control
// characters, those of C1 as well, which steer a terminal, and those that hide,
// reorder or take no room, with which one text can look like another. Every text
// from outside goes through it before it is shown, stored or logged.
func Printable(text string) string { return strings.Map(printable, text) }

// IsPrintable reports whether Printable leaves a character as it is.
func IsPrintable(r rune) bool {
	return unicode.IsPrint(r) && !unicode.Is(unicode.Other_Default_Ignorable_Code_Point, r)
}

func printable(r rune) rune {
	if IsPrintable(r) {
		return r
	}
	return ' '
}
