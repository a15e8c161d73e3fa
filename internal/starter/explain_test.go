package starter

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/migrationlink/migrationlink/internal/console"
	"github.com/migrationlink/migrationlink/internal/guide"
)

func TestExplainSaysWhatAnErrorTypeMeansAndWhatToDo(t *testing.T) {
	t.Parallel()
	want, _ := guide.Lookup("KeyRejected")
	text := newCommand(nil).run(t.Context(), "explain", "keyrejected")
	require.Equal(t, console.ExitOK, text.code)
	for _, part := range append([]string{want.Meaning, want.Example}, want.Steps...) {
		require.Contains(t, text.stdout, part)
	}
	var object struct {
		Type, Consequence string
		Steps             []string
	}
	require.NoError(t, json.Unmarshal([]byte(newCommand(nil).run(t.Context(), "explain", "KeyRejected", "-o", "json").stdout), &object))
	require.Equal(t, want.Steps, object.Steps)
	require.Equal(t, want.Consequence(), object.Consequence)
}

func TestExplainListsAllErrorTypes(t *testing.T) {
	t.Parallel()
	text := newCommand(nil).run(t.Context(), "explain")
	var list struct{ Errors []struct{ Type string } }
	require.NoError(t, json.Unmarshal([]byte(newCommand(nil).run(t.Context(), "explain", "-o", "json").stdout), &list))
	require.Len(t, list.Errors, len(guide.Errors()))
	completed, _ := complete(t, newCommand(nil), "explain", "")
	for i, e := range guide.Errors() {
		require.Contains(t, text.stdout, e.Type)
		require.Equal(t, e.Type, list.Errors[i].Type)
		require.Contains(t, completed, e.Type)
	}
}

func TestExplainSuggestsAKnownErrorTypeForAnUnknownOne(t *testing.T) {
	t.Parallel()
	for given, want := range map[string]string{
		"KeyRejcted": `starter: unknown error type "KeyRejcted"; did you mean "KeyRejected"?`,
		"NotSync":    `did you mean "NotSynced"?`,
		"nonsense":   `starter: unknown error type "nonsense"` + "\nRun 'starter explain' for a list.\n",
	} {
		done := newCommand(nil).run(t.Context(), "explain", given)
		require.Equal(t, console.ExitUsage, done.code)
		require.Contains(t, done.stderr, want)
	}
	require.NotContains(t, newCommand(nil).run(t.Context(), "explain", canary).stderr, canary)
	require.Equal(t, console.ExitUsage, newCommand(nil).run(t.Context(), "explain", "NotSynced", "KeyRejected").code)
}
