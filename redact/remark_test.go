package redact_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/migrationlink/migrationlink/redact"
)

func TestARemarkHoldsNothingThatMayBeASecret(t *testing.T) {
	t.Parallel()
	token := strings.Repeat("aB3", 64) // as long as a link-token
	words := strings.Repeat("word ", 90)
	for text, want := range map[string]string{
		"wrong target, see https://tickets.example.com/browse/OPS-1234?focus=comments": "",
		strings.Repeat("é", 400):                              "",
		strings.Repeat("x", 100):                              "",
		"it is " + token + ", sorry":                          "it is [redacted] sorry",
		token + "\n" + token:                                  "[redacted] [redacted]",
		words + token:                                         words + "[redacted]",
		"age-secret-key-1abc is the key":                      "[redacted] is the key",
		"-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIA": "[redacted]",
	} {
		if want == "" {
			want = text
		}
		require.Equal(t, want, redact.Remark(text, 500))
		require.Equal(t, want != text, redact.MayHoldSecret(text), text)
	}
	require.Equal(t, "mo…", redact.Remark("moved", 2))
}
