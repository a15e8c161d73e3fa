package cli

import (
	"bytes"
	"encoding/json"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/migrationlink/migrationlink"
	"github.com/migrationlink/migrationlink/internal/buildinfo"
)

// doctorSays runs the doctor with -o json, and returns its checks by name.
func doctorSays(t *testing.T, c *command, flags ...string) (map[string]check, finished) {
	t.Helper()
	done := c.run(t.Context(), append([]string{"doctor", "-o", "json"}, flags...)...)
	var printed struct{ Checks []check }
	require.NoError(t, json.Unmarshal([]byte(done.stdout), &printed), done.stdout+done.stderr)
	checks := map[string]check{}
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
			require.Equal(t, ExitUnreachable, done.code)
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

func TestDoctorTellsWrongSettingsFromAnAbsentTemporal(t *testing.T) {
	t.Parallel()
	c := newCommand(nil)
	c.env["TEMPORAL_PROFILE"] = "nowhere"
	checks, done := doctorSays(t, c)
	require.Equal(t, ExitOther, done.code)
	require.Contains(t, checks["settings"].Detail, "nowhere")
	require.True(t, checks["Temporal"].Skipped)

	file := filepath.Join(t.TempDir(), "temporal.toml")
	require.NoError(t, os.WriteFile(file, []byte("[profile.prod]\naddress = \""+closedPort(t)+"\"\n"), 0o600))
	c = newCommand(nil)
	c.env["TEMPORAL_CONFIG_FILE"], c.env["TEMPORAL_PROFILE"] = file, "prod"
	checks, _ = doctorSays(t, c)
	require.Equal(t, `profile "prod" of `+file+`, under flags and TEMPORAL_* variables`, checks["settings"].Detail)
}

func TestDoctorNamesAMissingNamespace(t *testing.T) {
	t.Parallel()
	f := newFakeList(t)
	f.noNamespace = true
	checks, done := doctorSays(t, f.command(), "--manager", "demo")
	require.Equal(t, ExitOther, done.code)
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
	for _, part := range []string{file + " has ", "log.level", "managers.demo.public_key", "managers.demo.private_key"} {
		require.Contains(t, checks["worker file"].Detail, part)
	}
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
		"--manager A":                 "--manager: not a manager's name",
		"--manager demo --org 1":      "--org: not an organization's id",
		"--org " + testOrg:            "--org: name the manager of the organization",
		"--manager= --org " + testOrg: "2 flags are wrong",
		"--atlas A":                   "--atlas: not the name of an Atlas",
		"--atlas-org 1":               "--atlas-org: not an organization's id",
	} {
		done := newCommand(nil).run(t.Context(), append([]string{"doctor"}, strings.Fields(flags)...)...)
		require.Equal(t, ExitUsage, done.code)
		require.Contains(t, done.stderr, says)
	}
}

func TestDoctorComparesVersions(t *testing.T) {
	t.Parallel()
	compare := func(mine string, identities ...string) check {
		polling := pollers{}
		for _, identity := range identities {
			polling[identity] = testStart
		}
		return compareVersions(mine, polling)
	}
	require.True(t, compare(buildinfo.Version(), buildinfo.Identity(nil)).OK)
	require.True(t, compare("v2", "migrationlink/v2 7@host x", "migrationlink/v2 8@host x").OK)
	require.True(t, compare("v2").Skipped)
	require.True(t, compare(buildinfo.Unknown, "migrationlink/v2 7@host x").Skipped)
	wrong := compare("v2", "migrationlink/v1 7@host x", "migrationlink/v2 8@host x", "9@before")
	require.Equal(t, "this starter is v2, worker 9@before tells no version, worker 7@host is v1", wrong.Detail)
	require.False(t, wrong.OK || wrong.Skipped)
}

func TestDoctorFindsWorkersWithOtherManagers(t *testing.T) {
	t.Parallel()
	same := pollers{"migrationlink/v2 7@a x": testStart, "migrationlink/v2 8@b x": testStart, "9@before": testStart}
	require.Equal(t, good("managers", "demo, prod"), compareManagers([]string{"demo", "prod"}, same))
	other := pollers{"migrationlink/v2 7@a x": testStart, "migrationlink/v2 9@c x": testStart, "migrationlink/v2 8@b y": testStart}
	require.Equal(t, "the workers do not all know the same: 7@a, 9@c / 8@b; the one that has answered knows demo", compareManagers([]string{"demo"}, other).Detail)
}

func TestDoctorChecksAManagerThroughItsWorkers(t *testing.T) {
	t.Parallel()
	now := testStart
	fresh := func(ids ...string) pollers {
		found := pollers{}
		for _, id := range ids {
			found["migrationlink/v1 "+id+" x"] = now.Add(-10 * time.Second)
		}
		return found
	}
	problem := &migrationlink.Problem{Type: migrationlink.ErrRoleMissing, Message: "HTTP 401", Remedy: "Give it the role."}
	accepted := migrationlink.ManagerInspection{Name: "demo", WorkerVersion: "v1", KeyAccepted: true}
	withProblem := migrationlink.ManagerInspection{Name: "demo", WorkerVersion: "v1", Problem: problem}
	ask := func(orgID string, m managerSeen) (workers, key, role check) {
		m.name = "demo"
		return m.pollers(now), m.key(orgID, now), m.role(orgID)
	}

	workers, key, role := ask("", managerSeen{known: []string{"demo"}, workers: fresh("1@a", "2@b"), queue: fresh("1@a", "2@b"), said: accepted})
	require.Equal(t, "2 on task queue migration-link.demo, last seen 10s ago", workers.Detail)
	require.True(t, workers.OK)
	require.True(t, key.OK)
	require.Contains(t, role.Detail, "--manager demo --org ORG_ID")

	workers, _, _ = ask("", managerSeen{known: []string{"demo"}, workers: fresh("1@a", "2@b"), queue: fresh("1@a")})
	require.Equal(t, "1 of 2 workers on task queue migration-link.demo, without 2@b", workers.Detail)
	require.False(t, workers.OK)
	require.Contains(t, workers.Remedy, "[managers.demo]")

	workers, _, _ = ask("", managerSeen{known: []string{"prod"}, workers: fresh("1@a")})
	require.Equal(t, `no worker knows manager "demo"; known are prod`, workers.Detail)

	nobody := withProblem
	nobody.WorkerVersion = ""
	workers, key, role = ask(testOrg, managerSeen{known: []string{"demo"}, workers: fresh("1@a"), queue: pollers{"1@a": now.Add(-3 * time.Minute)}, said: nobody})
	require.Equal(t, "none polls task queue migration-link.demo any more, the last one was seen 3m00s ago", workers.Detail)
	require.True(t, key.Skipped, "it does not fail again")
	require.True(t, role.Skipped)

	_, key, role = ask("", managerSeen{said: withProblem})
	require.Equal(t, bad("demo: key", "HTTP 401", "Give it the role."), key)
	require.True(t, role.Skipped)
	noRole := accepted
	noRole.Problem = problem
	_, key, role = ask(testOrg, managerSeen{said: noRole})
	require.True(t, key.OK)
	require.Equal(t, bad("demo: role", "HTTP 401", "Give it the role."), role)
	reads := accepted
	reads.RoleChecked, reads.LinkStatus = true, migrationlink.LinkNone
	_, _, role = ask(testOrg, managerSeen{said: reads})
	require.True(t, role.OK)
	require.Contains(t, role.Detail, "link status NONE")
}

func TestDoctorsTableFitsTheTerminal(t *testing.T) {
	t.Parallel()
	wrong := bad("demo: workers", "1 of 2 workers on task queue migration-link.demo, without 2@b", "Give every worker the same configuration.")
	for width, want := range map[int]string{
		0: `✗ demo: workers  1 of 2 workers on task queue migration-link.demo, without 2@b
                 → Give every worker the same configuration.
`,
		62: `✗ demo: workers  1 of 2 workers on task queue
                 migration-link.demo, without 2@b
                 → Give every worker the same configuration.
`,
		40: `✗ demo: workers
    1 of 2 workers on task queue
    migration-link.demo, without 2@b
    → Give every worker the same
    configuration.
`,
	} {
		var out bytes.Buffer
		checkTable{out: &out, width: width}.show(wrong)
		require.Equal(t, want, out.String(), width)
	}
	var out bytes.Buffer
	table := checkTable{out: &out, width: 80, colour: true}
	table.show(good("settings", "fine"))
	table.show(skipped("keys", "no worker answers"))
	require.Equal(t, "\x1b[32m✓ \x1b[0msettings       fine\n\x1b[2m– \x1b[0mkeys           \x1b[2mnot checked: no worker answers\x1b[0m\n", out.String())
}
