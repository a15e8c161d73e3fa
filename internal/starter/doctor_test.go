package starter

import (
	"encoding/json"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/migrationlink/migrationlink/internal/console"
	"github.com/migrationlink/migrationlink/internal/doctor"
)

// doctorSays runs the doctor with -o json, and returns its checks by name.
func doctorSays(t *testing.T, c *command, flags ...string) (map[string]doctor.Check, finished) {
	t.Helper()
	done := c.run(t.Context(), append([]string{"doctor", "-o", "json"}, flags...)...)
	var printed struct{ Checks []doctor.Check }
	require.NoError(t, json.Unmarshal([]byte(done.stdout), &printed), done.stdout+done.stderr)
	checks := map[string]doctor.Check{}
	for _, c := range printed.Checks {
		require.False(t, c.OK && c.Skipped)
		require.NotEmpty(t, c.Detail)
		checks[c.Name] = c
	}
	return checks, done
}

func TestDoctorSaysWhyTheRestIsNotCheckedWithoutTemporal(t *testing.T) {
	t.Parallel()
	deaf, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = deaf.Close() })
	for name, address := range map[string]string{"closed port": closedPort(t), "silent peer": deaf.Addr().String()} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCommand(nil)
			c.env["TEMPORAL_ADDRESS"] = address
			began := time.Now()
			checks, done := doctorSays(t, c)
			require.Less(t, time.Since(began), 10*time.Second)
			require.Equal(t, console.ExitUnreachable, done.code)
			require.True(t, checks["settings"].OK)
			require.Contains(t, checks["Temporal"].Detail, address)
			require.Contains(t, checks["Temporal"].Remedy, "TEMPORAL_ADDRESS")
			for _, rest := range []string{"namespace", "workers", "versions", "managers", "atlas", "sealing", "keys", "roles"} {
				require.True(t, checks[rest].Skipped, rest)
				require.Equal(t, "not checked: Temporal does not answer", checks[rest].Detail)
			}
		})
	}
}

func TestDoctorDistinguishesWrongSettingsFromAnUnreachableTemporal(t *testing.T) {
	t.Parallel()
	c := newCommand(nil)
	c.env["TEMPORAL_PROFILE"] = "nowhere"
	checks, done := doctorSays(t, c)
	require.Equal(t, console.ExitOther, done.code)
	require.Contains(t, checks["settings"].Detail, "nowhere")
	require.True(t, checks["Temporal"].Skipped)

	file := filepath.Join(t.TempDir(), "temporal.toml")
	require.NoError(t, os.WriteFile(file, []byte("[profile.prod]\naddress = \""+closedPort(t)+"\"\n"), 0o600))
	c = newCommand(nil)
	c.env["TEMPORAL_CONFIG_FILE"], c.env["TEMPORAL_PROFILE"] = file, "prod"
	checks, _ = doctorSays(t, c)
	require.Equal(t, `profile "prod" of `+file+`; flags and TEMPORAL_* variables override it`, checks["settings"].Detail)
}

func TestDoctorNamesAMissingNamespace(t *testing.T) {
	t.Parallel()
	f := newFakeList(t)
	f.noNamespace = true
	checks, done := doctorSays(t, f.command(), "--manager", "demo")
	require.Equal(t, console.ExitOther, done.code)
	require.Equal(t, f.address+", server 1.2.3", checks["Temporal"].Detail)
	require.Contains(t, checks["namespace"].Detail, `no namespace "default"`)
	require.Equal(t, "not checked: the namespace cannot be used", checks["demo: key"].Detail)
}

func TestDoctorReportsEveryProblemOfTheWorkersFile(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "worker.toml")
	require.NoError(t, os.WriteFile(file, []byte("[log]\nlevel = \"loud\"\n[managers.demo]\nbase_url = \"https://a.example\"\nprivate_key = \""+canary+"\"\n"), 0o600))
	c := newCommand(nil)
	c.env["TEMPORAL_ADDRESS"] = closedPort(t)
	checks, done := doctorSays(t, c, "--config", file)
	require.Equal(t, file+" has 3 problems", checks["worker file"].Detail)
	for i, part := range []string{"log.level", "managers.demo.private_key", "managers.demo.public_key"} {
		require.Contains(t, slices.Sorted(slices.Values(checks["worker file"].Problems))[i], part)
	}
	c.stdout.Reset()
	text := c.run(t.Context(), "doctor", "--config", file).stdout
	require.Equal(t, 3, strings.Count(text, "\n                 - "), "one in each line: %s", text)
	require.NotContains(t, done.stdout+done.stderr, canary)

	c = newCommand(nil)
	c.env["TEMPORAL_ADDRESS"], c.env["MIGRATIONLINK_CONFIG"] = closedPort(t), file
	checks, _ = doctorSays(t, c)
	require.Contains(t, checks["worker file"].Detail, file)
	c = newCommand(nil)
	c.env["TEMPORAL_ADDRESS"] = closedPort(t)
	checks, _ = doctorSays(t, c)
	require.True(t, checks["worker file"].Skipped)
}

func TestDoctorRefusesWhatItCannotCheck(t *testing.T) {
	t.Parallel()
	for flags, says := range map[string]string{
		"--manager A":                 "--manager: invalid manager name; use NAME of a section [managers.NAME]",
		"--manager demo --org 1":      "--org: not an organization's id",
		"--org " + testOrg:            "--org: name the manager of the organization",
		"--manager= --org " + testOrg: "2 flags are wrong",
		"--atlas A":                   "--atlas: invalid Atlas name; use NAME of a section [atlas.NAME]",
		"--atlas-org 1":               "--atlas-org: not an organization's id",
	} {
		done := newCommand(nil).run(t.Context(), append([]string{"doctor"}, strings.Fields(flags)...)...)
		require.Equal(t, console.ExitUsage, done.code)
		require.Contains(t, done.stderr, says)
	}
}
