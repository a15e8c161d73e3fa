package words

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestDurationsReadLikeClocks(t *testing.T) {
	t.Parallel()
	for d, want := range map[time.Duration]string{
		-time.Second:                    "0s",
		9400 * time.Millisecond:         "9s",
		65 * time.Second:                "1m05s",
		2 * time.Hour:                   "2h00m",
		50*time.Hour + 59*time.Second:   "2d02h",
		59*time.Minute + 59*time.Second: "59m59s",
	} {
		require.Equal(t, want, Duration(d))
	}
}
