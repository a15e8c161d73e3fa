package doctor

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/migrationlink/migrationlink"
)

func TestDoctorNamesClocksThatDiffer(t *testing.T) {
	t.Parallel()
	worker := func(name string, ahead time.Duration) migrationlink.ManagerInspection {
		return migrationlink.ManagerInspection{Name: name, TemporalTime: testStart, WorkerTime: testStart.Add(ahead)}
	}
	same := compareClocks(clockOffset{known: true}, []migrationlink.ManagerInspection{worker("demo", 200*time.Millisecond)})
	require.Equal(t, good(clocksCheck, "this machine is as Temporal's, the worker that called demo is as Temporal's"), same)

	wrong := compareClocks(clockOffset{true, -10 * time.Minute}, []migrationlink.ManagerInspection{worker("demo", 2*time.Minute), worker("prod", 0)})
	require.False(t, wrong.OK || wrong.Skipped)
	require.Equal(t, "this machine is 10m00s behind Temporal, the worker that called demo is 2m00s ahead of Temporal", wrong.Detail)
	require.Contains(t, wrong.Remedy, "NTP")

	require.True(t, compareClocks(clockOffset{}, []migrationlink.ManagerInspection{{Name: "demo"}}).Skipped, "a worker of an older version")
}

func TestTheDurationOfACallIsNoClockOffset(t *testing.T) {
	t.Parallel()
	before, after := testStart, testStart.Add(3*time.Second)
	for temporal, want := range map[time.Time]time.Duration{
		testStart.Add(time.Second):       0,
		testStart.Add(-time.Minute):      time.Minute,
		testStart.Add(63 * time.Second):  -time.Minute,
		testStart.Add(3 * time.Second):   0,
		testStart.Add(-10 * time.Second): 10 * time.Second,
	} {
		require.Equal(t, clockOffset{true, want}, offsetBetween(temporal, before, after))
	}
}
