package schema

import (
	"go/constant"
	"strings"

	"github.com/invopop/jsonschema"

	"github.com/migrationlink/migrationlink"
)

// addEnums adds a definition for each string type that has constants. A newer worker
// may send other phases and error types, see docs/how-to/call-from-a-workflow.md.
func (c *contract) addEnums(definitions jsonschema.Definitions, open Openness) {
	for name, values := range c.enums {
		known := &jsonschema.Schema{Type: "string"}
		lines := []string{c.inJSON("", c.comments[name]), ""}
		for _, value := range values {
			if group := c.groups[value.Name()]; group != "" {
				lines = append(lines, "", c.inJSON("", group), "")
			}
			text := constant.StringVal(value.Val())
			known.Enum = append(known.Enum, text)
			line := "- " + c.inJSON(map[string]string{"Phase": "Status"}[name], c.comments[value.Name()])
			if name == ErrorType && migrationlink.Blockable(text) {
				line += " A person can fix it."
			}
			lines = append(lines, line)
		}
		definition := known
		if bool(open) && (name == "Phase" || name == ErrorType) {
			definition = &jsonschema.Schema{AnyOf: []*jsonschema.Schema{
				known, {Type: "string", Description: "One that a newer worker has added."},
			}}
		}
		definition.Description = strings.TrimSpace(strings.Join(lines, "\n"))
		definitions[name] = definition
	}
}

// addRules adds what neither a type nor its tags can say.
func (c *contract) addRules(definitions jsonschema.Definitions) {
	definitions["Duration"] = &jsonschema.Schema{
		Type: "string", Description: c.inJSON("", c.comments["Duration"]), Examples: []any{"90s", "1h30m"},
		Pattern: `^\+?(([0-9]+(\.[0-9]*)?|\.[0-9]+)(ns|us|µs|μs|ms|s|m|h))+$`,
	}
	definitions[FieldProblems] = &jsonschema.Schema{
		Type: "array", Items: reference("FieldProblem"), Description: "One for each field that is wrong, or that differs.",
	}
	least := uint64(1)
	definitions[FailureDetails] = &jsonschema.Schema{
		Type: "array", PrefixItems: []*jsonschema.Schema{reference("LinkResult"), reference(FieldProblems)}, MinItems: &least,
		Description: "The details of the ApplicationError or the CanceledError of a workflow, in order: how it ended and, with `" +
			migrationlink.ErrInvalidRequest + "` and `" + migrationlink.ErrDifferentRequest + "`, the fields.",
	}

	link := definitions["LinkRequest"]
	set := &jsonschema.Schema{Const: true}
	link.If = &jsonschema.Schema{AnyOf: []*jsonschema.Schema{with("verifyInAtlas", set), with("deleteTokenOnUndo", set)}}
	link.Then = with("token", &jsonschema.Schema{Required: []string{"atlas"}})

	token := definitions["TokenSource"]
	token.DependentRequired = map[string][]string{"fingerprint": {"sealed"}}
	longest := uint64(len("file:") + 255)
	ref := token.Properties.Value("ref")
	ref.AnyOf = []*jsonschema.Schema{
		{Pattern: `^env:` + migrationlink.EnvTokenPrefix + `[A-Z0-9_]+$`},
		{Pattern: `^file:[^/\\\x00][^\\\x00]*$`, MaxLength: &longest, Not: anyPattern(`^file:\.$`, `(^file:|/)\.\.(/|$)`)},
	}
	// So long that it may be the link-token itself.
	ref.Not = anyPattern(`[A-Za-z0-9+/=_%-]{64}`, `(^env:|^file:|/)[^/]{64}`)
}

// with requires a property.
func with(name string, s *jsonschema.Schema) *jsonschema.Schema {
	required := &jsonschema.Schema{Properties: jsonschema.NewProperties(), Required: []string{name}}
	required.Properties.Set(name, s)
	return required
}

func anyPattern(patterns ...string) *jsonschema.Schema {
	var found []*jsonschema.Schema
	for _, pattern := range patterns {
		found = append(found, &jsonschema.Schema{Pattern: pattern})
	}
	return &jsonschema.Schema{AnyOf: found}
}
