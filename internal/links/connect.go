// Package links is the client of Temporal for links: it starts or joins, observes, lists, counts and
// controls them, and reads their results. It returns data and typed errors; their words
// are those of its callers.
package links

import (
	"cmp"
	"context"
	"time"

	"go.temporal.io/sdk/client"
	sdklog "go.temporal.io/sdk/log"
	"google.golang.org/grpc"

	"github.com/migrationlink/migrationlink"
	"github.com/migrationlink/migrationlink/internal/dataconv"
	"github.com/migrationlink/migrationlink/internal/temporalconn"
	"github.com/migrationlink/migrationlink/internal/tracing"
)

// callTimeout is for one call to a Temporal that has answered before, and leaves
// room to say within 10 s that it does not any more.
const callTimeout = 8 * time.Second

// Client is the Temporal that the links run in.
type Client struct {
	client.Client
	Options     temporalconn.Options
	Stored      dataconv.Converters
	Now         func() time.Time
	CallTimeout time.Duration

	flush func(context.Context) error // sends the traces, if there are any
	dry   *dryRun                     // nil where calls are made
}

// New returns a client for a connection that the caller closes.
func New(temporal client.Client, stored dataconv.Converters) *Client {
	return &Client{Client: temporal, Stored: stored, Now: time.Now, CallTimeout: callTimeout}
}

// Settings are those of a connection.
type Settings struct {
	temporalconn.Overrides
	Logger      sdklog.Logger
	Now         func() time.Time
	CallTimeout time.Duration // 0 means the usual one
	Warn        func(error)   // gets the reason why no traces are sent
	DryRun      bool          // keeps back each call that changes something, see Kept
}

// Connect returns when Temporal has answered. Close the client after use.
func Connect(ctx context.Context, settings Settings) (*Client, error) {
	options, err := temporalconn.Load(settings.Overrides)
	if err != nil {
		return nil, err
	}
	options.Logger = settings.Logger
	c := &Client{Now: settings.Now, CallTimeout: cmp.Or(settings.CallTimeout, callTimeout)}
	if c.flush, err = tracing.Start(ctx, "starter", &options.Options, func(error) {}); err != nil {
		settings.Warn(err)
	}
	c.Stored = dataconv.Of(options.Options)
	if settings.DryRun {
		c.dry = &dryRun{stored: c.Stored}
		options.ConnectionOptions.DialOptions = append(options.ConnectionOptions.DialOptions, grpc.WithChainUnaryInterceptor(c.dry.intercept))
	}
	c.Options = options
	c.Client, err = options.Dial(ctx)
	return c, c.Explain(ctx, err)
}

// Close ends the connection.
func (c *Client) Close() {
	c.Client.Close()
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	_ = c.flush(ctx) // the collector of traces may be away
}

// Starter starts and joins links for a user.
func (c *Client) Starter(user string) *migrationlink.Client {
	return migrationlink.NewClient(c.Client, migrationlink.ClientOptions{DataConverter: c.Stored.Data, StartedBy: user, CallTimeout: c.CallTimeout})
}
