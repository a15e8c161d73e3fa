package cli

import (
	"context"
	"errors"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"

	"github.com/migrationlink/migrationlink"
)

const (
	// knownLimit is far above what a worker needs that is there.
	knownLimit = 5 * time.Second
	// calledLimit is above what the workflow allows itself for calling everybody.
	calledLimit = 45 * time.Second
)

// Ids of the workflows that ask the workers. The answer to the first is the same
// for all who ask, so that they share it.
const (
	knownID  = migrationlink.TaskQueue + ".managers"
	calledID = migrationlink.TaskQueue + ".doctor."
)

func (s *server) knownManagers(ctx context.Context, limit time.Duration) (migrationlink.Inspection, error) {
	return s.inspect(ctx, knownID, "Which managers and Atlas the workers know", migrationlink.InspectRequest{}, limit)
}

// inspect asks a worker. Temporal forgets the question when nobody waits for the
// answer any more.
func (s *server) inspect(ctx context.Context, id, summary string, request migrationlink.InspectRequest, limit time.Duration) (migrationlink.Inspection, error) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	var answer migrationlink.Inspection
	run, err := s.ExecuteWorkflow(ctx, client.StartWorkflowOptions{
		ID:                       id,
		TaskQueue:                migrationlink.TaskQueue,
		WorkflowExecutionTimeout: limit,
		WorkflowIDConflictPolicy: enumspb.WORKFLOW_ID_CONFLICT_POLICY_USE_EXISTING,
		StaticSummary:            summary,
	}, migrationlink.InspectWorkflow, request)
	if err != nil {
		return answer, err
	}
	return answer, run.Get(ctx, &answer)
}

// isTimedOut tells whether Temporal ended a workflow because of its limit.
func isTimedOut(err error) bool {
	_, ok := errors.AsType[*temporal.TimeoutError](err)
	return ok
}

func managerNames(known migrationlink.Inspection) []string {
	names := make([]string, len(known.Managers))
	for i, m := range known.Managers {
		names[i] = m.Name
	}
	return names
}

func atlasNames(known migrationlink.Inspection) []string {
	names := make([]string, len(known.Atlas))
	for i, a := range known.Atlas {
		names[i] = a.Name
	}
	return names
}
