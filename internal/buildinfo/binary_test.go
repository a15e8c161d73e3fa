package buildinfo

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// The test program itself has no version.
func TestABuildWithoutAVersionIsNamedAfterItsFile(t *testing.T) {
	t.Parallel()
	require.Regexp(t, `^migrationlink/devel-[0-9a-f]+-[0-9a-f]+$`, Binary())
	require.Equal(t, Binary(), Binary())
}
