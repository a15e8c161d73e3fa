package redact_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/migrationlink/migrationlink/redact"
)

func TestForeignTextBecomesOneVisibleLine(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"moved to\nteam \"b\"\t(ä)": `moved to team "b" (ä)`,
		"a\x1b[31mred":              "a [31mred",
		"\u009b31m":                 "31m",
		"user\u202Egpj.exe":         "user gpj.exe",
		"zero\u200Bwidth\uFEFF":     "zero width",
		"two\u2028lines\u2029":      "two lines",
		"bad \xff utf-8":            "bad \uFFFD utf-8",
		"":                          "",
	} {
		require.Equal(t, want, redact.Line(text, 100))
	}
}

func TestLongForeignTextIsCutBeforeItIsRead(t *testing.T) {
	t.Parallel()
	line := redact.Line(strings.Repeat("ä", 1<<20), 10)
	require.Equal(t, strings.Repeat("ä", 10)+"…", line)
	require.True(t, utf8.ValidString(redact.Line(strings.Repeat("€", 100), 1)))
}
