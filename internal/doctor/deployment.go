package doctor

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflowservice/v1"

	"github.com/migrationlink/migrationlink"
	"github.com/migrationlink/migrationlink/internal/config"
	"github.com/migrationlink/migrationlink/internal/dataconv"
	"github.com/migrationlink/migrationlink/internal/links"
	"github.com/migrationlink/migrationlink/internal/temporalconn"
	"github.com/migrationlink/migrationlink/internal/words"
)

// deployment is which versions of a Worker Deployment work on which links.
type deployment struct {
	current config.Deployment  // that new links go to; none is for workers without versions
	ramping *config.Deployment // that some of them go to, or nil
	polls   map[config.Deployment]bool
	// stranded counts running links by the version that they are pinned to, for versions
	// without a worker. more reports whether there are others.
	stranded map[string]int
	more     bool
}

func (d *doctor) checkDeployment(ctx context.Context) Check {
	found, err := deploymentOf(ctx, d.client, d.Env.Now())
	if err != nil {
		return failed(deploymentCheck, d.client.Explain(ctx, err))
	}
	c := found.check()
	if len(found.polls) > 0 && !found.polls[found.current] && found.ramping == nil {
		return d.obstruct(c, "the workers get no new links")
	}
	return c
}

const deploymentCheck = "deployment"

func deploymentOf(ctx context.Context, s *links.Client, now time.Time) (deployment, error) {
	ctx, cancel := context.WithTimeout(ctx, s.CallTimeout)
	defer cancel()
	described, err := s.DescribeTaskQueue(ctx, migrationlink.TaskQueue, enumspb.TASK_QUEUE_TYPE_WORKFLOW)
	if err != nil {
		return deployment{}, err
	}
	found := deployment{
		current:  links.VersionOf(described.GetVersioningInfo().GetCurrentDeploymentVersion()),
		polls:    map[config.Deployment]bool{},
		stranded: map[string]int{},
	}
	if versions := described.GetVersioningInfo(); versions.GetRampingVersionPercentage() > 0 {
		ramping := links.VersionOf(versions.GetRampingDeploymentVersion())
		found.ramping = &ramping
	}
	query := []string{fmt.Sprintf("ExecutionStatus = 'Running' AND WorkflowId STARTS_WITH %q AND WorkflowType IN (%q, %q) AND TemporalWorkflowVersioningBehavior = 'Pinned' AND %s IS NOT NULL",
		migrationlink.WorkflowIDPrefix, migrationlink.LinkWorkflow, migrationlink.UnlinkWorkflow, temporalconn.VersionAttribute)}
	for _, p := range described.GetPollers() {
		if now.Sub(links.TimeOf(p.GetLastAccessTime())) > links.PollerTimeout {
			continue
		}
		var version config.Deployment
		if options := p.GetDeploymentOptions(); options.GetWorkerVersioningMode() == enumspb.WORKER_VERSIONING_MODE_VERSIONED {
			version = config.Deployment{Name: options.GetDeploymentName(), BuildID: options.GetBuildId()}
			query = append(query, fmt.Sprintf("%s != %q", temporalconn.VersionAttribute, version))
		}
		found.polls[version] = true
	}
	if len(found.polls) == 0 {
		return found, nil // the clock of this machine may be wrong
	}
	page, err := s.ListWorkflow(ctx, &workflowservice.ListWorkflowExecutionsRequest{Namespace: s.Options.Namespace, PageSize: links.PageSize, Query: strings.Join(query, " AND ")})
	if _, older := errors.AsType[*serviceerror.InvalidArgument](err); older {
		return found, nil // a Temporal that knows no versions
	}
	for _, info := range page.GetExecutions() {
		found.stranded[dataconv.Default().Text(info.GetSearchAttributes().GetIndexedFields()[temporalconn.VersionAttribute])]++
	}
	found.more = len(page.GetNextPageToken()) > 0
	return found, err
}

func (d deployment) check() Check {
	const setCurrent = "temporal worker deployment set-current-version --deployment-name %s %s --yes"
	polling := d.names()
	switch {
	case len(d.stranded) > 0:
		var texts []string
		for _, version := range slices.Sorted(maps.Keys(d.stranded)) {
			texts = append(texts, fmt.Sprintf("%s of version %s", words.Count(d.stranded[version], "link"), version))
		}
		if d.more {
			texts = append(texts, "and more")
		}
		name, build, _ := strings.Cut(slices.Min(slices.Collect(maps.Keys(d.stranded))), ":")
		return bad(deploymentCheck, "no worker is left for "+strings.Join(texts, ", "),
			fmt.Sprintf("Start a worker of each version, for example with TEMPORAL_DEPLOYMENT_NAME=%s TEMPORAL_WORKER_BUILD_ID=%s, and keep it until its links have ended.", name, build))
	case len(d.polls) == 0:
		return skipped(deploymentCheck, "no worker polls")
	case d.ramping != nil && !d.polls[*d.ramping]:
		return bad(deploymentCheck, fmt.Sprintf("some new links go to %s, which has no worker", cmp.Or(d.ramping.String(), "no version")),
			"Start workers of that version, or end the ramp: temporal worker deployment set-ramping-version --deployment-name "+cmp.Or(d.ramping.Name, d.current.Name)+" --delete --yes")
	case d.polls[d.current] && d.current == config.Deployment{}:
		return good(deploymentCheck, "new links go to workers without versions")
	case d.polls[d.current]:
		return good(deploymentCheck, "new links go to version %s", d.current)
	case d.current == config.Deployment{}:
		first := d.versions()[0]
		return bad(deploymentCheck, fmt.Sprintf("no version is current, so new links go to workers without a version, but there are none; there are workers of %s", strings.Join(polling, ", ")),
			"Run: "+fmt.Sprintf(setCurrent, first.Name, "--build-id "+first.BuildID))
	}
	return bad(deploymentCheck, fmt.Sprintf("new links go to version %s, which has no worker; there are workers of %s", d.current, strings.Join(polling, ", ")),
		fmt.Sprintf("Start workers of that version, or let new links go to workers that are there: "+setCurrent, d.current.Name, "--build-id BUILD")+" (--unversioned for those without versions).")
}

// versions are those of the workers, but for none.
func (d deployment) versions() []config.Deployment {
	found := slices.DeleteFunc(slices.Collect(maps.Keys(d.polls)), func(version config.Deployment) bool { return version == config.Deployment{} })
	slices.SortFunc(found, func(a, b config.Deployment) int { return strings.Compare(a.String(), b.String()) })
	return found
}

func (d deployment) names() (names []string) {
	for _, version := range d.versions() {
		names = append(names, version.String())
	}
	if (d.polls[config.Deployment{}]) {
		names = append(names, "no version")
	}
	return names
}
