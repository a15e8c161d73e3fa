package doctor

import (
	"bytes"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/migrationlink/migrationlink"
	"github.com/migrationlink/migrationlink/internal/buildinfo"
	"github.com/migrationlink/migrationlink/internal/links"
)

func TestDoctorComparesVersions(t *testing.T) {
	t.Parallel()
	compare := func(mine string, identities ...string) Check {
		polling := links.Pollers{}
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
	require.Equal(t, "this starter is v2, worker 9@before reports no version, worker 7@host is v1", wrong.Detail)
	require.False(t, wrong.OK || wrong.Skipped)
}

func TestDoctorFindsWorkersWithOtherManagers(t *testing.T) {
	t.Parallel()
	same := links.Pollers{"migrationlink/v2 7@a x": testStart, "migrationlink/v2 8@b x": testStart, "9@before": testStart}
	require.Equal(t, good("managers", "demo, prod"), compareManagers([]string{"demo", "prod"}, same))
	other := links.Pollers{"migrationlink/v2 7@a x": testStart, "migrationlink/v2 9@c x": testStart, "migrationlink/v2 8@b y": testStart}
	require.Equal(t, "the workers have different managers: 7@a, 9@c / 8@b; the one that answered has demo", compareManagers([]string{"demo"}, other).Detail)
}

func TestDoctorChecksAManagerThroughItsWorkers(t *testing.T) {
	t.Parallel()
	now := testStart
	fresh := func(ids ...string) links.Pollers {
		found := links.Pollers{}
		for _, id := range ids {
			found["migrationlink/v1 "+id+" x"] = now.Add(-10 * time.Second)
		}
		return found
	}
	problem := &migrationlink.Problem{Type: migrationlink.ErrRoleMissing, Message: "HTTP 401", Remedy: "Give it the role."}
	accepted := migrationlink.ManagerInspection{Name: "demo", WorkerVersion: "v1", KeyAccepted: true}
	withProblem := migrationlink.ManagerInspection{Name: "demo", WorkerVersion: "v1", Problem: problem}
	ask := func(orgID string, m managerSeen) (workers, key, role Check) {
		m.name = "demo"
		return m.pollers(now), m.key(orgID, now), m.role(orgID)
	}

	workers, key, role := ask("", managerSeen{known: []string{"demo"}, workers: fresh("1@a", "2@b"), queue: fresh("1@a", "2@b"), said: accepted})
	require.Equal(t, "2 on task queue migration-link.demo, last seen 10s ago", workers.Detail)
	require.True(t, workers.OK)
	require.True(t, key.OK)
	require.Contains(t, role.Detail, "--manager demo --org ORG_ID")

	workers, _, _ = ask("", managerSeen{known: []string{"demo"}, workers: fresh("1@a", "2@b"), queue: fresh("1@a")})
	require.Equal(t, "1 of 2 workers poll task queue migration-link.demo; missing: 2@b", workers.Detail)
	require.False(t, workers.OK)
	require.Contains(t, workers.Remedy, "[managers.demo]")

	workers, _, _ = ask("", managerSeen{known: []string{"prod"}, workers: fresh("1@a")})
	require.Equal(t, `no worker knows manager "demo"; known are prod`, workers.Detail)

	nobody := withProblem
	nobody.WorkerVersion = ""
	workers, key, role = ask(testOrg, managerSeen{known: []string{"demo"}, workers: fresh("1@a"), queue: links.Pollers{"1@a": now.Add(-3 * time.Minute)}, said: nobody})
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
	wrong := bad("demo: workers", "1 of 2 workers poll task queue migration-link.demo; missing: 2@b", "Give every worker the same configuration.")
	for width, want := range map[int]string{
		0: `✗ demo: workers  1 of 2 workers poll task queue migration-link.demo; missing: 2@b
                 → Give every worker the same configuration.
`,
		62: `✗ demo: workers  1 of 2 workers poll task queue
                 migration-link.demo; missing: 2@b
                 → Give every worker the same configuration.
`,
		40: `✗ demo: workers
    1 of 2 workers poll task queue
    migration-link.demo; missing: 2@b
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
