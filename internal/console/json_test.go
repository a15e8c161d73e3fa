package console

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestJSONKeepsLinesAndCharactersOfEveryScript(t *testing.T) {
	t.Parallel()
	const text = "Größe 組織 <a href=\"x\">&\\ line\n\ttab \U0001f600"
	encoded, err := json.Marshal(map[string]string{"a": text})
	require.NoError(t, err)
	var decoded map[string]string
	require.NoError(t, json.Unmarshal([]byte(printableJSON(encoded)), &decoded))
	require.Equal(t, text, decoded["a"])
}
