package migrationlink

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// StartRequest holds the input of LinkWorkflow or of UnlinkWorkflow: exactly one field is set. It
// is the input of AcceptUpdate.
type StartRequest struct {
	Link   *LinkRequest   `json:"link,omitempty" jsonschema:"oneof_required=link"`
	Unlink *UnlinkRequest `json:"unlink,omitempty" jsonschema:"oneof_required=unlink"`
}

// Request is what can be asked for: to link or to unlink an organization.
type Request interface{ LinkRequest | UnlinkRequest }

// NewStartRequest returns a StartRequest with the request.
func NewStartRequest[R Request](request R) (asked StartRequest) {
	switch request := any(request).(type) {
	case LinkRequest:
		asked.Link = &request
	case UnlinkRequest:
		asked.Unlink = &request
	}
	return asked
}

// WorkflowID is the business key of the organization that the request names.
func (s StartRequest) WorkflowID() string {
	switch {
	case s.Link != nil:
		return WorkflowID(s.Link.Manager, s.Link.OrgID)
	case s.Unlink != nil:
		return WorkflowID(s.Unlink.Manager, s.Unlink.OrgID)
	}
	return ""
}

// Validate checks the request that is set. The error is a *ValidationError.
func (s StartRequest) Validate() error {
	switch {
	case (s.Link == nil) == (s.Unlink == nil):
		return problems([]FieldProblem{{"link", "set either link or unlink, a request"}})
	case s.Link != nil:
		return s.Link.Validate()
	}
	return s.Unlink.Validate()
}

// Difference compares asked with s, the request that is running. It returns nil if they are
// equal: then a start joins the running one. Otherwise it names every field that differs, and
// the start is refused. A field that is left out equals its default.
func (s StartRequest) Difference(asked StartRequest) []FieldProblem {
	have, want := s.workflow(), asked.workflow()
	if have != want {
		return []FieldProblem{{"workflow", fmt.Sprintf("running: %s; your request: %s", orNone(have), orNone(want))}}
	}
	if have := s.token(); have.Sealed != "" && have.Sealed == asked.token().Sealed {
		asked = asked.WithToken(have) // whether or not both name the fingerprint
	}
	var found []FieldProblem
	running := s.fields()
	for i, field := range asked.fields() {
		if running[i].value != field.value {
			found = append(found, FieldProblem{field.name, fmt.Sprintf("running link: %s; your request: %s",
				orNone(running[i].value), orNone(field.value))})
		}
	}
	return found
}

func (s StartRequest) token() TokenSource {
	if s.Link == nil {
		return TokenSource{}
	}
	return s.Link.Token
}

// WithToken returns the request with another source of the link-token.
func (s StartRequest) WithToken(token TokenSource) StartRequest {
	if s.Link != nil {
		link := *s.Link
		link.Token = token
		s.Link = &link
	}
	return s
}

// Summary says in a line what the request asks for, as the static summary of its
// workflow.
func (s StartRequest) Summary() string {
	switch {
	case s.WorkflowID() != "" && !s.named():
		return s.workflow() // an invalid name may be a secret: do not echo it
	case s.Link != nil:
		return "Link organization " + s.Link.OrgID + " of manager " + s.Link.Manager
	case s.Unlink != nil:
		return "Unlink organization " + s.Unlink.OrgID + " of manager " + s.Unlink.Manager
	}
	return ""
}

func (s StartRequest) named() bool {
	_, _, ok := SplitWorkflowID(s.WorkflowID())
	return ok
}

// Details are the fields of a valid request with its defaults, in Markdown, as
// the static details of its workflow.
func (s StartRequest) Details() string {
	var text strings.Builder
	text.WriteString("| Asked for | |\n| :--- | :--- |\n")
	for _, field := range s.fields() {
		if field.value == "" {
			continue
		}
		fmt.Fprintf(&text, "| %s | `%s` |\n", field.name, field.value)
	}
	return text.String()
}

// workflow is the workflow type that does what the request asks for.
func (s StartRequest) workflow() string {
	switch {
	case s.Link != nil:
		return LinkWorkflow
	case s.Unlink != nil:
		return UnlinkWorkflow
	}
	return ""
}

// input is that of the workflow.
func (s StartRequest) input() any {
	if s.Link != nil {
		return *s.Link
	}
	return *s.Unlink
}

// field is one field of a request, by its JSON path.
type field struct{ name, value string }

// fields are those in which two requests for the same link can differ, in the
// order of the request, with its defaults.
func (s StartRequest) fields() []field {
	switch {
	case s.Link != nil:
		r := s.Link.WithDefaults()
		return []field{
			{"manager", r.Manager},
			{"orgId", r.OrgID},
			{"token.ref", r.Token.Ref},
			{"token.sealed", r.Token.sealedIdentity()},
			{"token.atlas", r.Token.Atlas.describe()},
			{"undo", string(r.Undo)},
			{"ifLinked", string(r.IfLinked)},
			{"onBlocked", string(r.OnBlocked)},
			{"createTimeout", string(r.CreateTimeout)},
			{"syncTimeout", string(r.SyncTimeout)},
			{"settleTime", string(r.SettleTime)},
			{"verifyInAtlas", strconv.FormatBool(r.VerifyInAtlas)},
			{"deleteTokenOnUndo", strconv.FormatBool(r.DeleteTokenOnUndo)},
		}
	case s.Unlink != nil:
		r := s.Unlink.WithDefaults()
		return []field{
			{"manager", r.Manager},
			{"orgId", r.OrgID},
			{"onBlocked", string(r.OnBlocked)},
			{"timeout", string(r.Timeout)},
		}
	}
	return nil
}

// sealedIdentity is equal for two sealed link-tokens that are known to be the
// same. It shows neither of them.
func (t TokenSource) sealedIdentity() string {
	switch {
	case t.Fingerprint != "":
		return "fingerprint " + t.Fingerprint
	case t.Sealed != "":
		sum := sha256.Sum256([]byte(t.Sealed))
		return "ciphertext " + hex.EncodeToString(sum[:16])
	}
	return ""
}

// describe says in a line what the link-token is to be made for.
func (t *AtlasToken) describe() string {
	if t == nil {
		return ""
	}
	text := "name " + t.Name + ", orgId " + t.OrgID
	if len(t.AccessListIPs) > 0 {
		text += ", accessListIps " + strings.Join(slices.Sorted(slices.Values(t.AccessListIPs)), " ")
	}
	return text
}

func orNone(text string) string {
	if text == "" {
		return "none"
	}
	return text
}
