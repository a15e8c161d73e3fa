package assess_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/migrationlink/migrationlink"
	"github.com/migrationlink/migrationlink/internal/assess"
)

const project = "5f1b2c3d4e5f6a7b8c9d0e1f"

// hosts are those of one deployment.
func hosts(typeName string, versions ...string) []assess.Host {
	var found []assess.Host
	for _, version := range versions {
		found = append(found, assess.Host{ClusterID: "c", ReplicaSet: "rs0", TypeName: typeName, Version: version})
	}
	return found
}

func TestEachRuleOfTheDocumentation(t *testing.T) {
	t.Parallel()
	const replica, shard, alone = "REPLICA_PRIMARY", "SHARD_PRIMARY", "STANDALONE"
	ops, cloud := migrationlink.KindOpsManager, migrationlink.KindCloudManager
	ready, useless, unknown := migrationlink.VerdictReady, migrationlink.VerdictUseless, migrationlink.VerdictUnknown
	for name, test := range map[string]struct {
		kind    migrationlink.ManagerKind
		hosts   []assess.Host
		verdict migrationlink.Verdict
		rule    string // or what is missing
	}{
		"Ops Manager, 5.0":                     {ops, hosts(replica, "5.0.31"), ready, "ops-manager-deprecated"},
		"Ops Manager, sharded 4.4":             {ops, hosts(shard, "4.4.2"), ready, "ops-manager-deprecated"},
		"Ops Manager, 6.0":                     {ops, hosts(replica, "6.0.0"), useless, "ops-manager-unsupported"},
		"Ops Manager, enterprise 7.0":          {ops, hosts(replica, "7.0.13-ent"), useless, "ops-manager-unsupported"},
		"Cloud Manager, 5.0":                   {cloud, hosts(replica, "5.0.31"), ready, "cloud-manager-legacy"},
		"Cloud Manager, 6.0 before the least":  {cloud, hosts(replica, "6.0.16"), ready, "cloud-manager-legacy"},
		"Cloud Manager, sharded 5.0":           {cloud, hosts(shard, "5.0.31"), useless, "cloud-manager-legacy-sharded"},
		"Cloud Manager, the least 6.0":         {cloud, hosts(replica, "6.0.17"), ready, "cloud-manager-6.0"},
		"Cloud Manager, sharded 7.0":           {cloud, hosts(shard, "7.0.13", "7.0.14"), ready, "cloud-manager-7.0"},
		"Cloud Manager, 7.0 before the least":  {cloud, hosts(replica, "7.0.12"), unknown, "no rule covers MongoDB 7.0.12 from cloud-manager"},
		"Cloud Manager, a rapid release":       {cloud, hosts(replica, "6.1.0"), unknown, "no rule covers MongoDB 6.1.0 from cloud-manager"},
		"Cloud Manager, later than documented": {cloud, hosts(replica, "8.0.4"), unknown, "no rule covers MongoDB 8.0.4 from cloud-manager"},
		"a standalone":                         {cloud, []assess.Host{{TypeName: alone, Version: "7.0.13"}}, unknown, "no rule covers standalones"},
		"an unknown form":                      {ops, []assess.Host{{TypeName: "NO_DATA", Version: "7.0.13"}}, unknown, "the manager does not show whether it is a replica set or a sharded cluster"},
		"no version":                           {ops, hosts(replica, "", ""), unknown, "the manager shows the version of MongoDB of none of its hosts"},
		"one host without a version":           {ops, hosts(replica, "", "5.0.1"), ready, "ops-manager-deprecated"},
		"an upgrade that changes the verdict":  {ops, hosts(replica, "5.0.31", "6.0.1"), unknown, "its hosts have versions of MongoDB with different verdicts"},
		"an upgrade that does not":             {cloud, hosts(replica, "5.0.31", "6.0.17"), ready, "cloud-manager-legacy"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var found assess.Inventory
			require.True(t, found.Add(project, test.hosts))
			a := assess.NewRules(test.kind, assess.DefaultMinimums()).Assess(&found)
			require.Len(t, a.Deployments, 1)
			d := a.Deployments[0]
			require.Equal(t, test.verdict, d.Verdict)
			require.Equal(t, test.rule, d.Rule+d.Missing)
			require.Equal(t, test.verdict, a.Verdict)
			require.Len(t, a.Reasons, 1)
			if test.verdict == unknown {
				require.NotEmpty(t, a.Reasons[0].Remedy)
			} else {
				require.Contains(t, a.Reasons[0].Source, "https://www.mongodb.com/docs/")
				require.Equal(t, "2026-11", a.Reasons[0].AsOf)
			}
		})
	}
}

func TestTheConfigurationOverridesTheVersions(t *testing.T) {
	t.Parallel()
	minimums := assess.Minimums{OpsManagerBelow: assess.Version{7, 0, 0}, CloudManager: []assess.Version{{6, 0, 8}, {8, 0, 4}}}
	judge := func(kind migrationlink.ManagerKind, version string) migrationlink.Reason {
		var found assess.Inventory
		found.Add(project, hosts("REPLICA_PRIMARY", version))
		return assess.NewRules(kind, minimums).Assess(&found).Reasons[0]
	}
	for version, rule := range map[string]string{"6.0.7": "cloud-manager-legacy", "6.0.8": "cloud-manager-6.0", "8.0.4": "cloud-manager-8.0", "7.0.13": ""} {
		require.Equal(t, rule, judge(migrationlink.KindCloudManager, version).Rule, version)
	}
	changed := judge(migrationlink.KindOpsManager, "6.0.1")
	require.Equal(t, migrationlink.VerdictReady, changed.Verdict)
	require.Equal(t, "worker.toml, [assessment]", changed.Source)
	require.Empty(t, changed.AsOf)
}

func TestALinkIsWorthHavingForOneDeployment(t *testing.T) {
	t.Parallel()
	rules := assess.NewRules(migrationlink.KindOpsManager, assess.DefaultMinimums())
	var found assess.Inventory
	empty := rules.Assess(&found)
	require.Equal(t, migrationlink.VerdictUnknown, empty.Verdict)
	require.Contains(t, empty.Reasons[0].Message, "shows no host")

	named := func(cluster, version string) []assess.Host {
		return []assess.Host{{ClusterID: cluster, ReplicaSet: cluster, TypeName: "REPLICA_PRIMARY", Version: version}}
	}
	found.Add(project, named("a", "7.0.1"))
	require.Equal(t, migrationlink.VerdictUseless, rules.Assess(&found).Verdict)
	found.Add(project, named("b", ""))
	require.Equal(t, migrationlink.VerdictUnknown, rules.Assess(&found).Verdict, "one may be ready")
	found.Add(project, named("c", "5.0.1"))
	a := rules.Assess(&found)
	require.Equal(t, migrationlink.VerdictReady, a.Verdict)
	require.Equal(t, []int{1, 1, 1, 3}, []int{a.Ready, a.Useless, a.Unknown, a.All()})
	require.Equal(t, []string{"a", "b", "c"}, []string{a.Deployments[0].Name, a.Deployments[1].Name, a.Deployments[2].Name}, "the worst first")
	require.Equal(t, rules.Assess(&found), a, "the same each time")
}

func TestHostsWithoutAClusterAreToldApartByTheirReplicaSet(t *testing.T) {
	t.Parallel()
	var found assess.Inventory
	for _, p := range []string{project, strings.Repeat("a", 24)} {
		found.Add(p, []assess.Host{{ReplicaSet: "x", TypeName: "REPLICA_PRIMARY", Version: "5.0.1"}, {ReplicaSet: "x", Version: "5.0.1"}, {ReplicaSet: "y", Version: "5.0.1"}})
	}
	a := assess.NewRules(migrationlink.KindOpsManager, assess.DefaultMinimums()).Assess(&found)
	require.Equal(t, 4, a.All())
	require.Equal(t, 6, a.Hosts)
}

func TestAnAssessmentOfAnythingIsSmall(t *testing.T) {
	t.Parallel()
	var found assess.Inventory
	full := false
	for n := 0; !full; n++ {
		full = !found.Add(project, []assess.Host{{ClusterID: fmt.Sprint(n), ReplicaSet: strings.Repeat("x", 64), TypeName: "REPLICA_PRIMARY", Version: fmt.Sprintf("9.%d.%d", n%999, n/999)}})
		require.LessOrEqual(t, n, assess.MaxDeployments)
	}
	for n := range 20 {
		found.Add(project, []assess.Host{{ClusterID: "0", Version: fmt.Sprintf("1.0.%d", n)}})
	}
	a := assess.NewRules(migrationlink.KindCloudManager, assess.DefaultMinimums()).Assess(&found)
	require.Equal(t, assess.MaxDeployments, a.All())
	require.Len(t, a.Deployments, 100)
	require.Len(t, a.Reasons, 20)
	text, err := json.Marshal(a)
	require.NoError(t, err)
	require.Less(t, len(text), 64<<10)
}

func TestOnlyVersionsAreVersions(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]assess.Version{"6.0.17": {6, 0, 17}, "6.0": {6, 0, 0}, "7.0.13-ent": {7, 0, 13}, "7.0.5.2": {7, 0, 5}} {
		version, ok := assess.ParseVersion(text)
		require.True(t, ok, text)
		require.Equal(t, want, version)
	}
	for _, text := range []string{"", "6", "6.", "a.b", "-1.0", "1.2.3.4.5", "6.0.99999999999999999999", "6.0 "} {
		_, ok := assess.ParseVersion(text)
		require.False(t, ok, text)
	}
}
