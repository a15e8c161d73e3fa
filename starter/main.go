// Command starter links and unlinks organizations, and is the operator's hand on
// what is under way.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/migrationlink/migrationlink/internal/cli"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second Ctrl-C ends the process at once
	os.Exit(cli.Run(ctx, cli.Process()))
}
