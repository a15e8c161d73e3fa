package main

import (
	"context"
	"io"
	"time"
)

const (
	calmLooks = 8
	calmPause = 300 * time.Millisecond
)

// measured is the worker process as its metrics show it.
type measured struct {
	*process
	url string
}

// snapshot is what a worker holds at one moment.
type snapshot struct {
	usage
	Heap       float64 // bytes of live objects
	Stack      float64 // bytes
	Goroutines float64
	lateness   histogram
}

// snapshot collects garbage first.
func (m *measured) snapshot(ctx context.Context) (taken snapshot, err error) {
	response, err := get(ctx, m.url+"/debug/pprof/heap?gc=1")
	if err != nil {
		return taken, err
	}
	_, err = io.Copy(io.Discard, response.Body)
	response.Body.Close()
	if err != nil {
		return taken, err
	}
	found, err := scrape(ctx, m.url+"/metrics")
	if err != nil {
		return taken, err
	}
	taken = snapshot{
		Heap:       found.value("go_memstats_heap_alloc_bytes"),
		Stack:      found.value("go_memstats_stack_inuse_bytes"),
		Goroutines: found.value("go_goroutines"),
		lateness:   latenessOf(found),
	}
	taken.usage, err = m.usage()
	return taken, err
}

// calmest returns the snapshot with the fewest goroutines of several: polls that are
// running hold some, too.
func (m *measured) calmest(ctx context.Context) (snapshot, error) {
	least, err := m.snapshot(ctx)
	for range calmLooks - 1 {
		if err != nil {
			return least, err
		}
		if err := pause(ctx, calmPause); err != nil {
			return least, err
		}
		var taken snapshot
		if taken, err = m.snapshot(ctx); err == nil && taken.Goroutines < least.Goroutines {
			least = taken
		}
	}
	return least, err
}

// latenessOf returns how late attempts have started, which the SDK measures from the
// time that Temporal has planned.
func latenessOf(found families) histogram {
	return found.histogram("temporal_activity_schedule_to_start_latency_seconds", func(labels map[string]string) bool {
		return labels["activity_type"] == "AwaitSynced"
	})
}
