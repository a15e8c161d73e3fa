package cli

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"

	workflowpb "go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"

	"github.com/migrationlink/migrationlink"
)

// listPage is the most that a server gives at once by default.
const listPage = 1000

// listed is one run as a list shows it: what Temporal knows without asking a
// worker, or the history.
type listed struct {
	run       linkRun
	state     string
	startedAt time.Time
	endedAt   time.Time // zero while it is under way
}

// query holds what Temporal itself can filter without a search attribute of our
// own, and in a way that the latest run of an organization is not lost: an earlier one
// would pass for it.
func (f listFlags) query() string {
	prefix := migrationlink.WorkflowIDPrefix
	if f.manager != "" {
		prefix = migrationlink.WorkflowID(f.manager, "")
	}
	clauses := []string{
		fmt.Sprintf("WorkflowType IN (%q, %q)", migrationlink.LinkWorkflow, migrationlink.UnlinkWorkflow),
		fmt.Sprintf("WorkflowId STARTS_WITH %q", prefix),
	}
	statuses := executionStatuses(f.states)
	if len(statuses) > 0 && (f.everyRun || statuses == `"Running"`) {
		clauses = append(clauses, "ExecutionStatus IN ("+statuses+")")
	}
	if f.newerThan > 0 {
		clauses = append(clauses, "StartTime > "+queryTime(f.after.asOf.Add(-f.newerThan)))
	}
	if f.olderThan > 0 && f.everyRun {
		clauses = append(clauses, "StartTime < "+queryTime(f.after.asOf.Add(-f.olderThan)))
	}
	return strings.Join(clauses, " AND ")
}

func queryTime(t time.Time) string { return fmt.Sprintf("%q", t.UTC().Format(time.RFC3339Nano)) }

// executionStatuses are Temporal's words for what may be one of the states.
func executionStatuses(states []string) string {
	words := map[string]string{
		stateRunning: `"Running"`, stateBlocked: `"Running"`, stateCompleted: `"Completed"`, stateFailed: `"Failed"`,
		stateTimedOut: `"TimedOut", "Failed"`, stateCancelled: `"Canceled"`, stateTerminated: `"Terminated"`,
	}
	var found []string
	for _, state := range states {
		if !slices.Contains(found, words[state]) {
			found = append(found, words[state])
		}
	}
	return strings.Join(found, ", ")
}

// collect takes what the flags ask for, and tells whether there is more.
func (f listFlags) collect(runs iter.Seq2[listed, error]) (found []listed, more bool, _ error) {
	seen := map[string]bool{}
	for l, err := range runs {
		if err != nil {
			return nil, false, err
		}
		id := l.run.workflowID()
		if !f.everyRun && seen[id] {
			continue // its latest run came before
		}
		seen[id] = true
		if !f.wants(l) || !f.after.before(l) {
			continue
		}
		if !f.all && len(found) == f.limit {
			return found, true, nil
		}
		found = append(found, l)
	}
	return found, false, nil
}

func (f listFlags) wants(l listed) bool {
	if f.olderThan > 0 && !l.startedAt.Before(f.after.asOf.Add(-f.olderThan)) {
		return false
	}
	return len(f.states) == 0 || slices.Contains(f.states, l.state) ||
		l.state == stateBlocked && slices.Contains(f.states, stateRunning)
}

// runs are those of a query in the order that Temporal has everywhere when it is
// asked for none: those under way first, the others by their end, the last first.
func (s *server) runs(ctx context.Context, query string) iter.Seq2[listed, error] {
	return func(yield func(listed, error) bool) {
		request := &workflowservice.ListWorkflowExecutionsRequest{Namespace: s.options.Namespace, PageSize: listPage, Query: query}
		for {
			page, err := s.listOnce(ctx, request)
			if err != nil {
				yield(listed{}, err)
				return
			}
			for _, info := range page.GetExecutions() {
				if l, ok := listedOf(info); ok && !yield(l, nil) {
					return
				}
			}
			if request.NextPageToken = page.GetNextPageToken(); len(request.NextPageToken) == 0 {
				return
			}
		}
	}
}

func (s *server) listOnce(ctx context.Context, request *workflowservice.ListWorkflowExecutionsRequest) (*workflowservice.ListWorkflowExecutionsResponse, error) {
	ctx, cancel := context.WithTimeout(ctx, callLimit)
	defer cancel()
	return s.ListWorkflow(ctx, request)
}

// listedOf leaves out what another application has under such an id.
func listedOf(info *workflowpb.WorkflowExecutionInfo) (listed, bool) {
	manager, orgID, ok := migrationlink.SplitWorkflowID(info.GetExecution().GetWorkflowId())
	if !ok {
		return listed{}, false
	}
	l := listed{
		run:       linkRun{manager: manager, orgID: orgID}.of(info),
		state:     stateOf(info.GetStatus()),
		startedAt: timeOf(info.GetStartTime()),
	}
	if l.state != stateRunning {
		l.endedAt = timeOf(info.GetCloseTime())
	}
	switch phase := memoOf(info.GetMemo(), migrationlink.PhaseMemo); {
	case l.state == stateRunning && phase == string(migrationlink.PhaseBlocked):
		l.state = stateBlocked
	case l.state == stateFailed && phase == string(migrationlink.OutcomeTimedOut):
		l.state = stateTimedOut
	}
	return l, true
}
