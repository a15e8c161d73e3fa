package migrationlink_test

import (
	"errors"
	"fmt"
	"io"
	"log/slog"

	sdklog "go.temporal.io/sdk/log"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/workflow"

	"github.com/migrationlink/migrationlink"
)

// A workflow links an organization as one of its steps. The workers of migrationlink run
// the child: here a stand-in runs it in the test environment of the SDK.
func ExampleChildOptions() {
	move := func(ctx workflow.Context, request migrationlink.LinkRequest) (migrationlink.Outcome, error) {
		ctx = workflow.WithChildOptions(ctx, migrationlink.ChildOptions(request))
		var result migrationlink.LinkResult
		err := workflow.ExecuteChildWorkflow(ctx, migrationlink.LinkWorkflow, request).Get(ctx, &result)
		return result.Outcome, err
	}

	environment := newEnvironment()
	environment.RegisterWorkflowWithOptions(
		func(_ workflow.Context, request migrationlink.LinkRequest) (migrationlink.LinkResult, error) {
			return migrationlink.LinkResult{Manager: request.Manager, OrgID: request.OrgID, Outcome: migrationlink.OutcomeLinked}, nil
		}, workflow.RegisterOptions{Name: migrationlink.LinkWorkflow})
	environment.ExecuteWorkflow(move, migrationlink.LinkRequest{
		Manager: "prod", OrgID: "5f1b2c3d4e5f6a7b8c9d0e1f", Token: migrationlink.TokenSource{Ref: "env:LINK_TOKEN_PROD"},
	})

	var outcome migrationlink.Outcome
	if err := environment.GetWorkflowResult(&outcome); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(outcome)
	// Output: linked
}

// The error of a link carries its result, also when a parent returns it as the cause of
// its own error.
func ExampleResultOf() {
	failed := migrationlink.LinkResult{Outcome: migrationlink.OutcomeFailed, Problem: &migrationlink.Problem{
		Type: migrationlink.ErrTokenRejected, Remedy: "Create a new link-token in Atlas.",
	}}
	err := temporal.NewNonRetryableApplicationError("the link failed", failed.Problem.Type, nil, failed)
	err = temporal.NewNonRetryableApplicationError("the organization was not moved", failed.Problem.Type, err)

	result, found := migrationlink.ResultOf(err)
	fmt.Println(found, result.Outcome, result.Problem.Type)
	fmt.Println(result.Problem.Remedy)

	_, found = migrationlink.ResultOf(errors.New("the workflow was terminated"))
	fmt.Println(found)
	// Output:
	// true failed TokenRejected
	// Create a new link-token in Atlas.
	// false
}

// Two requests for one organization have the same workflow id, so they meet.
func ExampleWorkflowID() {
	id := migrationlink.WorkflowID("prod", "5f1b2c3d4e5f6a7b8c9d0e1f")
	fmt.Println(id)

	manager, orgID, ok := migrationlink.SplitWorkflowID(id)
	fmt.Println(manager, orgID, ok)
	// Output:
	// link.prod.5f1b2c3d4e5f6a7b8c9d0e1f
	// prod 5f1b2c3d4e5f6a7b8c9d0e1f true
}

// newEnvironment returns a test environment that logs nothing.
func newEnvironment() *testsuite.TestWorkflowEnvironment {
	var suite testsuite.WorkflowTestSuite
	suite.SetLogger(sdklog.NewStructuredLogger(slog.New(slog.NewTextHandler(io.Discard, nil))))
	return suite.NewTestWorkflowEnvironment()
}
