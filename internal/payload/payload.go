// Package payload reads what callers send to workflows. It checks the size before it
// decodes anything.
package payload

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"time"

	"go.temporal.io/sdk/converter"

	"github.com/migrationlink/migrationlink"
	"github.com/migrationlink/migrationlink/redact"
)

// MaxSize is in bytes of JSON. The largest valid request, with a sealed link-token or an
// access list, is below 32 KiB.
const MaxSize = 64 << 10

// Decode reads a payload of JSON. Its errors repeat no value: it may be a secret.
func Decode(input converter.RawValue, into any) error {
	data := input.Payload().GetData()
	if len(data) > MaxSize {
		return fmt.Errorf("is %d bytes long; a request has at most %d", len(data), MaxSize)
	}
	switch encoding := string(input.Payload().GetMetadata()[converter.MetadataEncoding]); encoding {
	case "", converter.MetadataEncodingJSON:
	default:
		return fmt.Errorf("has the encoding %q, which the workers do not read; send JSON (%s), or run workers with that payload codec", redact.Line(encoding, 40), converter.MetadataEncodingJSON)
	}
	return json.Unmarshal(data, into)
}

// IsEmpty reports whether nothing was sent.
func IsEmpty(input converter.RawValue) bool { return len(input.Payload().GetData()) == 0 }

// Request decodes a request. Callers in other languages may write a number where a text
// belongs: the error, a *migrationlink.ValidationError, names the first such field.
func Request(input converter.RawValue, into any) error {
	return invalid(Decode(input, into))
}

// Valid decodes and validates a request. Its error is a *migrationlink.ValidationError.
func Valid(input converter.RawValue, into interface{ Validate() error }) error {
	if err := Request(input, into); err != nil {
		return err
	}
	return into.Validate()
}

// Strict decodes a request that a person wrote. It also rejects unknown fields, which workers
// ignore, as they may be typing errors, and anything after the request.
func Strict(text string, into any) error {
	if len(text) > MaxSize {
		return invalid(fmt.Errorf("is %d bytes long; a request has at most %d", len(text), MaxSize))
	}
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.DisallowUnknownFields()
	err := decoder.Decode(into)
	switch {
	case errors.Is(err, io.EOF):
		err = errors.New("is empty; write a JSON object, see docs/reference/schema.json")
	case errors.Is(err, io.ErrUnexpectedEOF):
		err = errors.New("ends before the JSON object does; see docs/reference/schema.json")
	}
	if name, ok := unknownField(err); ok {
		return &migrationlink.ValidationError{Problems: []migrationlink.FieldProblem{{Field: name, Problem: "a request has no such field; see docs/reference/schema.json"}}}
	}
	if err == nil {
		if _, end := decoder.Token(); !errors.Is(end, io.EOF) {
			err = errors.New("has text after the JSON object; remove it")
		}
	}
	return invalid(err)
}

var fieldName = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9]{0,30}$`)

// unknownField returns the name of the unknown field that an error of encoding/json is about.
// What is no name is not repeated: it may be a secret.
func unknownField(err error) (name string, ok bool) {
	if err == nil {
		return "", false
	}
	quoted, ok := strings.CutPrefix(err.Error(), "json: unknown field ") // there is no type for it
	name, _ = strconv.Unquote(quoted)
	if !fieldName.MatchString(name) {
		name = "request"
	}
	return name, ok
}

// invalid turns an error of decoding into a *migrationlink.ValidationError.
func invalid(err error) error {
	if err == nil {
		return nil
	}
	wrong := migrationlink.FieldProblem{Field: "request", Problem: err.Error()}
	if other, ok := errors.AsType[*json.UnmarshalTypeError](err); ok && other.Field != "" {
		wrong = migrationlink.FieldProblem{Field: redact.Line(other.Field, 100), Problem: "is " + foundKind(other) + "; write " + wanted[other.Type.Kind()]}
	} else if IsMalformed(err) {
		wrong.Problem = "is not a JSON object; see docs/reference/schema.json"
	} else if _, ok := errors.AsType[*time.ParseError](err); ok { // which quotes it
		wrong.Problem = `has a time that is not in the form of RFC 3339, such as "2026-01-31T18:30:00Z"`
	}
	return &migrationlink.ValidationError{Problems: []migrationlink.FieldProblem{wrong}}
}

// IsMalformed reports whether err comes from encoding/json, whose text may repeat a value.
func IsMalformed(err error) bool {
	_, syntax := errors.AsType[*json.SyntaxError](err)
	_, mistyped := errors.AsType[*json.UnmarshalTypeError](err)
	return syntax || mistyped
}

var (
	// found has the terms of encoding/json as its keys.
	found  = map[string]string{"string": "a text", "number": "a number", "bool": "true or false", "object": "an object", "array": "a list"}
	wanted = map[reflect.Kind]string{
		reflect.String: `a text, such as "1h30m" for a duration`, reflect.Bool: "true or false",
		reflect.Struct: "an object", reflect.Slice: "a list", reflect.Int: "a whole number, such as 1",
	}
)

// foundKind says what was in the place of another type. It repeats no number that does not
// fit, which encoding/json has after the kind.
func foundKind(wrong *json.UnmarshalTypeError) string {
	kind, _, _ := strings.Cut(wrong.Value, " ")
	return found[kind]
}
