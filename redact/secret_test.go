package redact_test

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/migrationlink/migrationlink/redact"
)

const canary = "c4n4ry-5ecret"

func TestNoPrinterShowsASecret(t *testing.T) {
	t.Parallel()
	type exported struct{ Key redact.Secret }
	type hidden struct{ key redact.Secret }
	value := redact.NewSecret(canary)
	pointer := &value

	var printed strings.Builder
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d"} {
		fmt.Fprintf(&printed, verb+verb+verb+verb, value, pointer, exported{value}, hidden{value})
	}
	for _, thing := range []any{value, pointer, exported{value}, hidden{value}, map[string]any{"key": value}} {
		marshalled, err := json.Marshal(thing)
		require.NoError(t, err)
		printed.Write(marshalled)
	}
	slog.New(slog.NewJSONHandler(&printed, nil)).Info("", "a", value, "b", exported{value}, "c", hidden{value})
	core, logs := observer.New(zap.DebugLevel)
	zap.New(core).Info("", zap.Any("a", value), zap.Any("b", exported{value}))
	fmt.Fprintf(&printed, "%v", logs.All()[0].ContextMap())

	require.NotContains(t, printed.String(), canary)
	require.NotContains(t, printed.String(), fmt.Sprintf("%x", canary))
	require.Contains(t, printed.String(), "[redacted]")
	require.Equal(t, canary, value.Reveal())
	require.Empty(t, redact.Secret{}.Reveal())
}
