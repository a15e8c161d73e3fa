package temporalconn_test

import (
	"bytes"
	"context"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/errordetails/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/migrationlink/migrationlink/internal/logging"
	"github.com/migrationlink/migrationlink/internal/temporalconn"
)

// Whoever answers a query decides how long its error is, and to look for secrets in it takes memory.
func TestALongErrorOfTemporalIsNotSearched(t *testing.T) {
	t.Parallel()
	refusal, err := status.New(codes.InvalidArgument, strings.Repeat("x", 2<<20)).WithDetails(&errordetails.PermissionDeniedFailure{Reason: strings.Repeat("y", 1<<20)})
	require.NoError(t, err)
	server := &answering{next: func() error { return nil }, describe: func(context.Context) error { return refusal.Err() }}
	options, err := temporalconn.Load(temporalconn.Overrides{
		Address: server.listen(t).HostPort, Env: environment{"TEMPORAL_GRPC_META_X_ACCESS": "s3cret/Header+Value"},
	})
	require.NoError(t, err)
	client, err := options.Dial(t.Context())
	require.NoError(t, err)
	defer client.Close()

	_, err = client.DescribeWorkflow(t.Context(), "w", "")
	require.ErrorContains(t, err, "an error of 2097152 bytes, which is too long to be shown")
	require.Less(t, len(err.Error()), 1000)
}

func TestAServerThatRepeatsASecretIsNotQuoted(t *testing.T) {
	t.Parallel()
	const secret = "s3cret/Header+Value"
	refusal, err := status.New(codes.PermissionDenied, "no access for "+secret).
		WithDetails(&errordetails.PermissionDeniedFailure{Reason: secret}, &errordetails.PermissionDeniedFailure{Reason: "closed"})
	require.NoError(t, err)
	server := &answering{next: func() error { return nil }, describe: func(context.Context) error { return refusal.Err() }}
	options, err := temporalconn.Load(temporalconn.Overrides{
		Address: server.listen(t).HostPort, Env: environment{"TEMPORAL_GRPC_META_X_ACCESS": secret},
	})
	require.NoError(t, err)
	var log bytes.Buffer
	logger, err := logging.New("debug", logging.JSON, &log)
	require.NoError(t, err)
	options.Logger = logging.ForTemporal(logger)
	var seen error // by an interceptor that the caller has added, as that of polls
	options.ConnectionOptions.DialOptions = append(options.ConnectionOptions.DialOptions, grpc.WithChainUnaryInterceptor(
		func(ctx context.Context, method string, request, reply any, conn *grpc.ClientConn, invoke grpc.UnaryInvoker, callOptions ...grpc.CallOption) error {
			err := invoke(ctx, method, request, reply, conn, callOptions...)
			if strings.HasSuffix(method, "DescribeWorkflowExecution") {
				seen = err
			}
			return err
		}))
	client, err := options.Dial(t.Context())
	require.NoError(t, err)
	defer client.Close()

	_, err = client.DescribeWorkflow(t.Context(), "w", "")
	options.Logger.Error("A call failed.", "Error", err)
	require.ErrorContains(t, err, "no access for ")
	require.Equal(t, codes.PermissionDenied, status.Code(seen))
	require.Len(t, status.Convert(seen).Details(), 1)
	for _, text := range []string{err.Error(), seen.Error(), status.Convert(seen).Proto().String(), log.String()} {
		require.NotContains(t, text, secret)
		require.NotEmpty(t, text)
	}
}
