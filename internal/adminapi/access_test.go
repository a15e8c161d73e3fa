package adminapi

import (
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/oauth2"

	"github.com/migrationlink/migrationlink/redact"
)

func TestAnAccessTokenIsUsedUntilShortlyBeforeItsEnd(t *testing.T) {
	t.Parallel()
	now := time.Now()
	for name, test := range map[string]struct {
		asked, expiry time.Duration // from now on
		good          bool
	}{
		"new":                           {0, time.Hour, true},
		"2 minutes left of an hour":     {-58 * time.Minute, 2 * time.Minute, true},
		"half a minute left":            {-time.Hour, 30 * time.Second, false},
		"8 s left of 10":                {-2 * time.Second, 8 * time.Second, true},
		"half a second left of 10":      {-9500 * time.Millisecond, 500 * time.Millisecond, false},
		"past its end":                  {-2 * time.Hour, -time.Hour, false},
		"of no life":                    {0, 0, false},
		"fetched so slowly it has died": {-time.Minute, -time.Second, false},
	} {
		a := newAccess(&url.URL{})
		a.keep(&oauth2.Token{AccessToken: "x", Expiry: now.Add(test.expiry)}, now.Add(test.asked))
		_, good := a.current()
		require.Equal(t, test.good, good, name)
	}
	a := newAccess(&url.URL{})
	_, good := a.current()
	require.False(t, good)
	a.keep(&oauth2.Token{AccessToken: "x"}, now)
	_, good = a.current()
	require.True(t, good, "no end is known")
	a.forget(redact.NewSecret("another"))
	_, good = a.current()
	require.True(t, good)
	a.forget(redact.NewSecret("x"))
	_, good = a.current()
	require.False(t, good)
}
