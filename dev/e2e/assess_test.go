package e2e_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/migrationlink/migrationlink"
	"github.com/migrationlink/migrationlink/opsmanager/opsmanagertest"
)

// managed starts a worker with a simulated manager of the test's own, as both kinds of product.
func managed(t *testing.T, options opsmanagertest.Options) (*system, *opsmanagertest.Server) {
	t.Helper()
	s, manager := newSystem(t), opsmanagertest.NewServer(options)
	t.Cleanup(manager.Close)
	s.workerFrom(fmt.Sprintf(`
[managers.ops]
base_url    = %[1]q
public_key  = "env:DEMO_PUBLIC_KEY"
private_key = "env:DEMO_PRIVATE_KEY"
request_timeout = "1s"
[managers.cloud]
kind        = "cloud-manager"
base_url    = %[1]q
public_key  = "env:DEMO_PUBLIC_KEY"
private_key = "env:DEMO_PRIVATE_KEY"
`, manager.URL))
	return s, manager
}

// running are the settings of an organization whose deployments have these versions, one each.
func running(versions ...string) (settings opsmanagertest.OrgSettings) {
	for _, version := range versions {
		settings.Deployments = append(settings.Deployments, opsmanagertest.Deployment{Versions: []string{version}})
	}
	return settings
}

// assessments are the lines of `starter assess --all -o json`.
func assessments(t *testing.T, printed string) []migrationlink.Assessment {
	t.Helper()
	var found []migrationlink.Assessment
	for line := range strings.Lines(printed) {
		var one migrationlink.Assessment
		require.NoError(t, json.Unmarshal([]byte(line), &one), line)
		found = append(found, one)
	}
	return found
}

// Each organization costs one call for its projects and one for the hosts of each project.
func TestTwoHundredOrganizationsAreAssessedWithAsManyCallsAsNeeded(t *testing.T) {
	oneAtATime(t)
	const count = 200
	var orgs []string
	for n := range count {
		orgs = append(orgs, fmt.Sprintf("%024x", n+1))
	}
	s, manager := managed(t, opsmanagertest.Options{KnownOrgs: orgs})
	kinds := [][]string{{"6.0.17", "7.0.13", "8.0.4"}, {"4.4.2", "5.0.31", "6.0.1"}, {"7.0.1", "7.0.2", ""}, {"5.0.1", "5.0.2", "5.0.3"}}
	want := []migrationlink.Verdict{migrationlink.VerdictUseless, migrationlink.VerdictReady, migrationlink.VerdictUnknown, migrationlink.VerdictReady}
	for n, org := range orgs {
		require.NoError(t, manager.SetOrg(org, running(kinds[n%4]...)))
	}
	done := s.starter("assess", "--manager", "ops", "--all", "-o", "json")
	require.Zero(t, done.code, done.stderr)
	t.Logf("200 organizations, 400 projects, 1200 deployments: %s", done.took.Round(time.Millisecond))
	require.Empty(t, done.stderr)
	found := assessments(t, done.stdout)
	require.Len(t, found, count)
	seen := map[string]bool{}
	for _, a := range found {
		seen[a.OrgID] = true
		var n int
		_, err := fmt.Sscanf(a.OrgID, "%x", &n)
		require.NoError(t, err)
		require.Equal(t, want[(n-1)%4], a.Verdict, a.OrgID)
		require.Equal(t, []int{2, 6, 18}, []int{a.Projects, a.All(), a.Hosts})
		require.Len(t, a.Deployments, 6)
	}
	require.Len(t, seen, count)

	state := manager.State()
	require.Equal(t, 1, state.Totals.OrganizationReads)
	for _, org := range orgs {
		require.Equal(t, opsmanagertest.Counts{ProjectReads: 1, HostReads: 2, RequestsWithoutCredentials: state.Orgs[org].RequestsWithoutCredentials}, state.Orgs[org].Counts)
	}
	calls := 1 + count*3
	require.Equal(t, calls, state.Totals.Requests-state.Totals.Challenges)
	require.LessOrEqual(t, state.Totals.Challenges, 10, "one for each connection")

	text := s.starter("assess", "--manager", "cloud", "--all")
	require.Zero(t, text.code, text.stderr)
	require.Contains(t, text.stderr, "200 organizations: ")
	lines := strings.Split(strings.TrimSpace(text.stdout), "\n")
	require.Len(t, lines, count+1)
	require.Regexp(t, `^ORGANIZATION +VERDICT +PROJECTS +DEPLOYMENTS +HOSTS +WHY$`, lines[0])
	require.Contains(t, text.stdout, " ready           2            6     18  Cloud Manager pushes version ")
}

func TestAUselessLinkIsWarnedOfAndRequireReadySendsNothing(t *testing.T) {
	t.Parallel()
	s, manager := managed(t, opsmanagertest.Options{})
	org, other, missing := newOrg(), newOrg(), newOrg()
	for _, id := range []string{org, other} {
		require.NoError(t, manager.SetOrg(id, running("6.0.17", "7.0.13")))
	}
	require.NoError(t, manager.SetOrg(missing, running("")))
	link := func(org, manager string, more ...string) finished {
		return s.starter(append([]string{"link", "--manager", manager, "--org", org, "--token-ref", "env:LINK_TOKEN_DEMO"}, more...)...)
	}
	warned := link(org, "ops")
	require.Zero(t, warned.code, warned.stderr)
	require.Contains(t, warned.stdout, "linked: ")
	require.Contains(t, warned.stderr, "starter: warning: a link of organization "+org+" is useless: MongoDB does not support push live migration from Ops Manager for version 6.0 and later "+
		"(https://www.mongodb.com/docs/ops-manager/current/tutorial/migrate-to-atlas/, 2026-11). Monitor the deployment in Cloud Manager and link that, or migrate by pull or with mongosync.\n")

	for _, id := range []string{other, missing} {
		refused := link(id, "ops", "--require-ready")
		require.Equal(t, 1, refused.code)
		require.Regexp(t, `(?m)^starter: nothing was sent, because organization `+id+` is not ready to migrate \((useless|unknown)\): `, refused.stderr)
		require.Empty(t, refused.stdout)
		require.Zero(t, manager.State().Orgs[id].Gets+manager.State().Orgs[id].Posts)
		require.Contains(t, s.starter("status", "--manager", "ops", "--org", id).stderr, "has no workflow")
	}
	ready := link(other, "cloud", "--require-ready")
	require.Zero(t, ready.code, ready.stderr)
	require.NotContains(t, ready.stderr, "warning")

	checks, done := s.doctor("--manager", "ops", "--org", org)
	require.Equal(t, 1, done.code)
	require.Contains(t, checks["ops: use"].Detail, "a link is useless: MongoDB does not support push live migration from Ops Manager")
	checks, _ = s.doctor("--manager", "cloud", "--org", org)
	require.Equal(t, "ready, 4 deployments: 4 ready; Cloud Manager pushes version 6.0.17 and later of 6.0 with mongosync (https://www.mongodb.com/docs/atlas/import/c2c-push-live-migration/, 2026-11)",
		checks["cloud: use"].Detail)
	checks, _ = s.doctor("--manager", "cloud", "--org", missing)
	require.True(t, checks["cloud: use"].Skipped)
}

// The warning costs the link nothing: neither an event nor a call, and no time where the
// organization cannot be assessed.
func TestAnAssessmentBesideALinkLeavesTheLinkAlone(t *testing.T) {
	t.Parallel()
	s, manager := managed(t, opsmanagertest.Options{})
	with, without, stalled := newOrg(), newOrg(), newOrg()
	link := func(org string, more ...string) finished {
		done := s.starter(append([]string{"link", "--manager", "ops", "--org", org, "--token-ref", "env:LINK_TOKEN_DEMO"}, more...)...)
		require.Zero(t, done.code, done.stderr)
		require.NotContains(t, done.stderr, "warning")
		return done
	}
	link(with)
	link(without, "-o", "json") // nobody would see a warning
	orgs := manager.State().Orgs
	require.NotZero(t, orgs[with].HostReads)
	require.Zero(t, orgs[without].HostReads)
	for _, counted := range []func(opsmanagertest.OrgState) int{
		func(o opsmanagertest.OrgState) int { return o.Gets },
		func(o opsmanagertest.OrgState) int { return o.Posts },
	} {
		require.Equal(t, counted(orgs[without]), counted(orgs[with]))
	}
	require.Len(t, s.history(migrationlink.WorkflowID("ops", with), ""), len(s.history(migrationlink.WorkflowID("ops", without), "")))

	require.NoError(t, manager.SetFaults(opsmanagertest.Faults{{Kind: opsmanagertest.StallBefore, Operation: opsmanagertest.ReadProjects, OrgID: stalled}}))
	require.Less(t, link(stalled).took, 20*time.Second)
}

// What a manager answers is bounded, and what was not read is not judged.
func TestAManagerThatAnswersAnythingIsAssessedAsUnknown(t *testing.T) {
	t.Parallel()
	s, manager := managed(t, opsmanagertest.Options{})
	for name, fault := range map[string]opsmanagertest.Fault{
		"endless":    {Kind: opsmanagertest.EndlessBody, Operation: opsmanagertest.ReadHosts},
		"huge":       {Kind: opsmanagertest.PaddedBody, Bytes: 9 << 20, Operation: opsmanagertest.ReadHosts},
		"garbage":    {Kind: opsmanagertest.GarbageBody, Operation: opsmanagertest.ReadHosts},
		"a page":     {Kind: opsmanagertest.LoginPage, Operation: opsmanagertest.ReadProjects},
		"no role":    {Kind: opsmanagertest.OtherError, Status: 401, ErrorCode: "NOT_ORG_OWNER", Operation: opsmanagertest.ReadHosts},
		"vanished":   {Kind: opsmanagertest.OtherError, Status: 404, ErrorCode: "GROUP_NOT_FOUND", Operation: opsmanagertest.ReadHosts},
		"down":       {Kind: opsmanagertest.Unavailable, Operation: opsmanagertest.ReadProjects},
		"never back": {Kind: opsmanagertest.StallBefore, Operation: opsmanagertest.ReadHosts},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := s.in(t)
			org := newOrg()
			fault.OrgID = org
			require.NoError(t, manager.SetOrg(org, running("7.0.13")))
			require.NoError(t, manager.AddFaults(opsmanagertest.Faults{fault}))
			done := s.starter("assess", "--manager", "ops", "--org", org, "-o", "json")
			require.Equal(t, 1, done.code)
			found := assessments(t, done.stdout)
			require.Len(t, found, 1)
			require.Equal(t, migrationlink.VerdictUnknown, found[0].Verdict)
			require.NotNil(t, found[0].Problem)
			require.Contains(t, done.stderr, "not everything was read: manager ")
			require.LessOrEqual(t, manager.State().Orgs[org].HostReads+manager.State().Orgs[org].ProjectReads, 6, "three attempts")
		})
	}
	refused := s.starter("assess", "--manager", "nobody", "--all")
	require.Equal(t, 1, refused.code)
	require.Contains(t, refused.stderr, `no worker has "nobody" in its configuration; known are: cloud, ops`)

	many := newOrg()
	require.NoError(t, manager.SetOrg(many, opsmanagertest.OrgSettings{Projects: new(3), Deployments: []opsmanagertest.Deployment{{Versions: []string{"6.0.1"}, Hosts: 4000}}}))
	done := s.starter("assess", "--manager", "ops", "--org", many, "-o", "json")
	require.Zero(t, done.code, done.stderr)
	require.Equal(t, 12_000, assessments(t, done.stdout)[0].Hosts)
	require.Equal(t, 3*8, manager.State().Orgs[many].HostReads)
	t.Logf("12,000 hosts: %s", done.took.Round(time.Millisecond))
}

func TestProjectsInAtlasComeWithTheCommandsOfTheNextStage(t *testing.T) {
	t.Parallel()
	j := newJoint(t)
	org, target := newOrg(), newOrg()
	require.NoError(t, j.manager.SetOrg(org, opsmanagertest.OrgSettings{
		Deployments:    []opsmanagertest.Deployment{{Name: "orders", Versions: []string{"5.0.31"}}, {Name: "it's $HOME", Type: opsmanagertest.ShardedCluster}},
		MigrationHosts: new(1),
	}))
	projects := func(more ...string) finished {
		return j.starter(append([]string{"projects", "--manager", "demo", "--org", org, "--atlas", "keys", "--atlas-org", target}, more...)...)
	}
	before := projects()
	require.Zero(t, before.code, before.stderr)
	require.Equal(t, "Organization "+target+" of Atlas keys shows 0 of 2 projects of organization "+org+" of manager demo.\n", before.stdout)

	done := j.starter("link", "--manager", "demo", "--org", org, "--atlas", "keys", "--atlas-org", target, "--verify-in-atlas")
	require.Zero(t, done.code, done.stderr)
	shown := projects()
	require.Zero(t, shown.code, shown.stderr)
	require.Contains(t, shown.stdout, "shows 2 of 2 projects")
	require.Regexp(t, `(?m)^[a-f0-9]{24}  project 1 of `+org+`  orders      replica-set  5\.0\.31   migration-1\.example\.com$`, shown.stdout)
	require.Contains(t, shown.stdout, `--sourceClusterName 'it'\''s $HOME' --migrationHost migration-1.example.com --sourceManagedAuthentication`)

	var printed struct {
		SourceProjects, AvailableProjects int
		Shown                             []struct {
			ProjectID string
			HostNames []string
			Clusters  []struct {
				migrationlink.ClusterInAtlas
				Commands []string
			}
		}
	}
	require.NoError(t, json.Unmarshal([]byte(projects("-o", "json").stdout), &printed))
	require.Equal(t, 2, printed.AvailableProjects)
	first := printed.Shown[0]
	require.Equal(t, []string{"migration-1.example.com"}, first.HostNames)
	require.Equal(t, migrationlink.ClusterInAtlas{Name: "orders", Version: "5.0.31", Managed: true}, first.Clusters[0].ClusterInAtlas)
	require.Equal(t, []string{
		"atlas liveMigrations validation create --projectId TARGET_PROJECT --clusterName TARGET_CLUSTER --sourceProjectId " + first.ProjectID +
			" --sourceClusterName orders --migrationHost migration-1.example.com --sourceManagedAuthentication",
		"atlas liveMigrations create --projectId TARGET_PROJECT --clusterName TARGET_CLUSTER --sourceProjectId " + first.ProjectID +
			" --sourceClusterName orders --migrationHost migration-1.example.com --sourceManagedAuthentication",
		"atlas liveMigrations cutover --projectId TARGET_PROJECT --liveMigrationId LIVE_MIGRATION",
	}, first.Clusters[0].Commands)

	assessed := j.starter("assess", "--manager", "demo", "--org", org, "--atlas", "keys", "--atlas-org", target)
	require.Zero(t, assessed.code, assessed.stderr)
	require.Contains(t, assessed.stdout, "Atlas         shows 2 of 2 projects, with 2 migration hosts\n")
	unknown := j.starter("projects", "--manager", "demo", "--org", org, "--atlas", "other", "--atlas-org", target)
	require.Equal(t, 1, unknown.code)
	require.Contains(t, unknown.stderr, `atlas: the worker does not have "other" in its configuration; known are: account, keys`)
}
