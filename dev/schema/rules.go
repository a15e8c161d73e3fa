package schema

import (
	"encoding/json"
	"errors"
	"fmt"
	"go/constant"
	"strconv"
	"strings"

	"github.com/invopop/jsonschema"

	"github.com/migrationlink/migrationlink"
)

// ownerOf has the fields that the constants of a type speak of.
var ownerOf = map[string]string{"Phase": "Status"}

// grows tells of which types a newer worker may send more values, see
// docs/calling.md.
var grows = map[string]bool{"Phase": true, ErrorType: true}

// addEnums adds a definition for each type of text that has constants.
func (c *contract) addEnums(definitions jsonschema.Definitions, open Openness) {
	for _, enum := range c.enums {
		known := &jsonschema.Schema{Type: "string"}
		lines := []string{c.inJSON("", c.comments[enum.name]), ""}
		for _, value := range enum.values {
			if group := c.groups[value.Name()]; group != "" {
				lines = append(lines, "", c.inJSON("", group), "")
			}
			text := constant.StringVal(value.Val())
			known.Enum = append(known.Enum, text)
			line := "- " + c.inJSON(ownerOf[enum.name], c.comments[value.Name()])
			if enum.name == ErrorType && migrationlink.Blockable(text) {
				line += " A person can fix it."
			}
			lines = append(lines, line)
		}
		definition := known
		if bool(open) && grows[enum.name] {
			definition = &jsonschema.Schema{AnyOf: []*jsonschema.Schema{
				known, {Type: "string", Description: "One that a newer worker has added."},
			}}
		}
		definition.Description = strings.TrimSpace(strings.Join(lines, "\n"))
		definitions[enum.name] = definition
	}
}

// addRules says what the validation of the contract says and its types do not.
func (c *contract) addRules(definitions jsonschema.Definitions) error {
	definitions["Duration"] = &jsonschema.Schema{
		Type: "string", Description: c.inJSON("", c.comments["Duration"]), Examples: []any{"90s", "1h30m"},
		Pattern: `^\+?(([0-9]+(\.[0-9]*)?|\.[0-9]+)(ns|us|µs|μs|ms|s|m|h))+$`,
	}
	definitions[FieldProblems] = &jsonschema.Schema{
		Type: "array", Items: reference("FieldProblem"), Description: "One for each field that is wrong, or that differs.",
	}
	definitions[FailureDetails] = &jsonschema.Schema{
		Type: "array", PrefixItems: []*jsonschema.Schema{reference("LinkResult"), reference(FieldProblems)}, MinItems: count(1),
		Description: "The details of the ApplicationError or the CanceledError of a workflow, in order: how it ended and, with `" +
			migrationlink.ErrInvalidRequest + "` and `" + migrationlink.ErrDifferentRequest + "`, the fields.",
	}
	for name, rule := range map[string]func(*jsonschema.Schema){
		"LinkRequest": func(s *jsonschema.Schema) {
			c.target(s)
			needAtlas(s, "verifyInAtlas", "deleteTokenOnUndo")
			c.bounds(s, "createTimeout", "MinCreateTimeout", "MaxCreateTimeout")
			c.bounds(s, "syncTimeout", "MinSyncTimeout", "MaxTimeout")
			c.bounds(s, "settleTime", "MinSettleTime", "MaxTimeout")
		},
		"UnlinkRequest": func(s *jsonschema.Schema) {
			c.target(s)
			c.bounds(s, "timeout", "MinUnlinkTimeout", "MaxTimeout")
		},
		"StatusRequest": c.target,
		"TokenSource":   c.tokenSource,
		"AtlasToken":    c.atlasToken,
		"StartRequest":  func(s *jsonschema.Schema) { s.OneOf = oneOf("link", "unlink") },
		"ExtendRequest": func(s *jsonschema.Schema) { s.OneOf = oneOf("by", "until") },
		"InspectRequest": func(s *jsonschema.Schema) {
			property(s, "orgId").Pattern, property(s, "atlasOrgId").Pattern = c.pattern("orgID"), c.pattern("orgID")
		},
		"Problem": func(s *jsonschema.Schema) {
			property(s, "type").Type, property(s, "type").Ref = "", reference(ErrorType).Ref
		},
		"Status": func(s *jsonschema.Schema) {
			property(s, "workflow").Enum = []any{migrationlink.LinkWorkflow, migrationlink.UnlinkWorkflow}
		},
	} {
		definition, ok := definitions[name]
		if !ok {
			return fmt.Errorf("the contract has no %s any more", name)
		}
		rule(definition)
	}
	for _, definition := range definitions {
		if definition.Properties == nil {
			continue
		}
		if status, ok := definition.Properties.Get("linkStatus"); ok {
			status.Examples = []any{migrationlink.LinkSynced, migrationlink.LinkNotSynced, migrationlink.LinkNone}
		}
	}
	return errors.Join(
		addDefaults(definitions["LinkRequest"], migrationlink.LinkRequest{}.WithDefaults()),
		addDefaults(definitions["UnlinkRequest"], migrationlink.UnlinkRequest{}.WithDefaults()))
}

func (c *contract) target(s *jsonschema.Schema) {
	property(s, "manager").Pattern = c.pattern("managerName")
	property(s, "orgId").Pattern = c.pattern("orgID")
}

// bounds are what no pattern can say.
func (c *contract) bounds(s *jsonschema.Schema, field, least, most string) {
	property(s, field).Description += c.inJSON("", " From "+least+" to "+most+".")
}

func (c *contract) tokenSource(s *jsonschema.Schema) {
	s.OneOf = oneOf("ref", "sealed", "atlas")
	s.DependentRequired = map[string][]string{"fingerprint": {"sealed"}}
	fingerprint := property(s, "fingerprint")
	fingerprint.Pattern = c.pattern("fingerprint")
	fingerprint.Description += "\n\n" + c.inJSON("", c.comments["TokenFingerprint"])

	header, _ := c.value("armorHeader")
	footer, _ := c.value("armorFooter")
	sealed := property(s, "sealed")
	sealed.Pattern = `^\s*` + header + `[A-Za-z0-9+/=\r\n]*` + footer + `\s*$`
	sealed.MaxLength = c.count("maxSealed")

	ref := property(s, "ref")
	ref.AnyOf = []*jsonschema.Schema{
		{Pattern: `^env:` + strings.TrimPrefix(c.pattern("envTokenName"), "^")},
		{
			Pattern: `^file:[^/\\\x00][^\\\x00]*$`, MaxLength: count(255 + uint64(len("file:"))),
			Not: anyPattern(`^file:\.$`, `(^file:|/)\.\.(/|$)`),
		},
	}
	// So long that it may be the link-token itself.
	ref.Not = anyPattern(c.pattern("opaque"), `(^env:|^file:|/)[^/]{64}`)
	ref.Examples = []any{"env:" + migrationlink.EnvTokenPrefix + "PROD", "file:prod/link-token"}
}

func (c *contract) atlasToken(s *jsonschema.Schema) {
	property(s, "name").Pattern = c.pattern("managerName")
	property(s, "orgId").Pattern = c.pattern("orgID")
	addresses := property(s, "accessListIps")
	addresses.MaxItems = c.count("maxAccessListIPs")
	addresses.Items.Pattern = `^[0-9A-Fa-f:.]+(%[\s\S]+|/[0-9]{1,3})?$`
	addresses.Items.Examples = []any{"203.0.113.7", "203.0.113.0/24"}
}

// needAtlas says of fields that, set, they go with token.atlas alone.
func needAtlas(s *jsonschema.Schema, fields ...string) {
	var set []*jsonschema.Schema
	for _, field := range fields {
		set = append(set, with(field, &jsonschema.Schema{Const: true}))
	}
	s.If = &jsonschema.Schema{AnyOf: set}
	s.Then = with("token", &jsonschema.Schema{Required: []string{"atlas"}})
}

// addDefaults takes those of the optional fields from a request that has nothing
// else.
func addDefaults(s *jsonschema.Schema, request any) error {
	text, err := json.Marshal(request)
	if err != nil {
		return err
	}
	var defaults map[string]any
	if err := json.Unmarshal(text, &defaults); err != nil {
		return err
	}
	for _, name := range s.Required {
		delete(defaults, name)
	}
	for name, value := range defaults {
		property(s, name).Default = value
	}
	return nil
}

func property(s *jsonschema.Schema, name string) *jsonschema.Schema {
	found, ok := s.Properties.Get(name)
	if !ok {
		panic(fmt.Errorf("the contract has no field %s any more", name))
	}
	return found
}

// with asks for one property.
func with(name string, s *jsonschema.Schema) *jsonschema.Schema {
	asked := &jsonschema.Schema{Properties: jsonschema.NewProperties(), Required: []string{name}}
	asked.Properties.Set(name, s)
	return asked
}

func oneOf(fields ...string) (one []*jsonschema.Schema) {
	for _, field := range fields {
		one = append(one, &jsonschema.Schema{Required: []string{field}})
	}
	return one
}

func anyPattern(patterns ...string) *jsonschema.Schema {
	var found []*jsonschema.Schema
	for _, pattern := range patterns {
		found = append(found, &jsonschema.Schema{Pattern: pattern})
	}
	return &jsonschema.Schema{AnyOf: found}
}

func count(n uint64) *uint64 { return &n }

// count is the value of a constant that is a number.
func (c *contract) count(name string) *uint64 {
	text, _ := c.value(name)
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		panic(fmt.Errorf("the contract has no number %s any more: %w", name, err))
	}
	return &n
}
