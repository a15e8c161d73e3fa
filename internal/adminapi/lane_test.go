package adminapi

import (
	"fmt"
	"net/http"
	"net/url"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestThePasswordOfAMalformedProxyIsNotTold(t *testing.T) {
	t.Parallel()
	malformed := func(*http.Request) (*url.URL, error) {
		return nil, fmt.Errorf("invalid proxy address %q", "http://user:canary@:x")
	}
	_, err := withoutItsWords(malformed)(nil)
	require.ErrorContains(t, err, "HTTPS_PROXY")
	require.NotContains(t, err.Error(), "canary")
}
