package workflows

import (
	"encoding/json"
	"errors"
	"reflect"

	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/workflow"

	"github.com/migrationlink/migrationlink"
)

// reading returns the workflow that reads its request itself: callers in other
// languages may write a number where a text belongs, and are told the field, as for
// any other that is wrong.
func reading[R migrationlink.Request](do func(workflow.Context, R, error) (migrationlink.LinkResult, error)) func(workflow.Context, converter.RawValue) (migrationlink.LinkResult, error) {
	return func(ctx workflow.Context, input converter.RawValue) (migrationlink.LinkResult, error) {
		var request R
		invalid := read(input, &request)
		if invalid == nil {
			invalid = migrationlink.NewStartRequest(request).Validate()
		}
		return do(ctx, request, invalid)
	}
}

// read names the first field that is of another type. It repeats no value.
func read(input converter.RawValue, request any) error {
	err := json.Unmarshal(input.Payload().GetData(), request)
	wrong := migrationlink.FieldProblem{Field: "request", Problem: "is not a JSON object; see docs/schema.json"}
	if other, ok := errors.AsType[*json.UnmarshalTypeError](err); ok && other.Field != "" {
		wrong = migrationlink.FieldProblem{Field: other.Field, Problem: "is " + words[other.Value] + "; write " + kinds[other.Type.Kind()]}
	}
	if err != nil {
		return &migrationlink.ValidationError{Problems: []migrationlink.FieldProblem{wrong}}
	}
	return nil
}

// words are those of encoding/json for what was found, kinds for what is wanted.
var (
	words = map[string]string{"string": "a text", "number": "a number", "bool": "true or false", "object": "an object", "array": "a list"}
	kinds = map[reflect.Kind]string{
		reflect.String: `a text, such as "1h30m" for a duration`, reflect.Bool: "true or false",
		reflect.Struct: "an object", reflect.Slice: "a list",
	}
)
