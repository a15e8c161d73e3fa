package console

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/migrationlink/migrationlink/internal/terminal"
)

func TestTablesAlignCharactersThatTakeTwoColumns(t *testing.T) {
	t.Parallel()
	columns := []Column[string]{
		{Title: "NAME", Cell: func(name string) Span { return Span{Text: name} }},
		{Title: "STATE", Cell: func(string) Span { return Span{Text: "fine"} }},
	}
	var lines []string
	for _, line := range Table(columns, []string{"組織", "ab", "Größe"}, 0) {
		lines = append(lines, line.Render(false))
	}
	require.Equal(t, []string{"NAME   STATE", "組織   fine", "ab     fine", "Größe  fine"}, lines)
	require.Equal(t, "組…", Line{{Text: "組織組織"}}.Fit(4).Render(false))
	require.Equal(t, []string{"組織", "組織"}, terminal.Wrap("組織 組織", 8))
	require.Equal(t, 1, Width("●"))
}
