package workflows

import (
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporalnexus"

	"github.com/migrationlink/migrationlink"
)

type startedRun struct {
	temporalnexus.WorkflowHandle[migrationlink.LinkResult]
	id string
}

func (r startedRun) ID() string    { return r.id }
func (r startedRun) RunID() string { return "01a224e4-6369-7e04-905f-8a6c873f70eb" }

func TestATokenNamesTheRunUnderTheBusinessKeyOnly(t *testing.T) {
	t.Parallel()
	key := migrationlink.WorkflowID("demo", "5f1b2c3d4e5f6a7b8c9d0e1f")
	for id, direct := range map[string]bool{key: true, guestPrefix + key + ".1": false} {
		encoded, err := newToken("default", startedRun{id: id})
		require.NoError(t, err)
		own, is := readToken(encoded)
		require.Equal(t, direct, is)
		require.Equal(t, id, own.WorkflowID)
	}
	for _, other := range []string{"", "?", "e30", "bm9uZQ"} {
		_, is := readToken(other)
		require.False(t, is, other)
	}
}
