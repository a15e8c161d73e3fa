package redact

import (
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

// eachView calls look with the text as it is, and as it reads with its escapes resolved,
// in any order and up to maxDepth layers. One kind at a time, as what is an escape
// in one may be a part of the secret in another. They need not be the right ones:
// a view is only searched.
func eachView(text string, look func(view)) {
	layer := []view{{text: text}}
	look(layer[0])
	seen := map[string]bool{text: true}
	for depth := 1; depth <= maxDepth; depth++ {
		var next []view
		for _, outer := range layer {
			for _, kind := range kinds {
				inner, changed := outer.unescape(kind)
				if !changed || seen[inner.text] {
					continue
				}
				seen[inner.text] = true
				look(inner)
				if depth < maxDepth { // the last layer has most views
					next = append(next, inner)
				}
			}
		}
		layer = next
	}
}

// find adds where the forms are in the original text.
func (v view) find(forms []form, found hits) {
	lower := lowerASCII(v.text)
	for _, form := range forms {
		form.find(v.text, lower, func(s span) { found.add(v.original(s)) })
	}
}

func (v view) original(s span) span {
	if v.origin == nil {
		return s
	}
	return span{v.origin[s.begin].begin, v.origin[s.end-1].end}
}

// unescape resolves one layer of the escapes of one kind, and reports whether there
// was any.
func (v view) unescape(kind string) (view, bool) {
	if !strings.ContainsAny(v.text, kind) {
		return v, false
	}
	next := view{origin: make([]span, 0, len(v.text))}
	var text strings.Builder
	text.Grow(len(v.text))
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

// hits are parts of a text: for each byte the end of the longest one that begins there, or
// 0. They take the same room however many there are.
type hits []int

func (h hits) add(s span) { h[s.begin] = max(h[s.begin], s.end) }

// replace puts [redacted] in the place of the hits, once where they overlap.
func (h hits) replace(text string) string {
	var result strings.Builder
	end := 0 // of what is dealt with
	for begin, last := range h {
		if last == 0 {
			continue
		}
		if begin >= end {
			result.WriteString(text[end:begin])
			result.WriteString(redacted)
		}
		end = max(end, last)
	}
	if end == 0 {
		return text
	}
	result.WriteString(text[end:])
	return result.String()
}
