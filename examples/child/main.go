// Command child runs a workflow of a platform that links an organization between two
// steps of its own and waits for the result. Ctrl-C cancels the workflow, and with it
// the link.
package main

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"os/signal"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/contrib/envconfig"
	sdklog "go.temporal.io/sdk/log"
	"go.temporal.io/sdk/worker"

	"github.com/migrationlink/migrationlink"
)

// taskQueue is the platform's own; the link runs on migrationlink.TaskQueue.
const taskQueue = "platform-example"

func main() {
	var request migrationlink.LinkRequest
	flag.StringVar(&request.Manager, "manager", "demo", "a manager that the workers know")
	flag.StringVar(&request.OrgID, "org", "5f1b2c3d4e5f6a7b8c9d0e31", "source organization")
	flag.StringVar(&request.Token.Ref, "token-ref", "env:LINK_TOKEN_DEMO", "where the workers find the link-token")
	flag.Parse()
	if err := run(request); err != nil {
		fmt.Fprintln(os.Stderr, "not moved:", explain(err))
		os.Exit(1)
	}
}

func run(request migrationlink.LinkRequest) error {
	options := envconfig.MustLoadDefaultClientOptions() // TEMPORAL_ADDRESS and the like
	options.Logger = sdklog.NewStructuredLogger(slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelError})))
	temporal, err := client.Dial(options)
	if err != nil {
		return err
	}
	defer temporal.Close()
	w := worker.New(temporal, taskQueue, worker.Options{})
	w.RegisterWorkflow(MoveOrganization)
	w.RegisterActivity(Announce)
	w.RegisterActivity(StartMigration)
	if err := w.Start(); err != nil {
		return err
	}
	defer w.Stop()

	ctx, interrupt := context.Background(), make(chan os.Signal, 1)
	signal.Notify(interrupt, os.Interrupt)
	move, err := temporal.ExecuteWorkflow(ctx, client.StartWorkflowOptions{
		ID: "move-" + request.OrgID, TaskQueue: taskQueue,
		WorkflowExecutionErrorWhenAlreadyStarted: true, // or this would attach to a run that may do something else
	}, MoveOrganization, request)
	if err != nil {
		return err
	}
	go func() {
		<-interrupt
		if err := temporal.CancelWorkflow(ctx, move.GetID(), move.GetRunID()); err != nil {
			fmt.Fprintln(os.Stderr, "not cancelled:", err)
		}
	}()
	return move.Get(ctx, nil)
}
