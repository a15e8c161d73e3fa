package starter

import (
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/migrationlink/migrationlink/internal/console"
)

// closedPort is a loopback address on which nobody listens.
func closedPort(t *testing.T) string {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, listener.Close())
	return listener.Addr().String()
}

func TestUnreachableTemporalExitsSevenWithItsAddressWithinTenSeconds(t *testing.T) {
	t.Parallel()
	// A peer that takes the connection and says nothing is the slowest case.
	deaf, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = deaf.Close() })
	for name, address := range map[string]string{"closed port": closedPort(t), "silent peer": deaf.Addr().String()} {
		for _, command := range [][]string{linkArgs(), args("status"), args("cancel", "--reason", "x")} {
			t.Run(name+" "+command[0], func(t *testing.T) {
				t.Parallel()
				c := newCommand(nil)
				c.env["TEMPORAL_ADDRESS"] = address
				began := time.Now()
				done := c.run(t.Context(), command...)
				require.Equal(t, console.ExitUnreachable, done.code, done.stderr)
				require.Less(t, time.Since(began), 10*time.Second)
				require.Contains(t, done.stderr, "Temporal cannot be reached at "+address)
				require.Contains(t, done.stderr, "TEMPORAL_ADDRESS")
				require.Empty(t, done.stdout)
			})
		}
	}
}

func TestFlagsBeatVariablesAndProfiles(t *testing.T) {
	t.Parallel()
	address, other := closedPort(t), "127.0.0.1:9"
	file := filepath.Join(t.TempDir(), "temporal.toml")
	require.NoError(t, os.WriteFile(file, []byte("[profile.test]\naddress = \""+address+"\"\n[profile.prod]\naddress = \""+other+"\"\n"), 0o600))

	c := newCommand(nil)
	c.env["TEMPORAL_CONFIG_FILE"], c.env["TEMPORAL_PROFILE"] = file, "prod"
	require.Contains(t, c.run(t.Context(), args("status", "--profile", "test")...).stderr, address)

	c = newCommand(nil)
	c.env["TEMPORAL_ADDRESS"] = other
	require.Contains(t, c.run(t.Context(), args("status", "--address", address)...).stderr, address)
}

func TestAMissingProfileIsNamed(t *testing.T) {
	t.Parallel()
	done := newCommand(nil).run(t.Context(), args("status", "--profile", "nowhere")...)
	require.Equal(t, console.ExitOther, done.code)
	require.Contains(t, done.stderr, "nowhere")
}
