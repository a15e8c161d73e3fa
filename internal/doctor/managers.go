package doctor

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"go.temporal.io/sdk/temporal"

	"github.com/migrationlink/migrationlink"
	"github.com/migrationlink/migrationlink/internal/links"
	"github.com/migrationlink/migrationlink/internal/words"
)

const (
	// knownTimeout is far above what a worker needs that is there.
	knownTimeout = 5 * time.Second
	// calledTimeout is above what the workflow allows itself for calling everybody.
	calledTimeout = 45 * time.Second
	// calledID starts the id of the workflow that calls the managers and Atlas.
	calledID = migrationlink.TaskQueue + ".doctor."
)

// skipKeys is for when it is not known which managers there are.
func (d *doctor) skipKeys() {
	names := []string{"keys", "roles"}
	if d.given.Manager != "" {
		names = []string{d.given.Manager + ": key", d.given.Manager + ": role"}
	}
	if d.given.Atlas != "" {
		a := atlasSeen{name: d.given.Atlas}
		names = append(names, a.keyName(), a.roleName())
	}
	for _, name := range append(names, clocksCheck) {
		d.add(skipped(name, d.obstacle))
	}
}

// checkKeys checks the managers that the answering worker knows, the managers of running links,
// as a worker may lack one of them, and each Atlas that the worker knows.
func (d *doctor) checkKeys(ctx context.Context, known migrationlink.Inspection, workers links.Pollers) {
	names := links.ManagerNames(known)
	all := slices.Concat(names, d.client.Managers(ctx, links.Filter{States: []string{links.StateRunning}}))
	if d.given.Manager != "" {
		all = []string{d.given.Manager}
	}
	slices.Sort(all)
	all = slices.Compact(all)

	var queues map[string]links.Pollers
	var called migrationlink.Inspection
	var here clockOffset
	var undescribed, unanswered error
	var assessed assessed
	var calls sync.WaitGroup
	calls.Go(func() { assessed = d.assess(ctx) })
	calls.Go(func() { queues, undescribed = d.client.ManagerPollers(ctx, all) })
	calls.Go(func() { called, here, unanswered = d.callAll(ctx, names) })
	d.table.withNote("waiting for the managers and Atlas to answer, up to 40s", calls.Wait)
	for _, err := range []error{undescribed, unanswered} {
		if err != nil {
			d.add(d.unread(ctx, err))
			d.add(skipped(clocksCheck, "the workers have not answered"))
			return
		}
	}
	said := map[string]migrationlink.ManagerInspection{}
	for _, m := range called.Managers {
		said[m.Name] = m
	}
	for _, name := range all {
		d.checkManager(managerSeen{name: name, known: names, workers: workers, queue: queues[name], said: said[name], assessed: assessed})
	}
	d.checkAtlas(links.AtlasNames(known), called)
	d.add(compareClocks(here, called.Managers))
}

// unread is why nothing is known of the managers.
func (d *doctor) unread(ctx context.Context, err error) Check {
	const name = "keys"
	if ctx.Err() == nil && links.IsUnanswered(err) {
		return bad(name, fmt.Sprintf("no worker has reported the answers of the managers within %s", calledTimeout), "Check the worker's log: the worker may have just ended, or be overloaded.")
	}
	return failed(name, d.client.Explain(ctx, err))
}

// callAll has a worker call the managers that it knows, and Atlas. An answer without managers
// means that none was called. It also compares the clock of this machine with that of Temporal.
func (d *doctor) callAll(ctx context.Context, known []string) (answer migrationlink.Inspection, here clockOffset, _ error) {
	if d.given.Manager != "" && !slices.Contains(known, d.given.Manager) {
		return answer, here, nil
	}
	ctx, cancel := context.WithTimeout(ctx, calledTimeout)
	defer cancel()
	before := d.Env.Now()
	run, err := d.client.StartInspection(ctx, fmt.Sprint(calledID, before.UnixNano()), "Check the workers' keys at the managers and in Atlas", migrationlink.InspectRequest{
		Call: true, Manager: d.given.Manager, OrgID: d.given.OrgID, Atlas: d.given.Atlas, AtlasOrgID: d.given.AtlasOrgID,
	}, calledTimeout)
	if err != nil {
		return answer, here, err
	}
	here = localOffset(ctx, d.client, run, before, d.Env.Now())
	answer, err = links.Answer(ctx, run)
	if refused, ok := errors.AsType[*temporal.ApplicationError](err); ok && refused.Type() == migrationlink.ErrUnknownManager {
		return migrationlink.Inspection{}, here, nil // from another worker than before; the pollers show which
	}
	return answer, here, err
}

// managerSeen is what was seen of one manager.
type managerSeen struct {
	name    string
	known   []string      // to the worker that answered
	workers links.Pollers // of the workflows
	queue   links.Pollers
	said    migrationlink.ManagerInspection
	// assessed is the organization that was named, if one was.
	assessed assessed
}

func (d *doctor) checkManager(m managerSeen) {
	d.add(m.pollers(d.Env.Now()))
	if m.said.Name == "" {
		const why = "the worker that was asked does not know the manager"
		d.add(skipped(m.name+": key", why))
		d.add(skipped(m.name+": role", why))
		return
	}
	d.add(m.key(d.given.OrgID, d.Env.Now()))
	d.add(m.role(d.given.OrgID))
	if d.given.OrgID != "" {
		d.add(m.use(m.assessed))
	}
}

// pollers checks that all workers poll: workflows run on any of them, and each looks up the
// manager in its own configuration.
func (m managerSeen) pollers(now time.Time) Check {
	name, queue := m.name+": workers", migrationlink.ManagerTaskQueue(m.name)
	fresh := m.queue.Fresh(now)
	if len(fresh) == 0 && !slices.Contains(m.known, m.name) {
		return bad(name, fmt.Sprintf("no worker knows manager %q; known are %s", m.name, strings.Join(m.known, ", ")),
			fmt.Sprintf("Check the name, or add a section [managers.%s] to the configuration of every worker and restart them.", m.name))
	}
	if len(fresh) == 0 {
		return bad(name, m.queue.Text(queue, now), "Check the worker's log, or start a worker.")
	}
	var missing []string
	for _, identity := range slices.Sorted(maps.Keys(m.workers)) {
		if _, ok := fresh[identity]; !ok {
			missing = append(missing, processOf(identity))
		}
	}
	if len(missing) > 0 {
		return bad(name, fmt.Sprintf("%d of %s poll task queue %s; missing: %s", len(m.workers)-len(missing), words.Count(len(m.workers), "worker"), queue, strings.Join(missing, ", ")),
			fmt.Sprintf("Give every worker the same configuration and restart those without [managers.%s]: links may fail on them.", m.name))
	}
	return good(name, "%s", m.queue.Text(queue, now))
}

func (m managerSeen) key(orgID string, now time.Time) Check {
	name := m.name + ": key"
	if m.said.Problem != nil && m.said.WorkerVersion == "" && len(m.queue.Fresh(now)) == 0 {
		return skipped(name, "no worker has called the manager")
	}
	return keyCheck(name, orgID, m.said.KeyAccepted, m.said.Problem)
}

func (m managerSeen) role(orgID string) Check {
	return roleCheck(m.name+": role", orgID, m.said.KeyAccepted, m.said.Problem, fmt.Sprintf("name an organization with --manager %s --org ORG_ID", m.name),
		fmt.Sprintf("can read organization %s, link status %s", orgID, words.OneLine(m.said.LinkStatus)))
}
