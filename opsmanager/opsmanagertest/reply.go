package opsmanagertest

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strconv"
)

// reply is what the manager says to one call.
type reply struct {
	status int
	header http.Header // besides the content type; may be nil
	body   []byte      // compact JSON, or nothing
	// verbatim bodies are not the API's: pretty and envelope do not touch them.
	verbatim    bool
	contentType string // application/json if empty
}

// errorBody has its fields in the order of the recorded ones.
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

// apiError is an error of the API. A 401 was recorded without parameters, the
// others with.
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

// unauthorizedBody is recorded, spaces and all.
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

// shaped returns the reply as the call's query parameters ask for it.
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

// enveloped wraps the body for clients that cannot see the HTTP status. The
// status itself stays, but for 204, which could not carry the envelope.
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

// writeHead writes all but the body, whose length is told unless it is negative.
func (r reply) writeHead(w http.ResponseWriter, length int) {
	for name, values := range r.header {
		w.Header()[name] = values
	}
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

// write writes the reply. A client that has gone away is not our error.
func (r reply) write(w http.ResponseWriter) {
	r.writeHead(w, len(r.body))
	_, _ = w.Write(r.body)
}
