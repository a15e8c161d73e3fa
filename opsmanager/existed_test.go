package opsmanager

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestALinkOlderThanTheCallIsReportedAsExisting(t *testing.T) {
	t.Parallel()
	const replied = "Mon, 23 Nov 2026 12:00:30 GMT"
	for name, test := range map[string]struct {
		createdAt string
		date      string
		took      time.Duration
		existed   bool
		may       bool
	}{
		"made by the call":           {"2026-11-23T12:00:30Z", replied, 0, false, false},
		"made by a slow call":        {"2026-11-23T12:00:05Z", replied, 28 * time.Second, false, false},
		"made the day before":        {"2026-11-22T12:00:30Z", replied, 28 * time.Second, true, false},
		"made seconds before":        {"2026-11-23T12:00:20Z", replied, time.Second, false, true},
		"the manager's clock is off": {"2031-01-01T00:00:00Z", "Wed, 01 Jan 2031 00:00:01 GMT", time.Second, false, false},
		"not told":                   {"", replied, 0, false, false},
		"no date":                    {"2026-11-22T12:00:30Z", "", 0, false, false},
	} {
		older := olderThanCall(test.createdAt, test.date, test.took)
		require.Equal(t, test.existed, older > clockSkew, name)
		require.Equal(t, test.may, older > 0 && older <= clockSkew, name)
	}
}
