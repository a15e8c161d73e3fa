package cli

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
	"github.com/migrationlink/migrationlink/internal/temporalconn"
)

// pollerFresh is above the minute for which Temporal keeps a poll open: who was
// not seen for longer does not poll any more. Temporal forgets it after five minutes.
const pollerFresh = 75 * time.Second

// pollers are the workers on a task queue: when each was last seen, by identity.
type pollers map[string]time.Time

func (s *server) pollers(ctx context.Context, queue string, kind enumspb.TaskQueueType) (pollers, error) {
	ctx, cancel := context.WithTimeout(ctx, callLimit)
	defer cancel()
	described, err := s.DescribeTaskQueue(ctx, queue, kind)
	if err != nil {
		return nil, err
	}
	found := pollers{}
	for _, p := range described.GetPollers() {
		found[p.GetIdentity()] = timeOf(p.GetLastAccessTime())
	}
	return found, nil
}

func (p pollers) fresh(now time.Time) pollers {
	found := maps.Clone(p)
	maps.DeleteFunc(found, func(_ string, seen time.Time) bool { return now.Sub(seen) > pollerFresh })
	return found
}

func (p pollers) text(queue string, now time.Time) string {
	if len(p) == 0 {
		return "none polls task queue " + queue
	}
	last := slices.MaxFunc(slices.Collect(maps.Values(p)), time.Time.Compare)
	ago := length(now.Sub(last))
	if len(p.fresh(now)) == 0 {
		return fmt.Sprintf("none polls task queue %s any more, the last one was seen %s ago", queue, ago)
	}
	return fmt.Sprintf("%d on task queue %s, last seen %s ago", len(p.fresh(now)), queue, ago)
}

// process is what to look for among the workers.
func process(identity string) string {
	if worker, ok := buildinfo.ParseIdentity(identity); ok {
		return worker.Process
	}
	return identity
}

func (d *doctor) checkWorkers(ctx context.Context) {
	var known migrationlink.Inspection
	var polling pollers
	d.need("workers", func() check {
		var c check
		known, polling, c = d.askWorkers(ctx)
		return d.stops(c, "no worker answers")
	})
	d.need("versions", func() check { return compareVersions(buildinfo.Version(), polling) })
	d.need("managers", func() check { return compareManagers(managerNames(known), polling) })
	d.need("atlas", func() check { return d.knownAtlas(atlasNames(known)) })
	d.need("sealing", func() check { return d.checkSealing(known.Recipients) })
	if d.obstacle != "" {
		d.skipKeys()
		return
	}
	d.checkKeys(ctx, known, polling)
}

// askWorkers believes a worker that answers, rather than the list of those that
// poll: that is a minute old, and begins anew where Temporal moves the queue.
func (d *doctor) askWorkers(ctx context.Context) (migrationlink.Inspection, pollers, check) {
	const name = "workers"
	var known migrationlink.Inspection
	var polling pollers
	var err, unanswered error
	var both sync.WaitGroup
	both.Go(func() {
		polling, err = d.server.pollers(ctx, migrationlink.TaskQueue, enumspb.TASK_QUEUE_TYPE_WORKFLOW)
	})
	both.Go(func() { known, unanswered = d.server.knownManagers(ctx, knownLimit) })
	d.table.during("waiting for a worker to answer", both.Wait)
	if err != nil {
		return known, nil, failed(name, d.server.explain(ctx, err))
	}
	now := d.env.Now()
	if unanswered == nil {
		return known, polling.fresh(now), good(name, "%s", polling.text(migrationlink.TaskQueue, now))
	}
	if !temporalconn.Silent(unanswered) && !isTimedOut(unanswered) {
		return known, nil, failed(name, d.server.explain(ctx, unanswered))
	}
	if len(polling.fresh(now)) > 0 {
		return known, nil, bad(name, fmt.Sprintf("none has answered within %s; %s", knownLimit, polling.text(migrationlink.TaskQueue, now)),
			"Look at the worker's log: it may have ended just now, be overloaded, or be of a version that does not know the question.")
	}
	return known, nil, bad(name, polling.text(migrationlink.TaskQueue, now),
		"Start one with 'worker --config worker.toml', for the same Temporal and namespace, or look at its log.")
}

// compareVersions compares every worker with this program.
func compareVersions(mine string, polling pollers) check {
	const name = "versions"
	var other []string
	for _, identity := range slices.Sorted(maps.Keys(polling)) {
		worker, ok := buildinfo.ParseIdentity(identity)
		switch {
		case !ok:
			other = append(other, fmt.Sprintf("worker %s tells no version", identity))
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
		"Bring all workers and this starter to the same version. A worker that has ended is listed for another minute.")
}

// compareManagers finds workers with different configurations: a workflow runs on
// any of them.
func compareManagers(known []string, polling pollers) check {
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
	return bad(name, fmt.Sprintf("the workers do not all know the same: %s; the one that has answered knows %s", strings.Join(texts, " / "), strings.Join(known, ", ")),
		"Give every worker the same [managers.NAME] sections and restart them: a worker may be given any link. One that has ended is listed for another minute.")
}
