package starter

import (
	"context"
	"fmt"
	"log/slog"

	sdklog "go.temporal.io/sdk/log"

	"github.com/migrationlink/migrationlink/internal/console"
	"github.com/migrationlink/migrationlink/internal/links"
	"github.com/migrationlink/migrationlink/internal/temporalconn"
)

// connect returns when Temporal has answered. Close the client after use.
func (a *app) connect(ctx context.Context) (*links.Client, error) {
	return links.Connect(ctx, links.Settings{
		Overrides: temporalconn.Overrides{
			Profile: a.profile, Address: a.address, Namespace: a.namespace, Env: console.Variables{Env: a.Env}, Flags: true, Codec: temporalconn.RemoteCodec,
		},
		Logger: a.sdkLogger(), Now: a.Env.Now, CallTimeout: a.Env.CallTimeout, DryRun: a.dryRun,
		Warn: func(err error) {
			if !a.JSON() {
				fmt.Fprintf(a.Env.Stderr, "No traces are sent: %v.\n", err) // for programs of the same shell, perhaps
			}
		},
	})
}

func (a *app) sdkLogger() sdklog.Logger {
	if !a.verbose {
		return sdklog.NewStructuredLogger(slog.New(slog.DiscardHandler))
	}
	return sdklog.NewStructuredLogger(slog.New(slog.NewTextHandler(a.Env.Stderr, &slog.HandlerOptions{Level: slog.LevelDebug})))
}
