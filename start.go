package migrationlink

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
)

// StartRequest is what a workflow was or is to be started with: exactly one of
// its fields is set. It is the input of AcceptUpdate.
type StartRequest struct {
	Link   *LinkRequest   `json:"link,omitempty"`
	Unlink *UnlinkRequest `json:"unlink,omitempty"`
}

// Difference is the one rule of starting a second time: nil when what is asked
// for is what s, the one under way, does, so that it is joined; otherwise it names every field
// that differs, and the request is refused. Fields that are left out count as
// their defaults.
func (s StartRequest) Difference(asked StartRequest) []FieldProblem {
	have, want := s.workflow(), asked.workflow()
	if have != want {
		return []FieldProblem{{"workflow", fmt.Sprintf("%s is under way, this asks for %s", orNone(have), orNone(want))}}
	}
	haveFields, wantFields := s.fields(), asked.fields()
	both := maps.Clone(haveFields)
	maps.Copy(both, wantFields)
	var found []FieldProblem
	for _, name := range slices.Sorted(maps.Keys(both)) {
		if haveFields[name] != wantFields[name] {
			found = append(found, FieldProblem{name, fmt.Sprintf("the one under way has %s, this asks for %s",
				orNone(haveFields[name]), orNone(wantFields[name]))})
		}
	}
	return found
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

// fields are the JSON paths and texts of a request with its defaults.
func (s StartRequest) fields() map[string]string {
	var filled any
	switch {
	case s.Link != nil:
		filled = s.Link.WithDefaults()
	case s.Unlink != nil:
		filled = s.Unlink.WithDefaults()
	}
	text, err := json.Marshal(filled)
	if err != nil {
		return nil // a request holds nothing that cannot be written
	}
	var tree map[string]any
	_ = json.Unmarshal(text, &tree) // it was written a line above
	fields := map[string]string{}
	flatten("", tree, fields)
	return fields
}

func flatten(path string, tree map[string]any, into map[string]string) {
	for name, value := range tree {
		if inner, ok := value.(map[string]any); ok {
			flatten(path+name+".", inner, into)
			continue
		}
		into[path+name] = fmt.Sprint(value)
	}
}

func orNone(text string) string {
	if text == "" {
		return "none"
	}
	return text
}
