package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/contrib/envconfig"
	"go.temporal.io/sdk/log"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

const (
	// dialLimit leaves room to say within 10 s that Temporal is not there.
	dialLimit = 8 * time.Second
	// callLimit is for one call to a Temporal that has answered before.
	callLimit = 8 * time.Second
)

// server is the Temporal that the links run in.
type server struct {
	client.Client
	address   string
	namespace string
}

// connect returns when Temporal has answered. Close the server after use.
func (a *app) connect(ctx context.Context) (*server, error) {
	options, err := envconfig.LoadClientOptions(envconfig.LoadClientOptionsRequest{
		ConfigFileProfile: a.profile,
		EnvLookup:         variables{a.env},
	})
	if err != nil {
		return nil, failure{ExitOther, "the configuration of the Temporal connection cannot be used: " + err.Error(),
			"Correct the TEMPORAL_* variables or the profile."}
	}
	options.HostPort = firstOf(a.address, options.HostPort, client.DefaultHostPort)
	options.Namespace = firstOf(a.namespace, options.Namespace, client.DefaultNamespace)
	options.Logger = a.sdkLogger()
	found := &server{address: options.HostPort, namespace: options.Namespace}

	dialCtx, cancel := context.WithTimeout(ctx, dialLimit)
	defer cancel()
	if found.Client, err = a.env.dial(dialCtx, options); err == nil {
		return found, nil
	}
	if reason := found.explain(ctx, err); ctx.Err() != nil || refused(err) {
		return nil, reason
	}
	return nil, found.unreachable(err) // a wrong port may answer anything
}

func (a *app) sdkLogger() log.Logger {
	if !a.verbose {
		return log.NewStructuredLogger(slog.New(slog.DiscardHandler))
	}
	return log.NewStructuredLogger(slog.New(slog.NewTextHandler(a.env.Stderr, &slog.HandlerOptions{Level: slog.LevelDebug})))
}

// explain turns an error of a call to Temporal into one for the operator.
func (s *server) explain(ctx context.Context, err error) error {
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return failure{ExitOther, "interrupted before Temporal answered", "What it did is shown by 'starter status'."}
	}
	if _, ok := errors.AsType[*serviceerror.NamespaceNotFound](err); ok {
		return failure{ExitOther, fmt.Sprintf("Temporal at %s has no namespace %q", s.address, s.namespace),
			"Set TEMPORAL_NAMESPACE, --namespace or the profile."}
	}
	switch {
	case silent(err):
		return s.unreachable(err)
	case refused(err):
		return failure{ExitOther, fmt.Sprintf("Temporal at %s refuses these credentials for namespace %q: %v", s.address, s.namespace, err),
			"Check TEMPORAL_API_KEY, the TLS client certificate and TEMPORAL_NAMESPACE."}
	}
	return failure{ExitOther, fmt.Sprintf("Temporal at %s: %v", s.address, err), ""}
}

func (s *server) unreachable(err error) error {
	return failure{ExitUnreachable, fmt.Sprintf("Temporal cannot be reached at %s (%s)", s.address, dialReason(err)),
		"Check that it runs, and set TEMPORAL_ADDRESS, --address or a profile to its host:port, and TEMPORAL_TLS if it wants TLS."}
}

// silent tells whether err says nothing but that Temporal does not answer now.
func silent(err error) bool {
	code := codeOf(err)
	return code == codes.Unavailable || code == codes.DeadlineExceeded
}

// refused tells whether err says that the caller may not do this.
func refused(err error) bool {
	code := codeOf(err)
	return code == codes.PermissionDenied || code == codes.Unauthenticated
}

func codeOf(err error) codes.Code {
	if errors.Is(err, context.DeadlineExceeded) {
		return codes.DeadlineExceeded
	}
	if found, ok := errors.AsType[serviceerror.ServiceError](err); ok {
		return found.Status().Code()
	}
	return status.Code(err) // not every code has a type of its own
}

func isNotFound(err error) bool {
	_, ok := errors.AsType[*serviceerror.NotFound](err)
	return ok
}

// dialReason is the part of a gRPC error that says something.
func dialReason(err error) string {
	if codeOf(err) == codes.DeadlineExceeded {
		return "no answer in time"
	}
	text := err.Error()
	for _, noise := range []string{"Error while dialing: ", "desc = "} {
		if _, after, found := strings.Cut(text, noise); found {
			text = after
		}
	}
	return strings.Trim(strings.TrimPrefix(text, "failed reaching server: "), `"`)
}

func firstOf(values ...string) string {
	for _, value := range values {
		if value != "" {
			return value
		}
	}
	return ""
}
