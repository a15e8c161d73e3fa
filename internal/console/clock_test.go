package console

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestATimeTellsHowFarAwayItIs(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for away, want := range map[time.Duration]string{
		0:                             "now",
		8 * time.Second:               "in 8 s",
		-2*time.Minute - time.Second:  "2 min ago",
		time.Hour - time.Second:       "in 59 min",
		time.Hour:                     "in 1 h",
		2*time.Hour - time.Second:     "in 1 h 59 min",
		-30*time.Hour - time.Minute:   "30 h ago",
		8*24*time.Hour - time.Second:  "in 7 d",
		-49*time.Hour - 5*time.Minute: "2 d ago",
	} {
		require.Equal(t, want, Relative(now.Add(away), now))
	}
	require.Empty(t, Relative(time.Time{}, now))
	require.Equal(t, "13:00:00, in 1 h (2026-03-01T13:00:00Z)", Timestamp(now.Add(time.Hour), now, time.UTC))
}
