package doctor

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	enumspb "go.temporal.io/api/enums/v1"

	"github.com/migrationlink/migrationlink"
	"github.com/migrationlink/migrationlink/internal/buildinfo"
	"github.com/migrationlink/migrationlink/internal/links"
	"github.com/migrationlink/migrationlink/internal/temporalerr"
)

// checkAnswered is the check of the pollers after a worker has answered.
func checkAnswered(p links.Pollers, now time.Time) Check {
	const name = "workers"
	switch {
	case len(p) == 0:
		return good(name, "a worker has answered; Temporal does not list the workers on task queue %s yet", migrationlink.TaskQueue)
	case len(p.Fresh(now)) == 0:
		return bad(name, "a worker has answered, but Temporal says: "+p.Text(migrationlink.TaskQueue, now),
			"Run doctor again in a minute: the worker may have just ended. Or correct the clock of this machine.")
	}
	return good(name, "%s", p.Text(migrationlink.TaskQueue, now))
}

// processOf returns the process of a worker, which operators can look for.
func processOf(identity string) string {
	if worker, ok := buildinfo.ParseIdentity(identity); ok {
		return worker.Process
	}
	return identity
}

func (d *doctor) checkWorkers(ctx context.Context) {
	var known migrationlink.Inspection
	var polling links.Pollers
	d.addIfPossible("workers", func() Check {
		var c Check
		known, polling, c = d.askWorkers(ctx)
		return d.obstruct(c, "no worker answers")
	})
	d.addIfPossible("versions", func() Check { return compareVersions(buildinfo.Version(), polling) })
	d.addIfPossible("managers", func() Check { return compareManagers(links.ManagerNames(known), polling) })
	d.addIfPossible("atlas", func() Check { return d.knownAtlas(links.AtlasNames(known)) })
	d.addIfPossible("sealing", func() Check { return d.checkSealing(known.Recipients) })
	if d.obstacle != "" {
		d.skipKeys()
		return
	}
	d.checkKeys(ctx, known, polling)
}

// askWorkers trusts a worker that answers more than the list of pollers, which is a minute old
// and is empty after Temporal has moved the task queue.
func (d *doctor) askWorkers(ctx context.Context) (migrationlink.Inspection, links.Pollers, Check) {
	const name = "workers"
	var known migrationlink.Inspection
	var polling links.Pollers
	var err, unanswered error
	var both sync.WaitGroup
	both.Go(func() {
		polling, err = d.client.Pollers(ctx, migrationlink.TaskQueue, enumspb.TASK_QUEUE_TYPE_WORKFLOW)
	})
	both.Go(func() { known, unanswered = d.client.Known(ctx, knownTimeout) })
	d.table.withNote("waiting for a worker to answer", both.Wait)
	if err != nil {
		return known, nil, failed(name, d.client.Explain(ctx, err))
	}
	now := d.Env.Now()
	if unanswered == nil {
		return known, polling.Fresh(now), checkAnswered(polling, now)
	}
	if !temporalerr.Silent(unanswered) && !links.IsUnanswered(unanswered) {
		return known, nil, failed(name, d.client.Explain(ctx, unanswered))
	}
	if len(polling.Fresh(now)) > 0 {
		return known, nil, bad(name, fmt.Sprintf("no worker answered within %s; %s", knownTimeout, polling.Text(migrationlink.TaskQueue, now)),
			"Check the worker's log: the worker may have just ended, be overloaded, or be too old for this check.")
	}
	return known, nil, bad(name, polling.Text(migrationlink.TaskQueue, now),
		"Start one with 'worker --config worker.toml', for the same Temporal and namespace, or check its log.")
}

// compareVersions compares every worker with this program.
func compareVersions(mine string, polling links.Pollers) Check {
	const name = "versions"
	var other []string
	for _, identity := range slices.Sorted(maps.Keys(polling)) {
		worker, ok := buildinfo.ParseIdentity(identity)
		switch {
		case !ok:
			other = append(other, fmt.Sprintf("worker %s reports no version", identity))
		case worker.Version != mine:
			other = append(other, fmt.Sprintf("worker %s is %s", worker.Process, worker.Version))
		}
	}
	switch {
	case len(polling) == 0:
		return skipped(name, "Temporal does not list the workers yet")
	case len(other) == 0:
		return good(name, "%s, workers and this starter", mine)
	case mine == buildinfo.Unknown:
		return skipped(name, "this starter was built without a version, by go run or outside of git")
	}
	return bad(name, fmt.Sprintf("this starter is %s, %s", mine, strings.Join(other, ", ")),
		"Use the same version for all workers and this starter. Temporal lists a worker for one more minute after it has ended.")
}

// compareManagers finds workers with different configurations: a workflow runs on
// any of them.
func compareManagers(known []string, polling links.Pollers) Check {
	const name = "managers"
	groups := map[string][]string{}
	for _, identity := range slices.Sorted(maps.Keys(polling)) {
		if worker, ok := buildinfo.ParseIdentity(identity); ok {
			groups[worker.Managers] = append(groups[worker.Managers], worker.Process)
		}
	}
	if len(groups) < 2 {
		return good(name, "%s", strings.Join(known, ", "))
	}
	var texts []string
	for _, processes := range groups {
		texts = append(texts, strings.Join(processes, ", "))
	}
	slices.Sort(texts)
	return bad(name, fmt.Sprintf("the workers have different managers: %s; the one that answered has %s", strings.Join(texts, " / "), strings.Join(known, ", ")),
		"Give every worker the same [managers.NAME] sections and restart them: any worker can get any link. Temporal lists a worker for one more minute after it has ended.")
}
