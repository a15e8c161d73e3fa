package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/log"

	"github.com/migrationlink/migrationlink/internal/temporalconn"
	"github.com/migrationlink/migrationlink/internal/tracing"
)

// callLimit is for one call to a Temporal that has answered before, and leaves
// room to say within 10 s that it does not any more.
const callLimit = 8 * time.Second

// server is the Temporal that the links run in.
type server struct {
	client.Client
	options temporalconn.Options
	flush   func(context.Context) error // sends the traces, if there are any
}

// Close ends the connection.
func (s *server) Close() {
	s.Client.Close()
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	_ = s.flush(ctx) // whoever collects traces may be away
}

// connect returns when Temporal has answered. Close the server after use.
func (a *app) connect(ctx context.Context) (*server, error) {
	options, err := temporalconn.Load(temporalconn.Overrides{
		Profile: a.profile, Address: a.address, Namespace: a.namespace, Env: variables{a.env}, Flags: true,
	})
	if err != nil {
		return nil, err
	}
	options.Logger = a.sdkLogger()
	s := &server{}
	if s.flush, err = tracing.Start(ctx, "starter", &options.Options, func(error) {}); err != nil && !a.json() {
		fmt.Fprintf(a.env.Stderr, "No traces are sent: %v.\n", err) // for programs of the same shell, perhaps
	}
	s.options = options
	s.Client, err = options.Dial(ctx)
	return s, s.explain(ctx, err)
}

func (a *app) sdkLogger() log.Logger {
	if !a.verbose {
		return log.NewStructuredLogger(slog.New(slog.DiscardHandler))
	}
	return log.NewStructuredLogger(slog.New(slog.NewTextHandler(a.env.Stderr, &slog.HandlerOptions{Level: slog.LevelDebug})))
}

// explain turns an error of a call to Temporal into one for the operator.
func (s *server) explain(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	if _, ok := errors.AsType[failure](err); ok {
		return err
	}
	if _, ok := errors.AsType[conflict](err); ok {
		return err
	}
	if ctx.Err() != nil {
		return failure{ExitOther, "interrupted before Temporal answered", "What it did is shown by 'starter status'."}
	}
	if known, ok := errors.AsType[*temporalconn.Error](s.options.Explain(err)); ok {
		return known
	}
	return failure{ExitOther, fmt.Sprintf("Temporal at %s: %v", s.options.HostPort, err), ""}
}

// isLate tells whether no worker has answered an update in time.
func isLate(err error) bool {
	_, late := errors.AsType[*client.WorkflowUpdateServiceTimeoutOrCanceledError](err)
	return late
}

func isNotFound(err error) bool {
	_, ok := errors.AsType[*serviceerror.NotFound](err)
	return ok
}
