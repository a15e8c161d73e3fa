package main

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"time"

	workflowpb "go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"golang.org/x/sync/errgroup"
)

// countedLinks is how many links each count is the mean of.
const countedLinks = 5

// quiet is how long Temporal writes nothing until it counts as settled.
const quiet = time.Second / 2

// settleLimit bounds the wait until Temporal has written everything.
const settleLimit = 20 * time.Second

// cost is what one link costs Temporal and the manager.
type cost struct {
	events, bytes, writes, requests float64
	ofCaller                        float64 // events of the workflow that called
	httpPerCall                     float64
	operations                      map[string]float64 // store requests by operation
}

// counted are the contenders whose costs are counted.
var counted = []contender{emptyOnce, emptyTwice, plainLink, clientLink, childLink, nexusLink, fewPolls, polledLink, timerLoop}

// measureCounts counts what one link of each contender costs.
func measureCounts(ctx context.Context, b *bench) error {
	s, err := b.fullSystem(ctx)
	if err != nil {
		return err
	}
	defer s.stop()
	if err := warmUp(ctx, s, counted); err != nil {
		return err
	}
	found := map[string]cost{}
	for _, c := range counted {
		if found[c.name], err = costOf(ctx, s, c); err != nil {
			return err
		}
		b.report.addCost(c.name, found[c.name])
	}
	polls := float64(polledLink.read - fewPolls.read)
	many, few := found[polledLink.name], found[fewPolls.name]
	b.report.add(counts, retried, events, (many.events-few.events)/polls, "")
	b.report.add(counts, retried, historyBytes, (many.bytes-few.bytes)/polls, "B")
	b.report.add(counts, retried, writes, (many.writes-few.writes)/polls, "")
	b.report.add(counts, retried, storeRequests, (many.requests-few.requests)/polls, "")
	return nil
}

// warmUp runs each contender once, which opens connections and fills caches.
func warmUp(ctx context.Context, s *system, contenders []contender) error {
	group, ctx := errgroup.WithContext(ctx)
	for _, c := range contenders {
		group.Go(func() error { return c.run(ctx, s) })
	}
	return group.Wait()
}

func (r *report) addCost(name string, c cost) {
	r.add(counts, name, events, c.events, "")
	if c.ofCaller > 0 {
		r.add(counts, name, "events of the caller", c.ofCaller, "")
	}
	r.add(counts, name, historyBytes, c.bytes, "B")
	r.add(counts, name, writes, c.writes, "")
	r.add(counts, name, storeRequests, c.requests, "")
	if c.httpPerCall > 0 {
		r.add(counts, name, httpRequests, c.httpPerCall, "")
	}
	if r.Operations == nil {
		r.Operations = map[string]map[string]float64{}
	}
	r.Operations[name] = c.operations
}

// costOf runs a contender a few times, one after the other, so that every task finds a
// poller that waits for it.
func costOf(ctx context.Context, s *system, c contender) (cost, error) {
	before, err := s.settledOperations(ctx)
	if err != nil {
		return cost{}, err
	}
	requestsBefore, callsBefore := s.manager.calls()
	began := time.Now()
	if err := runTogether(ctx, s, c, countedLinks, time.Second/5); err != nil {
		return cost{}, err
	}
	after, err := s.settledOperations(ctx)
	if err != nil {
		return cost{}, err
	}
	requests, calls := s.manager.calls()
	result := cost{operations: map[string]float64{}}
	if calls > callsBefore {
		result.httpPerCall = (requests - requestsBefore) / (calls - callsBefore)
	}
	for operation, n := range after {
		added := (n - before[operation]) / countedLinks
		if added == 0 {
			continue
		}
		result.operations[operation] = added
		if !strings.Contains(operation, "Task") { // depends on time and on the load
			result.requests += added
		}
		if isWrite(operation) {
			result.writes += added
		}
	}
	return result, s.addHistories(ctx, began, &result)
}

// isWrite reports whether a store request writes the state of a workflow.
func isWrite(operation string) bool {
	return operation == "CreateWorkflowExecution" || operation == "UpdateWorkflowExecution" || operation == "ConflictResolveWorkflowExecution"
}

// settledOperations returns the store requests so far of the namespaces in use, by
// operation, when Temporal does nothing more for them.
func (s *system) settledOperations(ctx context.Context) (map[string]float64, error) {
	var last map[string]float64
	var failed error
	since := time.Now()
	err := waitUntil(ctx, settleLimit, 100*time.Millisecond, func() bool {
		var found families
		if found, failed = scrape(ctx, s.metrics); failed != nil {
			return true
		}
		now := found.by("persistence_requests_total", "operation", func(labels map[string]string) bool {
			return labels["namespace"] == client.DefaultNamespace || labels["namespace"] == platform
		})
		if !maps.Equal(now, last) {
			last, since = now, time.Now()
		}
		return time.Since(since) > quiet
	})
	if failed != nil {
		return nil, failed
	}
	return last, err
}

// addHistories adds the histories of the workflows that were started since then. All of
// them have ended.
func (s *system) addHistories(ctx context.Context, began time.Time, to *cost) error {
	for _, from := range []client.Client{s.temporal, s.platform} {
		var listed []*workflowpb.WorkflowExecutionInfo
		var failed error
		err := waitUntil(ctx, settleLimit, 100*time.Millisecond, func() bool {
			listed, failed = workflowsSince(ctx, from, began)
			return failed != nil || !slices.ContainsFunc(listed, func(w *workflowpb.WorkflowExecutionInfo) bool { return w.GetCloseTime() == nil })
		})
		if failed != nil || err != nil {
			return errors.Join(failed, err)
		}
		for _, w := range listed {
			to.events += float64(w.GetHistoryLength())
			to.bytes += float64(w.GetHistorySizeBytes())
			if strings.HasPrefix(w.GetType().GetName(), "link") {
				to.ofCaller += float64(w.GetHistoryLength())
			}
		}
	}
	to.events /= countedLinks
	to.bytes /= countedLinks
	to.ofCaller /= countedLinks
	return nil
}

// workflowsSince lists the workflows that were started since then.
func workflowsSince(ctx context.Context, from client.Client, began time.Time) ([]*workflowpb.WorkflowExecutionInfo, error) {
	reply, err := from.ListWorkflow(ctx, &workflowservice.ListWorkflowExecutionsRequest{
		Query: "StartTime >= '" + began.UTC().Format(time.RFC3339Nano) + "'", PageSize: 1000,
	})
	return reply.GetExecutions(), err
}
