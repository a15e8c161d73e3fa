package starter

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	workflowpb "go.temporal.io/api/workflow/v1"
	"go.temporal.io/sdk/client"

	"github.com/migrationlink/migrationlink/internal/dataconv"
	"github.com/migrationlink/migrationlink/internal/links"
)

func TestPollsNeverDecrease(t *testing.T) {
	t.Parallel()
	f := newFakeTemporal(t).running()
	f.status = syncing()
	now := testStart
	later := func() time.Time { // each time too late to use the last answer again
		now = now.Add(time.Minute)
		return now
	}
	s := &links.Client{Stored: dataconv.Default(), Now: later, CallTimeout: time.Minute}
	var err error
	s.Client, err = client.Dial(client.Options{HostPort: f.address})
	require.NoError(t, err)
	defer s.Client.Close()
	observer := s.Observe(testRun)
	polls := func(ended int32, status int) int {
		f.mu.Lock()
		f.pending = nil
		if ended > 0 {
			f.pending = []*workflowpb.PendingActivityInfo{polling(nil)}
			f.pending[0].Attempt, f.pending[0].LastFailure = ended+1, nil
		}
		f.status.Polls = status
		f.mu.Unlock()
		seen, err := observer.Look(t.Context())
		require.NoError(t, err)
		return seen.Polls
	}
	require.Equal(t, 40, polls(40, 0))
	require.Equal(t, 40, polls(39, 0), "an operator has reset the activity")
	require.Equal(t, 42, polls(2, 40), "another attempt of the workflow's own")
	require.Equal(t, 42, polls(0, 41), "its activity has ended, and not every poll was recorded")
}
