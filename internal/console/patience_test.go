package console

import (
	"bytes"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

func TestALongWaitIsExplained(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var stderr bytes.Buffer
		a := &Console{Env: Environment{Stderr: &stderr}}
		a.WithWaitHint("a worker", func() {})
		require.Empty(t, stderr.String())
		a.WithWaitHint("a worker", func() { <-time.After(2 * hintDelay) })
		require.Equal(t, "Waiting for a worker …\n", stderr.String())
	})
}
