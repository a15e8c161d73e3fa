package schema

import (
	"encoding/json"
	"flag"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/migrationlink/migrationlink"
)

const (
	sources   = "../.."
	checkedIn = "../../docs/reference/schema.json"
)

var update = flag.Bool("update", false, "write docs/reference/schema.json")

func validator(t *testing.T, open Openness) *Validator {
	t.Helper()
	text, err := Generate(sources, open)
	require.NoError(t, err)
	v, err := NewValidator(text)
	require.NoError(t, err)
	return v
}

func TestTheCommittedSchemaMatchesTheTypes(t *testing.T) {
	// Not parallel: the tests after it read what it writes.
	want, err := Generate(sources, ForCallers)
	require.NoError(t, err)
	if *update {
		require.NoError(t, os.WriteFile(checkedIn, want, 0o644))
	}
	have, err := os.ReadFile(checkedIn)
	require.NoError(t, err)
	require.Equal(t, string(want), string(have), "docs/reference/schema.json does not match the contract: run %s", Regenerate)
}

func TestEveryTypeOfTheContractIsInTheSchema(t *testing.T) {
	t.Parallel()
	c, err := readContract(sources)
	require.NoError(t, err)
	text, err := os.ReadFile(checkedIn)
	require.NoError(t, err)
	var schema struct {
		Definitions map[string]struct {
			Properties map[string]any `json:"properties"`
		} `json:"$defs"`
	}
	require.NoError(t, json.Unmarshal(text, &schema))
	inJSON := map[string]string{}
	for name, fields := range c.jsonName {
		for field, json := range fields {
			if json == "" {
				continue // the type is never sent
			}
			require.Contains(t, schema.Definitions[name].Properties, json, "%s.%s", name, field)
			require.Contains(t, []string{"", json}, inJSON[field], "%s has the same name everywhere", field)
			inJSON[field] = json
		}
	}
	for name := range c.enums {
		require.Contains(t, schema.Definitions, name)
	}
	require.Greater(t, len(schema.Definitions), 25)
}

func TestAnswersMayHaveUnknownFieldsAndRequestsMayNot(t *testing.T) {
	t.Parallel()
	callers, ours := validator(t, ForCallers), validator(t, OfThisVersion)
	const status = `{"workflow": "LinkOrganization", "manager": "demo", "orgId": "5f1b2c3d4e5f6a7b8c9d0e1f", "phase": "PHASE",
		"phaseSince": "2026-01-02T03:04:05Z", "created": true, "startedAt": "2026-01-02T03:04:05Z" MORE}`
	for name, test := range map[string]struct {
		phase, more     string
		byUs, byCallers bool
	}{
		"of now":             {"syncing", ``, true, true},
		"another phase":      {"resting", ``, false, true},
		"another field":      {"syncing", `, "mood": "good"`, false, true},
		"another error type": {"syncing", `, "problem": {"type": "TooHot", "message": "", "remedy": ""}`, false, true},
		"another type":       {"syncing", `, "polls": "three"`, false, false},
		"not a time":         {"syncing", `, "deadline": "tomorrow"`, false, false},
		"another outcome": {"ended", `, "result": {"manager": "demo", "orgId": "5f1b2c3d4e5f6a7b8c9d0e1f", "outcome": "perhaps",
			"created": true, "removed": false, "polls": 0, "startedAt": "2026-01-02T03:04:05Z", "endedAt": "2026-01-02T03:04:05Z"}`, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text := replaced(status, "PHASE", test.phase, "MORE", test.more)
			for who, check := range map[*Validator]bool{ours: test.byUs, callers: test.byCallers} {
				require.Equal(t, check, who.Validate("Status", text) == nil, "%v", who.Validate("Status", text))
			}
		})
	}
	require.ErrorContains(t, callers.Validate("CancelRequest", []byte(`{"raeson": "none"}`)), "raeson")
	require.NoError(t, callers.Validate("CancelRequest", []byte(`{}`)))
	require.NoError(t, callers.Validate(FieldProblems, marshalled(t, []migrationlink.FieldProblem{{Field: "orgId", Problem: "none"}})))
}
