package chaos_test

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"
	historypb "go.temporal.io/api/history/v1"
	"go.temporal.io/api/workflowservice/v1"

	"github.com/migrationlink/migrationlink"
	"github.com/migrationlink/migrationlink/opsmanager/opsmanagertest"
)

// shownInFull bounds how many violations are printed with their story. All of them are
// in violations.txt in the directory of -keep.
const shownInFull = 12

// report judges every account and prints the faults, the outcomes and the violations.
func (c *campaign) report() {
	c.collect()
	secrets := c.secrets()
	outcomes, rules := map[string]int{}, map[string]int{}
	runs, doubts, missed, shown := 0, 0, 0, 0
	var all, brief strings.Builder
	answers := firstAnswers{}
	for _, a := range c.accounts {
		for _, r := range a.runs {
			answers.read(r)
		}
	}
	for _, a := range c.accounts {
		a.answers = answers
		for _, r := range a.runs {
			runs++
			outcomes[r.workflow+": "+r.outcome()]++
			if r.result != nil && r.result.InDoubt {
				doubts++
			}
			if a.missed(r) {
				missed++
			}
		}
		found := append(a.judge(), a.secretsIn(secrets)...)
		if len(found) == 0 {
			continue
		}
		var text strings.Builder
		for _, v := range found {
			rules[v.rule]++
			fmt.Fprintf(&brief, "  %s: %s: %s\n", a.request.Link.OrgID, v.rule, v.text)
			fmt.Fprintf(&text, "VIOLATION %s: %s\n", v.rule, v.text)
		}
		story := c.story(a)
		fmt.Fprintf(&all, "%s\n%s%s\n", a.request.Link.OrgID, &text, story)
		if shown++; shown <= shownInFull {
			text.WriteString(story)
		}
		c.t.Errorf("seed %d, organization %s\n%s", *seed, a.request.Link.OrgID, &text)
	}
	c.must(os.WriteFile(filepath.Join(c.dir, "violations.txt"), []byte(all.String()), 0o600))
	for _, v := range c.secretsInLogs(secrets) {
		rules[v.rule]++
		fmt.Fprintf(&brief, "  logs: %s: %s\n", v.rule, v.text)
		c.t.Errorf("VIOLATION %s: %s", v.rule, v.text)
	}
	c.t.Logf("seed %d, %s, %d links asked for, %d workflows, %d results in doubt, %d gave up on a link that was SYNCED\n%s%s%s%s%s", *seed, *duration, len(c.accounts), runs, doubts, missed,
		table("faults injected", c.injected), table("requests that a manager spoiled", c.hits), table("outcomes", outcomes), table("violations", rules), &brief) // last, so that the end of a log tells what is wrong
}

// table lists counts by name.
func table(title string, counts map[string]int) string {
	total := 0
	var lines strings.Builder
	for _, name := range slices.Sorted(maps.Keys(counts)) {
		total += counts[name]
		fmt.Fprintf(&lines, "  %5d  %s\n", counts[name], name)
	}
	return fmt.Sprintf("\n%s: %d of %d kinds\n%s", title, total, len(counts), &lines)
}

// collect reads the history of every workflow and the evidence of the managers.
func (c *campaign) collect() {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	byID := map[string]*account{}
	var states []opsmanagertest.State
	for _, g := range c.gates {
		states = append(states, g.State())
	}
	for _, a := range c.accounts {
		byID[migrationlink.WorkflowID(a.request.Link.Manager, a.request.Link.OrgID)] = a
		state := states[slices.Index(managerNames, a.request.Link.Manager)]
		a.events = state.Orgs[a.request.Link.OrgID].Events
	}
	for _, execution := range c.executions(ctx) {
		a, known := byID[execution.workflowID]
		require.True(c.t, known, "nobody asked for %s", execution.workflowID)
		var events []*historypb.HistoryEvent
		iterator := c.client.GetWorkflowHistory(ctx, execution.workflowID, execution.runID, false, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
		for iterator.HasNext() {
			event, err := iterator.Next()
			require.NoError(c.t, err)
			events = append(events, event)
		}
		a.runs = append(a.runs, newRun(events))
	}
	for _, a := range c.accounts {
		slices.SortFunc(a.runs, func(x, y run) int { return x.started.Compare(y.started) })
	}
}

type execution struct{ workflowID, runID string }

func (c *campaign) executions(ctx context.Context) (all []execution) {
	c.t.Helper()
	var page []byte
	for {
		listed, err := c.client.ListWorkflow(ctx, &workflowservice.ListWorkflowExecutionsRequest{NextPageToken: page})
		require.NoError(c.t, err)
		for _, found := range listed.GetExecutions() {
			all = append(all, execution{found.GetExecution().GetWorkflowId(), found.GetExecution().GetRunId()})
		}
		if page = listed.GetNextPageToken(); len(page) == 0 {
			return all
		}
	}
}

// secrets returns what nothing may show, by name.
func (c *campaign) secrets() map[string]string {
	secrets := map[string]string{}
	for _, line := range c.env {
		name, value, _ := strings.Cut(line, "=")
		switch name {
		case "LINK_TOKEN_DEMO", "DEMO_PRIVATE_KEY", "DEMO_ATLAS_PRIVATE_KEY", "DEMO_IDENTITY":
			secrets[name] = value
		}
	}
	require.Len(c.t, secrets, 4)
	return secrets
}

func (c *campaign) secretsInLogs(secrets map[string]string) (found []violation) {
	for _, p := range slices.Concat(c.workers, []*program{c.temporal}) {
		content, err := os.ReadFile(p.log)
		c.must(err)
		for _, name := range leaks(content, secrets) {
			found = append(found, violation{noSecret, name + " in " + filepath.Base(p.log)})
		}
	}
	return found
}

// story returns what happened around a violation.
func (c *campaign) story(a *account) string {
	var text strings.Builder
	fmt.Fprintf(&text, "request: %+v\n", a.request)
	for _, r := range a.runs {
		fmt.Fprintf(&text, "%s: %s\n", r.workflow, summary(r.history))
		if r.result != nil {
			fmt.Fprintf(&text, "  result: %+v\n", *r.result)
			if r.result.Problem != nil {
				fmt.Fprintf(&text, "  problem: %+v\n", *r.result.Problem)
			}
		}
	}
	fmt.Fprintf(&text, "manager: %+v\n", a.events)
	for _, call := range c.gateOf(a.request.Link.Manager).callsOf(a.request.Link.OrgID) {
		fmt.Fprintf(&text, "  %s\n", call)
	}
	for _, call := range a.calls {
		fmt.Fprintf(&text, "starter: exit code %d: %s\n", call.code, strings.TrimSpace(call.stderr))
	}
	text.WriteString("faults meanwhile:\n")
	for _, l := range c.log {
		if len(a.runs) > 0 && l.at.After(a.runs[0].started.Add(-5*time.Second)) && l.at.Before(a.lastEnd().Add(time.Second)) {
			fmt.Fprintf(&text, "  %s %s\n", l.at.UTC().Format(clock), l.text)
		}
	}
	return text.String()
}

func (a *account) lastEnd() time.Time {
	end := a.runs[len(a.runs)-1].closed
	if end.IsZero() {
		return time.Now()
	}
	return end
}

// summary returns a history in a few lines, without the events that every step has.
func summary(events []*historypb.HistoryEvent) string {
	var text strings.Builder
	for _, event := range events {
		name := strings.TrimPrefix(event.GetEventType().String(), "EVENT_TYPE_")
		detail := ""
		switch event.GetEventType() {
		case enumspb.EVENT_TYPE_WORKFLOW_TASK_SCHEDULED, enumspb.EVENT_TYPE_WORKFLOW_TASK_STARTED, enumspb.EVENT_TYPE_WORKFLOW_TASK_COMPLETED,
			enumspb.EVENT_TYPE_WORKFLOW_PROPERTIES_MODIFIED, enumspb.EVENT_TYPE_UPSERT_WORKFLOW_SEARCH_ATTRIBUTES:
			continue
		case enumspb.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED:
			detail = event.GetActivityTaskScheduledEventAttributes().GetActivityType().GetName()
		case enumspb.EVENT_TYPE_ACTIVITY_TASK_STARTED:
			started := event.GetActivityTaskStartedEventAttributes()
			detail = fmt.Sprintf("attempt %d %s", started.GetAttempt(), started.GetLastFailure().GetMessage())
		case enumspb.EVENT_TYPE_ACTIVITY_TASK_FAILED:
			detail = event.GetActivityTaskFailedEventAttributes().GetFailure().GetMessage()
		case enumspb.EVENT_TYPE_ACTIVITY_TASK_TIMED_OUT:
			failure := event.GetActivityTaskTimedOutEventAttributes().GetFailure()
			detail = fmt.Sprintf("%s: %s", failure.GetTimeoutFailureInfo().GetTimeoutType(), failure.GetCause().GetMessage())
		case enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED:
			detail = event.GetWorkflowExecutionSignaledEventAttributes().GetSignalName()
		}
		fmt.Fprintf(&text, "\n  %3d %s %s %s", event.GetEventId(), event.GetEventTime().AsTime().Format(clock), name, detail)
	}
	return text.String()
}
