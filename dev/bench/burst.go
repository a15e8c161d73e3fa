package main

import (
	"context"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	historypb "go.temporal.io/api/history/v1"
	"go.temporal.io/sdk/converter"
	"golang.org/x/sync/errgroup"

	"github.com/migrationlink/migrationlink"
)

// cancelsInBurst is how many links are cancelled in the middle of a burst.
const cancelsInBurst = 10

// measureBurst starts many links at once and cancels some when half of them are created.
func measureBurst(ctx context.Context, b *bench) error {
	s, err := startSystem(ctx, b.options, b.programs)
	if err != nil {
		return err
	}
	defer s.stop()
	floor, err := s.burstOfEmpty(ctx, b)
	if err != nil {
		return err
	}
	w, err := s.startWorker(ctx)
	if err != nil {
		return err
	}
	if _, err := s.atRest(ctx, w); err != nil {
		return err
	}
	before := s.manager.createdLinks()
	began := time.Now()
	orgs, err := s.startAll(ctx, b.options.links)
	if err != nil {
		return err
	}
	b.report.add(burst, ours, "all started after", time.Since(began).Seconds(), "s")
	created := func() int { return s.manager.createdLinks() - before }
	if err := waitUntil(ctx, createLimit, 20*time.Millisecond, func() bool { return created() >= len(orgs)/2 }); err != nil {
		return err
	}
	b.report.add(burst, ours, "half created after", time.Since(began).Seconds(), "s")
	stopped := s.cancelInBurst(ctx, orgs)
	kept := slices.DeleteFunc(slices.Clone(orgs), func(orgID string) bool { return slices.Contains(stopped.orgs, orgID) })
	err = waitUntil(ctx, createLimit, 50*time.Millisecond, func() bool { return s.countCreated(kept) == len(kept) })
	if err != nil {
		return fmt.Errorf("%d of %d links are created after %s: %w", s.countCreated(kept), len(kept), time.Since(began), err)
	}
	took := time.Since(began)
	b.report.add(burst, ours, allCreated, took.Seconds(), "s")
	b.report.add(burst, ours, createdPerEmpty, took.Seconds()/floor.Seconds(), "×")
	if err := stopped.wait(b); err != nil {
		return err
	}
	seen, err := s.readHistories(ctx, orgs)
	b.report.add(burst, ours, repeatedChecks, float64(seen.checks.Load()), "")
	b.report.add(burst, ours, "workflow tasks lost", float64(seen.lost.Load()), "")
	return err
}

// burstOfEmpty starts as many workflows of one empty activity at once: the least that a
// creation can cost.
func (s *system) burstOfEmpty(ctx context.Context, b *bench) (time.Duration, error) {
	if err := s.startRival(ctx, b.programs.empty); err != nil {
		return 0, err
	}
	if err := runTogether(ctx, s, emptyOnce, 10, 0); err != nil {
		return 0, err
	}
	began := time.Now()
	err := runTogether(ctx, s, emptyOnce, b.options.links, 0)
	took := time.Since(began)
	b.report.add(burst, oneEmpty, "all ended after", took.Seconds(), "s")
	return took, err
}

func (s *system) countCreated(orgs []string) int {
	n := 0
	for _, orgID := range orgs {
		if s.manager.isCreated(orgID) {
			n++
		}
	}
	return n
}

// cancelling are links that are being cancelled.
type cancelling struct {
	orgs  []string
	took  []float64
	group *errgroup.Group
}

// cancelInBurst cancels some links that are created and some that are not, one after
// the other, and does not wait for the end.
func (s *system) cancelInBurst(ctx context.Context, orgs []string) *cancelling {
	started := slices.Clone(orgs)
	slices.SortStableFunc(started, func(x, y string) int { return boolRank(s.manager.isCreated(x)) - boolRank(s.manager.isCreated(y)) })
	chosen := append(slices.Clone(started[:cancelsInBurst/2]), started[len(started)-cancelsInBurst/2:]...)
	c := &cancelling{orgs: chosen, took: make([]float64, len(chosen)), group: &errgroup.Group{}}
	for i, orgID := range chosen {
		c.group.Go(func() (err error) {
			c.took[i], err = s.cancel(ctx, orgID)
			return err
		})
	}
	return c
}

func boolRank(created bool) int {
	if created {
		return 1
	}
	return 0
}

func (c *cancelling) wait(b *bench) error {
	if err := c.group.Wait(); err != nil {
		return err
	}
	b.report.addSpread(burst, ours, "cancel in the middle", c.took, "s")
	b.report.add(burst, ours, cancelMiddle, slices.Max(c.took), "s")
	return nil
}

// recorded is what the histories of a burst show of its cost.
type recorded struct {
	// checks is how often the worker was asked whether it knows the manager, which
	// happens when a creation finds no worker.
	checks atomic.Int64
	// lost is how many workflow tasks timed out. The server gives itself a second to hand
	// over a task that a poll waits for; if it takes longer, the task is started and
	// nobody has it.
	lost atomic.Int64
}

func (s *system) readHistories(ctx context.Context, orgs []string) (*recorded, error) {
	seen := &recorded{}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(8)
	for _, orgID := range orgs {
		group.Go(func() error {
			events := s.temporal.GetWorkflowHistory(ctx, migrationlink.WorkflowID(managerName, orgID), "", false, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
			for events.HasNext() {
				event, err := events.Next()
				if err != nil {
					return err
				}
				seen.add(event)
			}
			return nil
		})
	}
	return seen, group.Wait()
}

func (r *recorded) add(event *historypb.HistoryEvent) {
	if localActivity(event) == migrationlink.CheckManagerActivity {
		r.checks.Add(1)
	}
	if event.GetEventType() == enumspb.EVENT_TYPE_WORKFLOW_TASK_TIMED_OUT {
		r.lost.Add(1)
	}
}

// localActivity returns the type of the local activity that an event records, or "".
func localActivity(event *historypb.HistoryEvent) string {
	var marker struct{ ActivityType string }
	details := event.GetMarkerRecordedEventAttributes().GetDetails()["data"]
	if err := converter.GetDefaultDataConverter().FromPayloads(details, &marker); err != nil {
		return ""
	}
	return marker.ActivityType
}
