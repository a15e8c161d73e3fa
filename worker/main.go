// Worker runs the workflows and activities of migrationlink.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/migrationlink/migrationlink/internal/worker"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	// A second signal ends the process at once.
	context.AfterFunc(ctx, stop)
	os.Exit(worker.Run(ctx, os.Args[1:], os.Stdout, os.Stderr, nil, nil))
}
