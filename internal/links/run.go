package links

import (
	"context"

	commonpb "go.temporal.io/api/common/v1"
	enumspb "go.temporal.io/api/enums/v1"
	historypb "go.temporal.io/api/history/v1"
	workflowpb "go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"

	"github.com/migrationlink/migrationlink"
	"github.com/migrationlink/migrationlink/internal/dataconv"
	"github.com/migrationlink/migrationlink/internal/temporalerr"
	"github.com/migrationlink/migrationlink/internal/words"
)

// Run is one run of a workflow that works on the link of one organization. An empty RunID means
// the latest.
type Run struct {
	words.Job
	RunID     string
	StartedBy string
}

// RunOf returns the run that a start has found or made.
func RunOf(job words.Job, run *migrationlink.Run) Run {
	job.Workflow = run.Workflow
	return Run{job, run.RunID, words.OneLine(run.StartedBy)}
}

// of adds what Temporal knows of the run.
func (r Run) of(info *workflowpb.WorkflowExecutionInfo, memo map[string]string) Run {
	r.RunID, r.Workflow = info.GetExecution().GetRunId(), info.GetType().GetName()
	r.StartedBy = words.OneLine(migrationlink.StartedBy(memo[migrationlink.StartedByMemo]))
	return r
}

// memoOf returns what the memo of a run says. The error is that of a payload codec.
func memoOf(info *workflowpb.WorkflowExecutionInfo, stored dataconv.Converters) (map[string]string, error) {
	return stored.MemoTexts(info.GetMemo(), migrationlink.StartedByMemo, migrationlink.PhaseMemo, migrationlink.ProblemMemo, migrationlink.ProblemSinceMemo)
}

// Running returns the run that is running now, so that the one that is called is the one shown.
func (c *Client) Running(ctx context.Context, job words.Job) (Run, error) {
	run := Run{Job: job}
	described, err := c.describe(ctx, run)
	switch {
	case temporalerr.NotFound(err):
		return run, c.NotFound(job)
	case err != nil:
		return run, c.Explain(ctx, err)
	}
	info := described.GetWorkflowExecutionInfo()
	memo, _ := memoOf(info, c.Stored) // without it, nobody is known to have started it
	run = run.of(info, memo)
	if state := stateOf(info.GetStatus()); state != StateRunning {
		return run, &NotRunning{run, state}
	}
	return run, nil
}

// Latest returns the latest run for an organization.
func (c *Client) Latest(ctx context.Context, job words.Job) (Run, error) {
	run := Run{Job: job}
	described, err := c.describe(ctx, run)
	return run.of(described.GetWorkflowExecutionInfo(), nil), err
}

// Result waits for the end of a run.
func (c *Client) Result(ctx context.Context, run Run) (migrationlink.LinkResult, error) {
	return c.Starter("").Result(ctx, run.WorkflowID(), run.RunID)
}

// Request reads from the history what a link was asked for, with the link-token of
// the last retry that named one.
func (c *Client) Request(ctx context.Context, run Run) (migrationlink.LinkRequest, error) {
	ctx, cancel := context.WithTimeout(ctx, c.CallTimeout)
	defer cancel()
	var link migrationlink.LinkRequest
	events := c.GetWorkflowHistory(ctx, run.WorkflowID(), run.RunID, false, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	for events.HasNext() {
		event, err := events.Next()
		if err != nil {
			return migrationlink.LinkRequest{}, err
		}
		if started := event.GetWorkflowExecutionStartedEventAttributes(); started != nil {
			if err := c.Stored.Data.FromPayloads(started.GetInput(), &link); err != nil {
				return migrationlink.LinkRequest{}, err
			}
		}
		var retry migrationlink.RetryRequest
		payloads := retryOf(event)
		if payloads == nil || c.Stored.Data.FromPayloads(payloads, &retry) != nil || retry.Token == nil {
			continue
		}
		retried := link
		retried.Token = *retry.Token
		if retried.Validate() == nil { // as the workflow does not take every one
			link = retried
		}
	}
	return link, nil
}

// Asked is Request for a run of either workflow.
func (c *Client) Asked(ctx context.Context, run Run) (migrationlink.StartRequest, error) {
	if !run.Unlinks() {
		link, err := c.Request(ctx, run)
		return migrationlink.NewStartRequest(link), err
	}
	ctx, cancel := context.WithTimeout(ctx, c.CallTimeout)
	defer cancel()
	first, err := c.GetWorkflowHistory(ctx, run.WorkflowID(), run.RunID, false, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT).Next()
	var unlink migrationlink.UnlinkRequest
	if err == nil {
		err = c.Stored.Data.FromPayloads(first.GetWorkflowExecutionStartedEventAttributes().GetInput(), &unlink)
	}
	return migrationlink.NewStartRequest(unlink), err
}

// retryOf returns the payload of a retry, by the signal or by the update; nil of another event.
func retryOf(event *historypb.HistoryEvent) *commonpb.Payloads {
	if signal := event.GetWorkflowExecutionSignaledEventAttributes(); signal.GetSignalName() == migrationlink.RetrySignal {
		return signal.GetInput()
	}
	if update := event.GetWorkflowExecutionUpdateAcceptedEventAttributes().GetAcceptedRequest().GetInput(); update.GetName() == migrationlink.RetryUpdate {
		return update.GetArgs()
	}
	return nil
}

func (c *Client) describe(ctx context.Context, run Run) (*workflowservice.DescribeWorkflowExecutionResponse, error) {
	return c.Describe(ctx, run.WorkflowID(), run.RunID)
}

// Describe returns Temporal's own answer. DescribeWorkflow, which replaces this deprecated call,
// returns the memo from SDK 1.51 on, and the embedded server in dev needs an older one.
func (c *Client) Describe(ctx context.Context, workflowID, runID string) (*workflowservice.DescribeWorkflowExecutionResponse, error) {
	ctx, cancel := context.WithTimeout(ctx, c.CallTimeout)
	defer cancel()
	return c.DescribeWorkflowExecution(ctx, workflowID, runID) //nolint:staticcheck // see above
}
