package opsmanagertest

import (
	"bytes"
	"encoding/json"
	"maps"
	"net/http"
	"strconv"
)

// reply is the reply to one call.
type reply struct {
	status int
	header http.Header // besides the content type; may be nil
	body   []byte      // compact JSON, or nothing
	// verbatim bodies are not the API's: pretty and envelope do not change them.
	verbatim    bool
	contentType string // application/json if empty
}

// errorBody has its fields in the recorded order.
type errorBody struct {
	Error      int    `json:"error"`
	ErrorCode  string `json:"errorCode,omitempty"`
	Detail     string `json:"detail"`
	Reason     string `json:"reason"`
	Parameters []any  `json:"parameters,omitzero"`
}

func success(status int, body any) reply {
	encoded, err := json.Marshal(body)
	if err != nil {
		panic(err) // our own types only
	}
	return reply{status: status, body: encoded}
}

// apiError returns an error of the API. A 401 was recorded without parameters, others
// with.
func apiError(status int, code, detail string, parameters ...any) reply {
	if parameters == nil && status != http.StatusUnauthorized {
		parameters = []any{}
	}
	r := success(status, errorBody{status, code, detail, http.StatusText(status), parameters})
	if code != "" {
		r.header = http.Header{"X-Error-Code": {code}}
	}
	return r
}

// unauthorizedBody is recorded, including the spaces.
const unauthorizedBody = `{
  "error" : 401,
  "reason" : "Unauthorized",
  "detail" : "You are not authorized for this resource.",
  "errorCode" : "UNEXPECTED_ERROR"
}`

// unauthorized is the reply to missing or wrong credentials, with challenges if
// there are any.
func unauthorized(challenges []string) reply {
	header := http.Header{"X-Error-Code": {"UNEXPECTED_ERROR"}}
	if len(challenges) > 0 {
		header["Www-Authenticate"] = challenges
	}
	return reply{status: http.StatusUnauthorized, header: header, body: []byte(unauthorizedBody), verbatim: true}
}

// shaped applies the call's query parameters to the reply.
func (r reply) shaped(c *call) reply {
	if r.verbatim {
		return r
	}
	if c.envelope {
		r = r.enveloped()
	}
	if c.pretty && len(r.body) > 0 {
		var indented bytes.Buffer
		if err := json.Indent(&indented, r.body, "", "  "); err == nil {
			r.body = indented.Bytes()
		}
	}
	return r
}

// enveloped wraps the body for clients that cannot see the HTTP status. The status
// stays, except for 204, which cannot have a body.
func (r reply) enveloped() reply {
	content := json.RawMessage("null")
	if len(r.body) > 0 {
		content = r.body
	}
	envelope := success(r.status, struct {
		Status  int             `json:"status"`
		Content json.RawMessage `json:"content"`
	}{r.status, content})
	envelope.header, envelope.contentType = r.header, r.contentType
	if r.status == http.StatusNoContent {
		envelope.status = http.StatusOK
	}
	return envelope
}

// writeHead writes everything except the body. It announces the length unless it is
// negative.
func (r reply) writeHead(w http.ResponseWriter, length int) {
	maps.Copy(w.Header(), r.header)
	contentType := r.contentType
	if contentType == "" {
		contentType = "application/json"
	}
	w.Header().Set("Content-Type", contentType)
	if length >= 0 && r.status != http.StatusNoContent {
		w.Header().Set("Content-Length", strconv.Itoa(length))
	}
	w.WriteHeader(r.status)
}

// write writes the reply. It ignores errors: the client may have gone away.
func (r reply) write(w http.ResponseWriter) {
	r.writeHead(w, len(r.body))
	_, _ = w.Write(r.body)
}
