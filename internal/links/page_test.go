package links

import (
	"bytes"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/migrationlink/migrationlink/internal/dataconv"
)

func TestAPagePositionIsBehindItsOwnRun(t *testing.T) {
	t.Parallel()
	var all []Listed
	for _, info := range everyState() {
		l, ok := ListedOf(info, dataconv.Default())
		require.True(t, ok)
		all = append(all, l)
	}
	for i := range all {
		p, err := ParsePosition(all[i].Position(testStart).String(), time.Time{})
		require.NoError(t, err)
		require.Equal(t, testStart.Unix(), p.AsOf.Unix())
		after := slices.IndexFunc(all, p.precedes)
		if i == len(all)-1 {
			after = len(all) + after + 1 // -1: nothing is
		}
		require.Equal(t, i+1, after)
	}
	var text bytes.Buffer
	fmt.Fprint(&text, all[3].Position(testStart))
	require.Regexp(t, `^[a-z0-9.-]+$`, text.String())
}
