package opsmanagertest

import (
	"cmp"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
)

// echoForms are what Fault.Form can be: how a careless or a malicious server may
// write down what it was sent.
var echoForms = map[string]func(string) string{
	"plain":     func(s string) string { return s },
	"base64":    func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) },
	"base64url": func(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) },
	"hex":       func(s string) string { return hex.EncodeToString([]byte(s)) },
	"url":       percentEncoded,
	"json":      unicodeEscaped,
}

const plainForm = "plain"

// EchoForms are all that Fault.Form can be, sorted.
func EchoForms() []string { return slices.Sorted(maps.Keys(echoForms)) }

// percentEncoded writes every byte as %XX, as nobody needs to and anybody may.
func percentEncoded(s string) string {
	var encoded strings.Builder
	for _, b := range []byte(s) {
		fmt.Fprintf(&encoded, "%%%02X", b)
	}
	return encoded.String()
}

// unicodeEscaped writes every character as \uXXXX, as JSON allows it.
func unicodeEscaped(s string) string {
	var escaped strings.Builder
	for _, r := range s {
		fmt.Fprintf(&escaped, `\u%04x`, r)
	}
	return escaped.String()
}

// heard is what a request said that may be a secret: the credentials, as they
// came and decoded, the body, and each text in it.
func (c *call) heard() []string {
	heard := []string{c.authorization}
	_, credentials, _ := strings.Cut(c.authorization, " ")
	if decoded, err := base64.StdEncoding.DecodeString(credentials); err == nil {
		heard = append(heard, string(decoded))
		_, secret, _ := strings.Cut(string(decoded), ":")
		heard = append(heard, secret)
	} else {
		heard = append(heard, credentials)
	}
	heard = append(heard, string(c.body))
	var fields map[string]any
	_ = json.Unmarshal(c.body, &fields) // if it is none, there are none
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		if text, ok := fields[name].(string); ok {
			heard = append(heard, text)
		}
	}
	return slices.DeleteFunc(heard, func(s string) bool { return s == "" })
}

// echoed is what was heard in a form: each part of it, then all of it at once.
func (f Fault) echoed(c *call) string {
	encode := echoForms[cmp.Or(f.Form, plainForm)]
	var parts []string
	for _, part := range c.heard() {
		parts = append(parts, encode(part))
	}
	return strings.Join(append(parts, encode(strings.Join(c.heard(), " "))), " ")
}

// echo repeats the request wherever a client may look: in each text of the body,
// and in the headers that clients read. It has no effect.
func echo(f Fault, x *exchange) {
	status := cmp.Or(f.Status, http.StatusBadRequest)
	said := f.echoed(x.c)
	r := reply{status: status, header: http.Header{}, verbatim: true, body: echoBody(x.c, status, said)}
	inHeader := strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return ' '
		}
		return r
	}, said)
	r.contentType = "application/" + inHeader
	r.header.Set("X-Error-Code", inHeader)
	r.header.Set("Location", "https://"+strings.Map(hostOnly, inHeader)+".example/"+inHeader)
	if status == http.StatusUnauthorized {
		realm := strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(inHeader)
		r.header.Set("WWW-Authenticate", fmt.Sprintf(`Digest realm="%s", nonce="%s", algorithm=MD5, qop="auth"`, realm, realm))
	}
	if f.RetryAfter == nil {
		x.w.Header().Set("Retry-After", inHeader)
	}
	x.fail(f, r)
}

func hostOnly(r rune) rune {
	if r == ' ' || strings.ContainsRune(`/\"?#%@:<>[]{}|^,`+"`", r) {
		return '-'
	}
	return r
}

// echoBody says the same in every field that any client of the two APIs, or of
// OAuth, may show.
func echoBody(c *call, status int, said string) []byte {
	body := map[string]any{
		"error": status, "errorCode": said, "detail": said, "reason": said, "parameters": []any{said, 1}, "error_description": said,
		"status": said, "errorMessage": said, "targetOrg": map[string]any{"linkToken": said},
		"results": []any{map[string]any{"id": projectOf(c.orgID, 1).ID, "projectId": projectOf(c.orgID, 1).ID, "name": said}}, "totalCount": 1,
	}
	if c.resource == accessResource {
		body["error"] = said
	}
	return success(status, body).body
}
