package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/workflow"

	"github.com/migrationlink/migrationlink"
)

// callersQueue is the task queue of the workflows that link.
const callersQueue = "callers"

const (
	// startsAtOnce bounds the concurrent calls that start a link.
	startsAtOnce  = 64
	startAttempts = 5
)

// contender is a way to link, or a rival.
type contender struct {
	name string
	// read is the read after the creation that sees SYNCED; 0 means any.
	read int
	// begin starts it and returns what waits for its end.
	begin func(ctx context.Context, s *system, orgID string) (wait func(context.Context) error, err error)
}

// run runs it to its end.
func (c contender) run(ctx context.Context, s *system) error {
	orgID := newOrg()
	if err := s.manager.expect(orgID, c.read); err != nil {
		return err
	}
	s.starting <- struct{}{}
	wait, err := c.begin(ctx, s, orgID)
	<-s.starting
	if err != nil {
		return fmt.Errorf("start %s: %w", c.name, err)
	}
	if err := wait(ctx); err != nil {
		return fmt.Errorf("%s: %w", c.name, err)
	}
	return nil
}

// CreateLink ends with a read, so the n-th poll of a link is the read n+1.
var (
	emptyOnce  = contender{oneEmpty, 0, workflowOf("empty", "OneActivity")}
	emptyTwice = contender{twoEmpty, 0, workflowOf("empty", "TwoActivities")}
	timerLoop  = contender{loop, 8, workflowOf("loop", "PollingLoop")}
	plainLink  = contender{direct, 0, beginLink}
	clientLink = contender{accepted, 0, beginThroughClient}
	fewPolls   = contender{"link, 2 polls", 3, beginLink}
	polledLink = contender{polled, 9, beginLink}
	childLink  = contender{asChild, 0, callerOf(linkAsChild)}
	nexusLink  = contender{abroad, 0, beginThroughNexus}
)

func workflowOf(queue, name string) func(context.Context, *system, string) (func(context.Context) error, error) {
	return func(ctx context.Context, s *system, orgID string) (func(context.Context) error, error) {
		return waitFor(execute(ctx, s.temporal, client.StartWorkflowOptions{ID: name + "." + orgID, TaskQueue: queue}, name, orgID))
	}
}

// execute starts a workflow. A server that is very busy may not answer in time: the same
// id finds what was started.
func execute(ctx context.Context, c client.Client, options client.StartWorkflowOptions, name, input any) (run client.WorkflowRun, err error) {
	for range startAttempts {
		run, err = c.ExecuteWorkflow(ctx, options, name, input)
		if _, late := errors.AsType[*serviceerror.DeadlineExceeded](err); !late && !errors.Is(err, context.DeadlineExceeded) {
			break
		}
	}
	return run, err
}

func waitFor(run client.WorkflowRun, err error) (func(context.Context) error, error) {
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context) error { return run.Get(ctx, nil) }, nil
}

// linkRequest never ends by its deadline during a benchmark.
func linkRequest(orgID string) migrationlink.LinkRequest {
	return migrationlink.LinkRequest{
		Manager: managerName, OrgID: orgID, Token: migrationlink.TokenSource{Ref: "env:LINK_TOKEN_BENCH"},
		CreateTimeout: "2h", SyncTimeout: "24h",
	}
}

// startLink starts a link as any program does that knows only Temporal.
func startLink(ctx context.Context, s *system, orgID string) (client.WorkflowRun, error) {
	return execute(ctx, s.temporal, client.StartWorkflowOptions{
		ID: migrationlink.WorkflowID(managerName, orgID), TaskQueue: migrationlink.TaskQueue,
	}, migrationlink.LinkWorkflow, linkRequest(orgID))
}

func beginLink(ctx context.Context, s *system, orgID string) (func(context.Context) error, error) {
	return waitFor(startLink(ctx, s, orgID))
}

// beginThroughClient starts a link as starter does.
func beginThroughClient(ctx context.Context, s *system, orgID string) (func(context.Context) error, error) {
	links := migrationlink.NewClient(s.temporal, migrationlink.ClientOptions{StartedBy: "bench", CallTimeout: time.Minute})
	run, err := links.Start(ctx, migrationlink.NewStartRequest(linkRequest(orgID)))
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context) error {
		_, err := run.Result(ctx)
		return err
	}, nil
}

func callerOf(caller any) func(context.Context, *system, string) (func(context.Context) error, error) {
	return func(ctx context.Context, s *system, orgID string) (func(context.Context) error, error) {
		return waitFor(execute(ctx, s.temporal, client.StartWorkflowOptions{ID: "caller." + orgID, TaskQueue: callersQueue}, caller, linkRequest(orgID)))
	}
}

func beginThroughNexus(ctx context.Context, s *system, orgID string) (func(context.Context) error, error) {
	return waitFor(execute(ctx, s.platform, client.StartWorkflowOptions{ID: "caller." + orgID, TaskQueue: callersQueue}, linkThroughNexus, linkRequest(orgID)))
}

func linkAsChild(ctx workflow.Context, request migrationlink.LinkRequest) (result migrationlink.LinkResult, _ error) {
	ctx = workflow.WithChildOptions(ctx, migrationlink.ChildOptions(request))
	err := workflow.ExecuteChildWorkflow(ctx, migrationlink.LinkWorkflow, request).Get(ctx, &result)
	return result, err
}

func linkThroughNexus(ctx workflow.Context, request migrationlink.LinkRequest) (result migrationlink.LinkResult, _ error) {
	service := workflow.NewNexusClient(migrationlink.NexusEndpoint, migrationlink.NexusService)
	err := service.ExecuteOperation(ctx, migrationlink.LinkOperation, request, workflow.NexusOperationOptions{}).Get(ctx, &result)
	return result, err
}
