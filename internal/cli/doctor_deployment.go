package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	deploymentpb "go.temporal.io/api/deployment/v1"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflowservice/v1"

	"github.com/migrationlink/migrationlink"
	"github.com/migrationlink/migrationlink/internal/config"
	"github.com/migrationlink/migrationlink/internal/temporalconn"
)

// deployment is who carries on which links, where workers are versions of a Worker
// Deployment.
type deployment struct {
	current config.Deployment  // that new links go to; none is for workers without versions
	ramping *config.Deployment // that some of them go to, or nil
	polls   map[config.Deployment]bool
	// stranded are links under way by the version that they are pinned to, of those
	// that nobody polls for; there are more, if it says so.
	stranded map[string]int
	more     bool
}

func (d *doctor) checkDeployment(ctx context.Context) check {
	found, err := d.server.deployment(ctx, d.env.Now())
	if err != nil {
		return failed(deploymentCheck, d.server.explain(ctx, err))
	}
	c := found.check()
	if len(found.polls) > 0 && !found.polls[found.current] && found.ramping == nil {
		return d.stops(c, "the workers get no new links")
	}
	return c
}

const deploymentCheck = "deployment"

func (s *server) deployment(ctx context.Context, now time.Time) (deployment, error) {
	ctx, cancel := context.WithTimeout(ctx, callLimit)
	defer cancel()
	described, err := s.DescribeTaskQueue(ctx, migrationlink.TaskQueue, enumspb.TASK_QUEUE_TYPE_WORKFLOW)
	if err != nil {
		return deployment{}, err
	}
	found := deployment{
		current:  versionOf(described.GetVersioningInfo().GetCurrentDeploymentVersion()),
		polls:    map[config.Deployment]bool{},
		stranded: map[string]int{},
	}
	if versions := described.GetVersioningInfo(); versions.GetRampingVersionPercentage() > 0 {
		ramping := versionOf(versions.GetRampingDeploymentVersion())
		found.ramping = &ramping
	}
	query := fmt.Sprintf("ExecutionStatus = 'Running' AND WorkflowId STARTS_WITH %q AND WorkflowType IN (%q, %q) AND TemporalWorkflowVersioningBehavior = 'Pinned' AND %s IS NOT NULL",
		migrationlink.WorkflowIDPrefix, migrationlink.LinkWorkflow, migrationlink.UnlinkWorkflow, temporalconn.VersionAttribute)
	for _, p := range described.GetPollers() {
		if now.Sub(timeOf(p.GetLastAccessTime())) > pollerFresh {
			continue
		}
		var version config.Deployment
		if options := p.GetDeploymentOptions(); options.GetWorkerVersioningMode() == enumspb.WORKER_VERSIONING_MODE_VERSIONED {
			version = config.Deployment{Name: options.GetDeploymentName(), BuildID: options.GetBuildId()}
			query += fmt.Sprintf(" AND %s != %q", temporalconn.VersionAttribute, version)
		}
		found.polls[version] = true
	}
	if len(found.polls) == 0 {
		return found, nil // whoever does poll may be seen by another clock
	}
	page, err := s.ListWorkflow(ctx, &workflowservice.ListWorkflowExecutionsRequest{Namespace: s.options.Namespace, PageSize: listPage, Query: query})
	if _, older := errors.AsType[*serviceerror.InvalidArgument](err); older {
		return found, nil // a Temporal that knows no versions
	}
	for _, info := range page.GetExecutions() {
		found.stranded[textOf(info.GetSearchAttributes().GetIndexedFields()[temporalconn.VersionAttribute])]++
	}
	found.more = len(page.GetNextPageToken()) > 0
	return found, err
}

func versionOf(version *deploymentpb.WorkerDeploymentVersion) config.Deployment {
	return config.Deployment{Name: version.GetDeploymentName(), BuildID: version.GetBuildId()}
}

func (d deployment) check() check {
	const setCurrent = "temporal worker deployment set-current-version --deployment-name %s %s --yes"
	polling := d.names()
	switch {
	case len(d.stranded) > 0:
		var texts []string
		for _, version := range slices.Sorted(maps.Keys(d.stranded)) {
			texts = append(texts, fmt.Sprintf("%s of version %s", count(d.stranded[version], "link"), version))
		}
		if d.more {
			texts = append(texts, "and more")
		}
		name, build, _ := strings.Cut(slices.Min(slices.Collect(maps.Keys(d.stranded))), ":")
		return bad(deploymentCheck, "no worker carries on "+strings.Join(texts, ", "),
			fmt.Sprintf("Start a worker of the program of each, with such as TEMPORAL_DEPLOYMENT_NAME=%s TEMPORAL_WORKER_BUILD_ID=%s, until the links have ended.", name, build))
	case len(d.polls) == 0:
		return skipped(deploymentCheck, "no worker polls")
	case d.ramping != nil && !d.polls[*d.ramping]:
		return bad(deploymentCheck, fmt.Sprintf("some new links go to %s, of which no worker is there", cmp.Or(d.ramping.String(), "no version")),
			"Start workers of it, or end the ramp: temporal worker deployment set-ramping-version --deployment-name "+cmp.Or(d.ramping.Name, d.current.Name)+" --delete --yes")
	case d.polls[d.current] && d.current == config.Deployment{}:
		return good(deploymentCheck, "new links go to workers without versions")
	case d.polls[d.current]:
		return good(deploymentCheck, "new links go to version %s", d.current)
	case d.current == config.Deployment{}:
		first := d.versions()[0]
		return bad(deploymentCheck, fmt.Sprintf("no version is current, so that new links go to workers without one, and there are none; there are workers of %s", strings.Join(polling, ", ")),
			"Type: "+fmt.Sprintf(setCurrent, first.Name, "--build-id "+first.BuildID))
	}
	return bad(deploymentCheck, fmt.Sprintf("new links go to version %s, of which no worker is there; there are workers of %s", d.current, strings.Join(polling, ", ")),
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
