package redact

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestOnlyWhatShowsItselfIsLeft(t *testing.T) {
	t.Parallel()
	for name, hidden := range map[string]string{
		"C0": "\x1b", "line feed": "\n", "delete": "\x7f", "C1": "\u009b", "bidi override": "\u202e", "bidi isolate": "\u2066", "mark": "\u200f",
		"zero width": "\u200b", "joiner": "\u200d", "BOM": "\ufeff", "word joiner": "\u2060", "line separator": "\u2028",
		"soft hyphen": "\u00ad", "grapheme joiner": "\u034f", "Hangul filler": "\u3164", "tag": "\U000e0041", "private use": "\ue000",
	} {
		require.Equal(t, "a b", Printable("a"+hidden+"b"), name)
		require.Equal(t, "a b", Clean("a"+hidden+"b"), name)
		require.Equal(t, "a b", Scrub("a"+hidden+"b"), name)
	}
	require.Equal(t, "a\ufffdb", Printable("a\x9bb"), "no UTF-8")
	const shown = "Größe 組織 ✓ → 😀 é"
	require.Equal(t, shown, Printable(shown))
}
