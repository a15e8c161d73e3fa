// Package schema describes the JSON of the contract for callers that are not written
// in Go. It generates a JSON Schema from the Go types, their tags, comments and
// constants.
//
// Requests are closed and answers are open. A worker ignores a field of a request
// that it does not know, so it would not notice a typing error in the name of an
// optional field: validation finds it. An answer may come from a newer worker, which
// knows more fields and values than its caller.
package schema

import (
	"bytes"
	"encoding/json"
	"maps"
	"reflect"
	"strings"

	"github.com/invopop/jsonschema"

	"github.com/migrationlink/migrationlink"
)

// ID names the schema. It is not an address: a validator fetches nothing.
const ID = "urn:migrationlink:contract"

// Regenerate is the command that regenerates docs/reference/schema.json.
const Regenerate = "go -C dev test ./schema -update"

// Openness decides whether a schema accepts unknown fields and values in answers.
type Openness bool

const (
	// ForCallers accepts them.
	ForCallers Openness = true
	// OfThisVersion rejects them: for tests of what the workers of this version send.
	OfThisVersion Openness = false
)

// Names of definitions without a Go type.
const (
	ErrorType = "ErrorType"
	// FieldProblems is a list of FieldProblem.
	FieldProblems = "FieldProblems"
	// FailureDetails is an array with all details of the error of a workflow.
	FailureDetails = "FailureDetails"
)

// requests are what callers send, answers what they receive.
var (
	requests = []any{
		migrationlink.LinkRequest{}, migrationlink.UnlinkRequest{}, migrationlink.StartRequest{}, migrationlink.StatusRequest{},
		migrationlink.CancelRequest{}, migrationlink.RetryRequest{}, migrationlink.ExtendRequest{}, migrationlink.InspectRequest{},
		migrationlink.AssessRequest{}, migrationlink.OrganizationsRequest{}, migrationlink.ProjectsRequest{},
	}
	answers = []any{
		migrationlink.LinkResult{}, migrationlink.Status{}, migrationlink.Extension{}, migrationlink.Check{},
		migrationlink.Progress{}, migrationlink.Problem{}, migrationlink.FieldProblem{}, migrationlink.Inspection{},
		migrationlink.Assessment{}, migrationlink.Organizations{}, migrationlink.ProjectsInAtlas{},
	}
)

// Generate returns the schema of the contract whose sources are in a directory. It
// ends with a line feed.
func Generate(sources string, open Openness) ([]byte, error) {
	contract, err := readContract(sources)
	if err != nil {
		return nil, err
	}
	root := &jsonschema.Schema{
		Version: jsonschema.Version, ID: ID, Title: "The contract of migrationlink", Description: overview,
		Definitions: jsonschema.Definitions{},
	}
	contract.addTypes(root, requests, false)
	contract.addTypes(root, answers, bool(open))
	contract.addEnums(root.Definitions, open)
	contract.addRules(root.Definitions)
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	err = encoder.Encode(root)
	return text.Bytes(), err
}

func reference(name string) *jsonschema.Schema { return &jsonschema.Schema{Ref: "#/$defs/" + name} }

// addTypes adds the definitions of messages and of the structs in them. String types
// become references to the definitions of addEnums and addRules.
func (c *contract) addTypes(root *jsonschema.Schema, messages []any, open bool) {
	reflector := &jsonschema.Reflector{
		Anonymous:                 true,
		AllowAdditionalProperties: open,
		LookupComment:             c.describe,
		Mapper: func(t reflect.Type) *jsonschema.Schema {
			if t.Kind() == reflect.String && t.Name() != "string" {
				return reference(t.Name())
			}
			return nil
		},
	}
	for _, message := range messages {
		root.AnyOf = append(root.AnyOf, reference(reflect.TypeOf(message).Name()))
		maps.Copy(root.Definitions, reflector.Reflect(message).Definitions)
	}
}

var overview = strings.TrimSpace(`
Messages are JSON payloads of Temporal. Validate each against its own definition, for example ` + ID + `#/$defs/LinkRequest:

- workflow ` + migrationlink.LinkWorkflow + `: LinkRequest, returns LinkResult
- workflow ` + migrationlink.UnlinkWorkflow + `: UnlinkRequest, returns LinkResult
- workflow ` + migrationlink.InspectWorkflow + `: InspectRequest, returns Inspection
- workflow ` + migrationlink.AssessWorkflow + `: AssessRequest, returns Assessment
- workflow ` + migrationlink.OrganizationsWorkflow + `: OrganizationsRequest, returns Organizations
- workflow ` + migrationlink.ProjectsWorkflow + `: ProjectsRequest, returns ProjectsInAtlas
- query ` + migrationlink.StatusQuery + `: returns Status
- signal ` + migrationlink.CancelSignal + `: CancelRequest
- signal ` + migrationlink.RetrySignal + `: RetryRequest
- update ` + migrationlink.AcceptUpdate + `: StartRequest, returns Status
- update ` + migrationlink.RetryUpdate + `: RetryRequest, returns Status
- update ` + migrationlink.ExtendUpdate + `: ExtendRequest, returns Extension
- update ` + migrationlink.CheckUpdate + `: nothing, returns Check
- Nexus service ` + migrationlink.NexusService + `: operation ` + migrationlink.LinkOperation.Name() + `: LinkRequest, returns LinkResult; ` +
	migrationlink.UnlinkOperation.Name() + `: UnlinkRequest, returns LinkResult; ` + migrationlink.StatusOperation.Name() + `: StatusRequest, returns Status
- details of the last failure of a pending activity that waits: Problem and Progress
- details of the error of a workflow: FailureDetails; of a refused update or Nexus operation: FieldProblems or Problem. See ErrorType.

All run on the task queue ` + migrationlink.TaskQueue + `. Requests are closed: a field that is not in the schema is an error, where a worker would ignore it. ` +
	`A field that is to have its default is left out: neither null nor empty. ` +
	`Answers are open: newer workers may add fields, phases and types of errors. The bounds of durations are in words only, and whether an address is one is not said at all: the workers check them.
`)
