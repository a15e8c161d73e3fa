// Command empty is the smallest worker that the SDK allows: workflows of activities
// that do nothing. It shows what Temporal itself costs. The benchmark builds it in the
// root module, with the same SDK and the same flags as the worker.
package main

import (
	"context"
	"log"
	"os"
	"time"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"
)

func main() {
	temporal, err := client.Dial(client.Options{HostPort: os.Getenv("TEMPORAL_ADDRESS")})
	if err != nil {
		log.Fatal(err)
	}
	defer temporal.Close()
	w := worker.New(temporal, "empty", worker.Options{})
	w.RegisterWorkflow(OneActivity)
	w.RegisterWorkflow(TwoActivities)
	w.RegisterActivity(Nothing)
	if err := w.Run(worker.InterruptCh()); err != nil {
		log.Print(err)
	}
}

// OneActivity executes one empty activity.
func OneActivity(ctx workflow.Context) error {
	ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{StartToCloseTimeout: time.Minute})
	return workflow.ExecuteActivity(ctx, Nothing).Get(ctx, nil)
}

// TwoActivities executes two empty activities, one after the other.
func TwoActivities(ctx workflow.Context) error {
	if err := OneActivity(ctx); err != nil {
		return err
	}
	return OneActivity(ctx)
}

// Nothing does nothing.
func Nothing(context.Context) error { return nil }
