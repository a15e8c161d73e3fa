package links

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"go.temporal.io/sdk/client"

	"github.com/migrationlink/migrationlink"
)

// readNumber tells the workflows of this process apart.
var readNumber atomic.Int64

// ReadTimeout is above what a workflow may take that reads a manager or Atlas.
const ReadTimeout = 35 * time.Minute

// Assess has a worker assess an organization. Temporal ends the workflow after the timeout.
func (c *Client) Assess(ctx context.Context, request migrationlink.AssessRequest, timeout time.Duration) (found migrationlink.Assessment, _ error) {
	return found, c.read(ctx, migrationlink.AssessWorkflow, "Assess organization "+request.OrgID, request, timeout, &found)
}

// Organizations has a worker read one page of the organizations that it can see.
func (c *Client) Organizations(ctx context.Context, request migrationlink.OrganizationsRequest) (found migrationlink.Organizations, _ error) {
	return found, c.read(ctx, migrationlink.OrganizationsWorkflow, "List the organizations of manager "+request.Manager, request, ReadTimeout, &found)
}

// ProjectsInAtlas has a worker read which projects of an organization Atlas shows.
func (c *Client) ProjectsInAtlas(ctx context.Context, request migrationlink.ProjectsRequest) (found migrationlink.ProjectsInAtlas, _ error) {
	return found, c.read(ctx, migrationlink.ProjectsWorkflow, "List what Atlas shows of organization "+request.OrgID, request, ReadTimeout, &found)
}

// read runs a workflow that changes nothing. A caller that ends takes it along.
func (c *Client) read(ctx context.Context, workflow, summary string, request any, timeout time.Duration, into any) error {
	run, err := c.ExecuteWorkflow(ctx, client.StartWorkflowOptions{
		ID:                       fmt.Sprint(migrationlink.TaskQueue, ".read.", c.Now().UnixNano(), ".", readNumber.Add(1)),
		TaskQueue:                migrationlink.TaskQueue,
		WorkflowExecutionTimeout: timeout,
		StaticSummary:            summary,
	}, workflow, request)
	if err != nil {
		return err
	}
	err = run.Get(ctx, into)
	if ctx.Err() != nil {
		ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		_ = c.CancelWorkflow(ending, run.GetID(), run.GetRunID()) // its timeout ends it, too
	}
	return answerOf(err)
}
