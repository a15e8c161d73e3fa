package command

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/contrib/envconfig"
	"go.uber.org/zap"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/migrationlink/migrationlink/internal/logging"
)

// dialLimit leaves room to say within 10 s that Temporal is not there.
const dialLimit = 8 * time.Second

// temporalOptions come from the variables and profiles of Temporal itself.
func temporalOptions(logger *zap.Logger) (client.Options, error) {
	options, err := envconfig.LoadDefaultClientOptions()
	if err != nil {
		return client.Options{}, wrongUsage(fmt.Errorf(
			"the configuration of the Temporal connection cannot be used: %w; correct the TEMPORAL_* variables or the profile", err))
	}
	if options.HostPort == "" {
		options.HostPort = client.DefaultHostPort
	}
	if options.Namespace == "" {
		options.Namespace = client.DefaultNamespace
	}
	options.Logger = logging.ForTemporal(logger)
	options.ConnectionOptions.GetSystemInfoTimeout = dialLimit
	return options, nil
}

// dial returns when Temporal has answered. It does not wait for one that is not
// there yet: who supervises the worker starts it again.
func dial(ctx context.Context, options client.Options) (client.Client, error) {
	ctx, cancel := context.WithTimeout(ctx, dialLimit)
	defer cancel()
	temporal, err := client.DialContext(ctx, options)
	if err == nil || refused(err) {
		return temporal, explain(options, err)
	}
	return nil, unreachable(options, err) // a wrong port may answer anything
}

// explain turns an error of Temporal into one for the operator.
func explain(options client.Options, err error) error {
	_, noNamespace := errors.AsType[*serviceerror.NamespaceNotFound](err)
	switch {
	case err == nil:
		return nil
	case noNamespace:
		return fmt.Errorf("temporal at %s has no namespace %q; create it, or set TEMPORAL_NAMESPACE or the profile",
			options.HostPort, options.Namespace)
	case refused(err):
		return fmt.Errorf("temporal at %s refuses these credentials for namespace %q: %s; check TEMPORAL_API_KEY, the TLS client certificate and TEMPORAL_NAMESPACE",
			options.HostPort, options.Namespace, reason(err))
	case codeOf(err) == codes.Unavailable:
		return unreachable(options, err)
	}
	return err
}

func unreachable(options client.Options, err error) error {
	return exitError{ExitUnreachable, fmt.Errorf(
		"temporal cannot be reached at %s: %s; check that it runs, and set TEMPORAL_ADDRESS or a profile to its host:port, and TEMPORAL_TLS if it wants TLS",
		options.HostPort, reason(err))}
}

func refused(err error) bool {
	code := codeOf(err)
	return code == codes.PermissionDenied || code == codes.Unauthenticated
}

func codeOf(err error) codes.Code {
	if found, ok := errors.AsType[serviceerror.ServiceError](err); ok {
		return found.Status().Code()
	}
	return status.Code(err) // not every code has a type of its own
}

// reason is the part of a gRPC error that says something.
func reason(err error) string {
	text := strings.TrimPrefix(err.Error(), "failed reaching server: ")
	if _, after, found := strings.Cut(text, "Error while dialing: "); found {
		text = strings.TrimSuffix(after, `"`)
	}
	return text
}
