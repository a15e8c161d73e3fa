// Command starter links and unlinks organizations, and is the operator's hand on
// what is running.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/migrationlink/migrationlink/internal/console"
	"github.com/migrationlink/migrationlink/internal/starter"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second Ctrl-C ends the process at once
	os.Exit(starter.Run(ctx, console.Process()))
}
