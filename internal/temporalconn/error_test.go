package temporalconn_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/serviceerror"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/migrationlink/migrationlink/internal/temporalconn"
)

const (
	reach  = "Check that it runs. Set TEMPORAL_ADDRESS or a profile to its host:port, and TEMPORAL_TLS if it uses TLS."
	create = "Create it, or set TEMPORAL_NAMESPACE or the profile."
	check  = "Check TEMPORAL_API_KEY, the TLS client certificate and TEMPORAL_NAMESPACE."
)

var connectionErrors = map[string]struct {
	err   error
	flags bool
	want  temporalconn.Error
}{
	"nobody listens": {
		err: fmt.Errorf("failed reaching server: %w", serviceerror.NewUnavailable(
			`connection error: desc = "transport: Error while dialing: dial tcp 10.0.0.1:7233: connect: connection refused"`)),
		want: temporalconn.Error{
			Kind:    temporalconn.Unreachable,
			Message: "Temporal cannot be reached at h:1 (dial tcp 10.0.0.1:7233: connect: connection refused)",
			Remedy:  reach,
		},
	},
	"silence": {
		err:  fmt.Errorf("failed reaching server: %w", context.DeadlineExceeded),
		want: temporalconn.Error{Kind: temporalconn.Unreachable, Message: "Temporal cannot be reached at h:1 (no answer in time)", Remedy: reach},
	},
	"silence, with flags": {
		err:   serviceerror.NewDeadlineExceeded("context deadline exceeded"),
		flags: true,
		want: temporalconn.Error{
			Kind:    temporalconn.Unreachable,
			Message: "Temporal cannot be reached at h:1 (no answer in time)",
			Remedy:  "Check that it runs. Set TEMPORAL_ADDRESS, --address or a profile to its host:port, and TEMPORAL_TLS if it uses TLS.",
		},
	},
	"a store that is away": {
		err: serviceerror.NewUnavailable("ListWorkflowExecutions operation failed: visibility store is shutting down"),
		want: temporalconn.Error{
			Kind:    temporalconn.Unavailable,
			Message: "Temporal at h:1 cannot do that now (ListWorkflowExecutions operation failed: visibility store is shutting down)",
			Remedy:  "Wait a moment and repeat the command. If that does not help, look at the log of Temporal and at its database.",
		},
	},
	"no such namespace": {
		err:  fmt.Errorf("temporal refuses the worker: %w", serviceerror.NewNamespaceNotFound("n")),
		want: temporalconn.Error{Kind: temporalconn.NoNamespace, Message: `Temporal at h:1 has no namespace "n"`, Remedy: create},
	},
	"no such namespace, with flags": {
		err:   serviceerror.NewNamespaceNotFound("n"),
		flags: true,
		want: temporalconn.Error{
			Kind:    temporalconn.NoNamespace,
			Message: `Temporal at h:1 has no namespace "n"`,
			Remedy:  "Create it, or set TEMPORAL_NAMESPACE, --namespace or the profile.",
		},
	},
	"no permission": {
		err: serviceerror.NewPermissionDenied("Request unauthorized.", ""),
		want: temporalconn.Error{
			Kind:    temporalconn.Refused,
			Message: `Temporal at h:1 refuses these credentials for namespace "n": Request unauthorized.`,
			Remedy:  check,
		},
	},
	"unknown caller": {
		err: status.Error(codes.Unauthenticated, "no such key"),
		want: temporalconn.Error{
			Kind:    temporalconn.Refused,
			Message: `Temporal at h:1 refuses these credentials for namespace "n": no such key`,
			Remedy:  check,
		},
	},
}

func TestAConnectionErrorHasItsKindAndRemedy(t *testing.T) {
	t.Parallel()
	for name, test := range connectionErrors {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			options, err := temporalconn.Load(temporalconn.Overrides{Address: "h:1", Namespace: "n", Env: nothing{}, Flags: test.flags})
			require.NoError(t, err)
			require.Equal(t, &test.want, options.Explain(test.err))
		})
	}
	other := errors.New("manager demo: no base URL")
	require.Same(t, other, temporalconn.Options{}.Explain(other), "what is not of the connection stays as it is")
	require.NoError(t, temporalconn.Options{}.Explain(nil))
}

// nothing is an environment without the configuration of this machine.
type nothing struct{}

func (nothing) Environ() []string { return nil }

func (nothing) LookupEnv(name string) (string, bool) {
	if name == "TEMPORAL_CONFIG_FILE" {
		return "does-not-exist.toml", true
	}
	return "", false
}
