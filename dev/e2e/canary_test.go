package e2e_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/base32"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"maps"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// canaries are secrets that tests search for, by kind.
type canaries struct {
	mu     sync.Mutex
	byName map[string]string
}

// add records a secret and returns it.
func (c *canaries) add(name, secret string) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.byName == nil {
		c.byName = map[string]string{}
	}
	c.byName[name] = secret
	return secret
}

func (c *canaries) named(name string) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.byName[name]
}

// token creates a link-token as long as a real one, of characters that every encoding
// writes differently.
func (c *canaries) token(name string) string {
	sum := sha256.Sum256([]byte(name))
	return c.add(name, "canary+"+strings.ReplaceAll(name, " ", "_")+"/%<&>=~\\$"+strings.Repeat(hex.EncodeToString(sum[:]), 3)[:160])
}

// requireNowhere fails with every place that has a secret, or a part of one, in any
// form in which a program may write it.
func (c *canaries) requireNowhere(t *testing.T, places map[string][]byte) {
	t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	require.NotEmpty(t, c.byName)
	index := newFormIndex(c.byName)
	var found []string
	for _, place := range slices.Sorted(maps.Keys(places)) {
		found = append(found, index.search(place, places[place])...)
	}
	require.Empty(t, found)
}

// formIndex searches many texts in one pass: there are hundreds of secrets in tens of
// forms, and a database.
type formIndex struct {
	byHead map[uint64][]writtenForm
	maybe  [1 << 16]bool // by a hash of the head, as most places hold nothing
}

// writtenForm is a secret in one form.
type writtenForm struct{ secret, form, text string }

const head = 8 // bytes; every form has more

func newFormIndex(secrets map[string]string) *formIndex {
	index := &formIndex{byHead: map[uint64][]writtenForm{}}
	for name, secret := range secrets {
		for form, text := range writtenForms(secret) {
			key := binary.LittleEndian.Uint64([]byte(text[:head]))
			index.byHead[key] = append(index.byHead[key], writtenForm{name, form, text})
			index.maybe[hashOf(key)] = true
		}
	}
	return index
}

func hashOf(key uint64) uint64 { return (key ^ key>>16 ^ key>>32 ^ key>>48) & (1<<16 - 1) }

func (x *formIndex) search(place string, content []byte) []string {
	var found []string
	for i := 0; i+head <= len(content); i++ {
		key := binary.LittleEndian.Uint64(content[i:])
		if !x.maybe[hashOf(key)] {
			continue
		}
		for _, form := range x.byHead[key] {
			if bytes.HasPrefix(content[i:], []byte(form.text)) {
				found = append(found, place+": "+form.secret+", "+form.form+", after "+printable(content[max(0, i-80):i]))
			}
		}
	}
	return found
}

func printable(text []byte) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return '.'
		}
		return r
	}, string(text))
}

// part is how much of a secret counts as a leak.
const part = 16

// writtenForms returns the forms in which a program may write a secret, or its first or
// last part, by name.
func writtenForms(secret string) map[string]string {
	forms := map[string]string{}
	for which, text := range map[string]string{"all": secret, "begin": secret[:min(part, len(secret))], "end": secret[max(0, len(secret)-part):]} {
		quoted, _ := json.Marshal(text)
		inner := string(quoted[1 : len(quoted)-1])
		forms["plain "+which] = text
		forms["JSON "+which] = inner
		forms["JSON, no HTML "+which] = strings.NewReplacer(`\u003c`, "<", `\u003e`, ">", `\u0026`, "&").Replace(inner)
		forms["JSON in JSON "+which] = strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(inner)
		forms["JSON, slashes "+which] = strings.ReplaceAll(inner, "/", `\/`)
		forms["query "+which] = url.QueryEscape(text)
		forms["path "+which] = url.PathEscape(text)
		forms["hex "+which] = hex.EncodeToString([]byte(text))
		forms["HEX "+which] = strings.ToUpper(hex.EncodeToString([]byte(text)))
		forms["base32 "+which] = strings.TrimRight(base32.StdEncoding.EncodeToString([]byte(text[:len(text)/5*5])), "=")
		forms["HTML "+which] = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;").Replace(text)
		for shift, digit := range []string{"0", "1", "2"} {
			for alphabet, encoding := range map[string]*base64.Encoding{"std": base64.RawStdEncoding, "url": base64.RawURLEncoding} {
				forms["base64 "+alphabet+" "+digit+" "+which] = shifted(encoding, text, shift)
			}
		}
	}
	return forms
}

// shifted returns the part of a longer base64 text that depends on text alone, when
// shift bytes precede it in its group of three.
func shifted(encoding *base64.Encoding, text string, shift int) string {
	whole := append(make([]byte, shift), text...)
	encoded := encoding.EncodeToString(whole[:len(whole)/3*3])
	if shift == 0 {
		return encoded
	}
	return encoded[4:]
}

// The search must be able to find what it searches for.
func TestTheSearchForSecretsFindsThemInEveryForm(t *testing.T) {
	t.Parallel()
	var c canaries
	secret := c.token("search")
	for _, before := range []string{"", "x", "xy", "xyz"} {
		inside := []byte(before + secret + "tail of it")
		quoted, err := json.Marshal(string(inside))
		require.NoError(t, err)
		for name, content := range map[string]string{
			"plain": string(inside), "hex": hex.EncodeToString(inside), "query": url.QueryEscape(string(inside)), "path": url.PathEscape(string(inside)),
			"JSON": string(quoted), "base64": base64.StdEncoding.EncodeToString(inside), "base64 URL": base64.RawURLEncoding.EncodeToString(inside),
			"begin": before + secret[:40], "end": before + secret[len(secret)-20:],
		} {
			require.NotEmpty(t, newFormIndex(c.byName).search("", []byte(content)), "%s after %q", name, before)
		}
	}
}
