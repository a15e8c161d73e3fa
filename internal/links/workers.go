package links

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	enumspb "go.temporal.io/api/enums/v1"

	"github.com/migrationlink/migrationlink"
	"github.com/migrationlink/migrationlink/internal/words"
)

// ManagerPollers are the workers on the task queue of each manager.
func (c *Client) ManagerPollers(ctx context.Context, names []string) (map[string]Pollers, error) {
	found, problems := make([]Pollers, len(names)), make([]error, len(names))
	var all sync.WaitGroup
	for i, name := range names {
		all.Go(func() {
			found[i], problems[i] = c.Pollers(ctx, migrationlink.ManagerTaskQueue(name), enumspb.TASK_QUEUE_TYPE_ACTIVITY)
		})
	}
	all.Wait()
	queues := map[string]Pollers{}
	for i, name := range names {
		queues[name] = found[i]
	}
	return queues, errors.Join(problems...)
}

// PollerTimeout is above the minute for which Temporal keeps a poll open: a worker that was
// not seen for longer has ended. Temporal forgets it after five minutes.
const PollerTimeout = 75 * time.Second

// Pollers are the workers on a task queue: when each was last seen, by identity.
type Pollers map[string]time.Time

// Pollers returns the workers on a task queue.
func (c *Client) Pollers(ctx context.Context, queue string, kind enumspb.TaskQueueType) (Pollers, error) {
	ctx, cancel := context.WithTimeout(ctx, c.CallTimeout)
	defer cancel()
	described, err := c.DescribeTaskQueue(ctx, queue, kind)
	if err != nil {
		return nil, err
	}
	found := Pollers{}
	for _, p := range described.GetPollers() {
		found[p.GetIdentity()] = TimeOf(p.GetLastAccessTime())
	}
	return found, nil
}

// Fresh returns the workers that have not ended.
func (p Pollers) Fresh(now time.Time) Pollers {
	found := maps.Clone(p)
	maps.DeleteFunc(found, func(_ string, seen time.Time) bool { return now.Sub(seen) > PollerTimeout })
	return found
}

// Text describes the workers on a task queue.
func (p Pollers) Text(queue string, now time.Time) string {
	if len(p) == 0 {
		return "none polls task queue " + queue
	}
	last := slices.MaxFunc(slices.Collect(maps.Values(p)), time.Time.Compare)
	ago := words.Duration(now.Sub(last))
	if len(p.Fresh(now)) == 0 {
		return fmt.Sprintf("none polls task queue %s any more, the last one was seen %s ago", queue, ago)
	}
	return fmt.Sprintf("%d on task queue %s, last seen %s ago", len(p.Fresh(now)), queue, ago)
}
