package assess

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/migrationlink/migrationlink"
)

const (
	// maxListed and maxReasons limit an Assessment.
	maxListed, maxReasons = 100, 20
)

// Assess applies the rules to what was read of an organization.
func (r Rules) Assess(found *Inventory) migrationlink.Assessment {
	a := migrationlink.Assessment{Kind: r.kind, Hosts: found.hosts}
	reasons := map[string]*migrationlink.Reason{}
	for _, d := range found.deployments {
		assessed, reason := r.judge(d)
		count(&a, assessed.Verdict)
		a.Deployments = append(a.Deployments, assessed)
		key := cmp.Or(reason.Rule, reason.Message)
		if reasons[key] == nil {
			reasons[key] = &reason
		}
		reasons[key].Count++
	}
	for _, reason := range reasons {
		a.Reasons = append(a.Reasons, *reason)
	}
	a.Verdict = verdictOf(a)
	if a.All() == 0 {
		a.Reasons = []migrationlink.Reason{{
			Verdict: migrationlink.VerdictUnknown, Message: "the manager shows no host in the projects of the organization",
			Remedy: "Check that the manager monitors the deployments, and that its API key can see their projects.",
		}}
	}
	sortAndCut(&a)
	return a
}

// verdictOf returns the verdict for the organization: a link is worth having for one deployment.
func verdictOf(a migrationlink.Assessment) migrationlink.Verdict {
	switch {
	case a.Ready > 0:
		return migrationlink.VerdictReady
	case a.Useless > 0 && a.Unknown == 0:
		return migrationlink.VerdictUseless
	}
	return migrationlink.VerdictUnknown
}

func count(a *migrationlink.Assessment, verdict migrationlink.Verdict) {
	switch verdict {
	case migrationlink.VerdictReady:
		a.Ready++
	case migrationlink.VerdictUseless:
		a.Useless++
	case migrationlink.VerdictUnknown:
		a.Unknown++
	}
}

// judge returns the verdict for a deployment. All its versions must have the same.
func (r Rules) judge(d *deployment) (migrationlink.AssessedDeployment, migrationlink.Reason) {
	assessed := migrationlink.AssessedDeployment{
		ProjectID: d.key.projectID, Name: d.name, Type: d.form(), Versions: sorted(d.versions), Hosts: d.hosts, Verdict: migrationlink.VerdictUnknown,
	}
	reason := r.reasonFor(d, assessed)
	assessed.Verdict, assessed.Rule = reason.Verdict, reason.Rule
	if reason.Rule == "" {
		assessed.Missing = reason.Message
	}
	return assessed, reason
}

func (r Rules) reasonFor(d *deployment, assessed migrationlink.AssessedDeployment) migrationlink.Reason {
	switch {
	case assessed.Type == migrationlink.TypeStandalone:
		return missing("no rule covers standalones", "Convert it to a replica set, or look it up in MongoDB's documentation.")
	case assessed.Type == migrationlink.TypeUnknown:
		return missing("the manager does not show whether it is a replica set or a sharded cluster", "Check that the monitoring agent reaches its hosts.")
	case d.tooMany:
		return missing(fmt.Sprintf("its hosts have more than %d versions of MongoDB", maxVersions), "Bring them to one version.")
	case len(d.versions) == 0:
		return missing("the manager shows the version of MongoDB of none of its hosts", "Check that the monitoring agent reaches its hosts.")
	}
	var found []rule
	for _, text := range assessed.Versions {
		version, isVersion := ParseVersion(text)
		rule, covered := r.find(assessed.Type, version)
		if !isVersion || !covered {
			return missing(fmt.Sprintf("no rule covers MongoDB %s from %s", text, r.kind), "Look it up in MongoDB's documentation, "+mongosyncDoc+".")
		}
		found = append(found, rule)
	}
	if first := found[0]; !slices.ContainsFunc(found, func(other rule) bool { return other.verdict != first.verdict }) {
		return first.reason()
	}
	return missing("its hosts have versions of MongoDB with different verdicts", "Finish the upgrade of its hosts.")
}

func missing(what, remedy string) migrationlink.Reason {
	return migrationlink.Reason{Verdict: migrationlink.VerdictUnknown, Message: what, Remedy: remedy}
}

func (r rule) reason() migrationlink.Reason {
	return migrationlink.Reason{Verdict: r.verdict, Rule: r.name, Message: r.message, Remedy: r.remedy, Source: r.source, AsOf: r.asOf}
}

func sorted(versions []string) []string {
	versions = slices.Clone(versions)
	slices.SortFunc(versions, func(a, b string) int {
		first, _ := ParseVersion(a)
		second, _ := ParseVersion(b)
		return cmp.Or(first.Compare(second), strings.Compare(a, b))
	})
	return versions
}

// worst orders verdicts for lists.
func worst(v migrationlink.Verdict) int {
	return slices.Index([]migrationlink.Verdict{migrationlink.VerdictUseless, migrationlink.VerdictUnknown, migrationlink.VerdictReady}, v)
}

// sortAndCut makes the result small, and the same each time.
func sortAndCut(a *migrationlink.Assessment) {
	slices.SortFunc(a.Deployments, func(x, y migrationlink.AssessedDeployment) int {
		return cmp.Or(worst(x.Verdict)-worst(y.Verdict), strings.Compare(x.ProjectID, y.ProjectID), strings.Compare(x.Name, y.Name), y.Hosts-x.Hosts)
	})
	slices.SortFunc(a.Reasons, func(x, y migrationlink.Reason) int {
		return cmp.Or(y.Count-x.Count, worst(x.Verdict)-worst(y.Verdict), strings.Compare(x.Rule+x.Message, y.Rule+y.Message))
	})
	a.Deployments = a.Deployments[:min(len(a.Deployments), maxListed)]
	a.Reasons = a.Reasons[:min(len(a.Reasons), maxReasons)]
}

// Cut marks an assessment that has not read everything: what is not known may be ready.
func Cut(a *migrationlink.Assessment, problem migrationlink.Problem) {
	a.Problem = &problem
	if a.Verdict == migrationlink.VerdictUseless {
		a.Verdict = migrationlink.VerdictUnknown
	}
	if a.All() == 0 {
		a.Reasons = nil
	}
}
