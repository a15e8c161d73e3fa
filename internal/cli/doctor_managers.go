package cli

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/temporal"

	"github.com/migrationlink/migrationlink"
)

// skipKeys is for when nobody can tell which there are.
func (d *doctor) skipKeys() {
	names := []string{"keys", "roles"}
	if d.given.manager != "" {
		names = []string{d.given.manager + ": key", d.given.manager + ": role"}
	}
	if d.given.atlas != "" {
		a := atlasSeen{name: d.given.atlas}
		names = append(names, a.keyName(), a.roleName())
	}
	for _, name := range names {
		d.add(skipped(name, d.obstacle))
	}
}

// checkKeys checks the managers that the answering worker knows, and those that
// links are under way for: a worker that lacks one does not tell of it. And each
// Atlas that it knows.
func (d *doctor) checkKeys(ctx context.Context, known migrationlink.Inspection, workers pollers) {
	names := managerNames(known)
	all := slices.Concat(names, d.server.busyManagers(ctx))
	if d.given.manager != "" {
		all = []string{d.given.manager}
	}
	slices.Sort(all)
	all = slices.Compact(all)

	var queues map[string]pollers
	var called migrationlink.Inspection
	var undescribed, unanswered error
	var both sync.WaitGroup
	both.Go(func() { queues, undescribed = d.server.managerPollers(ctx, all) })
	both.Go(func() { called, unanswered = d.callAll(ctx, names) })
	d.table.during("waiting for the managers and Atlas to answer, up to 40s", both.Wait)
	for _, err := range []error{undescribed, unanswered} {
		if err != nil {
			d.add(failed("keys", d.server.explain(ctx, err)))
			return
		}
	}
	said := map[string]migrationlink.ManagerInspection{}
	for _, m := range called.Managers {
		said[m.Name] = m
	}
	for _, name := range all {
		d.checkManager(managerSeen{name: name, known: names, workers: workers, queue: queues[name], said: said[name]})
	}
	d.checkAtlas(atlasNames(known), called)
}

// busyManagers are those of what is under way, as far as one page goes.
func (s *server) busyManagers(ctx context.Context) []string {
	names := map[string]bool{}
	for l, err := range s.runs(ctx, listFlags{states: []string{stateRunning}}.query()) {
		if err != nil || len(names) > 100 {
			break // a list that cannot be had is no reason to check nothing
		}
		names[l.run.manager] = true
	}
	return slices.Collect(maps.Keys(names))
}

func (s *server) managerPollers(ctx context.Context, names []string) (map[string]pollers, error) {
	found, problems := make([]pollers, len(names)), make([]error, len(names))
	var all sync.WaitGroup
	for i, name := range names {
		all.Go(func() {
			found[i], problems[i] = s.pollers(ctx, migrationlink.ManagerTaskQueue(name), enumspb.TASK_QUEUE_TYPE_ACTIVITY)
		})
	}
	all.Wait()
	queues := map[string]pollers{}
	for i, name := range names {
		queues[name] = found[i]
	}
	return queues, errors.Join(problems...)
}

// callAll has a worker call the managers that it knows, and Atlas. Without a
// manager in the answer nobody was asked.
func (d *doctor) callAll(ctx context.Context, known []string) (migrationlink.Inspection, error) {
	if d.given.manager != "" && !slices.Contains(known, d.given.manager) {
		return migrationlink.Inspection{}, nil
	}
	id := fmt.Sprint(calledID, d.env.Now().UnixNano())
	answer, err := d.server.inspect(ctx, id, "What the managers and Atlas say to the workers' keys", migrationlink.InspectRequest{
		Call: true, Manager: d.given.manager, OrgID: d.given.orgID, Atlas: d.given.atlas, AtlasOrgID: d.given.atlasOrgID,
	}, calledLimit)
	if refused, ok := errors.AsType[*temporal.ApplicationError](err); ok && refused.Type() == migrationlink.ErrUnknownManager {
		return migrationlink.Inspection{}, nil // another worker than the one before: who polls tells which
	}
	return answer, err
}

// managerSeen is what was seen of one manager.
type managerSeen struct {
	name    string
	known   []string // to the worker that answered
	workers pollers  // of the workflows
	queue   pollers
	said    migrationlink.ManagerInspection
}

func (d *doctor) checkManager(m managerSeen) {
	d.add(m.pollers(d.env.Now()))
	if m.said.Name == "" {
		const why = "the worker that was asked does not know the manager"
		d.add(skipped(m.name+": key", why))
		d.add(skipped(m.name+": role", why))
		return
	}
	d.add(m.key(d.given.orgID, d.env.Now()))
	d.add(m.role(d.given.orgID))
}

// pollers are to be all workers: the workflows run on any of them, and each asks
// its own configuration whether the manager exists.
func (m managerSeen) pollers(now time.Time) check {
	name, queue := m.name+": workers", migrationlink.ManagerTaskQueue(m.name)
	fresh := m.queue.fresh(now)
	if len(fresh) == 0 && !slices.Contains(m.known, m.name) {
		return bad(name, fmt.Sprintf("no worker knows manager %q; known are %s", m.name, strings.Join(m.known, ", ")),
			fmt.Sprintf("Check the name, or add a section [managers.%s] to the configuration of every worker and restart them.", m.name))
	}
	if len(fresh) == 0 {
		return bad(name, m.queue.text(queue, now), "Look at the worker's log, or start a worker.")
	}
	var missing []string
	for _, identity := range slices.Sorted(maps.Keys(m.workers)) {
		if _, ok := fresh[identity]; !ok {
			missing = append(missing, process(identity))
		}
	}
	if len(missing) > 0 {
		return bad(name, fmt.Sprintf("%d of %s on task queue %s, without %s", len(m.workers)-len(missing), count(len(m.workers), "worker"), queue, strings.Join(missing, ", ")),
			fmt.Sprintf("Give every worker the same configuration and restart those without [managers.%s]: links that they are given may fail.", m.name))
	}
	return good(name, "%s", m.queue.text(queue, now))
}

func (m managerSeen) key(orgID string, now time.Time) check {
	name, problem := m.name+": key", m.said.Problem
	switch {
	case problem != nil && m.said.WorkerVersion == "" && len(m.queue.fresh(now)) == 0:
		return skipped(name, "no worker has called the manager")
	case problem != nil && (!m.said.KeyAccepted || orgID == ""):
		return bad(name, problem.Message, problem.Remedy)
	}
	return good(name, "accepted")
}

func (m managerSeen) role(orgID string) check {
	name := m.name + ": role"
	switch {
	case orgID == "":
		return skipped(name, fmt.Sprintf("name an organization with --manager %s --org ORG_ID", m.name))
	case !m.said.KeyAccepted:
		return skipped(name, "the key was not accepted")
	case m.said.Problem != nil:
		return bad(name, m.said.Problem.Message, m.said.Problem.Remedy)
	}
	return good(name, "can read organization %s, link status %s", orgID, oneLine(m.said.LinkStatus))
}
