package schema

import (
	"bytes"
	"fmt"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// Validator checks JSON against the definitions of a schema. It is safe for
// concurrent use.
type Validator struct {
	definitions map[string]*jsonschema.Schema
}

// NewValidator returns a Validator of the schema in text.
func NewValidator(text []byte) (*Validator, error) {
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		return nil, fmt.Errorf("the schema is not JSON: %w", err)
	}
	compiler := jsonschema.NewCompiler()
	compiler.AssertFormat()
	if err := compiler.AddResource(ID, document); err != nil {
		return nil, err
	}
	if _, err := compiler.Compile(ID); err != nil {
		return nil, fmt.Errorf("not a JSON Schema: %w", err)
	}
	v := &Validator{map[string]*jsonschema.Schema{}}
	for name := range document.(map[string]any)["$defs"].(map[string]any) {
		if v.definitions[name], err = compiler.Compile(ID + "#/$defs/" + name); err != nil {
			return nil, fmt.Errorf("%s of the schema: %w", name, err)
		}
	}
	return v, nil
}

// Validate reports what is wrong with the JSON of a message.
func (v *Validator) Validate(definition string, message []byte) error {
	found, ok := v.definitions[definition]
	if !ok {
		return fmt.Errorf("the schema has no %s", definition)
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(message))
	if err != nil {
		return fmt.Errorf("not JSON: %w", err)
	}
	return found.Validate(value)
}
