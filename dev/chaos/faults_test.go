package chaos_test

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"sync"
	"syscall"
	"time"

	"go.temporal.io/sdk/client"

	"github.com/migrationlink/migrationlink"
	"github.com/migrationlink/migrationlink/opsmanager/opsmanagertest"
)

// faultNames returns the sorted kinds of fault of a campaign. Cancellations and kills
// of starters are part of the requests.
func faultNames() []string {
	names := slices.Collect(maps.Keys(disturbances))
	for _, kind := range opsmanagertest.FaultKinds() {
		if (fault{Kind: string(kind)}).ofManager() != nil {
			names = append(names, string(kind))
		}
	}
	slices.Sort(names)
	return names
}

// disturbances start a fault, and end it when its time is over. Faults of the manager
// itself are in fault.ofManager.
var disturbances = map[string]func(*campaign, context.Context, fault){
	"worker killed":                   (*campaign).killWorker,
	"worker killed in a poll":         trapFor(http.MethodGet, false),
	"worker killed after a read":      trapFor(http.MethodGet, true),
	"worker killed before a POST":     trapFor(http.MethodPost, false),
	"worker killed after a POST":      trapFor(http.MethodPost, true),
	"worker killed before a DELETE":   trapFor(http.MethodDelete, false),
	"worker killed after a DELETE":    trapFor(http.MethodDelete, true),
	"worker terminated":               (*campaign).terminateWorker,
	"worker stopped for a while":      (*campaign).stopWorker,
	"Temporal restarted":              (*campaign).restartTemporal,
	"Temporal cut off a worker":       onTemporal(rules{Refuse: true}),
	"Temporal's replies held back":    onTemporal(rules{HoldReplies: true}),
	"Temporal half-open":              onTemporal(rules{HoldAll: true}),
	"Temporal far away":               onTemporal(rules{Latency: 150 * time.Millisecond}),
	"Temporal on a thin line":         onTemporal(rules{BytesPerSecond: 8 << 10}),
	"manager cut off":                 onManager(rules{Refuse: true}),
	"manager's replies held back":     onManager(rules{HoldReplies: true}),
	"manager far away":                onManager(rules{Latency: 300 * time.Millisecond}),
	"manager's replies cut short":     onManager(rules{CutRepliesAt: 1}),
	"starter's replies held back":     onStarter(rules{HoldReplies: true}),
	"starter cut off":                 onStarter(rules{Refuse: true}),
	"operators who ask all the time":  (*campaign).flood,
	"both workers killed":             (*campaign).killBoth,
	"all connections of a worker cut": (*campaign).cutWorker,
}

// inject runs the faults of the plan at their times.
func (c *campaign) inject(ctx context.Context) {
	var running sync.WaitGroup
	defer running.Wait()
	for _, f := range c.plan.Faults {
		if !c.waitUntil(ctx, f.At) {
			return
		}
		running.Go(func() {
			if spoiled := f.ofManager(); spoiled != nil {
				c.spoilManager(ctx, f, *spoiled)
				return
			}
			disturbances[f.Kind](c, ctx, f)
		})
	}
}

func (c *campaign) spoilManager(ctx context.Context, f fault, spoiled opsmanagertest.Fault) {
	c.note(f.Kind, "for %s", f.For.Round(time.Millisecond))
	c.mu.Lock()
	c.spoiled[f.At] = spoiled
	c.applyFaults()
	c.mu.Unlock()
	pause(ctx, f.For)
	c.mu.Lock()
	delete(c.spoiled, f.At)
	c.applyFaults()
	c.mu.Unlock()
	c.note(f.Kind, "over")
}

// deny makes the manager answer the next POST of an organization with an error, after
// its effect.
func (c *campaign) deny(org string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.denied[org] = true
	c.applyFaults()
}

// applyFaults configures the managers with the faults in force. The caller holds c.mu.
func (c *campaign) applyFaults() {
	for _, g := range c.gates {
		for _, f := range g.State().Faults {
			c.hits[string(f.Kind)] += f.Hits
			if f.OrgID != "" && f.Hits > 0 {
				delete(c.denied, f.OrgID)
			}
		}
	}
	var faults opsmanagertest.Faults
	for _, org := range slices.Sorted(maps.Keys(c.denied)) {
		faults = append(faults, opsmanagertest.Fault{Kind: opsmanagertest.ErrorAfter, Operation: opsmanagertest.CreateLink, OrgID: org, Count: 1})
	}
	for _, at := range slices.Sorted(maps.Keys(c.spoiled)) {
		faults = append(faults, c.spoiled[at])
	}
	for _, g := range c.gates {
		if err := g.SetFaults(faults); err != nil {
			panic(err) // the plan's own
		}
	}
}

func (c *campaign) killWorker(_ context.Context, f fault) {
	c.note(f.Kind, "worker %d", f.Worker+1)
	end(c.workers[f.Worker], syscall.SIGKILL, f)
}

func (c *campaign) killBoth(_ context.Context, f fault) {
	c.note(f.Kind, "for %s", f.For.Round(time.Millisecond))
	for _, w := range c.workers {
		end(w, syscall.SIGKILL, f)
	}
}

// end ends a program. Its supervisor restarts it after one to four seconds.
func end(p *program, how syscall.Signal, f fault) {
	p.rest(time.Minute)
	p.stop(how, time.Minute)
	p.rest(f.For / 2)
}

// trapFor kills the worker that makes the next such call, at the moment of its effect.
func trapFor(method string, after bool) func(*campaign, context.Context, fault) {
	return func(c *campaign, _ context.Context, f fault) {
		var once sync.Once
		for _, g := range c.gates {
			g.set(trap{method: method, after: after, spring: func(worker int) {
				once.Do(func() {
					c.note(f.Kind, "worker %d", worker+1)
					end(c.workers[worker], syscall.SIGKILL, f)
				})
			}})
		}
	}
}

func (c *campaign) terminateWorker(_ context.Context, f fault) {
	c.note(f.Kind, "worker %d", f.Worker+1)
	end(c.workers[f.Worker], syscall.SIGTERM, f)
}

// stopWorker suspends a worker for 5 s to 30 s. It resumes with outdated state.
func (c *campaign) stopWorker(ctx context.Context, f fault) {
	lasts := 5*time.Second + time.Duration(f.Share*float64(25*time.Second))
	if !c.workers[f.Worker].signal(syscall.SIGSTOP) {
		return
	}
	c.note(f.Kind, "worker %d for %s", f.Worker+1, lasts.Round(time.Millisecond))
	pause(ctx, lasts)
	c.workers[f.Worker].signal(syscall.SIGCONT)
	c.note(f.Kind, "worker %d goes on", f.Worker+1)
}

// restartTemporal restarts the server; every second time it kills it.
func (c *campaign) restartTemporal(_ context.Context, f fault) {
	how := syscall.SIGTERM
	if f.Share < 0.5 {
		how = syscall.SIGKILL
	}
	c.note(f.Kind, "by %s", how)
	end(c.temporal, how, f)
}

func onTemporal(r rules) func(*campaign, context.Context, fault) {
	return func(c *campaign, ctx context.Context, f fault) {
		f.For *= 2 // longer than a heartbeat timeout
		c.spoil(ctx, f, r, c.lines[f.Worker].temporal)
	}
}

func onManager(r rules) func(*campaign, context.Context, fault) {
	return func(c *campaign, ctx context.Context, f fault) {
		if r.CutRepliesAt > 0 {
			r.CutRepliesAt = 20 + int(f.Share*600)
		}
		c.spoil(ctx, f, r, c.lines[f.Worker].managers...)
	}
}

func onStarter(r rules) func(*campaign, context.Context, fault) {
	return func(c *campaign, ctx context.Context, f fault) {
		f.For *= 2
		c.spoil(ctx, f, r, c.starterLine)
	}
}

// spoil gives proxies rules for a while. A later fault of the same proxy replaces them.
func (c *campaign) spoil(ctx context.Context, f fault, r rules, lines ...*proxy) {
	c.note(f.Kind, "worker %d for %s", f.Worker+1, f.For.Round(time.Millisecond))
	for _, line := range lines {
		line.set(r)
		if r.Refuse {
			line.cut()
		}
	}
	pause(ctx, f.For)
	for _, line := range lines {
		line.set(rules{})
	}
	c.note(f.Kind, "over")
}

func (c *campaign) cutWorker(_ context.Context, f fault) {
	c.note(f.Kind, "worker %d", f.Worker+1)
	c.lines[f.Worker].temporal.cut()
	for _, line := range c.lines[f.Worker].managers {
		line.cut()
	}
}

// flood retries, checks and extends each running request ten times.
func (c *campaign) flood(ctx context.Context, f fault) {
	ctx, cancel := context.WithTimeout(ctx, f.For*2)
	defer cancel()
	ids := c.running()
	c.note(f.Kind, "%d requests", len(ids))
	var asking sync.WaitGroup
	for _, id := range ids[:min(5, len(ids))] {
		for range 10 {
			asking.Go(func() {
				_ = c.client.SignalWorkflow(ctx, id, "", migrationlink.RetrySignal, migrationlink.RetryRequest{})
				c.update(ctx, id, migrationlink.CheckUpdate)
				c.update(ctx, id, migrationlink.ExtendUpdate, migrationlink.ExtendRequest{By: "1s"})
			})
		}
	}
	asking.Wait()
}

// update sends an update and ignores its answer: refusals are expected.
func (c *campaign) update(ctx context.Context, id, name string, args ...any) {
	handle, err := c.client.UpdateWorkflow(ctx, client.UpdateWorkflowOptions{
		WorkflowID: id, UpdateName: name, Args: args, WaitForStage: client.WorkflowUpdateStageAccepted,
	})
	if err == nil {
		_ = handle.Get(ctx, nil)
	}
}

// heal ends every fault. The supervisors restart what does not run.
func (c *campaign) heal() {
	c.mu.Lock()
	clear(c.spoiled)
	clear(c.denied)
	c.applyFaults()
	c.mu.Unlock()
	for _, g := range c.gates {
		g.disarm()
	}
	for _, line := range c.allLines() {
		line.set(rules{})
	}
	for _, w := range c.workers {
		w.signal(syscall.SIGCONT)
	}
	c.note("healed", "")
}

// note logs the start or the end of a fault, and counts starts.
func (c *campaign) note(kind, format string, args ...any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if kind != "healed" && format != "over" && format != "worker %d goes on" {
		c.injected[kind]++
	}
	c.log = append(c.log, logged{time.Now(), fmt.Sprintf("%s: "+format, append([]any{kind}, args...)...)})
}

type logged struct {
	at   time.Time
	text string
}
