package temporalconn

import (
	"context"
	"slices"

	"google.golang.org/grpc"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/anypb"
)

// scrub removes the secrets of the connection from the errors of calls: a server may repeat
// a key. It is the innermost interceptor, so that everything gets the errors without them:
// the log of the SDK, other interceptors, and whoever made the call.
func (s *secrets) scrub(ctx context.Context, method string, request, reply any, conn *grpc.ClientConn, invoke grpc.UnaryInvoker, options ...grpc.CallOption) error {
	err := invoke(ctx, method, request, reply, conn, options...)
	refused, ok := status.FromError(err)
	if err == nil || !ok {
		return err
	}
	clean := refused.Proto() // a copy
	clean.Message = s.remove(clean.GetMessage())
	clean.Details = slices.DeleteFunc(clean.GetDetails(), s.isIn)
	if clean.GetMessage() == refused.Message() && len(clean.GetDetails()) == len(refused.Proto().GetDetails()) {
		return err
	}
	return status.FromProto(clean).Err()
}

// isIn reports whether a detail has a secret. It cannot be removed from there without
// knowledge of the type.
func (s *secrets) isIn(detail *anypb.Any) bool {
	text := string(detail.GetValue())
	return s.remove(text) != text
}
