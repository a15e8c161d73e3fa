package guide

import (
	"go/ast"
	"go/parser"
	"go/token"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// contractTypes reads the error types of the contract from its source.
func contractTypes(t *testing.T) (types []string) {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "../../errors.go", nil, parser.SkipObjectResolution)
	require.NoError(t, err)
	for _, declaration := range file.Decls {
		constants, ok := declaration.(*ast.GenDecl)
		if !ok || constants.Tok != token.CONST {
			continue
		}
		for _, spec := range constants.Specs {
			value := spec.(*ast.ValueSpec).Values[0].(*ast.BasicLit).Value
			name, err := strconv.Unquote(value)
			require.NoError(t, err)
			types = append(types, name)
		}
	}
	require.Greater(t, len(types), 30)
	return types
}

func TestEveryErrorTypeOfTheContractIsExplainedOnce(t *testing.T) {
	t.Parallel()
	var explained []string
	for _, e := range Errors() {
		explained = append(explained, e.Type)
	}
	require.ElementsMatch(t, append(contractTypes(t), unknown), explained)
}

func TestEveryExplanationIsComplete(t *testing.T) {
	t.Parallel()
	for _, e := range Errors() {
		require.Contains(t, Effects(), e.Effect, e.Type)
		require.Equal(t, e.Type == unknown, e.Example == "", e.Type)
		require.NotEmpty(t, e.Steps, e.Type)
		for _, text := range append([]string{e.Meaning, e.Consequence()}, e.Steps...) {
			require.True(t, strings.HasSuffix(text, "."), "%s: %s", e.Type, text)
		}
		require.False(t, e.CanWait() && e.Effect != Ends, e.Type)
		require.NotContains(t, e.Summary(), ". ", e.Type)
		found, ok := Lookup(strings.ToUpper(e.Type))
		require.True(t, ok)
		require.Equal(t, e, found)
	}
}
