// Package schema writes the JSON of the contract down for callers that are not
// written in Go: as a JSON Schema that is generated from the Go types, their
// comments, their constants and the patterns with which they are validated.
//
// Requests are closed and answers are open. A worker ignores a field of a request
// that it does not know, so that a slip of the pen in the name of an optional one
// would go unnoticed: whoever validates finds it. An answer may come from a newer
// worker, which knows more fields and values than its caller.
package schema

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strings"

	"github.com/invopop/jsonschema"

	"github.com/migrationlink/migrationlink"
)

//go:generate go run ./generate ../.. ../../docs/schema.json

// ID names the schema. It is no address: nothing has to be fetched to use it.
const ID = "urn:migrationlink:contract"

// Regenerate is the command that writes docs/schema.json anew.
const Regenerate = "go -C dev generate ./schema"

// Openness says what a schema makes of that which it does not know.
type Openness bool

const (
	// ForCallers leaves answers open.
	ForCallers Openness = true
	// OfThisVersion closes them, too: for tests, which look at what the workers of
	// this very version send.
	OfThisVersion Openness = false
)

// Names of the definitions that no Go type has.
const (
	ErrorType = "ErrorType"
	// FieldProblems is a list of FieldProblem.
	FieldProblems = "FieldProblems"
	// FailureDetails are all details of the error of a workflow, as an array.
	FailureDetails = "FailureDetails"
)

// requests are what a caller sends, answers what it gets.
var (
	requests = []any{
		migrationlink.LinkRequest{}, migrationlink.UnlinkRequest{}, migrationlink.StartRequest{}, migrationlink.StatusRequest{},
		migrationlink.CancelRequest{}, migrationlink.RetryRequest{}, migrationlink.ExtendRequest{}, migrationlink.InspectRequest{},
	}
	answers = []any{
		migrationlink.LinkResult{}, migrationlink.Status{}, migrationlink.Extension{}, migrationlink.Check{},
		migrationlink.Progress{}, migrationlink.Problem{}, migrationlink.FieldProblem{}, migrationlink.Inspection{},
	}
)

// Generate returns the schema of the contract whose sources are in a directory,
// with a line feed at its end.
func Generate(sources string, open Openness) ([]byte, error) {
	contract, err := readContract(sources)
	if err != nil {
		return nil, err
	}
	definitions := jsonschema.Definitions{}
	for _, group := range []struct {
		values []any
		open   bool
	}{{requests, false}, {answers, bool(open)}} {
		reflector := contract.reflector(group.open)
		for _, value := range group.values {
			for name, definition := range reflector.Reflect(value).Definitions {
				definitions[name] = definition
			}
		}
	}
	contract.addEnums(definitions, open)
	if err := contract.addRules(definitions); err != nil {
		return nil, err
	}
	root := &jsonschema.Schema{
		Version: jsonschema.Version, ID: ID, Title: "The contract of migrationlink", Description: overview,
		AnyOf: messages(), Definitions: definitions,
	}
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	err = encoder.Encode(root)
	return text.Bytes(), err
}

func messages() []*jsonschema.Schema {
	var all []*jsonschema.Schema
	for _, value := range append(append([]any{}, requests...), answers...) {
		all = append(all, reference(reflect.TypeOf(value).Name()))
	}
	return all
}

func reference(name string) *jsonschema.Schema { return &jsonschema.Schema{Ref: "#/$defs/" + name} }

// reflector turns Go types into definitions. Texts with a type of their own become
// definitions, too, which addEnums and addRules write.
func (c *contract) reflector(open bool) *jsonschema.Reflector {
	return &jsonschema.Reflector{
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
}

var overview = strings.TrimSpace(`
Messages are JSON payloads of Temporal. Validate each against its own definition, for example ` + ID + `#/$defs/LinkRequest:

- workflow ` + migrationlink.LinkWorkflow + `: LinkRequest, returns LinkResult
- workflow ` + migrationlink.UnlinkWorkflow + `: UnlinkRequest, returns LinkResult
- workflow ` + migrationlink.InspectWorkflow + `: InspectRequest, returns Inspection
- query ` + migrationlink.StatusQuery + `: returns Status
- signal ` + migrationlink.CancelSignal + `: CancelRequest
- signal ` + migrationlink.RetrySignal + `: RetryRequest
- update ` + migrationlink.AcceptUpdate + `: StartRequest, returns Status
- update ` + migrationlink.ExtendUpdate + `: ExtendRequest, returns Extension
- update ` + migrationlink.CheckUpdate + `: nothing, returns Check
- Nexus service ` + migrationlink.NexusService + `: operation ` + migrationlink.LinkOperation.Name() + `: LinkRequest, returns LinkResult; ` +
	migrationlink.UnlinkOperation.Name() + `: UnlinkRequest, returns LinkResult; ` + migrationlink.StatusOperation.Name() + `: StatusRequest, returns Status
- heartbeat details of a pending activity that waits: Progress
- details of the error of a workflow: FailureDetails; of a refused update or Nexus operation: FieldProblems or Problem. See ErrorType.

All run on the task queue ` + migrationlink.TaskQueue + `. Requests are closed: a field that is not in the schema is an error, where a worker would ignore it. ` +
	`A field that is to have its default is left out: neither null nor empty. ` +
	`Answers are open: newer workers may add fields, phases and types of errors. The bounds of durations are in words only, and whether an address is one is not said at all: the workers check them.
`)
