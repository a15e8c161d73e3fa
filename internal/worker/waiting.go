package worker

import (
	"context"
	"slices"

	"github.com/migrationlink/migrationlink/internal/links"
)

var running = links.Filter{States: []string{links.StateRunning}}

// Links counts the links and removals that are running in the namespace.
func (w *Worker) Links(ctx context.Context) (int64, error) {
	return links.New(w.temporal, w.acts.Stored()).Count(ctx, running)
}

// Waiting is what running links and removals are counted by.
type Waiting struct {
	Manager string // empty for one that this worker does not know
	Blocked bool   // waits for a person
	Version string // of the worker, where it is pinned to one, such as migrationlink:v1
}

// Waiting counts them. It lists all, as Temporal does not know which are blocked.
// Each of the worker's managers is counted, also with none.
func (w *Worker) Waiting(ctx context.Context) (map[Waiting]int64, error) {
	counted := map[Waiting]int64{}
	for _, manager := range w.managers {
		for _, blocked := range []bool{false, true} {
			counted[Waiting{manager, blocked, w.version}] = 0
		}
	}
	for link, err := range links.New(w.temporal, w.acts.Stored()).Runs(ctx, running) {
		if err != nil {
			return nil, err
		}
		manager := link.Run.Manager
		if !slices.Contains(w.managers, manager) {
			manager = ""
		}
		counted[Waiting{manager, link.State == links.StateBlocked, link.Version}]++
	}
	return counted, nil
}
