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
	// anyCase says that upper and lower case are the same; text is lower.
	anyCase bool
}

// formsOf returns the forms of a secret, apart from escapes, which a view
// resolves.
func formsOf(secret string) []form {
	if secret == "" {
		return nil
	}
	forms := []form{{text: secret}}
	for _, plain := range slices.Compact([]string{secret, url.QueryEscape(secret), url.PathEscape(secret)}) {
		if len(plain) < minEncoded {
			continue
		}
		forms = append(forms, form{text: hex.EncodeToString([]byte(plain)), anyCase: true})
		for offset := range 3 {
			core := inner(base64.RawStdEncoding.EncodeToString(shifted(plain, offset)), offset, len(plain), 6)
			forms = append(forms, core)
			core.text = strings.NewReplacer("+", "-", "/", "_").Replace(core.text)
			forms = append(forms, core)
		}
		for offset := range 5 {
			core := inner(strings.ToLower(base32.StdEncoding.EncodeToString(shifted(plain, offset))), offset, len(plain), 5)
			core.anyCase = true
			forms = append(forms, core)
		}
	}
	return forms
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

// find returns where the form is in text.
func (f form) find(text, lower string) []span {
	if f.anyCase {
		text = lower
	}
	var found []span
	for from := 0; f.text != ""; {
		at := strings.Index(text[from:], f.text)
		if at < 0 {
			break
		}
		begin, end := from+at, from+at+len(f.text)
		from = begin + 1 // they may overlap
		begin = max(0, begin-f.before)
		for n := 0; n < f.after && end < len(text); n++ {
			end++
		}
		for f.before+f.after > 0 && end < len(text) && text[end] == padding {
			end++
		}
		found = append(found, span{begin, end})
	}
	return found
}
