package redact

import (
	"encoding/base32"
	"encoding/base64"
	"encoding/hex"
	"net/url"
	"slices"
	"strings"
)

// minEncoded is the length in bytes from which a secret is looked for in other
// forms than plain: those of shorter ones are found everywhere.
const minEncoded = 6

// form is one way in which a secret may be written, as the part of it that does
// not depend on what is written around it.
type form struct {
	text string
	// before and after are how many characters at each side hold bits of the
	// secret and of its neighbour.
	before, after int
	// anyCase reports whether upper and lower case are the same; then text is lower.
	anyCase bool
	// period is the least distance of two hits, in bytes: they may overlap.
	period int
}

// formsOf returns the forms of a secret, each once, apart from escapes, which a view
// resolves.
func formsOf(secret string) []form {
	var forms []form
	add := func(f form) {
		if f.text != "" && !slices.ContainsFunc(forms, f.same) {
			f.period = periodOf(f.text)
			forms = append(forms, f)
		}
	}
	add(form{text: secret})
	for _, plain := range []string{secret, url.QueryEscape(secret), url.PathEscape(secret)} {
		if len(plain) < minEncoded {
			continue
		}
		add(form{text: hex.EncodeToString([]byte(plain)), anyCase: true})
		for offset := range 3 {
			core := inner(base64.RawStdEncoding.EncodeToString(shifted(plain, offset)), offset, len(plain), 6)
			add(core)
			core.text = strings.NewReplacer("+", "-", "/", "_").Replace(core.text)
			add(core)
		}
		for offset := range 5 {
			core := inner(strings.ToLower(base32.StdEncoding.EncodeToString(shifted(plain, offset))), offset, len(plain), 5)
			core.anyCase = true
			add(core)
		}
	}
	return forms
}

func (f form) same(other form) bool {
	other.period = f.period // depends on the text
	return f == other
}

// periodOf returns the least distance at which a text repeats itself, or its length if it
// does not. It is the prefix function of Knuth, Morris and Pratt.
func periodOf(text string) int {
	borders := make([]int, len(text)) // of each beginning: the longest end that is a beginning, too
	border := 0
	for at := 1; at < len(text); at++ {
		for border > 0 && text[at] != text[border] {
			border = borders[border-1]
		}
		if text[at] == text[border] {
			border++
		}
		borders[at] = border
	}
	return len(text) - border
}

// shifted is a secret that begins in the middle of a group of an encoding.
func shifted(secret string, offset int) []byte {
	return append(make([]byte, offset), secret...)
}

// inner cuts off what the neighbours of a secret have a part in. Each character
// of the encoded text holds some bits.
func inner(encoded string, offset, length, bits int) form {
	begin, end := 8*offset, 8*(offset+length)
	core := form{text: encoded[(begin+bits-1)/bits : end/bits]}
	if begin%bits != 0 {
		core.before = 1
	}
	if end%bits != 0 {
		core.after = 1
	}
	return core
}

// padding may end base64 and base32.
const padding = '='

// find calls hit for the parts of text in which the form is. Hits that overlap at the
// distance of the period are one part, so that the time is linear in the text.
func (f form) find(text, lower string, hit func(span)) {
	if f.anyCase {
		text = lower
	}
	for from := 0; ; {
		at := strings.Index(text[from:], f.text)
		if at < 0 {
			return
		}
		begin := from + at
		end := begin + len(f.text)
		if f.period < len(f.text) {
			repeated := end
			for repeated < len(text) && text[repeated] == text[repeated-f.period] {
				repeated++
			}
			end += (repeated - end) / f.period * f.period
		}
		from = end - len(f.text) + f.period
		hit(f.widen(text, span{begin, end}))
	}
}

// widen adds what the neighbours of a secret have a part in, and the padding.
func (f form) widen(text string, s span) span {
	if f.before+f.after == 0 {
		return s
	}
	s.begin, s.end = max(0, s.begin-f.before), min(len(text), s.end+f.after)
	for s.end < len(text) && text[s.end] == padding {
		s.end++
	}
	return s
}
