package e2e_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/migrationlink/migrationlink/opsmanager/opsmanagertest"
)

// checked is one check of `starter doctor -o json`.
type checked struct {
	Name    string `json:"name"`
	OK      bool   `json:"ok"`
	Skipped bool   `json:"skipped"`
	Detail  string `json:"detail"`
	Remedy  string `json:"remedy"`
}

func (c checked) wrong() bool { return !c.OK && !c.Skipped }

func (s *system) doctor(args ...string) (map[string]checked, finished) {
	s.t.Helper()
	done := s.starter(append([]string{"doctor", "-o", "json"}, args...)...)
	require.NotContains(s.t, done.stdout+done.stderr, s.variable("DEMO_PRIVATE_KEY"))
	var printed struct{ Checks []checked }
	require.NoError(s.t, json.Unmarshal([]byte(done.stdout), &printed), done.stdout)
	checks := map[string]checked{}
	for _, c := range printed.Checks {
		require.True(s.t, !c.wrong() || c.Remedy != "", "what is wrong has a remedy: %v", c)
		checks[c.Name] = c
	}
	return checks, done
}

func TestDoctorFindsNoProblemInAHealthySystem(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	s.worker("")
	checks, done := s.doctor("--config", s.dir+"/worker.toml")
	require.Zero(t, done.code, done.stdout)
	for _, name := range []string{"worker file", "settings", "Temporal", "namespace", "workers", "versions", "managers", "demo: workers", "demo: key"} {
		require.True(t, checks[name].OK, "%s: %v", name, checks[name])
	}
	require.True(t, checks["demo: role"].Skipped)
	t.Logf("starter doctor of a good system: %s", done.took.Round(time.Millisecond))

	org := newOrg()
	checks, done = s.doctor("--manager", "demo", "--org", org)
	require.Zero(t, done.code)
	require.Contains(t, checks["demo: role"].Detail, "link status NONE")
	require.Contains(t, s.starter("doctor").stdout, "✓ demo: key      accepted\n")
}

// soonEnough is the 5 s that doctor waits for a worker, and more for a busy machine.
const soonEnough = 8 * time.Second

func TestDoctorReportsAMissingWorkerWithinSeconds(t *testing.T) { // not parallel: it measures time
	s := newSystem(t)
	checks, done := s.doctor()
	require.Equal(t, 1, done.code)
	require.Less(t, done.took, soonEnough)
	require.Contains(t, checks["workers"].Detail, "none polls task queue migration-link")
	t.Logf("starter doctor without a worker: %s", done.took.Round(time.Millisecond))
	require.Contains(t, checks["workers"].Remedy, "Start one")
	require.Contains(t, checks["keys"].Detail, "not checked: no worker answers")

	w := s.worker("")
	_, done = s.doctor()
	require.Zero(t, done.code)
	w.kill() // Temporal still lists it
	checks, done = s.doctor()
	require.Less(t, done.took, soonEnough)
	require.Contains(t, checks["workers"].Detail, "no worker answered within 5s")
}

// Each manager's answer to the key and the role, and a manager that is down.
func TestDoctorReportsEachManagersAnswerAndTheRemedy(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	wrongKey := `
[managers.wrong-key]
base_url = "SIMULATOR"
public_key = "env:DEMO_PUBLIC_KEY"
private_key = "env:OTHER_KEY"
[managers.wrong-path]
base_url = "SIMULATOR"
base_path = "/nothing/here"
public_key = "env:DEMO_PUBLIC_KEY"
private_key = "env:DEMO_PRIVATE_KEY"
[managers.down]
base_url = "http://127.0.0.1:1"
public_key = "env:DEMO_PUBLIC_KEY"
private_key = "env:DEMO_PRIVATE_KEY"
`
	s.worker(wrongKey, "OTHER_KEY=not-the-key")
	checks, done := s.doctor()
	require.Equal(t, 1, done.code)
	require.True(t, checks["demo: key"].OK)
	require.Contains(t, checks["wrong-key: key"].Remedy, "Check public_key and private_key of [managers.wrong-key]")
	require.Contains(t, checks["wrong-path: key"].Remedy, "check base_url and base_path of [managers.wrong-path]")
	require.Contains(t, checks["down: key"].Remedy, "Check that the manager is up")
	for _, name := range []string{"wrong-key", "wrong-path", "down"} {
		require.True(t, checks[name+": workers"].OK)
		require.True(t, checks[name+": key"].wrong())
		require.True(t, checks[name+": role"].Skipped)
	}

	org := newOrg()
	for refusal, want := range map[string][2]string{
		opsmanagertest.RefusedRole:      {"", "role Organization Owner in organization " + org},
		opsmanagertest.RefusedOrg:       {"", "Check orgId"},
		opsmanagertest.RefusedAddress:   {"Add 127.0.0.1, the worker's address", ""},
		opsmanagertest.RefusedSuspended: {"", "Settle the account"},
	} {
		s.shape(org, map[string]any{"refusal": refusal})
		checks, done = s.doctor("--manager", "demo", "--org", org)
		require.Equal(t, 1, done.code, refusal)
		require.Contains(t, checks["demo: key"].Remedy, want[0])
		require.Contains(t, checks["demo: role"].Remedy, want[1])
		require.NotEqual(t, checks["demo: key"].wrong(), checks["demo: role"].wrong(), "one thing is wrong")
	}
	checks, _ = s.doctor("--manager", "unknown")
	require.Contains(t, checks["unknown: workers"].Detail, "known are demo, down, wrong-key, wrong-path")
}

func TestDoctorWaitsForASilentManagerLessThanFortySeconds(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	s.worker("")
	s.control("PUT", "/simulator/faults", map[string]any{"faults": []map[string]any{{"kind": "stall-before", "duration": "10m"}}}, nil)
	checks, done := s.doctor()
	require.Less(t, done.took, 40*time.Second)
	require.Contains(t, checks["demo: key"].Detail, "has not answered within")
	t.Logf("starter doctor with a silent manager: %s", done.took.Round(time.Millisecond))
}

// Some of the links that such a worker gets fail.
func TestDoctorNoticesAWorkerThatLacksAManager(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	s.worker(`
[managers.prod]
base_url = "SIMULATOR"
public_key = "env:DEMO_PUBLIC_KEY"
private_key = "env:DEMO_PRIVATE_KEY"
`)
	s.worker("")
	// Either worker may answer with the managers that it knows.
	checks, done := s.doctor()
	require.Equal(t, 1, done.code)
	require.Regexp(t, `^the workers have different managers: \d+@\S+ / \d+@\S+; the one that answered has (demo|demo, prod)$`, checks["managers"].Detail)
	checks, done = s.doctor("--manager", "prod")
	require.Equal(t, 1, done.code)
	require.Regexp(t, `^1 of 2 workers poll task queue migration-link.prod; missing: \d+@\S+$`, checks["prod: workers"].Detail)
	require.Contains(t, checks["prod: workers"].Remedy, "Give every worker the same configuration")
}

// A rotated Atlas key, or secret of a service account, is tried before a link needs it.
func TestDoctorFindsAWrongAtlasKey(t *testing.T) {
	t.Parallel()
	j := newJoint(t)
	j.env = append(j.env, "MIGRATIONLINK_RECIPIENT=") // its worker has an identity of its own
	target := newOrg()
	checks, done := j.doctor("--atlas-org", target)
	require.Zero(t, done.code, done.stdout)
	require.Equal(t, "account, keys", checks["atlas"].Detail)
	for _, name := range []string{"account", "keys"} {
		require.True(t, checks["atlas "+name+": key"].OK)
		require.True(t, checks["atlas "+name+": role"].OK)
	}
	require.NoError(t, j.manager.SetOrg(target, opsmanagertest.OrgSettings{Refusal: opsmanagertest.RefusedRole}))
	checks, done = j.doctor("--atlas", "keys", "--atlas-org", target)
	require.Equal(t, 1, done.code)
	require.True(t, checks["atlas keys: key"].OK)
	require.Contains(t, checks["atlas keys: role"].Remedy, "role Organization Owner in the target organization "+target)

	j.worker.stop()
	const wrongKey, wrongSecret = "not-the-key-canary", "not-the-secret-canary"
	j.worker, _ = j.workerFrom(j.config, "DEMO_ATLAS_PRIVATE_KEY="+wrongKey, "CLIENT_ID="+opsmanagertest.DefaultAtlasClientID, "CLIENT_SECRET="+wrongSecret)
	checks, done = j.doctor()
	require.Equal(t, 1, done.code)
	require.True(t, checks["demo: key"].OK)
	require.Equal(t, "Check public_key and private_key of [atlas.keys] in the worker's configuration.", checks["atlas keys: key"].Remedy)
	require.Equal(t, "Check client_id and client_secret of [atlas.account] in the worker's configuration.", checks["atlas account: key"].Remedy)
	for _, name := range []string{"account", "keys"} {
		require.True(t, checks["atlas "+name+": key"].wrong())
		require.True(t, checks["atlas "+name+": role"].Skipped)
	}
	require.NotContains(t, done.stdout+done.stderr, "canary")
	require.Contains(t, j.starter("doctor").stdout, "✗ atlas keys: key")
	for _, org := range j.manager.State().Atlas.Orgs {
		require.Zero(t, org.Posts+org.Deletes, "doctor makes no link-token")
	}
}
