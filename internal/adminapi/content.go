package adminapi

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
)

var byteOrderMark = []byte("\xef\xbb\xbf")

// readContent returns the JSON of a success, without its envelope. A login page, a
// truncated reply and an error with the status of a success are errors: whether the call
// took effect is unknown.
func (c *Client) readContent(call *Call, r *Reply) (json.RawMessage, error) {
	switch {
	case r.Status == http.StatusNoContent && call.Method == http.MethodDelete:
		return nil, nil
	case r.BodyErr != nil:
		failed := c.Unreadable(call, r, r.BodyErr.Error())
		failed.Cause = transportCause(r.BodyErr)
		return nil, failed
	case !isObject(r.Body) && call.Method == http.MethodGet && json.Valid(r.Body):
		return r.Body, nil
	}
	var envelope head
	if !isObject(r.Body) || json.Unmarshal(r.Body, &envelope) != nil {
		return nil, c.notJSON(call, r)
	}
	content, inner := r.Body, envelope
	if envelope.wraps() {
		if status := valueOf[int](envelope.Status); status < 200 || status > 299 {
			return nil, c.Unreadable(call, r, fmt.Sprintf("its envelope holds HTTP %d", status))
		}
		content = envelope.content()
		inner = readHead(content)
	}
	if code, isError := inner.apiError(); isError {
		return nil, c.Unreadable(call, r, "it is an error with the status of a success"+code)
	}
	return content, nil
}

func (c *Client) notJSON(call *Call, r *Reply) error {
	// The error of encoding/json may contain a part of the reply.
	kind := c.contentType(call, r)
	err := c.Unreadable(call, r, fmt.Sprintf("it is not the JSON of the API (%s, %d bytes)", kind, len(r.Body)))
	if kind == "text/html" || bytes.HasPrefix(bytes.TrimSpace(r.Body), []byte("<")) {
		err.Cause = CauseLoginPage
	}
	return err
}

// head holds the fields that show what kind of reply an object is.
type head struct {
	Error     json.RawMessage `json:"error"`
	ErrorCode json.RawMessage `json:"errorCode"`
	Status    json.RawMessage `json:"status"`
	Content   json.RawMessage `json:"content"`
	// Envelope is the name of Content in older documentation.
	Envelope json.RawMessage `json:"envelope"`
}

func readHead(body []byte) (found head) {
	if !isObject(body) || json.Unmarshal(body, &found) != nil {
		return head{}
	}
	return found
}

// wraps reports whether the object is an envelope: its status is an HTTP status.
func (h head) wraps() bool {
	return valueOf[int](h.Status) > 0 && (len(h.Content) > 0 || len(h.Envelope) > 0)
}

func (h head) content() json.RawMessage {
	if len(h.Content) > 0 {
		return h.Content
	}
	return h.Envelope
}

// apiError reports whether the object is an error. It returns the code, if any, for the
// end of a sentence, and only if it has the form of one: a success may hold a secret.
func (h head) apiError() (code string, isError bool) {
	if word := valueOf[string](h.ErrorCode); codeWord.MatchString(word) {
		code = ": " + word
	}
	isError = valueOf[string](h.ErrorCode) != "" || valueOf[string](h.Error) != "" || valueOf[int](h.Error) >= http.StatusBadRequest
	return code, isError
}

var codeWord = regexp.MustCompile(`^[A-Z][A-Z_]{0,63}$`)

func isObject(body []byte) bool { return bytes.HasPrefix(bytes.TrimSpace(body), []byte("{")) }

// valueOf decodes a value, or returns zero if it is of another type.
func valueOf[T any](value json.RawMessage) T {
	var found, zero T
	if json.Unmarshal(value, &found) != nil {
		return zero
	}
	return found
}
