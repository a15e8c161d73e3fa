package redact

import (
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// maxDepth is how often a text may have been escaped: JSON in a URL in JSON.
const maxDepth = 3

// span is a part of a text, in bytes: from begin to before end.
type span struct{ begin, end int }

// view is a text without one or more layers of escapes.
type view struct {
	text string
	// origin is, for each byte, the part of the original text that stands for it.
	// Nil means the same place.
	origin []span
}

// kinds of escapes, by the characters that begin one: of paths, of queries, where
// a plus is a space, of JSON and Go, and of HTML.
var kinds = []string{"%", "%+", `\`, "&"}

// viewsOf returns the text as it is, and as it reads with its escapes resolved,
// in any order and up to maxDepth layers. One kind at a time, as what is an escape
// in one may be a part of the secret in another. They need not be the right ones:
// a view is only searched.
func viewsOf(text string) []view {
	views := []view{{text: text}}
	seen := map[string]bool{text: true}
	for depth, from := 0, 0; depth < maxDepth; depth++ {
		layer := views[from:]
		from = len(views)
		for _, outer := range layer {
			for _, kind := range kinds {
				if inner, changed := outer.unescape(kind); changed && !seen[inner.text] {
					seen[inner.text] = true
					views = append(views, inner)
				}
			}
		}
	}
	return views
}

// find returns where the forms are in the original text.
func (v view) find(forms []form) []span {
	lower := lowerASCII(v.text)
	var found []span
	for _, form := range forms {
		for _, hit := range form.find(v.text, lower) {
			found = append(found, v.original(hit))
		}
	}
	return found
}

func (v view) original(s span) span {
	if v.origin == nil {
		return s
	}
	return span{v.origin[s.begin].begin, v.origin[s.end-1].end}
}

// unescape resolves one layer of the escapes of one kind, and tells whether there
// was any.
func (v view) unescape(kind string) (view, bool) {
	if !strings.ContainsAny(v.text, kind) {
		return v, false
	}
	next := view{origin: make([]span, 0, len(v.text))}
	var text strings.Builder
	changed := false
	for at := 0; at < len(v.text); {
		resolved, length := v.text[at:at+1], 1
		if strings.IndexByte(kind, v.text[at]) >= 0 {
			if stands, escaped := escape(v.text[at:]); escaped > 0 {
				resolved, length, changed = stands, escaped, true
			}
		}
		text.WriteString(resolved)
		for range len(resolved) {
			next.origin = append(next.origin, v.original(span{at, at + length}))
		}
		at += length
	}
	next.text = text.String()
	return next, changed
}

// escape returns what the escape at the start of text stands for, and its
// length: 0 when there is none.
func escape(text string) (string, int) {
	switch text[0] {
	case '+':
		return " ", 1
	case '%':
		return escapedByte(text, 1)
	case '\\':
		return backslash(text)
	case '&':
		return entity(text)
	}
	return "", 0
}

// escapedByte reads two hexadecimal digits.
func escapedByte(text string, at int) (string, int) {
	if len(text) < at+2 {
		return "", 0
	}
	value, err := strconv.ParseUint(text[at:at+2], 16, 8)
	if err != nil {
		return "", 0
	}
	return string([]byte{byte(value)}), at + 2
}

func backslash(text string) (string, int) {
	if len(text) < 2 {
		return "", 0
	}
	switch text[1] {
	case 'x':
		return escapedByte(text, 2)
	case 'u':
		return escapedRune(text)
	case 'n':
		return "\n", 2
	case 't':
		return "\t", 2
	case 'r':
		return "\r", 2
	case 'b':
		return "\b", 2
	case 'f':
		return "\f", 2
	case '"', '\'', '\\', '/':
		return text[1:2], 2
	}
	return "", 0
}

// escapedRune reads \u and four digits, or twice that for a pair of surrogates.
func escapedRune(text string) (string, int) {
	const length = len(`\u0000`)
	first, ok := codeUnit(text)
	if !ok {
		return "", 0
	}
	if utf16.IsSurrogate(first) {
		if second, ok := codeUnit(text[length:]); ok {
			return string(utf16.DecodeRune(first, second)), 2 * length
		}
	}
	return string(first), length
}

func codeUnit(text string) (rune, bool) {
	if len(text) < 6 || text[0] != '\\' || text[1] != 'u' {
		return 0, false
	}
	value, err := strconv.ParseUint(text[2:6], 16, 16)
	return rune(value), err == nil
}

var entities = map[string]string{"amp": "&", "lt": "<", "gt": ">", "quot": `"`, "apos": "'"}

// entity reads an entity of HTML, by name or number.
func entity(text string) (string, int) {
	name, _, found := strings.Cut(text[1:min(len(text), 12)], ";")
	if !found {
		return "", 0
	}
	if value, ok := entities[name]; ok {
		return value, len(name) + 2
	}
	digits, numeric := strings.CutPrefix(name, "#")
	base := 10
	if hexadecimal := strings.TrimLeft(digits, "xX"); hexadecimal != digits {
		digits, base = hexadecimal, 16
	}
	value, err := strconv.ParseUint(digits, base, 21)
	if !numeric || err != nil || value > utf8.MaxRune {
		return "", 0
	}
	return string(rune(value)), len(name) + 2
}

// lowerASCII keeps every byte at its place.
func lowerASCII(text string) string {
	lower := []byte(text)
	for i, c := range lower {
		if 'A' <= c && c <= 'Z' {
			lower[i] = c + 'a' - 'A'
		}
	}
	return string(lower)
}

// replace puts [redacted] in the place of the hits, once where they overlap.
func replace(text string, hits []span) string {
	if len(hits) == 0 {
		return text
	}
	slices.SortFunc(hits, func(a, b span) int { return a.begin - b.begin })
	var result strings.Builder
	end := 0 // of what is dealt with
	for _, hit := range hits {
		if hit.begin >= end {
			result.WriteString(text[end:hit.begin])
			result.WriteString(redacted)
		}
		end = max(end, hit.end)
	}
	result.WriteString(text[end:])
	return result.String()
}
