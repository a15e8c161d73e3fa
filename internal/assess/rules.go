// Package assess decides what a link of a source organization is worth: it has the rules of
// MongoDB's documentation in one table, and applies them to the deployments of the organization.
// It calls nobody.
package assess

import (
	"fmt"
	"slices"

	"github.com/migrationlink/migrationlink"
)

// Documents behind the rules, read in the month asOf.
const (
	asOf           = "2026-11"
	opsManagerDoc  = "https://www.mongodb.com/docs/ops-manager/current/tutorial/migrate-to-atlas/"
	legacyDoc      = "https://www.mongodb.com/docs/atlas/import/migrate-from-com-rs/"
	mongosyncDoc   = "https://www.mongodb.com/docs/atlas/import/c2c-push-live-migration/"
	overriddenText = "worker.toml, [assessment]"
)

// Minimums are the versions in the rules. Documents of different dates name different ones.
type Minimums struct {
	// OpsManagerBelow is the first version of MongoDB that cannot be pushed from Ops Manager.
	OpsManagerBelow Version
	// CloudManager are the first versions that Cloud Manager pushes with mongosync, one for each
	// release series, lowest first. What is older than the first of them is left to the legacy
	// service.
	CloudManager []Version
}

// DefaultMinimums returns the versions of the documents.
func DefaultMinimums() Minimums {
	return Minimums{OpsManagerBelow: Version{6, 0, 0}, CloudManager: []Version{{6, 0, 17}, {7, 0, 13}}}
}

// rule applies to the deployments of one product that have a type and a version of a range.
type rule struct {
	name    string
	kind    migrationlink.ManagerKind
	types   []migrationlink.DeploymentType
	from    Version // the first version
	below   Version // the first version that is too high; zero for no limit
	verdict migrationlink.Verdict
	message string
	remedy  string
	source  string
	asOf    string
}

// Rules are the rules for one manager.
type Rules struct {
	kind  migrationlink.ManagerKind
	table []rule
}

// NewRules returns the rules for a manager of a kind.
func NewRules(kind migrationlink.ManagerKind, minimums Minimums) Rules {
	return Rules{kind, table(minimums)}
}

var (
	anyType    = []migrationlink.DeploymentType{migrationlink.TypeReplicaSet, migrationlink.TypeSharded}
	replicaSet = anyType[:1]
	sharded    = anyType[1:]
)

// table returns all rules. The first that applies decides; without one the verdict is unknown.
func table(minimums Minimums) []rule {
	ops, cloud := minimums.OpsManagerBelow, minimums.CloudManager
	rules := []rule{
		{
			name: "ops-manager-unsupported", kind: migrationlink.KindOpsManager, types: anyType, from: ops,
			verdict: migrationlink.VerdictUseless, source: opsManagerDoc,
			message: fmt.Sprintf("MongoDB does not support push live migration from Ops Manager for version %s and later", ops.short()),
			remedy:  "Monitor the deployment in Cloud Manager and link that, or migrate by pull or with mongosync.",
		},
		{
			name: "ops-manager-deprecated", kind: migrationlink.KindOpsManager, types: anyType, below: ops,
			verdict: migrationlink.VerdictReady, source: opsManagerDoc,
			message: fmt.Sprintf("push live migration from Ops Manager is deprecated, and supported for versions before %s", ops.short()),
		},
		{
			name: "cloud-manager-legacy", kind: migrationlink.KindCloudManager, types: replicaSet, below: cloud[0],
			verdict: migrationlink.VerdictReady, source: legacyDoc,
			message: fmt.Sprintf("the legacy service of Cloud Manager migrates replica sets before version %s", cloud[0]),
		},
		{
			name: "cloud-manager-legacy-sharded", kind: migrationlink.KindCloudManager, types: sharded, below: cloud[0],
			verdict: migrationlink.VerdictUseless, source: legacyDoc,
			message: fmt.Sprintf("Cloud Manager does not push sharded clusters before version %s", cloud[0]),
			remedy:  fmt.Sprintf("Upgrade the cluster to %s or later first.", cloud[0]),
		},
	}
	for _, minimum := range cloud {
		rules = append(rules, rule{
			name: "cloud-manager-" + minimum.series(), kind: migrationlink.KindCloudManager, types: anyType, from: minimum, below: minimum.nextSeries(),
			verdict: migrationlink.VerdictReady, source: mongosyncDoc,
			message: fmt.Sprintf("Cloud Manager pushes version %s and later of %s with mongosync", minimum, minimum.series()),
		})
	}
	return sourced(rules, minimums)
}

// sourced names the setting as the source of rules whose version is not that of the document.
func sourced(rules []rule, minimums Minimums) []rule {
	usual := DefaultMinimums()
	for i := range rules {
		rules[i].asOf = asOf
		changed := !slices.Equal(minimums.CloudManager, usual.CloudManager)
		if rules[i].kind == migrationlink.KindOpsManager {
			changed = minimums.OpsManagerBelow != usual.OpsManagerBelow
		}
		if changed {
			rules[i].source, rules[i].asOf = overriddenText, ""
		}
	}
	return rules
}

// find returns the rule for a deployment with one version.
func (r Rules) find(kind migrationlink.DeploymentType, version Version) (rule, bool) {
	for _, rule := range r.table {
		inRange := !version.less(rule.from) && (rule.below == Version{} || version.less(rule.below))
		if rule.kind == r.kind && inRange && slices.Contains(rule.types, kind) {
			return rule, true
		}
	}
	return rule{}, false
}
