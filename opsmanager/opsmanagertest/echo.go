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

// echoForms are the values of Fault.Form: the ways in which a careless or malicious
// server may repeat a request.
var echoForms = map[string]func(string) string{
	"plain":     func(s string) string { return s },
	"base64":    func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) },
	"base64url": func(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) },
	"hex":       func(s string) string { return hex.EncodeToString([]byte(s)) },
	"url":       percentEncoded,
	"json":      unicodeEscaped,
}

const plainForm = "plain"

// EchoForms returns the values of Fault.Form, sorted.
func EchoForms() []string { return slices.Sorted(maps.Keys(echoForms)) }

// percentEncoded writes every byte as %XX, which is allowed but unnecessary.
func percentEncoded(s string) string {
	var encoded strings.Builder
	for _, b := range []byte(s) {
		fmt.Fprintf(&encoded, "%%%02X", b)
	}
	return encoded.String()
}

// unicodeEscaped writes every character as \uXXXX, as JSON allows.
func unicodeEscaped(s string) string {
	var escaped strings.Builder
	for _, r := range s {
		fmt.Fprintf(&escaped, `\u%04x`, r)
	}
	return escaped.String()
}

// heard returns the parts of a request that may be secret: the credentials, raw and
// decoded, the body, and each string in it.
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
	_ = json.Unmarshal(c.body, &fields) // if the body is not JSON, it has no fields
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		if text, ok := fields[name].(string); ok {
			heard = append(heard, text)
		}
	}
	return slices.DeleteFunc(heard, func(s string) bool { return s == "" })
}

// echoed returns the parts of the request in the fault's form: each part, then all of
// them together.
func (f Fault) echoed(c *call) string {
	encode := echoForms[cmp.Or(f.Form, plainForm)]
	var parts []string
	for _, part := range c.heard() {
		parts = append(parts, encode(part))
	}
	return strings.Join(append(parts, encode(strings.Join(c.heard(), " "))), " ")
}

// echo repeats the request wherever a client may look: in each string of the body, and
// in the headers that clients read. It has no effect.
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

// echoBody repeats the text in every field that a client of the two APIs or of OAuth may
// show.
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
