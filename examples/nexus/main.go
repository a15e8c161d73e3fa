// Command nexus runs a workflow in another namespace than that of the workers. It links
// an organization through Nexus and reads its status.
package main

import (
	"context"
	"encoding/json"
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

const taskQueue = "platform-example"

func main() {
	var request migrationlink.LinkRequest
	namespace := flag.String("namespace", "platform", "namespace of the calling workflow")
	flag.StringVar(&request.Manager, "manager", "demo", "a manager that the workers know")
	flag.StringVar(&request.OrgID, "org", "5f1b2c3d4e5f6a7b8c9d0e32", "source organization")
	flag.StringVar(&request.Token.Ref, "token-ref", "env:LINK_TOKEN_DEMO", "where the workers find the link-token")
	flag.Parse()
	if err := run(*namespace, request); err != nil {
		fmt.Fprintln(os.Stderr, "not linked:", explain(err))
		os.Exit(1)
	}
}

func run(namespace string, request migrationlink.LinkRequest) error {
	options := envconfig.MustLoadDefaultClientOptions() // TEMPORAL_ADDRESS and the like
	options.Namespace = namespace
	options.Logger = sdklog.NewStructuredLogger(slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelError})))
	temporal, err := client.Dial(options)
	if err != nil {
		return err
	}
	defer temporal.Close()
	w := worker.New(temporal, taskQueue, worker.Options{})
	w.RegisterWorkflow(LinkFromAbroad)
	if err := w.Start(); err != nil {
		return err
	}
	defer w.Stop()

	ctx, interrupt := context.Background(), make(chan os.Signal, 1)
	signal.Notify(interrupt, os.Interrupt)
	caller, err := temporal.ExecuteWorkflow(ctx, client.StartWorkflowOptions{
		ID: "link-" + request.OrgID, TaskQueue: taskQueue,
		WorkflowExecutionErrorWhenAlreadyStarted: true, // or this would attach to a run that may do something else
	}, LinkFromAbroad, request)
	if err != nil {
		return err
	}
	go func() {
		<-interrupt
		if err := temporal.CancelWorkflow(ctx, caller.GetID(), caller.GetRunID()); err != nil {
			fmt.Fprintln(os.Stderr, "not cancelled:", err)
		}
	}()
	var status migrationlink.Status
	if err := caller.Get(ctx, &status); err != nil {
		return err
	}
	printer := json.NewEncoder(os.Stdout)
	printer.SetIndent("", "  ")
	return printer.Encode(status)
}
