package links

import (
	"context"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"
	"time"

	workflowpb "go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"

	"github.com/migrationlink/migrationlink"
	"github.com/migrationlink/migrationlink/internal/dataconv"
	"github.com/migrationlink/migrationlink/internal/temporalconn"
	"github.com/migrationlink/migrationlink/internal/words"
)

// States of a run.
const (
	StateRunning    = "running"
	StateBlocked    = "blocked"
	StateCompleted  = "completed"
	StateFailed     = "failed"
	StateTimedOut   = "timed-out"
	StateCancelled  = "cancelled"
	StateTerminated = "terminated"
)

// States are in the order of the help.
var States = []string{StateRunning, StateBlocked, StateCompleted, StateFailed, StateTimedOut, StateCancelled, StateTerminated}

// PageSize is the most that a server returns at once by default.
const PageSize = 1000

// Listed is one run as a list shows it: what Temporal knows without asking a
// worker, or the history.
type Listed struct {
	Run       Run
	State     string
	StartedAt time.Time
	EndedAt   time.Time // zero while it is running
	Version   string    // of the worker that it is pinned to, such as migrationlink:v1

	Phase        migrationlink.Phase   // empty where it is not known, see AddPhases
	Outcome      migrationlink.Outcome // empty while it is running
	Problem      string                // type of what blocks or ended it
	ProblemSince time.Time

	// Unread is why the memo cannot be decoded, if so: then Outcome and Problem are not known, and a blocked
	// link counts as running.
	Unread error

	// blockedBy is the problem of a link that was cancelled while it was blocked, and has not ended.
	blockedBy string
}

// Filter chooses runs.
type Filter struct {
	States    []string
	Problems  []string // types
	Outcomes  []string
	Manager   string
	OrgID     string
	StartedBy string // a part of the name
	OlderThan time.Duration
	NewerThan time.Duration
	EveryRun  bool // not only the latest of each organization
	Limit     int
	All       bool // without the limit

	// Unlinking also chooses the removal that has begun, or has failed, for an organization whose run
	// before it is chosen. Cancelling also chooses a link that is being cancelled, as if it was still
	// blocked. So a repeated command finds what it has begun.
	Unlinking  bool
	Cancelling bool

	// Certain makes a list fail if the memo of a run cannot be decoded. A filter that depends on the memo
	// fails without it, too.
	Certain bool

	// After is where the page before ended; zero for the first page.
	After Position
}

// query is the part of the filter that Temporal can apply without a search attribute of our
// own and without losing the latest run of an organization: an earlier one would be
// taken for it.
func (f Filter) query() string {
	prefix := migrationlink.WorkflowIDPrefix
	if f.Manager != "" {
		prefix = migrationlink.WorkflowID(f.Manager, f.OrgID)
	}
	clauses := []string{
		fmt.Sprintf("WorkflowType IN (%q, %q)", migrationlink.LinkWorkflow, migrationlink.UnlinkWorkflow),
		fmt.Sprintf("WorkflowId STARTS_WITH %q", prefix),
	}
	statuses := executionStatuses(f.States)
	if len(statuses) > 0 && (f.EveryRun || statuses == `"Running"`) {
		clauses = append(clauses, "ExecutionStatus IN ("+statuses+")")
	}
	if f.NewerThan > 0 {
		clauses = append(clauses, "StartTime > "+queryTime(f.After.AsOf.Add(-f.NewerThan)))
	}
	if f.OlderThan > 0 && f.EveryRun {
		clauses = append(clauses, "StartTime < "+queryTime(f.After.AsOf.Add(-f.OlderThan)))
	}
	return strings.Join(clauses, " AND ")
}

// needsMemo reports whether a run can be chosen only by its memo.
func (f Filter) needsMemo() bool {
	return f.Certain || f.Unlinking || f.Cancelling || f.StartedBy != "" || len(f.Problems)+len(f.Outcomes) > 0 ||
		slices.ContainsFunc(f.States, func(state string) bool { return state != StateRunning && state != StateTerminated })
}

func queryTime(t time.Time) string { return fmt.Sprintf("%q", t.UTC().Format(time.RFC3339Nano)) }

// executionStatuses are Temporal's names of what may be one of the states.
func executionStatuses(states []string) string {
	names := map[string]string{
		StateRunning: `"Running"`, StateBlocked: `"Running"`, StateCompleted: `"Completed"`, StateFailed: `"Failed"`,
		StateTimedOut: `"TimedOut", "Failed"`, StateCancelled: `"Canceled"`, StateTerminated: `"Terminated"`,
	}
	var found []string
	for _, state := range states {
		if !slices.Contains(found, names[state]) {
			found = append(found, names[state])
		}
	}
	return strings.Join(found, ", ")
}

// Collect returns the runs that the filter chooses, and whether there are more.
func (f Filter) Collect(runs iter.Seq2[Listed, error]) (found []Listed, more bool, _ error) {
	for l, err := range f.chosen(runs) {
		switch {
		case err != nil:
			return nil, false, err
		case !f.All && len(found) == f.Limit:
			return found, true, nil
		}
		found = append(found, l)
	}
	return found, false, nil
}

// Each calls do for each run that the filter chooses, whatever its limit.
func (f Filter) Each(runs iter.Seq2[Listed, error], do func(Listed)) error {
	for l, err := range f.chosen(runs) {
		if err != nil {
			return err
		}
		do(l)
	}
	return nil
}

func (f Filter) chosen(runs iter.Seq2[Listed, error]) iter.Seq2[Listed, error] {
	return func(yield func(Listed, error) bool) {
		settled := map[string]bool{}
		removals := map[string]Listed{} // of organizations that are not settled
		for l, err := range runs {
			if err != nil {
				yield(l, err)
				return
			}
			id := l.Run.WorkflowID()
			if !f.EveryRun && settled[id] {
				continue // its latest run came before
			}
			if l.Unread != nil && f.needsMemo() && f.mayWant(l) {
				yield(l, l.Unread)
				return
			}
			latest := l
			if removal, ok := removals[id]; ok {
				latest = removal
			}
			wanted := f.wants(l) || f.Cancelling && f.wants(l.whileBlocked())
			if f.Unlinking && !wanted && l.isUnfinishedRemoval() {
				removals[id] = latest
				continue
			}
			settled[id] = true
			if wanted && f.After.precedes(l) && !yield(latest, nil) {
				return
			}
		}
	}
}

// isUnfinishedRemoval reports whether a run removes a link, or has failed to. One that somebody
// cancelled was to end like that.
func (l Listed) isUnfinishedRemoval() bool {
	open := []migrationlink.Outcome{"", migrationlink.OutcomeFailed, migrationlink.OutcomeTimedOut}
	return l.Run.Unlinks() && slices.Contains(open, l.Outcome)
}

// whileBlocked returns what a list has shown of a link before it was cancelled.
func (l Listed) whileBlocked() Listed {
	if l.blockedBy != "" {
		l.State, l.Problem = StateBlocked, l.blockedBy
	}
	return l
}

// mayWant reports whether the filter can choose a run, whatever its memo says.
func (f Filter) mayWant(l Listed) bool {
	return (f.OlderThan <= 0 || l.StartedAt.Before(f.After.AsOf.Add(-f.OlderThan))) && (f.OrgID == "" || l.Run.OrgID == f.OrgID)
}

func (f Filter) wants(l Listed) bool {
	return f.mayWant(l) && f.wantsState(l) &&
		(len(f.Problems) == 0 || slices.Contains(f.Problems, l.Problem)) &&
		(len(f.Outcomes) == 0 || slices.Contains(f.Outcomes, string(l.Outcome))) &&
		strings.Contains(l.Run.StartedBy, f.StartedBy)
}

func (f Filter) wantsState(l Listed) bool {
	return len(f.States) == 0 || slices.Contains(f.States, l.State) ||
		l.State == StateBlocked && slices.Contains(f.States, StateRunning)
}

// slowCodec is when a codec that fails is not asked again for the same list.
const slowCodec = time.Second

// Runs returns at least what the filter chooses, in the order that every Temporal has for a list:
// running ones first, the others by their end, the last first.
func (c *Client) Runs(ctx context.Context, filter Filter) iter.Seq2[Listed, error] {
	return func(yield func(Listed, error) bool) {
		request := &workflowservice.ListWorkflowExecutionsRequest{PageSize: PageSize, Query: filter.query()}
		stored := c.Stored
		for {
			page, err := c.listPage(ctx, request)
			if err != nil {
				yield(Listed{}, err)
				return
			}
			for _, info := range page.GetExecutions() {
				began := time.Now()
				l, ok := ListedOf(info, stored)
				if l.Unread != nil && time.Since(began) > slowCodec {
					stored = dataconv.Unreadable(l.Unread)
				}
				if ok && !yield(l, nil) {
					return
				}
			}
			if request.NextPageToken = page.GetNextPageToken(); len(request.NextPageToken) == 0 {
				return
			}
		}
	}
}

func (c *Client) listPage(ctx context.Context, request *workflowservice.ListWorkflowExecutionsRequest) (*workflowservice.ListWorkflowExecutionsResponse, error) {
	ctx, cancel := context.WithTimeout(ctx, c.CallTimeout)
	defer cancel()
	return c.ListWorkflow(ctx, request)
}

// Count returns how many runs Temporal has of those that it can filter.
func (c *Client) Count(ctx context.Context, filter Filter) (int64, error) {
	ctx, cancel := context.WithTimeout(ctx, c.CallTimeout)
	defer cancel()
	counted, err := c.CountWorkflow(ctx, &workflowservice.CountWorkflowExecutionsRequest{Query: filter.query()})
	return counted.GetCount(), err
}

// Managers are those of the runs of a filter, as far as a page goes and Temporal answers.
func (c *Client) Managers(ctx context.Context, filter Filter) []string {
	names := map[string]bool{}
	seen := 0
	for l, err := range c.Runs(ctx, filter) {
		if seen++; err != nil || seen > PageSize {
			break
		}
		names[l.Run.Manager] = true
	}
	return slices.Sorted(maps.Keys(names))
}

// Listed returns a run as a list shows it.
func (c *Client) Listed(ctx context.Context, run Run) (Listed, error) {
	described, err := c.describe(ctx, run)
	l, _ := ListedOf(described.GetWorkflowExecutionInfo(), c.Stored)
	return l, err
}

// ListedOf reports false for a workflow of another application.
func ListedOf(info *workflowpb.WorkflowExecutionInfo, stored dataconv.Converters) (Listed, bool) {
	manager, orgID, ok := migrationlink.SplitWorkflowID(info.GetExecution().GetWorkflowId())
	if !ok {
		return Listed{}, false
	}
	memo, unread := memoOf(info, stored)
	l := Listed{
		Run:       Run{Job: words.Job{Manager: manager, OrgID: orgID}}.of(info, memo),
		State:     stateOf(info.GetStatus()),
		StartedAt: TimeOf(info.GetStartTime()),
		Version:   dataconv.Default().Text(info.GetSearchAttributes().GetIndexedFields()[temporalconn.VersionAttribute]),
	}
	if l.State != StateRunning {
		l.EndedAt = TimeOf(info.GetCloseTime())
	}
	l.Unread = unread
	l.addMemo(memo)
	return l, true
}
