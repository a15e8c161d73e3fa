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

// cancelsInBurst is how many links are cancelled in the middle of a burst in either way.
const cancelsInBurst = 6

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
	stopped, kept := s.cancelInBurst(ctx, orgs)
	err = waitUntil(ctx, createLimit, 50*time.Millisecond, func() bool { return s.countCreated(kept) == len(kept) })
	if err != nil {
		return fmt.Errorf("%d of %d links are created after %s: %w", s.countCreated(kept), len(kept), time.Since(began), err)
	}
	took := time.Since(began)
	b.report.add(burst, ours, allCreated, took.Seconds(), "s")
	b.report.add(burst, ours, createdPerEmpty, took.Seconds()/floor.Seconds(), "×")
	for _, c := range stopped {
		if err := c.wait(b); err != nil {
			return err
		}
	}
	seen, err := s.readHistories(ctx, orgs)
	b.report.add(burst, ours, "links whose manager was checked", float64(seen.checked.Load()), "")
	b.report.add(burst, ours, repeatedChecks, float64(seen.repeated.Load()), "")
	b.report.add(burst, ours, "workflow tasks lost", float64(seen.lost.Load()), "")
	return err
}

// burstOfEmpty starts as many workflows of one empty activity at once: the least that a
// creation can cost.
func (s *system) burstOfEmpty(ctx context.Context, b *bench) (time.Duration, error) {
	if _, err := s.startRival(ctx, b.programs.empty); err != nil {
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

// cancelling are links that are being cancelled in one way.
type cancelling struct {
	how   string
	took  []float64 // seconds, of each
	group *errgroup.Group
}

// cancelInBurst cancels some links that are created and some that are not, in either way one after
// the other. It does not wait for their end, and returns the other links.
func (s *system) cancelInBurst(ctx context.Context, orgs []string) (stopped []*cancelling, kept []string) {
	kept = slices.Clone(orgs)
	slices.SortStableFunc(kept, func(x, y string) int { return boolRank(s.manager.isCreated(x)) - boolRank(s.manager.isCreated(y)) })
	for how, cancel := range map[string]func(context.Context, string) error{"cancel": s.asOperator, "Temporal's cancellation": s.asCaller} {
		c := &cancelling{how: how, took: make([]float64, cancelsInBurst), group: &errgroup.Group{}}
		half := cancelsInBurst / 2
		chosen := slices.Concat(kept[:half], kept[len(kept)-half:])
		c.group.Go(func() (err error) {
			for i := 0; i < len(chosen) && err == nil; i++ {
				c.took[i], err = s.cancelled(ctx, chosen[i], cancel)
			}
			return err
		})
		stopped, kept = append(stopped, c), kept[half:len(kept)-half]
	}
	return stopped, kept
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
	b.report.addSpread(burst, ours, c.how+" in the middle", c.took, "s")
	b.report.add(burst, ours, c.how+inTheMiddle, slices.Max(c.took), "s")
	return nil
}

// recorded is what the histories of a burst show of its cost.
type recorded struct {
	// checked is how many links asked whether a worker knows their manager, because
	// nobody took their creation for three seconds. repeated is how often they asked again.
	checked, repeated atomic.Int64
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
			checks := 0
			for events.HasNext() {
				event, err := events.Next()
				if err != nil {
					return err
				}
				if localActivity(event) == migrationlink.CheckManagerActivity {
					checks++
				}
				if event.GetEventType() == enumspb.EVENT_TYPE_WORKFLOW_TASK_TIMED_OUT {
					seen.lost.Add(1)
				}
			}
			seen.checked.Add(int64(min(checks, 1)))
			seen.repeated.Add(int64(max(checks-1, 0)))
			return nil
		})
	}
	return seen, group.Wait()
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
