package activities

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestSyncedIsNoticedWithinAFifthOfTheWait(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		waited := time.Duration(rapid.Int64Range(0, int64(60*24*time.Hour)).Draw(t, "waited"))
		most := rapid.SampledFrom([]time.Duration{5 * time.Second, maxDelay, 5 * time.Minute, time.Hour}).Draw(t, "most")
		delay := backoff(waited, most)
		require.GreaterOrEqual(t, delay, minDelay)
		require.LessOrEqual(t, delay, max(min(waited/5, most), minDelay))
	})
}

func TestAWaitTakesFewCalls(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		wait, most time.Duration
		calls      int
	}{
		"half an hour":               {31 * time.Minute, maxDelay, 69},
		"a day":                      {24 * time.Hour, maxDelay, 2200},
		"a day, slower on purpose":   {24 * time.Hour, 5 * time.Minute, 350},
		"a month, slower on purpose": {30 * 24 * time.Hour, time.Hour, 850},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var calls int
			for waited := time.Duration(0); waited < test.wait; waited += backoff(waited, test.most) {
				calls++
			}
			require.LessOrEqual(t, calls, test.calls)
			t.Logf("%d calls", calls)
		})
	}
}
