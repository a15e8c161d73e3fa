package config_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/migrationlink/migrationlink/internal/config"
)

func TestEveryKeyIsDocumentedAndNoOther(t *testing.T) {
	t.Parallel()
	var documented []string
	for _, key := range config.Keys() {
		require.NotEmpty(t, key.Accepts, key.Name)
		require.True(t, strings.HasSuffix(key.Meaning, "."), "%s: %s", key.Name, key.Meaning)
		documented = append(documented, strings.TrimSuffix(key.Section, ".NAME")+"."+key.Name)
	}
	require.ElementsMatch(t, knownSections(t), documented)
}

// knownSections lists what a worker names for unknown keys, as section.key.
func knownSections(t *testing.T) (keys []string) {
	t.Helper()
	_, err := load(t, "[log]\nx=1\n[http]\nx=1\n[worker]\nx=1\n[tokens]\nx=1\n[assessment]\nx=1\n[managers.a]\nx=1\n[atlas.a]\nx=1\n")
	for _, problem := range requireProblems(t, err) {
		path, known, found := strings.Cut(problem, ".x: unknown key; known here are ")
		if !found {
			continue
		}
		for key := range strings.SplitSeq(known, ", ") {
			keys = append(keys, strings.TrimSuffix(path, ".a")+"."+key)
		}
	}
	require.Greater(t, len(keys), 30)
	return keys
}
